/*
 * highlight.c - see highlight.h. A token at a time, as split.c sees them; parentheses are remembered until
 * the statement ends.
 */
#include "shell/highlight.h"

#include "shell/complete.h"

enum { PARENS_MAX = 256 };

typedef struct {
    Str      text;
    uint8_t *styles;
    size_t   open[PARENS_MAX]; /* where the parentheses stand that are open */
    size_t   depth;            /* may be beyond PARENS_MAX: those are not marked */
} Scan;

const char *style_code(Style style)
{
    /* Bold, dim, and colours that are neither near white nor near black. */
    static const char *const codes[STYLES] = {
        [STYLE_PLAIN] = "",    [STYLE_KEYWORD] = "1", [STYLE_TEXT] = "32",
        [STYLE_NUMBER] = "35", [STYLE_COMMENT] = "2", [STYLE_ERROR] = "1;31",
    };
    return codes[style];
}

static void paint(Scan *scan, size_t from, size_t to, Style style)
{
    memset(scan->styles + from, style, to - from);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool begins(const Scan *scan, size_t at, const char *sign)
{
    return str_starts_with(str_n(scan->text.ptr + at, scan->text.len - at), str_c(sign));
}

/* A quote is doubled inside; where it is not closed, the one that opened it is marked. */
static size_t take_quoted(Scan *scan, size_t at)
{
    char   quote = scan->text.ptr[at];
    size_t end   = at + 1;
    Style  style = quote == '\'' ? STYLE_TEXT : STYLE_PLAIN;
    while (end < scan->text.len && scan->text.ptr[end] != quote)
        end++;
    bool closed = end < scan->text.len;
    end += closed;
    paint(scan, at, end, style);
    if (!closed)
        scan->styles[at] = STYLE_ERROR;
    return end;
}

static size_t take_comment(Scan *scan, size_t at)
{
    bool   line = scan->text.ptr[at] == '-';
    size_t end  = at + 2;
    while (end < scan->text.len && !(line ? scan->text.ptr[end] == '\n' : begins(scan, end, "*/")))
        end++;
    if (!line && end < scan->text.len)
        end += 2;
    paint(scan, at, end, STYLE_COMMENT);
    return end;
}

static size_t take_number(Scan *scan, size_t at)
{
    size_t end = at;
    while (end < scan->text.len && (is_word(scan->text.ptr[end]) || (scan->text.ptr[end] == '.' && end > at)))
        end++;
    paint(scan, at, end, STYLE_NUMBER);
    return end;
}

static size_t take_word(Scan *scan, size_t at)
{
    size_t end = at;
    while (end < scan->text.len && is_word(scan->text.ptr[end]))
        end++;
    bool part =
        (at > 0 && scan->text.ptr[at - 1] == '.') || (end < scan->text.len && scan->text.ptr[end] == '.');
    bool keyword = !part && complete_is_keyword(str_n(scan->text.ptr + at, end - at));
    paint(scan, at, end, keyword ? STYLE_KEYWORD : STYLE_PLAIN);
    return end;
}

/* ${name} */
static size_t take_variable(Scan *scan, size_t at)
{
    size_t end = at;
    while (end < scan->text.len && scan->text.ptr[end] != '}' && scan->text.ptr[end] != '\n')
        end++;
    end += end < scan->text.len;
    paint(scan, at, end, STYLE_NUMBER);
    return end;
}

/* What is still open when the statement ends is never closed. */
static void end_statement(Scan *scan)
{
    for (size_t i = 0; i < scan->depth && i < PARENS_MAX; i++)
        scan->styles[scan->open[i]] = STYLE_ERROR;
    scan->depth = 0;
}

static size_t take_sign(Scan *scan, size_t at)
{
    char c           = scan->text.ptr[at];
    scan->styles[at] = STYLE_PLAIN;
    if (c == '(' || c == '[') {
        if (scan->depth < PARENS_MAX)
            scan->open[scan->depth] = at;
        scan->depth++;
    } else if (c == ')' || c == ']') {
        char wanted = c == ')' ? '(' : '[';
        bool pairs  = scan->depth > 0 &&
                     (scan->depth > PARENS_MAX || scan->text.ptr[scan->open[scan->depth - 1]] == wanted);
        if (!pairs)
            scan->styles[at] = STYLE_ERROR;
        scan->depth -= scan->depth > 0 && pairs;
    } else if (c == ';')
        end_statement(scan);
    return at + 1;
}

/* \command at the beginning of a line */
static size_t take_command(Scan *scan, size_t at)
{
    size_t end = at + 1;
    while (end < scan->text.len && (is_word(scan->text.ptr[end]) || scan->text.ptr[end] == '?'))
        end++;
    paint(scan, at, end, STYLE_KEYWORD);
    return end;
}

void highlight(Str text, uint8_t *styles)
{
    Scan scan = {.text = text, .styles = styles};
    for (size_t at = 0; at < text.len;) {
        char c = text.ptr[at];
        if (c == '\'' || c == '"' || c == '`')
            at = take_quoted(&scan, at);
        else if (begins(&scan, at, "--") || begins(&scan, at, "/*"))
            at = take_comment(&scan, at);
        else if (begins(&scan, at, "${"))
            at = take_variable(&scan, at);
        else if (is_digit(c))
            at = take_number(&scan, at);
        else if (is_word(c))
            at = take_word(&scan, at);
        else if (c == '\\' && (at == 0 || text.ptr[at - 1] == '\n'))
            at = take_command(&scan, at);
        else
            at = take_sign(&scan, at);
    }
}
