/* user: who may log in to the collector's page. */
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "people.h"
#include "store_sqlite.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct request {
    const char *verb, *name, *db;
    enum people_role role;
    bool from_stdin;
};

/* One verb of `moorwatch user`. */
struct verb {
    const char *name;
    bool wants_name, wants_role;
    enum store_sqlite_mode mode;
    int (*run)(const struct store *store, const struct request *request);
};

static int wrong(const char *what, const char *value) {
    fprintf(stderr, "moorwatch user: %s%s%s; `moorwatch help user` says how\n", what,
            value[0] != '\0' ? ": " : "", value);
    return 2;
}

static int failed(const char *name, int err) {
    const char *words = err == ERR_EXIST
                            ? "there is such a user already; `passwd` sets a new password"
                        : err == ERR_NOENT ? "there is no such user; `list` names them"
                                           : err_text(err);
    fprintf(stderr, "moorwatch user: %s: %s\n", name, words);
    return 1;
}

static int64_t now_ms(void) {
    struct clock clock = clock_system();
    return clock.wall_ms(clock.ctx);
}

/* From standard input, or made; 0, or the exit code after having said what is wrong. */
static int password_get(const struct request *request, char *ret_password, size_t cap) {
    if (!request->from_stdin) {
        int r = people_password_make(ret_password);
        return r < 0 ? failed(request->name, r) : 0;
    }
    if (fgets(ret_password, (int)cap, stdin) == NULL)
        return wrong("no password on standard input", "");
    ret_password[strcspn(ret_password, "\r\n")] = '\0';
    const char *fault = people_password_fault(request->name, ret_password);
    return fault == NULL ? 0 : wrong(fault, "");
}

static int audit(const struct store *store, const char *action, const char *name) {
    struct store_audit row = {.at_ms = now_ms()};
    snprintf(row.who, sizeof row.who, "moorwatch user");
    snprintf(row.action, sizeof row.action, "%s", action);
    snprintf(row.object, sizeof row.object, "%s", name);
    return store->audit_put(store->ctx, &row);
}

static int done(const struct store *store, const struct request *request, int r,
                const char *password) {
    if (r >= 0)
        r = audit(store, request->verb, request->name);
    if (r < 0)
        return failed(request->name, r);
    if (password != NULL && !request->from_stdin)
        printf("%s\n", password);
    fprintf(stderr, "moorwatch user: %s: %s done%s\n", request->name, request->verb,
            password != NULL && !request->from_stdin ? "; the password above is shown this once"
                                                     : "");
    return 0;
}

static int user_add(const struct store *store, const struct request *request) {
    char password[PEOPLE_PASSWORD_MAX + 3];
    int r = password_get(request, password, sizeof password);
    if (r != 0)
        return r;
    r = people_add(store, request->name, request->role, password, now_ms());
    return done(store, request, r, password);
}

static int user_passwd(const struct store *store, const struct request *request) {
    char password[PEOPLE_PASSWORD_MAX + 3];
    int r = password_get(request, password, sizeof password);
    if (r != 0)
        return r;
    r = people_change(store, request->name, request->role, password, now_ms());
    return done(store, request, r, password);
}

static int user_role(const struct store *store, const struct request *request) {
    return done(store, request, people_change(store, request->name, request->role, NULL, now_ms()),
                NULL);
}

static int user_remove(const struct store *store, const struct request *request) {
    return done(store, request, people_remove(store, request->name, now_ms()), NULL);
}

static int user_print(void *arg, const struct store_user *row) {
    (void)arg;
    if (!row->disabled)
        printf("%-20s %s\n", row->name, row->role);
    return 0;
}

static int user_list(const struct store *store, const struct request *request) {
    (void)request;
    int r = store->users(store->ctx, user_print, NULL);
    return r < 0 ? failed("list", r) : 0;
}

