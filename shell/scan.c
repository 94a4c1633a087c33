/*
 * scan.c - see scan.h.
 */
#include "shell/scan.h"

bool scan_is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '\\' || c == '?' || (unsigned char)c >= 0x80;
}

Str scan_back(const Scan *scan, size_t n)
{
    return n < scan->count ? scan->words[scan->count - 1 - n] : STR_LIT("");
}

ParenKind scan_paren(const Scan *scan)
{
    return scan->depth == 0 || scan->depth > SCAN_PARENS ? PAREN_OTHER : scan->parens[scan->depth - 1];
}

bool scan_ends(const Scan *scan, const char *words)
{
    bool   whole = words[0] == '^';
    Str    rest  = str_c(words + whole);
    size_t n     = 0;
    for (; rest.len > 0; n++) {
        size_t begin = rest.len;
        while (begin > 0 && rest.ptr[begin - 1] != ' ')
            begin--;
        Str wanted = str_n(rest.ptr + begin, rest.len - begin);
        Str word   = scan_back(scan, n);
        if (word.len == 0 || (!str_equal(wanted, STR_LIT("*")) && !str_equal(wanted, word)))
            return false;
        rest.len = begin > 0 ? begin - 1 : 0;
    }
    return !whole || scan->total == n;
}

static void add_word(Scan *scan, Arena *arena, Str word)
{
    if (scan->total == 0)
        scan->first = str_dup(arena, word); /* a sign is a letter on somebody's stack */
    word = str_upper(arena, word);
    if (scan->count == SCAN_WORDS) {
        memmove(scan->words, scan->words + 1, (SCAN_WORDS - 1) * sizeof *scan->words);
        scan->count--;
    }
    scan->words[scan->count++] = word;
    if (scan->total < SCAN_BEGINNING)
        scan->beginning[scan->total] = word;
    scan->total++;
}

/* Of a parenthesis that comes next. */
static ParenKind kind_of_paren(const Scan *scan)
{
    bool creates = scan_ends(scan, "STREAM *") || scan_ends(scan, "TABLE *") || scan_ends(scan, "EXISTS *");
    if (scan_ends(scan, "WITH"))
        return PAREN_WITH;
    if (scan_ends(scan, "CAST"))
        return PAREN_CAST;
    if (scan_ends(scan, "VALUES") || (scan_ends(scan, ",") && scan->depth == 0 && scan->total > 0 &&
                                      str_equal(scan->beginning[0], STR_LIT("INSERT"))))
        return PAREN_VALUES;
    if (scan_ends(scan, "^INSERT INTO *"))
        return PAREN_TARGET;
    return creates && str_equal(scan->beginning[0], STR_LIT("CREATE")) ? PAREN_SCHEMA : PAREN_OTHER;
}

static void take_sign(Scan *scan, Arena *arena, char c)
{
    char sign[2] = {c, 0};
    if (c == ';') {
        *scan = (Scan){0};
        return;
    }
    if (c == '(') {
        if (scan->depth < SCAN_PARENS)
            scan->parens[scan->depth] = kind_of_paren(scan);
        scan->depth++;
        scan->angles = 0;
    } else if (c == ')') {
        scan->depth -= scan->depth > 0;
        scan->angles = 0;
    } else if (c == '<')
        scan->angles++;
    else if (c == '>')
        scan->angles -= scan->angles > 0;
    add_word(scan, arena, str_c(sign));
}

/* Moves behind a quoted text, or sets scan->quote when the cursor is inside. */
static size_t take_quoted(Scan *scan, Arena *arena, Str text, size_t at)
{
    char   quote = text.ptr[at];
    size_t end = at + 1, from = at + (quote != '\'');
    while (end < text.len && text.ptr[end] != quote)
        end++;
    if (end >= text.len) {
        scan->quote   = quote;
        scan->partial = str_n(text.ptr + at + 1, text.len - at - 1);
        scan->start   = at + 1;
        return text.len;
    }
    add_word(scan, arena, str_n(text.ptr + from, end - from));
    return end + 1;
}

static size_t take_word(Scan *scan, Arena *arena, Str text, size_t at)
{
    size_t start = at;
    while (at < text.len && scan_is_word_char(text.ptr[at]))
        at++;
    if (at < text.len) {
        add_word(scan, arena, str_n(text.ptr + start, at - start));
        return at;
    }
    scan->partial = str_n(text.ptr + start, at - start);
    scan->start   = start;
    return at;
}

/* A comment that begins at `at`, or nothing. */
static size_t skip_comment(Str text, size_t at)
{
    Str rest = str_n(text.ptr + at, text.len - at);
    if (str_starts_with(rest, STR_LIT("--")))
        while (at < text.len && text.ptr[at] != '\n')
            at++;
    else if (str_starts_with(rest, STR_LIT("/*"))) {
        ptrdiff_t end = str_find(text, STR_LIT("*/"), at + 2);
        at            = end < 0 ? text.len : (size_t)end + 2;
    }
    return at;
}

/* What comes next is the name of a file, whatever is in it. */
static bool awaits_file(const Scan *scan)
{
    static const char *const words[] = {"^\\I", "^\\O", "^\\G", "^RUN SCRIPT", "^SPOOL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (scan_ends(scan, words[i]))
            return true;
    return false;
}

void scan_text(Scan *scan, Arena *arena, Str text)
{
    *scan = (Scan){0};
    for (size_t at = 0; at < text.len;) {
        char   c       = text.ptr[at];
        size_t comment = skip_comment(text, at);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            at++;
        else if (comment > at && !awaits_file(scan))
            at = comment;
        else if (c == '\'' || c == '"' || c == '`')
            at = take_quoted(scan, arena, text, at);
        else if (awaits_file(scan)) {
            scan->partial = str_n(text.ptr + at, text.len - at);
            scan->start   = at;
            return;
        } else if (scan_is_word_char(c))
            at = take_word(scan, arena, text, at);
        else {
            take_sign(scan, arena, c);
            at++;
        }
    }
    if (scan->partial.len == 0 && scan->quote == 0)
        scan->start = text.len;
}
