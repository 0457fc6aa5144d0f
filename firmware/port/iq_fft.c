#include "iq_fft.h"
#include <kiss_fft.h>

_Static_assert(sizeof(struct doppler_iq) == sizeof(kiss_fft_cpx), "one layout of a complex number");
_Static_assert(offsetof(struct doppler_iq, q) == offsetof(kiss_fft_cpx, i), "real part first");

static void run(void *ctx, const struct doppler_iq *in, struct doppler_iq *out) {
    kiss_fft(ctx, (const kiss_fft_cpx *)(const void *)in, (kiss_fft_cpx *)(void *)out);
}

int iq_fft_open(uint32_t bins, struct doppler_fft *ret_fft) {
    if (bins < DOPPLER_BINS_MIN || bins > DOPPLER_BINS_MAX || (bins & (bins - 1)) != 0)
        return ERR_RANGE;
    size_t bytes = 0;
    (void)kiss_fft_alloc((int)bins, 0, NULL, &bytes);
    void *memory = malloc(bytes);
    if (memory == NULL)
        return ERR_NOMEM;
    ret_fft->ctx = kiss_fft_alloc((int)bins, 0, memory, &bytes);
    ret_fft->run = run;
    return 0;
}

void iq_fft_close(struct doppler_fft *fft) {
    free(fft->ctx);
    fft->ctx = NULL;
}
