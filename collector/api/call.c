#include "call.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int call_json(struct call *call, int status, json_t *json) {
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(json);
    if (text == NULL)
        return ERR_NOMEM;
    free(call->reply->body);
    call->reply->status = status;
    call->reply->content_type = "application/json";
    call->reply->body = text;
    call->reply->body_len = strlen(text);
    return 0;
}

int call_refuse(struct call *call, int status, const char *code, const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    json_t *json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message);
    if (json == NULL) /* the message echoes bytes that are not UTF-8 */
        json = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message",
                         "The request holds text that is not UTF-8.");
    return call_json(call, status, json);
}

const char *call_query(const struct call *call, const char *name) {
    const struct api_request *request = call->request;
    return request->query == NULL ? NULL : request->query(request->query_ctx, name);
}

/* Digits only: no sign, no space, no end of a longer text. */
static int number_parse(const char *text, int64_t *ret_number) {
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return ERR_INVAL;
    *ret_number = strtoll(text, NULL, 10);
    return 0;
}

static int refused(int r) {
    return r < 0 ? r : ERR_INVAL;
}

int call_number(struct call *call, const char *name, int64_t low, int64_t high, int64_t otherwise,
                int64_t *ret_number) {
    const char *text = call_query(call, name);
    int64_t number;
    if (text == NULL) {
        *ret_number = otherwise;
        return 0;
    }
    if (number_parse(text, &number) < 0 || number < low || number > high)
        return refused(call_refuse(call, 400, "bad-query",
                                   "'%s' must be a whole number from %lld to %lld.", name,
                                   (long long)low, (long long)high));
    *ret_number = number;
    return 0;
}

int call_id(struct call *call, int64_t *ret_id) {
    if (number_parse(call->param, ret_id) < 0 || *ret_id <= 0)
        return refused(call_refuse(call, 404, "not-found",
                                   "There is no such alert; the list of alerts has the numbers."));
    return 0;
}

static bool text_plain(const char *text, size_t len, size_t max) {
    if (len > max || strlen(text) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

int call_text(struct call *call, const char *name, size_t max, const char **ret_text) {
    json_t *value = json_object_get(call->body, name);
    if (value == NULL || json_is_null(value)) {
        *ret_text = NULL;
        return 0;
    }
    if (!json_is_string(value) ||
        !text_plain(json_string_value(value), json_string_length(value), max))
        return refused(call_refuse(call, 400, "bad-body",
                                   "'%s' must be text of one line and at most %zu bytes.", name,
                                   max));
    *ret_text = json_string_value(value);
    return 0;
}

json_t *json_time(int64_t unix_ms) {
    char text[40];
    struct tm tm;
    if (unix_ms == STORE_NEVER)
        return json_null();
    int64_t rest = (unix_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((unix_ms - rest) / 1000);
    if (gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)rest);
    return json_string(text);
}

json_t *json_round(double value, int decimals) {
    double scale = pow(10, decimals);
    return isfinite(value) ? json_real(round(value * scale) / scale) : json_null();
}
