/* err: the one set of error codes.
 *
 * A fallible function returns int: >= 0 is good (often a count), < 0 is one of these, whose values
 * are those of -errno, so that a system call's failure passes through unchanged.  Out-parameters
 * are named ret_x, stand last and are untouched on failure; the object is then as it was before
 * the call, or its header says otherwise.
 *
 * Guarded by tests/base/err_test.c.  Memory, threads: none, static text only. */
#ifndef MOORWATCH_ERR_H
#define MOORWATCH_ERR_H

/* The result of a fallible function is never dropped in silence. */
#define MUST __attribute__((warn_unused_result))

enum err {
    ERR_PERM = -1,       /* not allowed */
    ERR_NOENT = -2,      /* no such thing */
    ERR_INTR = -4,       /* interrupted */
    ERR_IO = -5,         /* the disk or the line failed */
    ERR_AGAIN = -11,     /* nothing now, or full now: come back later */
    ERR_NOMEM = -12,     /* out of memory */
    ERR_ACCESS = -13,    /* permission denied by the system */
    ERR_BUSY = -16,      /* somebody else holds it */
    ERR_EXIST = -17,     /* is there already */
    ERR_NODEV = -19,     /* the hardware is not there */
    ERR_INVAL = -22,     /* the caller's values make no sense */
    ERR_NOSPACE = -28,   /* disk or quota full */
    ERR_READONLY = -30,  /* the disk is read-only */
    ERR_RANGE = -34,     /* a value outside its limits */
    ERR_TOOLONG = -36,   /* a name or line longer than allowed */
    ERR_PROTO = -71,     /* the peer broke the protocol */
    ERR_BADMSG = -74,    /* bytes that do not decode */
    ERR_OVERFLOW = -75,  /* more than the bound */
    ERR_VERSION = -95,   /* a version or option that this program does not know */
    ERR_NOTCONN = -107,  /* no connection */
    ERR_TIMEDOUT = -110, /* too late */
    ERR_STALE = -116,    /* refers to what is no longer there */
    ERR_KEY = -129,      /* a key that does not fit, or a signature that does not hold */
};

/* Words for an error, for people: never NULL, static.  A positive value is "success"; a system
 * error without words of ours has the C library's. */
const char *err_text(int err);

#endif