static const struct verb VERBS[] = {
    {"add", true, true, STORE_SQLITE_CREATE, user_add},
    {"passwd", true, false, STORE_SQLITE_WRITE, user_passwd},
    {"role", true, true, STORE_SQLITE_WRITE, user_role},
    {"remove", true, false, STORE_SQLITE_WRITE, user_remove},
    {"list", false, false, STORE_SQLITE_READ, user_list},
};

static const struct verb *verb_find(const char *name) {
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        if (strcmp(VERBS[i].name, name) == 0)
            return &VERBS[i];
    return NULL;
}

/* 0, or the exit code after having said what is wrong. */
static int option_read(const char *name, const char *value, struct request *request) {
    if (strcmp(name, "--db") == 0) {
        request->db = value;
        return 0;
    }
    if (strcmp(name, "--role") != 0)
        return wrong("unknown option", name);
    request->role = people_role_find(value);
    return request->role != ROLE_NOBODY
               ? 0
               : wrong("the role is administrator, supervisor, officer, pcso, analyst, volunteer "
                       "or viewer, not",
                       value);
}

static int request_read(int argc, char **argv, struct request *request) {
    int r = 0;
    for (int i = 1; i < argc && r == 0; i++) {
        if (strcmp(argv[i], "--password-stdin") == 0)
            request->from_stdin = true;
        else if (argv[i][0] == '-' && i + 1 < argc) {
            r = option_read(argv[i], argv[i + 1], request);
            i++;
        } else if (argv[i][0] == '-')
            r = wrong("unknown or unfinished option", argv[i]);
        else if (request->verb == NULL)
            request->verb = argv[i];
        else if (request->name == NULL)
            request->name = argv[i];
        else
            r = wrong("one name only", argv[i]);
    }
    return r;
}

static int request_check(const struct request *request, const struct verb *verb) {
    if (request->db == NULL)
        return wrong("--db DB is missing: the collector's data base", "");
    if (verb->wants_name && request->name == NULL)
        return wrong("which name?", "");
    if (verb->wants_name && !people_name_valid(request->name))
        return wrong("a name is 2 to 31 small letters, digits, '.', '-', '_', a letter first, not",
                     request->name);
    if (verb->wants_role && request->role == ROLE_NOBODY)
        return wrong("--role ROLE is missing", "");
    return 0;
}

static int user_run(int argc, char **argv) {
    struct request request = {0};
    struct store store;
    int r = request_read(argc, argv, &request);
    if (r != 0)
        return r;
    const struct verb *verb = request.verb == NULL ? NULL : verb_find(request.verb);
    if (verb == NULL)
        return wrong("say add, passwd, role, remove or list", "");
    r = request_check(&request, verb);
    if (r != 0)
        return r;
    r = store_sqlite_open(request.db, verb->mode, &store);
    if (r < 0) {
        fprintf(stderr, "moorwatch user: %s: %s\n", request.db,
                r == ERR_NOENT ? "no such data base; the collector's configuration names it"
                               : err_text(r));
        return 1;
    }
    r = verb->run(&store, &request);
    store.close(store.ctx);
    return r;
}

const struct command COMMAND_USER = {
    .name = "user",
    .usage = "add|passwd|role|remove|list [NAME] [--role ROLE] --db DB [--password-stdin]",
    .summary = "who may log in to the page",
    .help =
        "add NAME --role ROLE   lets somebody log in; prints a password that is made on the spot\n"
        "passwd NAME            sets a new password (and a new role with --role)\n"
        "role NAME --role ROLE  changes what somebody may do\n"
        "remove NAME            ends it; the name stays in the record of who did what\n"
        "list                   names and roles\n\n"
        "ROLE, each may what those after it may: administrator, supervisor, officer (closes\n"
        "alerts), pcso (sees and acknowledges them), analyst (hotspots), volunteer (tasking),\n"
        "viewer (sites).  --db is the collector's data base.  --password-stdin takes the password\n"
        "from the first line of standard input instead of making one; it needs 12 characters.\n"
        "A change ends the person's logins at once.",
    .run = user_run,
};
