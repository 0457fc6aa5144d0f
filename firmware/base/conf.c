#include "conf.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

enum { WHY_BYTES = 160 };

/* --- errors ------------------------------------------------------------------------------- */

void conf_errors_init(struct conf_errors *errors, const char *path) {
    errors->path = path;
    errors->count = 0;
}

void conf_error(struct conf_errors *errors, int line, const char *key, const char *format, ...) {
    if (errors->count++ >= CONF_ERRORS_MAX)
        return;
    char where[16] = "", *text = errors->text[errors->count - 1];
    if (line > 0)
        snprintf(where, sizeof where, ":%d", line);
    int n = snprintf(text, CONF_ERROR_BYTES, "%s%s: %s%s", errors->path, where,
                     key != NULL ? key : "", key != NULL ? ": " : "");
    if (n < 0 || n >= CONF_ERROR_BYTES)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text + n, CONF_ERROR_BYTES - (size_t)n, format, args);
    va_end(args);
}

void conf_errors_print(const struct conf_errors *errors, FILE *out) {
    for (unsigned i = 0; i < errors->count && i < CONF_ERRORS_MAX; i++)
        fprintf(out, "%s\n", errors->text[i]);
    if (errors->count > CONF_ERRORS_MAX)
        fprintf(out, "%s: and %u more errors\n", errors->path, errors->count - CONF_ERRORS_MAX);
}

/* --- text to values: each says why not, or stores and returns true ------------------------- */

typedef bool parse_fn(const struct conf_key *key, const char *text, void *at, char *why);

static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(char *why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, WHY_BYTES, format, args);
    va_end(args);
    return false;
}

static bool parse_text(const struct conf_key *key, const char *text, void *at, char *why) {
    size_t len = strlen(text), most = key->size - 1;
    if (key->max > 0 && (size_t)key->max < most)
        most = (size_t)key->max;
    if (len > most)
        return refuse(why, "longer than %zu characters", most);
    if (len < (size_t)key->min)
        return refuse(why, len == 0 ? "must not be empty" : "too short");
    memset(at, 0, key->size);
    memcpy(at, text, len);
    return true;
}

static bool parse_bool(const struct conf_key *key, const char *text, void *at, char *why) {
    static const char *const WORDS[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    (void)key;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (strcasecmp(text, WORDS[i]) == 0) {
            *(bool *)at = i % 2 == 1;
            return true;
        }
    return refuse(why, "\"%.40s\" is neither yes nor no", text);
}

static bool whole_number(const char *text, int64_t *ret_value, const char **ret_end, char *why) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text)
        return refuse(why, "\"%.40s\" is not a whole number", text);
    if (errno == ERANGE)
        return refuse(why, "%.40s is far too large", text);
    *ret_value = v;
    *ret_end = end;
    return true;
}

static bool within(const struct conf_key *key, int64_t value, int64_t low, int64_t high,
                   const char *text, const char *unit, char *why) {
    if (key->min != 0 || key->max != 0) {
        low = key->min;
        high = key->max;
    }
    if (value < low)
        return refuse(why, "%.40s is below %" PRId64 "%s", text, low, unit);
    if (value > high)
        return refuse(why, "%.40s is above %" PRId64 "%s", text, high, unit);
    return true;
}

static bool parse_integer(const struct conf_key *key, const char *text, void *at, char *why) {
    int64_t v = 0, low = INT64_MIN, high = INT64_MAX;
    const char *end = text;
    if (!whole_number(text, &v, &end, why))
        return false;
    if (*end != '\0')
        return refuse(why, "\"%.40s\" is not a whole number", text);
    if (key->type == CONF_U16 || key->type == CONF_U32) {
        low = 0;
        high = key->type == CONF_U16 ? UINT16_MAX : UINT32_MAX;
    } else if (key->type == CONF_I32) {
        low = INT32_MIN;
        high = INT32_MAX;
    }
    if (!within(key, v, low, high, text, "", why))
        return false;
    switch (key->type) {
    case CONF_U16:
        *(uint16_t *)at = (uint16_t)v;
        break;
    case CONF_U32:
        *(uint32_t *)at = (uint32_t)v;
        break;
    case CONF_I32:
        *(int32_t *)at = (int32_t)v;
        break;
    default:
        *(int64_t *)at = v;
    }
    return true;
}

static bool parse_f64(const struct conf_key *key, const char *text, void *at, char *why) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(v) || strpbrk(text, "xXnN") != NULL)
        return refuse(why, "\"%.40s\" is not a number", text);
    if ((key->min != 0 || key->max != 0) && (v < (double)key->min || v > (double)key->max))
        return refuse(why, "%.40s is outside %" PRId64 " to %" PRId64, text, key->min, key->max);
    *(double *)at = v;
    return true;
}

static const struct {
    const char *name;
    int64_t ms;
} UNITS[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};

