#include "err.h"
#include <stddef.h>
#include <string.h>

enum { ERR_LOWEST = -4095 /* what a system call may return */ };

static const struct {
    int err;
    const char *text;
} WORDS[] = {
    {ERR_PERM, "not allowed"},
    {ERR_NOENT, "no such thing"},
    {ERR_INTR, "interrupted"},
    {ERR_IO, "input or output failed"},
    {ERR_AGAIN, "not now, try again"},
    {ERR_NOMEM, "out of memory"},
    {ERR_ACCESS, "permission denied"},
    {ERR_BUSY, "in use by another"},
    {ERR_EXIST, "exists already"},
    {ERR_NODEV, "no such device"},
    {ERR_INVAL, "invalid value"},
    {ERR_NOSPACE, "no space left"},
    {ERR_READONLY, "read-only"},
    {ERR_RANGE, "out of range"},
    {ERR_TOOLONG, "too long"},
    {ERR_PROTO, "protocol broken by the peer"},
    {ERR_BADMSG, "does not decode"},
    {ERR_OVERFLOW, "larger than the bound"},
    {ERR_VERSION, "unknown version"},
    {ERR_NOTCONN, "not connected"},
    {ERR_TIMEDOUT, "timed out"},
    {ERR_STALE, "no longer there"},
    {ERR_KEY, "key or signature does not fit"},
};

const char *err_text(int err) {
    if (err >= 0)
        return "success";
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (WORDS[i].err == err)
            return WORDS[i].text;
    /* Static text in the untranslated tongue; NULL for a number that the system does not know. */
    const char *text = err >= ERR_LOWEST ? strerrordesc_np(-err) : NULL;
    return text != NULL ? text : "unknown error";
}
