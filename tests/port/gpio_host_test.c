/* gpio_host: the contract, and what only this implementation has: sockets, scripts, pulses. */
#include "gpio_contract.h"
#include "gpio_host.h"
#include "log.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64], socket_path[96], state_path[96], script_path[96];

static const struct gpio_line LINES[CONTRACT_LINES] = {
    [CONTRACT_LOOP] = {.role = "loop-1", .chip = "host", .offset = 5, .rest_active = true},
    [CONTRACT_KNOCK] = {.role = "impact-1", .chip = "host", .offset = 6},
    [CONTRACT_REED] = {.role = "reed",
                       .chip = "host",
                       .offset = 8,
                       .debounce_us = CONTRACT_DEBOUNCE_US},
    [CONTRACT_SIREN] = {.role = "siren", .chip = "host", .offset = 7, .output = true},
    [CONTRACT_LAMP] =
        {.role = "lamp", .chip = "host", .offset = 9, .output = true, .safe_active = true},
};

static void say(const char *text) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal((ssize_t)strlen(text),
                     sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&to, sizeof to));
    close(fd);
}

static void move(void *world, unsigned line, bool active) {
    char text[64];
    (void)world;
    snprintf(text, sizeof text, "%s %d\n", LINES[line].role, active);
    say(text);
}

/* In one datagram: few fit into a socket that nobody reads. */
static void burst(void *world, unsigned line, unsigned moves) {
    char text[2048];
    size_t used = 0;
    (void)world;
    for (unsigned i = 0; i < moves; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%u %d\n", line, i % 2 != 0);
    say(text);
}

static int output(void *world, unsigned line) {
    char name[32];
    int level, found = -1;
    (void)world;
    FILE *f = fopen(state_path, "r");
    assert_non_null(f);
    while (fscanf(f, "%31s %d", name, &level) == 2)
        if (strcmp(name, LINES[line].role) == 0)
            found = level;
    fclose(f);
    return found;
}

static struct gpio open_bank(const char *script) {
    struct gpio g;
    struct gpio_host_conf conf = {socket_path, NULL, state_path};
    if (script != NULL) {
        FILE *f = fopen(script_path, "w");
        fputs(script, f);
        fclose(f);
        conf.script_path = script_path;
    }
    assert_int_equal(0, gpio_host_open(&conf, LINES, CONTRACT_LINES, &g));
    return g;
}

static void keeps_the_contract(void **state) {
    (void)state;
    struct gpio g = open_bank(NULL);
    struct gpio_contract c = {&g, NULL, move, burst, output, GPIO_HOST_QUEUE, 0};
    gpio_contract_run(&c);
}

static void pulses_go_back(void **state) {
    (void)state;
    struct gpio g = open_bank(NULL);
    struct gpio_edge e[4] = {0};
    say("impact-1 pulse 20\nloop-1 0 40");
    assert_int_equal(4, contract_collect(&g, e, 4));
    assert_true(e[0].active && e[0].line == CONTRACT_KNOCK);
    assert_true(!e[1].active && e[1].line == CONTRACT_LOOP);
    assert_true(!e[2].active && e[2].line == CONTRACT_KNOCK);
    assert_true(e[2].t_ns - e[0].t_ns == 20000000); /* the time meant, not the time noticed */
    assert_true(e[3].active && e[3].t_ns - e[1].t_ns == 40000000);
    g.close(g.ctx);
}

static void scripts_play(void **state) {
    (void)state;
    struct gpio g = open_bank("# a knock, then the cut\n0.02 impact-1 pulse 5\n\n0.03 0 0\n");
    struct gpio_edge e[3] = {0};
    assert_int_equal(3, contract_collect(&g, e, 3));
    assert_true(e[0].line == CONTRACT_KNOCK && e[2].line == CONTRACT_LOOP);
    assert_true(e[2].t_ns - e[0].t_ns == 10000000);
    g.close(g.ctx);
}

static void a_bad_script_is_refused(void **state) {
    (void)state;
    FILE *f = fopen(script_path, "w");
    fputs("0.5 siren 1\n", f); /* an output is not the script's to move */
    fclose(f);
    struct gpio g;
    struct gpio_host_conf conf = {NULL, script_path, NULL};
    assert_int_equal(ERR_INVAL, gpio_host_open(&conf, LINES, CONTRACT_LINES, &g));
    conf.script_path = "/nonexistent/script";
    assert_int_equal(ERR_NOENT, gpio_host_open(&conf, LINES, CONTRACT_LINES, &g));
}

static void nonsense_is_passed_over(void **state) {
    (void)state;
    struct gpio g = open_bank(NULL);
    struct gpio_edge e[2] = {0};
    say("loop-1");
    say("loop-1 2");
    say("nobody 1");
    say("impact-1 pulse");
    say("impact-1 1 -5\nloop-1 0");
    assert_int_equal(1, contract_collect(&g, e, 1));
    assert_int_equal(CONTRACT_LOOP, e[0].line);
    assert_int_equal(0, g.read(g.ctx, e, 2));
    g.close(g.ctx);
}

static void what_does_not_fit_is_a_gap(void **state) {
    (void)state;
    struct gpio g = open_bank(NULL);
    struct gpio_edge e[GPIO_HOST_QUEUE] = {0};
    char burst[1024] = "";
    for (int i = 0; i < GPIO_HOST_QUEUE + 5; i++) /* ends cut, as the level says */
        strcat(burst, i % 2 == 0 ? "loop-1 0\n" : "loop-1 1\n");
    say(burst);
    assert_int_equal(GPIO_HOST_QUEUE, g.read(g.ctx, e, GPIO_HOST_QUEUE));
    for (int i = 0; i < GPIO_HOST_QUEUE; i++)
        assert_int_equal(i == GPIO_HOST_QUEUE - 1, e[i].gap);
    assert_int_equal(0, g.level(g.ctx, CONTRACT_LOOP));
    say("impact-1 1");
    assert_int_equal(1, contract_collect(&g, e, 1));
    assert_false(e[0].gap);
    g.close(g.ctx);
}

int main(void) {
    log_redirect(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORM_PLAIN);
    snprintf(dir, sizeof dir, "/tmp/gpio_host_test-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(socket_path, sizeof socket_path, "%s/s", dir);
    snprintf(state_path, sizeof state_path, "%s/state", dir);
    snprintf(script_path, sizeof script_path, "%s/script", dir);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_contract),
        cmocka_unit_test(pulses_go_back),
        cmocka_unit_test(scripts_play),
        cmocka_unit_test(a_bad_script_is_refused),
        cmocka_unit_test(nonsense_is_passed_over),
        cmocka_unit_test(what_does_not_fit_is_a_gap),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(state_path);
    unlink(script_path);
    rmdir(dir);
    return failed;
}
