#include "err.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The promise that a system call's failure passes through unchanged. */
static void values_are_those_of_errno(void **state) {
    (void)state;
    const int pairs[][2] = {
        {ERR_PERM, EPERM},           {ERR_NOENT, ENOENT},
        {ERR_INTR, EINTR},           {ERR_IO, EIO},
        {ERR_AGAIN, EAGAIN},         {ERR_NOMEM, ENOMEM},
        {ERR_ACCESS, EACCES},        {ERR_BUSY, EBUSY},
        {ERR_EXIST, EEXIST},         {ERR_NODEV, ENODEV},
        {ERR_INVAL, EINVAL},         {ERR_NOSPACE, ENOSPC},
        {ERR_READONLY, EROFS},       {ERR_RANGE, ERANGE},
        {ERR_TOOLONG, ENAMETOOLONG}, {ERR_PROTO, EPROTO},
        {ERR_BADMSG, EBADMSG},       {ERR_OVERFLOW, EOVERFLOW},
        {ERR_VERSION, EOPNOTSUPP},   {ERR_NOTCONN, ENOTCONN},
        {ERR_TIMEDOUT, ETIMEDOUT},   {ERR_STALE, ESTALE},
        {ERR_KEY, EKEYREJECTED},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(pairs[i][0], -pairs[i][1]);
        assert_string_not_equal(err_text(pairs[i][0]), "unknown error");
    }
}

static void every_number_has_words(void **state) {
    (void)state;
    for (int e = -4096; e <= 1; e++)
        assert_true(strlen(err_text(e)) > 0);
    assert_string_equal(err_text(0), "success");
    assert_string_equal(err_text(-4000), "unknown error");
}

/* Met in the field as "unknown error": a file where a directory belongs, and its like. */
static void system_errors_have_the_system_words(void **state) {
    (void)state;
    const int met[] = {ENOTDIR, EISDIR, EMFILE, ENFILE, ELOOP, EFBIG, EXDEV, ENXIO, EDQUOT};
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++)
        assert_string_equal(err_text(-met[i]), strerror(met[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_errno),
        cmocka_unit_test(every_number_has_words),
        cmocka_unit_test(system_errors_have_the_system_words),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
