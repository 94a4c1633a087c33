/*
 * recall.c - see recall.h. Numbers are those that `history` shows: 1 is the oldest entry that is kept.
 */
#include "shell/recall.h"

#include "core/value.h"

static Str without_end(Str line)
{
    line = str_trim(line);
    while (line.len > 1 && line.ptr[line.len - 1] == ';')
        line = str_trim(str_n(line.ptr, line.len - 1));
    return line;
}

bool recall_is_meant(Str line)
{
    line = without_end(line);
    return line.len > 1 && (line.ptr[0] == '!' || line.ptr[0] == '^');
}

/* The newest entry that begins with `text`; any, if that is empty. STR_NULL: none does. */
static Str newest(History *history_of, Str text)
{
    HistEvent event;
    for (int code = history(history_of, &event, H_FIRST); code >= 0;
         code     = history(history_of, &event, H_NEXT))
        if (str_starts_with(str_c(event.str), text))
            return str_trim(str_c(event.str));
    return STR_NULL;
}

static Str numbered(History *history_of, int64_t number)
{
    HistEvent event;
    for (int code = history(history_of, &event, H_LAST); code >= 0;
         code     = history(history_of, &event, H_PREV))
        if (--number == 0)
            return str_trim(str_c(event.str));
    return STR_NULL;
}

/* `^old^new`, with or without a last `^`: the newest entry with the first `old` replaced. */
static Status replace(History *history_of, Str line, StrBuf *out, Error *err)
{
    Str       entry  = newest(history_of, STR_LIT(""));
    ptrdiff_t middle = str_find(line, STR_LIT("^"), 1);
    if (middle < 2)
        return error_set(err, E_NOT_FOUND, NO_POS, "^old^new puts new in the place of old in the last entry");
    Str old   = str_n(line.ptr + 1, (size_t)middle - 1),
        fresh = str_n(line.ptr + middle + 1, line.len - (size_t)middle - 1);
    if (fresh.len > 0 && fresh.ptr[fresh.len - 1] == '^')
        fresh.len--;
    ptrdiff_t at = str_find(entry, old, 0);
    if (at < 0)
        return error_set(err, E_NOT_FOUND, NO_POS, "The last entry of the history has no '" STR_FMT "'",
                         STR_ARG(old));
    strbuf_add(out, str_n(entry.ptr, (size_t)at));
    strbuf_add(out, fresh);
    strbuf_add(out, str_n(entry.ptr + at + old.len, entry.len - (size_t)at - old.len));
    return OK;
}

Status recall(History *history_of, Str line, StrBuf *out, Error *err)
{
    int64_t number;
    line = without_end(line);
    if (line.ptr[0] == '^')
        return replace(history_of, line, out, err);
    Str what  = str_n(line.ptr + 1, line.len - 1);
    Str entry = str_equal(what, STR_LIT("!")) ? newest(history_of, STR_LIT(""))
                : int64_parse(what, &number)  ? numbered(history_of, number)
                                              : newest(history_of, what);
    if (str_is_null(entry))
        return error_set(err, E_NOT_FOUND, NO_POS, "The history has no entry " STR_FMT, STR_ARG(line));
    strbuf_add(out, entry);
    return OK;
}
