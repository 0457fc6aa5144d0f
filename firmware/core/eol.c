#include "eol.h"

void eol_init(struct eol *e, int32_t rest_mv, int32_t tolerance_mv) {
    *e = (struct eol){.rest_mv = rest_mv, .tolerance_mv = tolerance_mv};
}

static enum eol_state says(const struct eol *e, int32_t mv) {
    if (mv > e->rest_mv + e->tolerance_mv)
        return EOL_CUT;
    return mv < e->rest_mv - e->tolerance_mv ? EOL_SHORT : EOL_WHOLE;
}

bool eol_reading(struct eol *e, int32_t mv) {
    enum eol_state now = says(e, mv);
    e->agreed = now == e->seen ? e->agreed + 1 : 1;
    e->seen = now;
    if (e->agreed < EOL_SURE || now == e->state)
        return false;
    e->state = now;
    return true;
}
