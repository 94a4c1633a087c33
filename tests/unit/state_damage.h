/*
 * state_damage.h - ways to damage a file: for tests of whoever has to notice.
 */
#ifndef SLUICE_TESTS_STATE_DAMAGE_H
#define SLUICE_TESTS_STATE_DAMAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAMAGE_PAGE = 4096 };

typedef enum {
    DAMAGE_ZEROS,
    DAMAGE_RUBBISH,
    DAMAGE_DIGIT,     /* one byte in the middle */
    DAMAGE_NEIGHBOUR, /* the page before it, or behind: right in itself, but not here */
    DAMAGE_KINDS
} Damage;

static inline int64_t damage_pages(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size / DAMAGE_PAGE;
}

/* False when the file is the same as before. */
static inline bool damage_page(const char *path, int64_t page, Damage how)
{
    char bytes[DAMAGE_PAGE], before[DAMAGE_PAGE];
    int  file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pread(file, before, sizeof before, page * DAMAGE_PAGE), sizeof before);
    memcpy(bytes, before, sizeof bytes);
    if (how == DAMAGE_ZEROS)
        memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; how == DAMAGE_RUBBISH && i < sizeof bytes; i++)
        bytes[i] = (char)((size_t)page * 31 + i * 7 + i / 256 + 13);
    if (how == DAMAGE_DIGIT)
        bytes[DAMAGE_PAGE / 2 + page % 1000] ^= 4;
    if (how == DAMAGE_NEIGHBOUR)
        assert_int_equal(pread(file, bytes, sizeof bytes, (page == 0 ? 1 : page - 1) * DAMAGE_PAGE),
                         sizeof bytes);
    assert_int_equal(pwrite(file, bytes, sizeof bytes, page * DAMAGE_PAGE), sizeof bytes);
    close(file);
    return memcmp(bytes, before, sizeof bytes) != 0;
}

static inline void damage_copy(const char *from, const char *to)
{
    char    bytes[65536];
    ssize_t count;
    int     in = open(from, O_RDONLY), out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    assert_true(in >= 0 && out >= 0);
    while ((count = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t)count), count);
    close(in);
    close(out);
}

#endif
