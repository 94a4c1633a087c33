/*
 * logger.c - lines on standard error.
 *
 * A line is made whole and written with one write(2), so that lines of several threads never mix. Line breaks
 * in the text (an error may quote what a client sent) become blanks: nobody forges a line.
 */
#include "core/logger.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 8192 };

/* The one setting of the process that is not passed down: log_line is called from library callbacks that take
 * no context. */
static atomic_int lowest_level = LOG_INFO;

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

static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, len);
        if (n <= 0)
            return; /* nobody left to tell */
        bytes += n;
        len -= (size_t)n;
    }
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
    write_all(line, end);
}
