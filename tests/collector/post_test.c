#include "post.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct post post;

static int setup(void **state) {
    (void)state;
    return post_init(&post);
}

static int teardown(void **state) {
    (void)state;
    post_free(&post);
    return 0;
}

static bool readable(void) {
    struct pollfd p = {.fd = post.fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static int put(const char *topic, size_t len) {
    static uint8_t bytes[POST_BYTES_MAX + 1];
    return post_put(&post, topic, strlen(topic), bytes, len, 7);
}

static void first_in_first_out(void **state) {
    (void)state;
    struct post_message *m[3];
    assert_false(readable());
    assert_int_equal(put("a", 1), 0);
    assert_int_equal(put("b", 0), 0);
    assert_int_equal(put("c", 3), 0);
    assert_true(readable());
    assert_int_equal(post_take(&post, m, 2), 2);
    assert_string_equal(m[0]->topic, "a");
    assert_true(m[1]->len == 0 && m[1]->received_ms == 7);
    assert_true(readable()); /* one is left */
    free(m[0]);
    free(m[1]);
    assert_int_equal(post_take(&post, m, 3), 1);
    assert_string_equal(m[0]->topic, "c");
    free(m[0]);
    assert_false(readable());
    assert_int_equal(post_take(&post, m, 3), 0);
}

static void a_long_topic_is_cut(void **state) {
    (void)state;
    char topic[300];
    struct post_message *m;
    memset(topic, 'x', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    assert_int_equal(put(topic, 1), 0);
    assert_int_equal(post_take(&post, &m, 1), 1);
    assert_int_equal(strlen(m->topic), POST_TOPIC_MAX);
    free(m);
}

/* Bounded in messages and in bytes; what does not fit in time is counted. */
static void a_full_queue_waits_then_drops(void **state) {
    (void)state;
    assert_int_equal(put("huge", POST_BYTES_MAX + 1), 0); /* alone it passes */
    assert_int_equal(put("one more", 1), ERR_TIMEDOUT);
    assert_true(post_dropped(&post) == 1);
    struct post_message *m;
    assert_int_equal(post_take(&post, &m, 1), 1);
    free(m);
    assert_int_equal(put("again", 1), 0);
}

enum { WRITERS = 4, EACH = 3000 };

static void *writer(void *arg) {
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t word[2] = {(uint32_t)(uintptr_t)arg, i};
        if (post_put(&post, "t", 1, word, sizeof word, 0) < 0)
            return "a message was dropped";
    }
    return NULL;
}

/* More than the queue holds, from four threads, to a reader that is slow at times: the writers
 * wait, and each one's messages come in order. */
static void writers_wait_for_room(void **state) {
    (void)state;
    pthread_t threads[WRITERS];
    struct post_message *m[64];
    uint32_t next[WRITERS] = {0};
    for (uintptr_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, writer, (void *)i), 0);
    for (size_t got = 0; got < (size_t)WRITERS * EACH;) {
        size_t n = post_take(&post, m, 64);
        for (size_t i = 0; i < n; i++) {
            uint32_t word[2];
            memcpy(word, m[i]->payload, sizeof word);
            assert_int_equal(word[1], next[word[0]]++);
            free(m[i]);
        }
        got += n;
        if (n == 0 || got % 7 == 0)
            usleep(100);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        void *why = NULL;
        pthread_join(threads[i], &why);
        assert_null(why);
    }
    assert_true(post_dropped(&post) == 0);
}

static void *waiter(void *arg) {
    (void)arg;
    return (void *)(intptr_t)put("late", 1);
}

static void shutting_wakes_who_waits(void **state) {
    (void)state;
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(put("huge", POST_BYTES_MAX), 0);
    assert_int_equal(pthread_create(&thread, NULL, waiter, NULL), 0);
    usleep(20000);
    post_shut(&post);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, ERR_STALE);
    assert_int_equal(put("after", 1), ERR_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(first_in_first_out),
        TEST(a_long_topic_is_cut),
        TEST(a_full_queue_waits_then_drops),
        TEST(writers_wait_for_room),
        TEST(shutting_wakes_who_waits),
    };
    return cmocka_run_group_tests_name("post", tests, NULL, NULL);
}
