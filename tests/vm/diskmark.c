/* diskmark: a daemon's journal, marked on the disk between the daemon's own writes.
 *
 * usage: DAEMON 2>&1 | diskmark DEVICE OFFSET WORD
 *
 * Copies standard input to standard output; for each line that holds WORD it writes a block to
 * DEVICE at OFFSET (multiples of 4096, behind the file system), past the kernel's cache, that says
 * how many such lines there were so far: "MARK" and a little-endian u64 at 8.  Who reads the
 * device's write log knows by it what had been said before each write.  The line is copied after
 * its mark.  Memory: a line, a block.  One thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096 };

static void mark(int fd, off_t offset, uint8_t *block, uint64_t count) {
    memset(block, 0, BLOCK);
    memcpy(block, "MARK", 4);
    for (unsigned i = 0; i < 8; i++)
        block[8 + i] = (uint8_t)(count >> (8 * i));
    if (pwrite(fd, block, BLOCK, offset) != BLOCK)
        fprintf(stderr, "diskmark: %s\n", strerror(errno));
}

int main(int argc, char **argv) {
    void *block;
    char line[1024];
    uint64_t count = 0;
    int fd = argc == 4 ? open(argv[1], O_WRONLY | O_DIRECT | O_CLOEXEC) : -1;
    if (fd < 0 || posix_memalign(&block, BLOCK, BLOCK) != 0) {
        fprintf(stderr, "usage: DAEMON 2>&1 | diskmark DEVICE OFFSET WORD (%s)\n",
                argc == 4 ? strerror(errno) : "three words");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strstr(line, argv[3]) != NULL)
            mark(fd, strtoll(argv[2], NULL, 10), block, ++count);
        fputs(line, stdout);
        fflush(stdout);
    }
    return 0;
}
