/*
 * past.c - see past.h.
 */
#include "shell/past.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOO_LONG = 2 * PAST_ENTRIES };

static const char first_line[] = "_HiStOrY_V2_\n";

static size_t count_lines(const char *path)
{
    FILE  *file  = fopen(path, "re");
    size_t lines = 0;
    for (int c; file != NULL && (c = getc_unlocked(file)) != EOF;)
        lines += c == '\n';
    if (file != NULL)
        fclose(file);
    return lines;
}

void past_load(History *history_of, const char *path)
{
    HistEvent event;
    history(history_of, &event, H_LOAD, path);
    if (count_lines(path) > TOO_LONG)
        history(history_of, &event, H_SAVE, path);
}

/* As vis(3) does it: an entry is a line, whatever is in it. */
static void add_encoded(StrBuf *out, Str entry)
{
    for (size_t i = 0; i < entry.len; i++) {
        unsigned char c = (unsigned char)entry.ptr[i];
        if (c == '\\')
            strbuf_adds(out, "\\\\");
        else if (c <= ' ' || c == 0x7F)
            strbuf_addf(out, "\\%03o", c);
        else
            strbuf_addc(out, (char)c);
    }
    strbuf_addc(out, '\n');
}

bool past_add(const char *path, Str entry)
{
    struct stat info;
    StrBuf      line = {0};
    int         fd   = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    if (fstat(fd, &info) == 0 && info.st_size == 0)
        strbuf_adds(&line, first_line);
    add_encoded(&line, entry);
    bool written = write(fd, line.ptr, line.len) == (ssize_t)line.len; /* at once: others write, too */
    strbuf_clear(&line);
    return close(fd) == 0 && written;
}