static bool parse_duration(const struct conf_key *key, const char *text, void *at, char *why) {
    int64_t v = 0, scale = -1;
    const char *end = text;
    if (!whole_number(text, &v, &end, why))
        return false;
    end += strspn(end, " \t");
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++)
        if (strcmp(end, UNITS[i].name) == 0)
            scale = UNITS[i].ms;
    if (scale < 0 && *end == '\0' && v == 0)
        scale = 1;
    if (scale < 0)
        return refuse(why, "\"%.40s\" needs one of the units ms, s, min, h, d", text);
    if (v < 0 || v > INT64_C(36500) * 86400000 / scale)
        return refuse(why, "%.40s is not a sensible time", text);
    if (!within(key, v * scale, 0, INT64_MAX, text, " ms", why))
        return false;
    *(int64_t *)at = v * scale * 1000000;
    return true;
}

static bool parse_choice(const struct conf_key *key, const char *text, void *at, char *why) {
    size_t len = strlen(text);
    unsigned index = 0;
    for (const char *p = key->choices;; index++) {
        size_t n = strcspn(p, "|");
        if (n == len && strncmp(p, text, n) == 0) {
            *(unsigned *)at = index;
            return true;
        }
        if (p[n] == '\0')
            return refuse(why, "\"%.40s\" is none of %s", text, key->choices);
        p += n + 1;
    }
}

static parse_fn *const PARSE[] = {
    [CONF_STR] = parse_text,      [CONF_PATH] = parse_text,   [CONF_BOOL] = parse_bool,
    [CONF_U16] = parse_integer,   [CONF_U32] = parse_integer, [CONF_I32] = parse_integer,
    [CONF_I64] = parse_integer,   [CONF_F64] = parse_f64,     [CONF_DURATION] = parse_duration,
    [CONF_CHOICE] = parse_choice,
};

/* --- tables -------------------------------------------------------------------------------- */

static bool store(const struct conf_key *key, void *object, const char *text, char *why) {
    return PARSE[key->type](key, text, (char *)object + key->offset, why);
}

void conf_defaults(const struct conf_key *keys, size_t count, void *object) {
    assert(count <= CONF_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        char why[WHY_BYTES];
        memset((char *)object + keys[i].offset, 0, keys[i].size);
        if (keys[i].def != NULL) {
            bool fits = store(&keys[i], object, keys[i].def, why);
            assert(fits && "a default outside its own limits");
        }
    }
}

static const struct conf_key *find(const struct conf_key *keys, size_t count,
                                   const struct conf_item *item, bool *ret_section_known) {
    *ret_section_known = false;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].section != NULL && strcmp(keys[i].section, item->section) != 0)
            continue;
        *ret_section_known = true;
        if (strcmp(keys[i].name, item->name) == 0)
            return &keys[i];
    }
    return NULL;
}

void conf_set(const struct conf_key *keys, size_t count, void *object, struct conf_seen *seen,
              const struct conf_item *item, struct conf_errors *errors) {
    bool section_known;
    char why[WHY_BYTES];
    const struct conf_key *key = find(keys, count, item, &section_known);
    if (key == NULL && !section_known)
        conf_error(errors, item->line, item->name, "unknown section [%s]", item->section);
    else if (key == NULL)
        conf_error(errors, item->line, item->name, "unknown key in [%s]", item->section);
    if (key == NULL)
        return;
    size_t i = (size_t)(key - keys);
    if ((seen->bits[i / 8] >> (i % 8) & 1) != 0)
        conf_error(errors, item->line, item->name, "given twice");
    seen->bits[i / 8] |= (uint8_t)(1u << (i % 8));
    if (!store(key, object, item->value, why))
        conf_error(errors, item->line, item->name, "%s", why);
}

void conf_missing(const struct conf_key *keys, size_t count, const struct conf_seen *seen,
                  const char *where, struct conf_errors *errors) {
    for (size_t i = 0; i < count; i++)
        if (keys[i].def == NULL && (seen->bits[i / 8] >> (i % 8) & 1) == 0)
            conf_error(errors, 0, NULL, "[%s] %s: missing: %s",
                       where != NULL ? where : keys[i].section, keys[i].name, keys[i].help);
}

/* --- files --------------------------------------------------------------------------------- */

struct source {
    FILE *file; /* NULL: text */
    const char *text;
    size_t len, pos;
    int line;
    conf_each_fn *each;
    void *arg;
    struct conf_errors *errors;
};

static int source_byte(struct source *s) {
    if (s->file != NULL)
        return getc(s->file);
    return s->pos < s->len ? (unsigned char)s->text[s->pos++] : EOF;
}

/* inih's reader: counts the lines, which inih as packaged does not tell its handler, and refuses
 * what inih would cut or misread. */
