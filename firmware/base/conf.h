/* conf: INI files read through one table, so that defaults, limits, help and errors cannot differ.
 *
 * A program lists its keys in a table of struct conf_key and gets: parsing into its struct, limits,
 * `--defaults` and errors of the form "file:line: key: what is wrong, what to do".  All errors of a
 * file are collected (the first CONF_ERRORS_MAX), not only the first.  An unknown key, a repeated
 * key, a bad value and a value outside its limits are errors.  Files with sections of free names
 * ("[lock 1]", registers of sites) are read by conf_each, whose callback may use the same tables.
 *
 * The file: `key = value` under `[section]`; comments begin with ; or # at the start of a line, or
 * with " ;" after a value.  Values of CONF_DURATION carry their unit: 500 ms, 30 s, 5 min, 2 h, 1
 * d.
 *
 * Promises (tests/base/conf_test.c, tests/fuzz/conf_fuzz.c): any bytes are a configuration or a
 * list of errors; a value that is stored is within its limits; conf_print_defaults writes a file
 * that loads to the defaults once what must be given is given.  The only user of inih.
 * Memory: the caller's structs, no heap beyond stdio's.  Threads: one at a time (inih has global
 * settings).  Time: none. */
#ifndef MOORWATCH_CONF_H
#define MOORWATCH_CONF_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONF_KEYS_MAX = 128,  /* keys of one table */
    CONF_LINE_MAX = 190,  /* bytes of one line of a file */
    CONF_NAME_MAX = 47,   /* bytes of a section's or key's name */
    CONF_ERRORS_MAX = 24, /* errors kept of one file; the rest is counted */
    CONF_ERROR_BYTES = 320,
};

/* What the member at `offset` is. */
enum conf_type {
    CONF_STR,      /* char[size]; min..max: its length in bytes */
    CONF_PATH,     /* the same; empty, or absolute, or relative to the working directory */
    CONF_BOOL,     /* bool: yes/no, true/false, on/off, 1/0 */
    CONF_U16,      /* uint16_t */
    CONF_U32,      /* uint32_t */
    CONF_I32,      /* int32_t */
    CONF_I64,      /* int64_t */
    CONF_F64,      /* double; min..max in whole units: for degrees and rates only */
    CONF_DURATION, /* int64_t nanoseconds; min..max in milliseconds */
    CONF_CHOICE,   /* unsigned: the index in `choices` */
};

struct conf_key {
    const char *section; /* NULL: any (sections of free names) */
    const char *name;
    enum conf_type type;
    size_t offset, size;
    int64_t min, max;    /* inclusive; both 0: the type's own limits (text: size - 1) */
    const char *def;     /* as it would stand in the file; NULL: the file must give it */
    const char *choices; /* CONF_CHOICE: "plain|json" */
    const char *unit;    /* for --defaults: "mph"; NULL: none */
    const char *help;    /* one sentence */
};

/* offset and size of a member, for tables. */
#define CONF_AT(type, member) offsetof(type, member), sizeof(((type *)0)->member)

struct conf_errors {
    const char *path; /* as shown */
    unsigned count;   /* all that were met */
    char text[CONF_ERRORS_MAX][CONF_ERROR_BYTES];
};

/* One `key = value` of a file; the strings live during the callback only. */
struct conf_item {
    const char *section, *name, *value;
    int line;
};

/* Which keys of a table have been given: zeroed before the first conf_set of an object. */
struct conf_seen {
    uint8_t bits[CONF_KEYS_MAX / 8];
};

/* Begins an empty list of errors about `path` (kept, not copied). */
void conf_errors_init(struct conf_errors *errors, const char *path);
/* Adds "path:line: key: ...".  line 0: the file as a whole; key NULL: none. */
void conf_error(struct conf_errors *errors, int line, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* One per line; says how many more there were. */
void conf_errors_print(const struct conf_errors *errors, FILE *out);

/* Sets *object to the defaults (absent ones: zero), reads the file over it, checks that what must
 * be given was.  0; ERR_INVAL with errors listed; ERR_NOENT, ERR_ACCESS ... with one error listed
 * if the file cannot be read.  *object is filled as far as possible in every case. */
MUST int conf_load(const struct conf_key *keys, size_t count, void *object, const char *path,
                   struct conf_errors *errors);
/* The same from text in memory; errors->path as given to conf_errors_init. */
MUST int conf_load_text(const struct conf_key *keys, size_t count, void *object, const char *text,
                        size_t len, struct conf_errors *errors);

/* Calls each(arg, item, errors) for every key = value of a file, in order.  0, or ERR_INVAL if
 * errors were listed (by the callback too), or why the file cannot be read (also listed). */
typedef void conf_each_fn(void *arg, const struct conf_item *item, struct conf_errors *errors);
MUST int conf_each(const char *path, conf_each_fn *each, void *arg, struct conf_errors *errors);
MUST int conf_each_text(const char *text, size_t len, conf_each_fn *each, void *arg,
                        struct conf_errors *errors);

/* The parts of conf_load, for files with sections of free names: defaults first, conf_set for each
 * item, conf_missing at the end. */
void conf_defaults(const struct conf_key *keys, size_t count, void *object);
void conf_set(const struct conf_key *keys, size_t count, void *object, struct conf_seen *seen,
              const struct conf_item *item, struct conf_errors *errors);
/* `where` names the section for the reader, NULL: the key's own. */
void conf_missing(const struct conf_key *keys, size_t count, const struct conf_seen *seen,
                  const char *where, struct conf_errors *errors);

/* Writes a commented file with every key at its default. */
void conf_print_defaults(const struct conf_key *keys, size_t count, const char *title, FILE *out);

#endif
