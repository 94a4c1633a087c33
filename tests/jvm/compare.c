/*
 * compare.c - reads the cases of Reference.java from standard input and says where Sluice differs from the
 * JVM.
 *
 * Usage: compare [MOST]: prints at most so many differences (20). The last lines count cases and differences
 * per kind; exit status 1 when there is a difference.
 */
#include <inttypes.h>

#include "udf/regex.h"
#include "udf/time_pattern.h"

enum { FIELDS = 5 };

/* Undoes the escapes of Reference.line in place. */
static Str unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != 0; from++) {
        char c = *from;
        if (c == '\\' && from[1] != 0) {
            c = *++from;
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        *to++ = c;
    }
    return str_n(text, (size_t)(to - text));
}

static void refuse(StrBuf *out)
{
    strbuf_clear(out);
    *out = (StrBuf){0};
    strbuf_addc(out, '!');
}

static void answer_time(char kind, const Str *field, Arena *arena, StrBuf *out)
{
    TimePattern *pattern;
    Zone        *zone = NULL;
    Error        err;
    int64_t      ms = 0;
    Status       status;
    if ((status = time_pattern_compile(field[1], arena, &pattern, &err)) == OK)
        status = zone_open(field[2], &zone, &err);
    if (status == OK && kind == 'F')
        status = time_pattern_format(pattern, strtoll(field[3].ptr, NULL, 10), zone, out, &err);
    else if (status == OK && (status = time_pattern_parse(pattern, field[3], zone, &ms, &err)) == OK)
        strbuf_addf(out, "%" PRId64, ms);
    if (status != OK)
        refuse(out);
    zone_close(zone);
}

static void answer_regex(const Str *field, StrBuf *out)
{
    Regex     *regex;
    RegexMatch match;
    Error      err;
    Status     status = regex_compile(field[1], &regex, &err);
    if (status != OK) {
        refuse(out);
        return;
    }
    for (size_t from = 0; from <= field[3].len; from = regex_next(field[3], match)) {
        if ((status = regex_find(regex, field[3], from, &match, &err)) != OK || !match.found)
            break;
        strbuf_addf(out, "<" STR_FMT ">",
                    STR_ARG(str_n(field[3].ptr + match.start, match.end - match.start)));
    }
    if (status != OK)
        refuse(out);
    regex_free(regex);
}

int main(int argc, char **argv)
{
    static const char kinds[]             = "FPR";
    size_t            cases[sizeof kinds] = {0}, differ[sizeof kinds] = {0}, shown = 0, capacity = 0;
    size_t            most  = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20;
    char             *line  = NULL;
    Arena            *arena = arena_new(0);
    while (getline(&line, &capacity, stdin) > 0) {
        Str    field[FIELDS];
        char  *at                 = line, *next;
        StrBuf got                = {0};
        line[strcspn(line, "\n")] = 0;
        for (size_t i = 0; i < FIELDS; i++, at = next) {
            size_t len = strcspn(at, "\t");
            next       = at[len] != 0 ? at + len + 1 : at + len;
            at[len]    = 0;
            field[i]   = unescape(at);
        }
        const char *kind = strchr(kinds, field[0].ptr[0]);
        if (kind == NULL || *kind == 0)
            continue;
        if (*kind == 'R')
            answer_regex(field, &got);
        else
            answer_time(*kind, field, arena, &got);
        cases[kind - kinds]++;
        if (!str_equal(strbuf_str(&got), field[4])) {
            differ[kind - kinds]++;
            if (shown++ < most)
                printf("%c [" STR_FMT "] [" STR_FMT "] [" STR_FMT "]\n    JVM    [" STR_FMT
                       "]\n    Sluice [" STR_FMT "]\n",
                       *kind, STR_ARG(field[1]), STR_ARG(field[2]), STR_ARG(field[3]), STR_ARG(field[4]),
                       STR_ARG(strbuf_str(&got)));
        }
        strbuf_clear(&got);
        arena_reset(arena);
    }
    free(line); /* getline's */
    arena_free(arena);
    bool failed = false;
    for (size_t i = 0; kinds[i] != 0; i++) {
        size_t allowed = 0;
        for (int arg = 2; arg < argc; arg++)
            if (argv[arg][0] == kinds[i] && argv[arg][1] == '=')
                allowed = (size_t)strtoul(argv[arg] + 2, NULL, 10);
        printf("%c: %zu cases, %zu differ, %zu are known to\n", kinds[i], cases[i], differ[i], allowed);
        failed |= differ[i] > allowed || cases[i] == 0;
    }
    return failed;
}
