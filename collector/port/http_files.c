#include "http_files.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *ending, *type;
} TYPES[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char *type_of(const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        size_t end = strlen(TYPES[i].ending);
        if (len > end && strcmp(name + len - end, TYPES[i].ending) == 0)
            return TYPES[i].type;
    }
    return NULL;
}

static bool name_plain(const char *name) {
    if (name[0] == '.')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(".-_", *c) == NULL)
            return false;
    return true;
}

static int file_read(const char *path, char **ret_bytes, size_t *ret_len) {
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return -errno;
    int r = fstat(fileno(f), &st) < 0 ? -errno : 0;
    if (r == 0 && st.st_size > HTTP_FILE_BYTES_MAX)
        r = ERR_OVERFLOW;
    char *bytes = r < 0 ? NULL : malloc((size_t)st.st_size + 1);
    if (r == 0 && bytes == NULL)
        r = ERR_NOMEM;
    if (r == 0 && fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        r = ERR_IO;
    fclose(f);
    if (r < 0) {
        free(bytes);
        return r;
    }
    bytes[st.st_size] = '\0';
    *ret_bytes = bytes;
    *ret_len = (size_t)st.st_size;
    return 0;
}

int http_file_text(const char *path, char **ret_text) {
    size_t len;
    return file_read(path, ret_text, &len);
}

static void etag_make(struct http_file *file) {
    uint64_t h = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < file->len; i++)
        h = (h ^ (unsigned char)file->bytes[i]) * 0x100000001b3ULL;
    snprintf(file->etag, sizeof file->etag, "\"%016" PRIx64 "\"", h);
}

static int file_add(struct http_files *files, const char *url, const char *path) {
    if (files->count == HTTP_FILES_MAX)
        return ERR_OVERFLOW;
    struct http_file *file = &files->files[files->count];
    int n = snprintf(file->path, sizeof file->path, "%s", url);
    if (n >= (int)sizeof file->path)
        return ERR_TOOLONG;
    file->type = type_of(url);
    int r = file_read(path, &file->bytes, &file->len);
    if (r < 0)
        return r;
    etag_make(file);
    files->count++;
    return 0;
}

static int folder_add(struct http_files *files, const char *prefix, const char *dir, bool deeper);

static int entry_add(struct http_files *files, const char *prefix, const char *dir,
                     const char *name, bool deeper) {
    char path[1024], url[HTTP_FILE_PATH_MAX + 1];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    int m = snprintf(url, sizeof url, "%s%s", prefix, name);
    if (n >= (int)sizeof path || m >= (int)sizeof url - 1)
        return ERR_TOOLONG;
    if (stat(path, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode) && deeper) {
        url[m] = '/';
        url[m + 1] = '\0';
        return folder_add(files, url, path, false);
    }
    return S_ISREG(st.st_mode) && type_of(name) != NULL ? file_add(files, url, path) : 0;
}

static int folder_add(struct http_files *files, const char *prefix, const char *dir, bool deeper) {
    DIR *d = opendir(dir);
    if (d == NULL)
        return -errno;
    int r = 0;
    for (struct dirent *e = readdir(d); e != NULL && r >= 0; e = readdir(d))
        if (name_plain(e->d_name))
            r = entry_add(files, prefix, dir, e->d_name, deeper);
    closedir(d);
    return r;
}

int http_files_load(struct http_files *files, const char *prefix, const char *dir) {
    return folder_add(files, prefix, dir, true);
}

const struct http_file *http_files_find(const struct http_files *files, const char *path) {
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->files[i].path, path) == 0)
            return &files->files[i];
    return NULL;
}

void http_files_free(struct http_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->files[i].bytes);
    *files = (struct http_files){0};
}
