#include "pack.h"

const uint8_t PACK_DICTIONARY[] = {0};
const size_t PACK_DICTIONARY_BYTES = sizeof PACK_DICTIONARY;
