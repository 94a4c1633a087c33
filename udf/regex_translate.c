/*
 * regex_translate.c - Java's regular expressions in PCRE2's words.
 *
 * What stands for one of several characters becomes a set of ranges (regex_class.c), (?i) included: PCRE2
 * never folds case but for back references. Lines end where Java says (\n \r \r\n U+0085 U+2028 U+2029; \n
 * alone under (?d)), so ^, $ and . are spelt out. \12 is group 1 and a 2 when there is no group 12. Blanks
 * and comments of (?x) are dropped here. What PCRE2 would take and Java refuses is refused: dangling
 * quantifiers, a{,3}, (?P<n>...), (*VERBS).
 */
#include "udf/regex_parser.h"

#include <unicode/uchar.h>

enum { LONGEST_NAME = 128 };

#define TERMINATORS "\\n\\r\\x{85}\\x{2028}\\x{2029}"
#define NOT_IN_CRLF "(?!(?<=\\r)\\n)" /* no line ends between the two */

Status regex_refuse(RegexParser *p, const char *why)
{
    return error_set(p->err, E_DATA, NO_POS, "%s near index %zu", why, p->at);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* ---- characters written in some other way ---- */

static int hex_digit(char c)
{
    char low = (char)(c | 0x20);
    return is_digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool read_hex4(const RegexParser *p, size_t from, uint32_t *out)
{
    *out = 0;
    for (size_t i = from; i < from + 4; i++) {
        int digit = i < p->in.len ? hex_digit(p->in.ptr[i]) : -1;
        if (digit < 0)
            return false;
        *out = *out * 16 + (uint32_t)digit;
    }
    return true;
}

/* Behind \u: a pair of surrogates is one character. */
static Status read_utf16(RegexParser *p, uint32_t *out)
{
    uint32_t low;
    if (!read_hex4(p, p->at, out))
        return regex_refuse(p, "Illegal Unicode escape sequence");
    p->at += 4;
    if (*out >= 0xD800 && *out < 0xDC00 && regex_peek(p, 0) == '\\' && regex_peek(p, 1) == 'u' &&
        read_hex4(p, p->at + 2, &low) && low >= 0xDC00 && low < 0xE000) {
        *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
        p->at += 6;
    }
    return *out >= 0xD800 && *out < 0xE000 ? regex_refuse(p, "Half a surrogate pair") : OK;
}

/* Behind \x: two digits, or any number in braces. */
static Status read_hex(RegexParser *p, uint32_t *out)
{
    bool   braces = regex_peek(p, 0) == '{';
    size_t digits = 0;
    *out          = 0;
    p->at += braces;
    for (; hex_digit(regex_peek(p, 0)) >= 0 && (braces || digits < 2); digits++, p->at++) {
        *out = *out * 16 + (uint32_t)hex_digit(regex_peek(p, 0));
        if (*out > 0x10FFFF)
            return regex_refuse(p, "Hexadecimal codepoint is too big");
    }
    if (braces ? digits == 0 || regex_peek(p, 0) != '}' : digits != 2)
        return regex_refuse(p, "Illegal hexadecimal escape sequence");
    p->at += braces;
    return *out >= 0xD800 && *out < 0xE000 ? regex_refuse(p, "Half a surrogate pair") : OK;
}

/* Behind \0: up to three octal digits, 377 at most. */
static Status read_octal(RegexParser *p, uint32_t *out)
{
    int digits = 0;
    for (*out = 0; digits < 3 && regex_peek(p, 0) >= '0' && regex_peek(p, 0) <= '7'; digits++, p->at++) {
        uint32_t next = *out * 8 + (uint32_t)(regex_peek(p, 0) - '0');
        if (next > 0377)
            break;
        *out = next;
    }
    return digits == 0 ? regex_refuse(p, "Illegal octal escape sequence") : OK;
}

/* Behind \N: {LATIN SMALL LETTER A} */
static Status read_named(RegexParser *p, uint32_t *out)
{
    char       name[LONGEST_NAME];
    UErrorCode status = U_ZERO_ERROR;
    ptrdiff_t  end    = str_find(p->in, STR_LIT("}"), p->at);
    if (regex_peek(p, 0) != '{' || end < 0)
        return regex_refuse(p, "Illegal character name escape sequence");
    Str text = str_n(p->in.ptr + p->at + 1, (size_t)end - p->at - 1);
    if (text.len >= sizeof name || memchr(text.ptr, 0, text.len) != NULL)
        return regex_refuse(p, "Unknown character name");
    memcpy(name, text.ptr, text.len);
    name[text.len] = 0;
    *out           = (uint32_t)u_charFromName(U_UNICODE_CHAR_NAME, name, &status);
    if (U_FAILURE(status))
        return regex_refuse(p, "Unknown character name");
    p->at = (size_t)end + 1;
    return OK;
}

/* \t, \n, ...: 0 = the letter is none of these. */
static uint32_t control_letter(char c)
{
    static const char letters[] = "tnrfae", values[] = "\t\n\r\f\a\033";
    const char       *found = c == 0 ? NULL : strchr(letters, c);
    return found == NULL ? 0 : (uint32_t)values[found - letters];
}

Status regex_read_character(RegexParser *p, bool in_class, uint32_t *out, bool *is_one)
{
    if (p->at + 1 >= p->in.len)
        return regex_refuse(p, "Unexpected internal error");
    size_t start = p->at++;
    char   c     = regex_peek(p, 0);
    *is_one      = true;
    if (!is_alpha(c) && !is_digit(c)) { /* \. and \é: the character itself */
        *out = utf8_next(p->in, &p->at);
        return OK;
    }
    p->at++;
    if ((*out = control_letter(c)) != 0)
        return OK;
    switch (c) {
    case 'u':
        return read_utf16(p, out);
    case 'x':
        return read_hex(p, out);
    case '0':
        return read_octal(p, out);
    case 'N':
        return read_named(p, out);
    case 'c':
        if (p->at >= p->in.len)
            return regex_refuse(p, "Illegal control escape sequence");
        *out = utf8_next(p->in, &p->at) ^ 64;
        return OK;
    default:
        break;
    }
    p->at   = start;
    *is_one = false;
    return in_class && is_digit(c) ? regex_refuse(p, "Illegal/unsupported escape sequence") : OK;
}

/* ---- what matches something ---- */

static void write_character(RegexParser *p, uint32_t c)
{
    if (p->flags.nocase) {
        USet *set = uset_open((UChar32)c, (UChar32)c);
        regex_fold_set(p, set);
        bool alone = uset_size(set) == 1;
        if (!alone)
            regex_write_set(set, p->out);
        uset_close(set);
        if (!alone)
            return;
    }
    strbuf_addf(p->out, "\\x{%x}", (unsigned)c);
}

static void write_and_close(RegexParser *p, USet *set)
{
    regex_write_set(set, p->out);
    uset_close(set);
}

static Status read_set(RegexParser *p, Status (*read)(RegexParser *, USet *))
{
    USet  *set    = uset_openEmpty();
    Status status = read(p, set);
    if (status == OK)
        regex_write_set(set, p->out);
    uset_close(set);
    return status;
}

static Status read_property(RegexParser *p, USet *set) { return regex_read_property(p, false, set); }

static Status read_no_property(RegexParser *p, USet *set) { return regex_read_property(p, true, set); }

/* The longest number that is a group opened so far, one digit at least. A group that does not exist never
 * matches. */
static void translate_back_reference(RegexParser *p)
{
    int group = 0;
    while (is_digit(regex_peek(p, 0)) && (group == 0 || group * 10 + (regex_peek(p, 0) - '0') <= p->groups)) {
        group = group * 10 + (regex_peek(p, 0) - '0');
        p->at++;
    }
    if (group > p->groups)
        strbuf_adds(p->out, "(?!)");
    else
        strbuf_addf(p->out, p->flags.nocase ? "(?i:\\g{%d})" : "\\g{%d}", group);
}

/* Behind \k: <name> */
static Status translate_named_reference(RegexParser *p)
{
    ptrdiff_t end = str_find(p->in, STR_LIT(">"), p->at);
    if (regex_peek(p, 0) != '<' || end < 0)
        return regex_refuse(p, "\\k is not followed by '<' for named capturing group");
    Str name = str_n(p->in.ptr + p->at + 1, (size_t)end - p->at - 1);
    strbuf_addf(p->out, p->flags.nocase ? "(?i:\\k<" STR_FMT ">)" : "\\k<" STR_FMT ">", STR_ARG(name));
    p->at = (size_t)end + 1;
    return OK;
}

/* \Q...\E: every character for itself. */
static void translate_quoted(RegexParser *p)
{
    ptrdiff_t found = str_find(p->in, STR_LIT("\\E"), p->at);
    size_t    end   = found < 0 ? p->in.len : (size_t)found;
    while (p->at < end)
        write_character(p, utf8_next(p->in, &p->at));
    p->at = found < 0 ? end : end + 2;
}

/* ---- what matches a place ---- */

static void write_line_start(RegexParser *p)
{
    if (!p->flags.multiline)
        strbuf_adds(p->out, "(?:\\A)");
    else if (p->flags.unix_lines)
        strbuf_adds(p->out, "(?:(?!\\z)(?:\\A|(?<=\\n)))");
    else
        strbuf_adds(p->out, "(?:(?!\\z)(?:\\A|(?<=[" TERMINATORS "])" NOT_IN_CRLF "))");
}

/* Before the last line's terminator, too. */
static void write_text_end(RegexParser *p)
{
    strbuf_adds(p->out, p->flags.unix_lines ? "(?:(?=\\n?\\z))"
                                            : "(?:(?=(?:\\r\\n|[" TERMINATORS "])?\\z)" NOT_IN_CRLF ")");
}

static void write_line_end(RegexParser *p)
{
    if (!p->flags.multiline)
        write_text_end(p);
    else
        strbuf_adds(p->out,
                    p->flags.unix_lines ? "(?:(?=\\n|\\z))" : "(?:(?=[" TERMINATORS "]|\\z)" NOT_IN_CRLF ")");
}

/* Up to JDK 18 \b knows letters and digits of all scripts, though \w does not. PCRE2's own properties: as
 * ranges the set would be written out four times, and more in a repeated group. */
static void write_word_boundary(RegexParser *p, bool negated)
{
    const char *word =
        p->flags.unicode_classes ? "[\\p{Alphabetic}\\pM\\p{Nd}\\p{Pc}\\p{Join_Control}]" : "[\\pL\\p{Nd}_]";
    const char *form = negated ? "(?:(?<=W)(?=W)|(?<!W)(?!W))" : "(?:(?<=W)(?!W)|(?<!W)(?=W))";
    for (; *form != 0; form++) {
        if (*form == 'W')
            strbuf_adds(p->out, word);
        else
            strbuf_addc(p->out, *form);
    }
}

/* Behind a backslash, at a letter that stands for a place; false: it does not. In a group of their own, for
 * PCRE2 lets nothing else of the kind be repeated. */
static bool translate_place(RegexParser *p)
{
    switch (regex_peek(p, 0)) {
    case 'b':
    case 'B':
        write_word_boundary(p, regex_peek(p, 0) == 'B');
        break;
    case 'Z':
        write_text_end(p);
        break;
    case 'A':
    case 'z':
    case 'G':
        strbuf_addf(p->out, "(?:\\%c)", regex_peek(p, 0));
        break;
    default:
        return false;
    }
    p->at++;
    return true;
}

/* ---- escapes ---- */

/* Behind the backslash: what is neither one character nor a place. */
static Status translate_letter(RegexParser *p)
{
    char  c   = regex_peek(p, 0);
    USet *set = regex_letter_set(p, c);
    p->at++;
    if (set != NULL) {
        write_and_close(p, set);
        return OK;
    }
    switch (c) {
    case 'p':
        return read_set(p, read_property);
    case 'P':
        return read_set(p, read_no_property);
    case 'Q':
        translate_quoted(p);
        return OK;
    case 'E':
        return OK;
    case 'k':
        return translate_named_reference(p);
    case 'R':
    case 'X':
        strbuf_addf(p->out, "\\%c", c);
        return OK;
    default:
        return regex_refuse(p, "Illegal/unsupported escape sequence");
    }
}

/* At a backslash. */
static Status translate_escape(RegexParser *p)
{
    uint32_t c;
    bool     is_one;
    TRY(regex_read_character(p, false, &c, &is_one));
    if (is_one) {
        write_character(p, c);
        return OK;
    }
    p->at++;
    if (is_digit(regex_peek(p, 0))) {
        translate_back_reference(p);
        return OK;
    }
    return translate_place(p) ? OK : translate_letter(p);
}

/* ---- quantifiers ---- */

static bool read_number(RegexParser *p)
{
    size_t start = p->at;
    while (is_digit(regex_peek(p, 0)))
        p->at++;
    return p->at > start;
}

/* * + ? {n} {n,} {n,m}, then ? or +. */
static Status translate_quantifier(RegexParser *p, bool repeatable)
{
    size_t start = p->at;
    char   c     = regex_peek(p, 0);
    if (c == '{') {
        p->at++;
        bool legal = repeatable && read_number(p);
        if (legal && regex_peek(p, 0) == ',') {
            p->at++;
            read_number(p);
        }
        if (!legal || regex_peek(p, 0) != '}')
            return regex_refuse(p, "Illegal repetition");
    } else if (!repeatable) {
        return error_set(p->err, E_DATA, NO_POS, "Dangling meta character '%c' near index %zu", c, p->at);
    }
    p->at++;
    if (regex_peek(p, 0) == '?' || regex_peek(p, 0) == '+')
        p->at++;
    strbuf_add(p->out, str_n(p->in.ptr + start, p->at - start));
    return OK;
}

/* ---- groups and flags ---- */

/* Behind `(?`: flags up to `:` or `)`. */
static Status read_flags(RegexParser *p)
{
    bool on = true;
    for (; p->at < p->in.len; p->at++) {
        switch (regex_peek(p, 0)) {
        case ':':
        case ')':
            return OK;
        case '-':
            on = false;
            break;
        case 's':
            p->flags.dotall = on;
            break;
        case 'i':
            p->flags.nocase = on;
            break;
        case 'u':
            p->flags.fold_unicode = on;
            break;
        case 'U': /* implies u */
            p->flags.unicode_classes = on;
            p->flags.fold_unicode    = on;
            break;
        case 'd':
            p->flags.unix_lines = on;
            break;
        case 'm':
            p->flags.multiline = on;
            break;
        case 'x':
            p->flags.comments = on;
            break;
        default:
            return regex_refuse(p, "Unknown inline modifier");
        }
    }
    return regex_refuse(p, "Unclosed group");
}

static Status translate_all(RegexParser *p);

/* At the body of a lookbehind without groups: spells it out and translates that; leaves `at` alone when it
 * cannot. */
static Status translate_lookbehind(RegexParser *p)
{
    size_t end = p->at;
    while (end < p->in.len && p->in.ptr[end] != ')')
        end += p->in.ptr[end] == '\\' ? 2 : 1;
    if (end >= p->in.len)
        return OK;
    Arena *arena    = arena_new(0);
    StrBuf expanded = {0};
    Status status   = OK;
    if (regex_expand_lookbehind(str_n(p->in.ptr + p->at, end - p->at), arena, &expanded)) {
        RegexParser inner = {.in     = strbuf_str(&expanded),
                             .out    = p->out,
                             .err    = p->err,
                             .flags  = p->flags,
                             .groups = p->groups};
        status            = translate_all(&inner);
        p->at             = end;
    }
    strbuf_clear(&expanded);
    arena_free(arena);
    return status;
}

/* Behind `(?<` of a named group. Java's names are letters and digits of ASCII. */
static Status check_group_name(RegexParser *p)
{
    size_t at = p->at;
    if (at >= p->in.len || !is_alpha(p->in.ptr[at]))
        return regex_refuse(p, "capturing group name does not start with a Latin letter");
    while (at < p->in.len && (is_alpha(p->in.ptr[at]) || is_digit(p->in.ptr[at])))
        at++;
    if (at >= p->in.len || p->in.ptr[at] != '>')
        return regex_refuse(p, "named capturing group is missing trailing '>'");
    strbuf_add(p->out, str_n(p->in.ptr + p->at, at + 1 - p->at));
    p->at = at + 1;
    return OK;
}

/* Behind `(?`, at one of : = ! > < */
static Status open_special_group(RegexParser *p, RegexFlags outer)
{
    char   c = regex_peek(p, 0), d = regex_peek(p, 1);
    bool   named  = c == '<' && d != '=' && d != '!';
    size_t length = c == '<' && !named ? 2 : 1;
    strbuf_adds(p->out, "(?");
    strbuf_add(p->out, str_n(p->in.ptr + p->at, length));
    p->at += length;
    p->saved[p->depth++] = outer;
    p->groups += named;
    if (named)
        return check_group_name(p);
    return length == 2 ? translate_lookbehind(p) : OK;
}

/* At `(`. *opened is false behind `(?i)`: flags for the rest of the enclosing group. */
static Status open_group(RegexParser *p, bool *opened)
{
    if (p->depth == REGEX_GROUP_DEPTH)
        return regex_refuse(p, "Groups are nested too deeply");
    RegexFlags outer = p->flags;
    *opened          = true;
    p->at++;
    if (regex_peek(p, 0) != '?') {
        p->groups++;
        strbuf_addc(p->out, '(');
        p->saved[p->depth++] = outer;
        return OK;
    }
    p->at++;
    char c = regex_peek(p, 0);
    if (c != 0 && strchr(":=!><", c) != NULL)
        return open_special_group(p, outer);
    TRY(read_flags(p));
    *opened = regex_peek(p, 0) == ':';
    p->at++;
    if (*opened) {
        strbuf_adds(p->out, "(?:");
        p->saved[p->depth++] = outer;
    }
    return OK;
}

static void close_group(RegexParser *p)
{
    if (p->depth > 0)
        p->flags = p->saved[--p->depth];
    strbuf_addc(p->out, ')');
    p->at++;
}

/* ---- the whole ---- */

/* Blanks and # comments under (?x). */
static bool skip_comment(RegexParser *p)
{
    char c = regex_peek(p, 0);
    if (!p->flags.comments || c == 0)
        return false;
    if (c == '#') {
        while (p->at < p->in.len && regex_peek(p, 0) != '\n' && regex_peek(p, 0) != '\r')
            p->at++;
        return true;
    }
    if (strchr(" \t\n\v\f\r", c) == NULL)
        return false;
    p->at++;
    return true;
}

static void translate_dot(RegexParser *p)
{
    strbuf_adds(p->out, p->flags.dotall ? "(?s:.)" : p->flags.unix_lines ? "[^\\n]" : "[^" TERMINATORS "]");
    p->at++;
}

/* One atom, group, place or quantifier. *repeatable: may a quantifier follow it? */
static Status translate_step(RegexParser *p, bool *repeatable)
{
    char c      = regex_peek(p, 0);
    bool after  = *repeatable, opened;
    *repeatable = true;
    switch (c) {
    case '\\':
        return translate_escape(p);
    case '[':
        return read_set(p, regex_read_class);
    case '(':
        TRY(open_group(p, &opened));
        *repeatable = false;
        return OK;
    case ')':
        close_group(p);
        return OK;
    case '|':
        strbuf_addc(p->out, '|');
        p->at++;
        *repeatable = false;
        return OK;
    case '.':
        translate_dot(p);
        return OK;
    case '^':
        write_line_start(p);
        p->at++;
        return OK;
    case '$':
        write_line_end(p);
        p->at++;
        return OK;
    case '*':
    case '+':
    case '?':
    case '{':
        *repeatable = false;
        return translate_quantifier(p, after);
    default:
        write_character(p, utf8_next(p->in, &p->at));
        return OK;
    }
}

static Status translate_all(RegexParser *p)
{
    bool repeatable = false;
    while (p->at < p->in.len)
        if (!skip_comment(p))
            TRY(translate_step(p, &repeatable));
    return OK;
}

Status regex_translate(Str pattern, StrBuf *out, Error *err)
{
    RegexParser p = {.in = pattern, .out = out, .err = err};
    return translate_all(&p);
}
