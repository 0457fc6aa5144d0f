/* Any file as a recording: it is refused with words, or read to its end in full frames. */
#include "iq_wav.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct iq_source *s) {
    struct doppler_iq iq[512];
    int64_t t_ns, last_ns = -1;
    int n = 0;
    /* A few bytes of FLAC can stand for hours. */
    for (unsigned i = 0; i < 200 && (n = s->read(s->ctx, 0, iq, 512, &t_ns)) > 0; i++) {
        assert(n <= 512 && t_ns > last_ns);
        last_ns = t_ns;
    }
    assert(n > 0 || n == ERR_NOENT);
    s->close(s->ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[32];
    struct iq_source s;
    const char *why = NULL;
    int fd = memfd_create("iq_wav_fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    (void)iq_wav_is(path);
    if (iq_wav_open_fast(path, &s, &why) == 0)
        play(&s);
    else
        assert(why != NULL);
    close(fd);
    return 0;
}
