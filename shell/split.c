/*
 * split.c - where statements end; see split.h. The lexical rules are the dialect's (sql.md 1): a quote is
 * doubled inside a quoted text, comments are
 * `--` to the end of the line and slash-star, which does not nest.
 */
#include "shell/split.h"

typedef struct {
    Str       text;
    size_t    at;
    int       parens;
    SplitOpen open;
} Scanner;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
static char peek(const Scanner *s, size_t ahead)
{
    return s->at + ahead < s->text.len ? s->text.ptr[s->at + ahead] : '\0';
}

static void skip_line(Scanner *s)
{
    while (s->at < s->text.len && s->text.ptr[s->at] != '\n')
        s->at++;
}

/* At a comment: skips it. A block comment without end leaves the scanner at the end of the text, open. */
static bool skip_comment(Scanner *s)
{
    if (peek(s, 0) == '-' && peek(s, 1) == '-') {
        skip_line(s);
        return true;
    }
    if (peek(s, 0) != '/' || peek(s, 1) != '*')
        return false;
    ptrdiff_t end = str_find(s->text, STR_LIT("*/"), s->at + 2);
    if (end < 0)
        s->open = OPEN_COMMENT;
    s->at = end < 0 ? s->text.len : (size_t)end + 2;
    return true;
}

static void skip_blanks(Scanner *s)
{
    while (s->at < s->text.len)
        if (is_blank(s->text.ptr[s->at]) || s->text.ptr[s->at] == ';') /* an empty statement is none */
            s->at++;
        else if (!skip_comment(s))
            return;
}

static void skip_quoted(Scanner *s)
{
    char   quote  = s->text.ptr[s->at];
    size_t closed = s->at + 1;
    while (closed < s->text.len) {
        if (s->text.ptr[closed] != quote)
            closed++;
        else if (closed + 1 < s->text.len && s->text.ptr[closed + 1] == quote)
            closed += 2;
        else
            break;
    }
    if (closed >= s->text.len)
        s->open = quote == '\'' ? OPEN_QUOTE : OPEN_NAME;
    s->at = closed < s->text.len ? closed + 1 : closed;
}

/* `$$text$$`: code of another language, in which nothing else counts. */
static void skip_dollars(Scanner *s)
{
    ptrdiff_t end = str_find(s->text, STR_LIT("$$"), s->at + 2);
    if (end < 0)
        s->open = OPEN_QUOTE;
    s->at = end < 0 ? s->text.len : (size_t)end + 2;
}

/* Moves to the `;` that ends the statement, or to the end of the text. True: it is there. */
static bool find_end(Scanner *s)
{
    while (s->at < s->text.len && s->open == OPEN_NOTHING) {
        char c = s->text.ptr[s->at];
        if (c == ';')
            return true;
        if (skip_comment(s))
            continue;
        if (c == '\'' || c == '"' || c == '`') {
            skip_quoted(s);
            continue;
        }
        if (c == '$' && peek(s, 1) == '$') {
            skip_dollars(s);
            continue;
        }
        s->parens += c == '(' ? 1 : c == ')' ? -1 : 0;
        s->at++;
    }
    if (s->open == OPEN_NOTHING)
        s->open = s->parens > 0 ? OPEN_PAREN : OPEN_STATEMENT;
    return false;
}

static bool begins_line(Str text, size_t at)
{
    while (at > 0 && is_blank(text.ptr[at - 1]) && text.ptr[at - 1] != '\n')
        at--;
    return at == 0 || text.ptr[at - 1] == '\n' || text.ptr[at - 1] == ';';
}

static Str without_semicolon(Str line)
{
    line = str_trim(line);
    while (line.len > 0 && line.ptr[line.len - 1] == ';')
        line = str_trim(str_n(line.ptr, line.len - 1));
    return line;
}

/* A command in words may end with a `;` before its line does, as in ksqlDB's shell; \commands never do. */
static size_t command_length(Str line)
{
    char quote = '\0';
    for (size_t i = 0; i < line.len && line.ptr[0] != '\\'; i++) {
        char c = line.ptr[i];
        if (quote == '\0' && c == ';')
            return i + 1;
        if (quote == '\0' ? c == '\'' || c == '"' : c == quote)
            quote = quote == '\0' ? c : '\0';
    }
    return line.len;
}

static bool take_command(Scanner *s, bool last, Split *out)
{
    size_t start = s->at;
    skip_line(s);
    size_t length = command_length(str_n(s->text.ptr + start, s->at - start));
    if (start + length < s->at)
        s->at = start + length;
    out->ended = s->at < s->text.len || last;
    if (!out->ended) {
        out->open = OPEN_STATEMENT;
        return false;
    }
    out->command = true;
    out->text    = without_semicolon(str_n(s->text.ptr + start, s->at - start));
    out->end     = s->at;
    return true;
}

bool split_next(Str text, size_t from, bool last, SplitIsCommand is_command, Split *out)
{
    Scanner s = {.text = text, .at = from};
    skip_blanks(&s);
    *out = (Split){.text = STR_NULL, .start = s.at, .end = text.len, .open = s.open};
    if (s.at >= text.len)
        return false;
    Scanner line = s;
    skip_line(&line);
    if (begins_line(text, s.at) && is_command(str_n(text.ptr + s.at, line.at - s.at)))
        return take_command(&s, last, out);
    out->ended = find_end(&s);
    out->open  = s.open;
    if (!out->ended && !last)
        return false;
    out->text = str_trim(str_n(text.ptr + out->start, s.at - out->start));
    out->end  = out->ended ? s.at + 1 : s.at;
    return true;
}

size_t split_skip_text(Str text, size_t at)
{
    Scanner s = {.text = text, .at = at};
    if (peek(&s, 0) == '\'')
        skip_quoted(&s);
    else
        skip_comment(&s);
    return s.at;
}

void split_position(Str text, size_t at, unsigned *line, unsigned *col)
{
    *line = 1;
    *col  = 1;
    for (size_t i = 0; i < at && i < text.len; i++)
        if (text.ptr[i] == '\n') {
            (*line)++;
            *col = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80)
            (*col)++;
}

Str split_word(Arena *arena, Str statement, size_t n)
{
    Scanner s = {.text = statement};
    for (;; n--) {
        skip_blanks(&s);
        size_t start = s.at;
        while (s.at < s.text.len && !is_blank(s.text.ptr[s.at]) &&
               strchr(";('\"`,", s.text.ptr[s.at]) == NULL)
            s.at++;
        Str word = str_n(s.text.ptr + start, s.at - start);
        if (n == 0 || word.len == 0)
            return n == 0 ? str_upper(arena, word) : STR_LIT("");
    }
}

static bool is_word_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool split_has_word(Str statement, const char *word)
{
    for (size_t at = 0, end; at < statement.len; at = end) {
        end = split_skip_text(statement, at);
        if (end > at)
            continue;
        while (end < statement.len && is_word_letter(statement.ptr[end]))
            end++;
        if (str_equal_nocase(str_n(statement.ptr + at, end - at), str_c(word)))
            return true;
        end += end == at;
    }
    return false;
}
