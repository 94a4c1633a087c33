/*
 * logger.c - lines on standard error or in a file.
 *
 * A line is made whole and written with one write(2), so that lines of several threads never mix. Line breaks
 * in the text (an error may quote what a client sent) become blanks: nobody forges a line. A file is kept
 * from growing without end by giving it up for a new one; one old one is kept.
 *
 * What goes wrong again and again is said once a minute by who says it (core/notice.h). Whoever forgets that
 * is stopped here: a thousand lines at once and ten a second from then on; the rest is counted, and the count
 * told. A log that fills the disk is one more damage, and buries the line that matters.
 */
#include "core/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

enum {
    LINE_MAX_LEN   = 8192,
    LAST_MAX_LEN   = 256,
    FILE_MAX_BYTES = 8 * 1024 * 1024,
    LINES_AT_ONCE  = 1000,
    LINES_PER_S    = 10
};

/* The one thing of the process that is not passed down: log_line is called from library callbacks that take
 * no context. */
static atomic_int lowest_level = LOG_INFO;
static struct {
    pthread_mutex_t lock; /* of what follows */
    int             fd;
    char           *path; /* NULL: standard error */
    off_t           size;
    int64_t         lines_us; /* when the lines said so far are paid for, at LINES_PER_S; monotonic */
    uint64_t        left_out; /* lines, since the last that was written */
    uint64_t        warnings;
    char            last[LAST_MAX_LEN]; /* text of the latest warning, maybe cut off */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

void log_set_level(LogLevel lowest) { atomic_store(&lowest_level, (int)lowest); }

static size_t line_start(char *line, size_t size, LogLevel level)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    struct timespec          now;
    struct tm                tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t at = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return at +
           (size_t)snprintf(line + at, size - at, ".%03dZ %-5s ", (int)(now.tv_nsec / 1000000), names[level]);
}

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0)
            return; /* nobody left to tell */
        bytes += n;
        len -= (size_t)n;
    }
}

/* -1: errno says why. */
static int open_file(const char *path, off_t *size)
{
    struct stat about;
    int         fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    *size          = fd >= 0 && fstat(fd, &about) == 0 ? about.st_size : 0;
    return fd;
}

/* Where the old file cannot be put aside, it grows on. Lock held. */
static void start_new_file(void)
{
    StrBuf old = {0};
    off_t  size;
    strbuf_addf(&old, "%s.1%c", output.path, '\0');
    int renamed = rename(output.path, old.ptr);
    int fd      = renamed == 0 ? open_file(output.path, &size) : -1;
    strbuf_clear(&old);
    output.size = 0;
    if (fd < 0)
        return;
    close(output.fd);
    output.fd = fd;
}

/* Lock held. False: the line is left out. *left_out: how many were before this one. */
static bool may_say(uint64_t *left_out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, cost = 1000000 / LINES_PER_S;
    if (output.lines_us < now_us)
        output.lines_us = now_us;
    bool is_room = output.lines_us - now_us + cost <= LINES_AT_ONCE * cost;
    if (is_room)
        output.lines_us += cost;
    *left_out       = is_room ? output.left_out : 0;
    output.left_out = is_room ? 0 : output.left_out + 1;
    return is_room;
}

static void write_line(const char *line, size_t len)
{
    if (output.path != NULL && output.size >= FILE_MAX_BYTES)
        start_new_file();
    write_all(output.fd, line, len);
    output.size += (off_t)len;
}

static void put_line(LogLevel level, const char *line, size_t len, size_t text)
{
    char     note[128];
    uint64_t left_out;
    pthread_mutex_lock(&output.lock);
    if (level >= LOG_WARN) {
        size_t most = sizeof output.last - 1, rest = len - text - 1;
        size_t kept = rest < most ? rest : most;
        memcpy(output.last, line + text, kept);
        output.last[kept] = '\0';
        output.warnings++;
    }
    if (may_say(&left_out)) {
        if (left_out > 0) {
            size_t at = line_start(note, sizeof note, LOG_WARN);
            at += (size_t)snprintf(note + at, sizeof note - at, "%llu lines were left out here: too many\n",
                                   (unsigned long long)left_out);
            write_line(note, at);
        }
        write_line(line, len);
    }
    pthread_mutex_unlock(&output.lock);
}

void log_line(LogLevel level, const char *fmt, ...)
{
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed))
        return;
    char    line[LINE_MAX_LEN];
    size_t  at   = line_start(line, sizeof line, level);
    size_t  room = sizeof line - at - 1; /* one byte for the line feed */
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line + at, room, fmt, args);
    va_end(args);
    size_t end = at + (len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1);
    for (size_t i = at; i < end; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7F)
            line[i] = ' ';
    line[end++] = '\n';
    put_line(level, line, end, at);
}

/* ---- where to ---- */

/* Takes the path over. Lock held. */
static void redirect(int fd, char *path, off_t size)
{
    if (output.path != NULL) {
        close(output.fd);
        mem_free(output.path);
    }
    output.fd   = fd;
    output.path = path;
    output.size = size;
}

Status log_to_file(const char *path, Error *err)
{
    off_t size;
    int   fd = open_file(path, &size);
    if (fd < 0)
        return error_set(err, E_IO, NO_POS, "cannot write the log file %s: %s", path, strerror(errno));
    pthread_mutex_lock(&output.lock);
    redirect(fd, mem_strdup(path), size);
    pthread_mutex_unlock(&output.lock);
    return OK;
}

void log_to_stderr(void)
{
    pthread_mutex_lock(&output.lock);
    redirect(STDERR_FILENO, NULL, 0);
    pthread_mutex_unlock(&output.lock);
}

uint64_t log_count_warnings(StrBuf *last)
{
    pthread_mutex_lock(&output.lock);
    uint64_t count = output.warnings;
    strbuf_adds(last, output.last);
    pthread_mutex_unlock(&output.lock);
    return count;
}
