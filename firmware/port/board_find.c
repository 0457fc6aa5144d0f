#include "board_find.h"
#include <glob.h>
#include <string.h>

enum { TREE_BYTES = 1024, PATH_BYTES = 512 };

/* The words of the file are separated by zeros, the most exact one first. */
static size_t read_tree(const char *root, char words[TREE_BYTES]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sys/firmware/devicetree/base/compatible", root);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(words, 1, TREE_BYTES - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    words[n] = '\0';
    return n;
}

static bool describes(const char *file, const char *word) {
    static struct board board; /* large; one caller at a time, at the start */
    static struct conf_errors errors;
    return board_load(file, &board, &errors) == 0 && board.compatible[0] != '\0' &&
           strcmp(board.compatible, word) == 0;
}

static bool find_word(const glob_t *found, const char *word, char *ret_path, size_t cap) {
    for (size_t i = 0; i < found->gl_pathc; i++)
        if (describes(found->gl_pathv[i], word)) {
            snprintf(ret_path, cap, "%s", found->gl_pathv[i]);
            return true;
        }
    return false;
}

int board_find(const char *dir, const char *root, char *ret_path, size_t cap) {
    char words[TREE_BYTES], pattern[PATH_BYTES];
    glob_t found = {0};
    bool there = false;
    size_t n = read_tree(root, words);
    snprintf(pattern, sizeof pattern, "%s/*.ini", dir);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t at = 0; at < n && !there; at += strlen(words + at) + 1)
            there = find_word(&found, words + at, ret_path, cap);
    globfree(&found);
    if (!there)
        snprintf(ret_path, cap, "%s", words);
    return there ? 0 : ERR_NOENT;
}
