/* Logging in and out, who one is, and what needs no login. */
#include "call.h"
#include <stdio.h>
#include <string.h>

int handle_health(struct call *call) {
    int open = call->store->alert_count(call->store->ctx, 1U << ALERT_OPEN);
    if (open < 0)
        return call_refuse(call, 503, "data-base", "The data base does not answer.");
    return call_json(call, 200, json_pack("{s:s}", "status", "ok"));
}

static json_t *session_json(const struct people_session *who) {
    json_t *may = json_array();
    for (const struct route *route = ROUTES; route->path != NULL; route++)
        if (route->least != ROLE_NOBODY && who->role >= route->least)
            json_array_append_new(may, json_sprintf("%s %s", route->method, route->path));
    return json_pack("{s:s,s:s,s:s,s:o}", "name", who->name, "role", people_role_name(who->role),
                     "csrf", who->csrf, "may", may);
}

static void cookie_set(struct call *call, const char *token, int64_t seconds) {
    snprintf(call->reply->set_cookie, sizeof call->reply->set_cookie,
             API_COOKIE_NAME "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", token,
             (long long)seconds, call->request->tls ? "; Secure" : "");
}

static int audit(struct call *call, const char *who, const char *action) {
    struct store_audit row = {.at_ms = call->request->now_ms};
    snprintf(row.who, sizeof row.who, "%s", who);
    snprintf(row.action, sizeof row.action, "%s", action);
    snprintf(row.object, sizeof row.object, "%s", call->request->peer);
    return call->store->audit_put(call->store->ctx, &row);
}

static int login_refused(struct call *call, const char *name, int err, int64_t wait_s) {
    if (err == ERR_AGAIN) {
        call->reply->retry_after_s = wait_s;
        return call_refuse(call, 429, "too-many-tries",
                           "Too many failed tries; wait %lld seconds, then try again.",
                           (long long)wait_s);
    }
    if (err != ERR_ACCESS)
        return err;
    int r = people_name_valid(name) ? audit(call, name, "login refused") : 0;
    if (r < 0)
        return r;
    return call_refuse(call, 401, "login-failed",
                       "The name or the password is wrong. Names are in small letters; an "
                       "administrator can set a new password.");
}

int handle_login(struct call *call) {
    const char *name, *password;
    char token[PEOPLE_TOKEN_MAX + 1];
    int64_t wait_s = 0;
    if (call_text(call, "name", PEOPLE_NAME_MAX, &name) < 0 ||
        call_text(call, "password", PEOPLE_PASSWORD_MAX, &password) < 0)
        return 0;
    if (name == NULL || password == NULL)
        return call_refuse(call, 400, "bad-body", "Send 'name' and 'password'.");
    int r = people_login(call->people, call->store, name, password, call->request->peer,
                         call->request->now_ms, token, &wait_s);
    if (r < 0)
        return login_refused(call, name, r, wait_s);
    r = people_check(call->store, token, call->request->now_ms, &call->who);
    if (r >= 0)
        r = audit(call, name, "login");
    if (r < 0)
        return r;
    cookie_set(call, token, PEOPLE_LOGIN_MS / 1000);
    return call_json(call, 200, session_json(&call->who));
}

int handle_logout(struct call *call) {
    int r = people_logout(call->store, call->request->cookie);
    if (r >= 0)
        r = audit(call, call->who.name, "logout");
    if (r < 0)
        return r;
    cookie_set(call, "", 0);
    return call_json(call, 200, json_pack("{s:b}", "ok", 1));
}

int handle_me(struct call *call) {
    return call_json(call, 200, session_json(&call->who));
}

int handle_stream(struct call *call) {
    call->reply->status = 200;
    call->reply->stream = true;
    return 0;
}
