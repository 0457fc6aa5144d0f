/* slow_names: preloaded into a daemon, the name server that does not answer: every look-up takes
 * SLOW_NAMES_MS, and fails. */
#include <netdb.h>
#include <stdlib.h>
#include <time.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list) {
    const char *text = getenv("SLOW_NAMES_MS");
    long ms = text != NULL ? strtol(text, NULL, 10) : 0;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_list;
    (void)nanosleep(&t, NULL);
    return EAI_AGAIN;
}
