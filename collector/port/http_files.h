/* http_files: the page's files, read once, found by the path of a request.
 *
 * Only names of letters, digits, '.', '-' and '_' with a known ending are taken, hidden ones never,
 * and one level of folders.  "/" is "/index.html".
 * Guarded by tests/collector/http_test.c.  Memory: the files', bounded by HTTP_FILES_MAX and
 * HTTP_FILE_BYTES_MAX.  Threads: any, once loaded. */
#ifndef MOORWATCH_HTTP_FILES_H
#define MOORWATCH_HTTP_FILES_H

#include "err.h"
#include <stddef.h>

enum { HTTP_FILES_MAX = 128, HTTP_FILE_BYTES_MAX = 4 << 20, HTTP_FILE_PATH_MAX = 127 };

struct http_file {
    char path[HTTP_FILE_PATH_MAX + 1];
    const char *type;
    char etag[24];
    char *bytes;
    size_t len;
};

struct http_files {
    struct http_file files[HTTP_FILES_MAX];
    size_t count;
};

/* Adds the files of a folder under a prefix that ends with '/'. */
MUST int http_files_load(struct http_files *files, const char *prefix, const char *dir);
const struct http_file *http_files_find(const struct http_files *files, const char *path);
void http_files_free(struct http_files *files);
/* A whole file as terminated text; free(). */
MUST int http_file_text(const char *path, char **ret_text);

#endif