static char *source_line(char *buf, int cap, void *stream) {
    struct source *s = stream;
    size_t n = 0, most = (size_t)cap - 1 < CONF_LINE_MAX ? (size_t)cap - 1 : CONF_LINE_MAX;
    const char *wrong = NULL;
    int c = source_byte(s);
    if (c == EOF)
        return NULL;
    for (; c != EOF && c != '\n'; c = source_byte(s)) {
        if (c < ' ' && c != '\t' && c != '\r')
            wrong = "a control character in the line";
        else if (n < most)
            buf[n++] = (char)c;
        else
            wrong = "the line is too long";
    }
    s->line++;
    buf[n] = '\0';
    char first = buf[strspn(buf, " \t")];
    if (wrong != NULL && first != ';' && first != '#') {
        conf_error(s->errors, s->line, NULL, "%s", wrong);
        buf[0] = '\0';
    }
    return buf;
}

static int source_item(void *user, const char *section, const char *name, const char *value) {
    struct source *s = user;
    struct conf_item item = {section, name, value, s->line};
    if (value == NULL)
        conf_error(s->errors, s->line, NULL, "\"%.40s\" is not of the form key = value", name);
    else if (name[0] == '\0')
        conf_error(s->errors, s->line, NULL, "no key before the =");
    else if (strlen(section) > CONF_NAME_MAX || strlen(name) > CONF_NAME_MAX)
        conf_error(s->errors, s->line, NULL, "a name longer than %d characters", CONF_NAME_MAX);
    else
        s->each(s->arg, &item, s->errors);
    return 1;
}

static int source_run(struct source *s) {
    ini_allow_multiline = false; /* an indented key is a key */
    ini_allow_no_value = true;   /* so that every such line is reported, not only the first */
    int bad_line = ini_parse_stream(source_line, s, source_item, s);
    if (bad_line > 0)
        conf_error(s->errors, bad_line, NULL, "a section needs a closing ]");
    return s->errors->count > 0 ? ERR_INVAL : 0;
}

int conf_each_text(const char *text, size_t len, conf_each_fn *each, void *arg,
                   struct conf_errors *errors) {
    struct source s = {.text = text, .len = len, .each = each, .arg = arg, .errors = errors};
    return source_run(&s);
}

int conf_each(const char *path, conf_each_fn *each, void *arg, struct conf_errors *errors) {
    struct source s = {.each = each, .arg = arg, .errors = errors};
    s.file = fopen(path, "re");
    if (s.file == NULL) {
        int err = -errno;
        conf_error(errors, 0, NULL, "cannot be opened: %s", strerror(-err));
        return err;
    }
    int result = source_run(&s);
    if (ferror(s.file)) {
        conf_error(errors, s.line, NULL, "cannot be read: is it a file?");
        result = ERR_IO;
    }
    fclose(s.file);
    return result;
}

struct load {
    const struct conf_key *keys;
    size_t count;
    void *object;
    struct conf_seen seen;
};

static void load_item(void *arg, const struct conf_item *item, struct conf_errors *errors) {
    struct load *l = arg;
    conf_set(l->keys, l->count, l->object, &l->seen, item, errors);
}

static int load_end(const struct load *l, int result, struct conf_errors *errors) {
    if (result != 0 && result != ERR_INVAL)
        return result;
    conf_missing(l->keys, l->count, &l->seen, NULL, errors);
    return errors->count > 0 ? ERR_INVAL : 0;
}

int conf_load(const struct conf_key *keys, size_t count, void *object, const char *path,
              struct conf_errors *errors) {
    struct load l = {.keys = keys, .count = count, .object = object};
    conf_errors_init(errors, path);
    conf_defaults(keys, count, object);
    return load_end(&l, conf_each(path, load_item, &l, errors), errors);
}

int conf_load_text(const struct conf_key *keys, size_t count, void *object, const char *text,
                   size_t len, struct conf_errors *errors) {
    struct load l = {.keys = keys, .count = count, .object = object};
    conf_defaults(keys, count, object);
    return load_end(&l, conf_each_text(text, len, load_item, &l, errors), errors);
}

/* --- printing ------------------------------------------------------------------------------ */

static void print_limits(const struct conf_key *key, FILE *out) {
    bool limits = key->min != 0 || key->max != 0;
    if (key->type == CONF_CHOICE)
        fprintf(out, "  One of %s.", key->choices);
    else if (key->type == CONF_BOOL)
        fputs("  yes or no.", out);
    else if (key->type == CONF_DURATION && limits)
        fprintf(out, "  %" PRId64 " ms to %" PRId64 " ms.", key->min, key->max);
    else if (key->type != CONF_STR && key->type != CONF_PATH && limits)
        fprintf(out, "  %" PRId64 " to %" PRId64 "%s%s.", key->min, key->max,
                key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
}

void conf_print_defaults(const struct conf_key *keys, size_t count, const char *title, FILE *out) {
    const char *section = "";
    fprintf(out, "; %s\n", title);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].section != NULL && strcmp(section, keys[i].section) != 0) {
            section = keys[i].section;
            fprintf(out, "\n[%s]\n", section);
        }
        fprintf(out, "; %s", keys[i].help);
        print_limits(&keys[i], out);
        if (keys[i].def == NULL)
            fprintf(out, "  Must be given.\n;%s =\n", keys[i].name);
        else
            fprintf(out, "\n%s = %s\n", keys[i].name, keys[i].def);
    }
}
