/*
 * regex_translate.c - Java's regular expressions in PCRE2's words.
 *
 * What differs: `.` stops at Java's line terminators; \uXXXX; nested classes and && (written as lookaheads);
 * \p{Lower} and friends are ASCII; (?i) folds ASCII only, unless (?u); the flags d, u and U mean other things
 * or nothing in PCRE2; \12 is group 1 and a 2 when there is no group 12. Everything else is passed on, for
 * PCRE2 to judge.
 */
#include "udf/regex.h"

enum { MAX_CLASS_DEPTH = 32, MAX_GROUP_DEPTH = 200 };

#define JAVA_DOT "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"

typedef struct {
    bool dotall, nocase, unicode;
} Flags;

typedef struct {
    Str     in;
    size_t  at;
    StrBuf *out;
    Error  *err;
    Flags   flags, saved[MAX_GROUP_DEPTH]; /* of the open groups around */
    int     depth;
    int     groups;
} Translator;

static Status refuse(Translator *t, const char *why)
{
    return error_set(t->err, E_DATA, NO_POS, "%s near index %zu", why, t->at);
}

static char peek(const Translator *t, size_t ahead)
{
    return t->at + ahead < t->in.len ? t->in.ptr[t->at + ahead] : 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static void emit_code_point(StrBuf *out, uint32_t cp) { strbuf_addf(out, "\\x{%x}", (unsigned)cp); }

/* ---- escapes ---- */

static bool read_hex4(const Translator *t, size_t from, uint32_t *out)
{
    *out = 0;
    for (size_t i = from; i < from + 4; i++) {
        char c = i < t->in.len ? t->in.ptr[i] : 0, low = (char)(c | 0x20);
        if (!is_digit(c) && !(low >= 'a' && low <= 'f'))
            return false;
        *out = *out * 16 + (uint32_t)(is_digit(c) ? c - '0' : low - 'a' + 10);
    }
    return true;
}

/* Behind \u */
static Status translate_unicode(Translator *t, StrBuf *out)
{
    uint32_t cp, low;
    if (!read_hex4(t, t->at, &cp))
        return refuse(t, "Illegal Unicode escape sequence");
    t->at += 4;
    if (cp >= 0xD800 && cp < 0xDC00 && peek(t, 0) == '\\' && peek(t, 1) == 'u' &&
        read_hex4(t, t->at + 2, &low) && low >= 0xDC00 && low < 0xE000) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        t->at += 6;
    }
    if (cp >= 0xD800 && cp < 0xE000)
        return refuse(t, "Half a surrogate pair");
    emit_code_point(out, cp);
    return OK;
}

/* Behind \0: up to three octal digits, 377 at most. */
static Status translate_octal(Translator *t, StrBuf *out)
{
    uint32_t value  = 0;
    int      digits = 0;
    while (digits < 3 && peek(t, 0) >= '0' && peek(t, 0) <= '7' &&
           value * 8 + (uint32_t)(peek(t, 0) - '0') <= 0377) {
        value = value * 8 + (uint32_t)(peek(t, 0) - '0');
        t->at++;
        digits++;
    }
    if (digits == 0)
        return refuse(t, "Illegal octal escape sequence");
    emit_code_point(out, value);
    return OK;
}

/* Behind \p or \P */
static Status translate_property(Translator *t, bool negated, bool in_class, StrBuf *out)
{
    static const struct {
        const char *java, *pcre;
    } names[] = {
        {"Lower", ":lower:"},     {"Upper", ":upper:"},
        {"ASCII", ":ascii:"},     {"Alpha", ":alpha:"},
        {"Digit", ":digit:"},     {"Alnum", ":alnum:"},
        {"Punct", ":punct:"},     {"Graph", ":graph:"},
        {"Print", ":print:"},     {"Blank", ":blank:"},
        {"Cntrl", ":cntrl:"},     {"XDigit", ":xdigit:"},
        {"Space", ":space:"},     {"javaLowerCase", "Ll"},
        {"javaUpperCase", "Lu"},  {"javaWhitespace", "Xsp"},
        {"javaAlphabetic", "L"},  {"javaDigit", "Nd"},
        {"javaLetter", "L"},      {"javaLetterOrDigit", "Xan"},
        {"IsAlphabetic", "L"},    {"IsLetter", "L"},
        {"IsDigit", "Nd"},        {"IsUppercase", "Lu"},
        {"IsLowercase", "Ll"},    {"IsPunctuation", "P"},
        {"IsWhite_Space", "Xsp"}, {"L1", NULL},
        {"all", "Any"},
    };
    size_t start = t->at, end;
    if (peek(t, 0) == '{') {
        for (end = ++start; end < t->in.len && t->in.ptr[end] != '}'; end++)
            ;
        if (end >= t->in.len)
            return refuse(t, "Unclosed character family");
        t->at = end + 1;
    } else {
        end = start + 1;
        if (end > t->in.len)
            return refuse(t, "Illegal character family");
        t->at = end;
    }
    Str name = str_n(t->in.ptr + start, end - start);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].pcre == NULL || !str_equal(name, str_c(names[i].java)))
            continue;
        if (names[i].pcre[0] == ':') /* POSIX classes are ASCII without UCP */
            strbuf_addf(out, in_class ? "[:%s%s]" : "[[:%s%s]]", negated ? "^" : "", names[i].pcre + 1);
        else
            strbuf_addf(out, "\\%c{%s}", negated ? 'P' : 'p', names[i].pcre);
        return OK;
    }
    if (str_starts_with(name, STR_LIT("In")) || str_starts_with(name, STR_LIT("java")) ||
        str_find(name, STR_LIT("blk="), 0) >= 0 || str_find(name, STR_LIT("block="), 0) >= 0)
        return refuse(t, "Character family is not supported");
    ptrdiff_t equals = str_find(name, STR_LIT("="), 0);
    if (equals >= 0)
        name = str_n(name.ptr + equals + 1, name.len - (size_t)equals - 1);
    else if (str_starts_with(name, STR_LIT("Is")))
        name = str_n(name.ptr + 2, name.len - 2);
    strbuf_addf(out, "\\%c{" STR_FMT "}", negated ? 'P' : 'p', STR_ARG(name));
    return OK;
}

/* The longest number that is a group opened so far, one digit at least. */
static void translate_back_reference(Translator *t)
{
    int group = 0;
    while (is_digit(peek(t, 0)) && (group == 0 || group * 10 + (peek(t, 0) - '0') <= t->groups)) {
        group = group * 10 + (peek(t, 0) - '0');
        t->at++;
    }
    strbuf_addf(t->out, "\\g{%d}", group);
}

/* \Q...\E, in or out of a class: every character for itself. */
static void translate_quoted(Translator *t, StrBuf *out)
{
    ptrdiff_t found = str_find(t->in, STR_LIT("\\E"), t->at);
    size_t    end   = found < 0 ? t->in.len : (size_t)found;
    while (t->at < end)
        emit_code_point(out, utf8_next(t->in, &t->at));
    t->at = found < 0 ? end : end + 2;
}

/* At a backslash. */
static Status translate_escape(Translator *t, bool in_class, StrBuf *out)
{
    t->at++;
    if (t->at >= t->in.len)
        return refuse(t, "Unexpected internal error");
    char c = peek(t, 0);
    if (!in_class && c >= '1' && c <= '9') {
        translate_back_reference(t);
        return OK;
    }
    t->at++;
    switch (c) {
    case 'u':
        return translate_unicode(t, out);
    case '0':
        return translate_octal(t, out);
    case 'p':
    case 'P':
        return translate_property(t, c == 'P', in_class, out);
    case 'Q':
        translate_quoted(t, out);
        return OK;
    case 'E':
        return OK;
    default:
        break;
    }
    if (is_alpha(c) && !strchr(in_class ? "tnrfaecxdDwWsShHvV" : "tnrfaecxdDwWsShHvVbBAGZzRXk", c))
        return refuse(t, "Illegal/unsupported escape sequence");
    if ((unsigned char)c >= 0x80) {
        t->at--;
        emit_code_point(out, utf8_next(t->in, &t->at));
        return OK;
    }
    strbuf_addc(out, '\\');
    strbuf_addc(out, c);
    return OK;
}

/* ---- classes ---- */

typedef struct {
    StrBuf flat;   /* members of a plain class */
    StrBuf nested; /* A|B: classes in it */
    StrBuf ahead;  /* (?=A)(?=B): the operands of && before this one */
} ClassParts;

static void class_clear(ClassParts *parts)
{
    strbuf_clear(&parts->flat);
    strbuf_clear(&parts->nested);
    strbuf_clear(&parts->ahead);
}

/* One operand: [flat]|nested. */
static void class_operand(const ClassParts *parts, StrBuf *out)
{
    strbuf_adds(out, "(?:");
    if (parts->flat.len > 0) {
        strbuf_addc(out, '[');
        strbuf_add(out, strbuf_str(&parts->flat));
        strbuf_addc(out, ']');
    }
    if (parts->nested.len > 0) {
        if (parts->flat.len > 0)
            strbuf_addc(out, '|');
        strbuf_add(out, strbuf_str(&parts->nested));
    }
    strbuf_addc(out, ')');
}

static void class_emit(const ClassParts *parts, bool negated, StrBuf *out)
{
    if (parts->nested.len == 0 && parts->ahead.len == 0) {
        strbuf_adds(out, negated ? "[^" : "[");
        strbuf_add(out, strbuf_str(&parts->flat));
        strbuf_addc(out, ']');
        return;
    }
    strbuf_adds(out, negated ? "(?:(?!" : "(?:");
    strbuf_add(out, strbuf_str(&parts->ahead));
    class_operand(parts, out);
    strbuf_adds(out, negated ? ")(?s:.))" : ")");
}

static Status translate_class(Translator *t, int depth, StrBuf *out);

/* && between operands: what was read so far becomes a lookahead. */
static void class_intersect(ClassParts *parts)
{
    if (parts->flat.len == 0 && parts->nested.len == 0)
        return;
    strbuf_adds(&parts->ahead, "(?=");
    class_operand(parts, &parts->ahead);
    strbuf_addc(&parts->ahead, ')');
    strbuf_reset(&parts->flat);
    strbuf_reset(&parts->nested);
}

static Status class_member(Translator *t, ClassParts *parts, int depth)
{
    char c = peek(t, 0);
    if (c == '[') {
        if (parts->nested.len > 0)
            strbuf_addc(&parts->nested, '|');
        return translate_class(t, depth + 1, &parts->nested);
    }
    if (c == '&' && peek(t, 1) == '&') {
        while (peek(t, 0) == '&')
            t->at++;
        class_intersect(parts);
        return OK;
    }
    if (c == '\\')
        return translate_escape(t, true, &parts->flat);
    size_t start = t->at;
    utf8_next(t->in, &t->at);
    if (c == ']') /* the first member: literal */
        strbuf_addc(&parts->flat, '\\');
    strbuf_add(&parts->flat, str_n(t->in.ptr + start, t->at - start));
    return OK;
}

static Status class_members(Translator *t, ClassParts *parts, int depth)
{
    for (bool first = true;; first = false) {
        if (t->at >= t->in.len)
            return refuse(t, "Unclosed character class");
        if (peek(t, 0) == ']' && !first)
            break;
        TRY(class_member(t, parts, depth));
    }
    t->at++;
    if (parts->flat.len == 0 && parts->nested.len == 0)
        return refuse(t, "Bad class syntax");
    return OK;
}

/* At the opening bracket. */
static Status translate_class(Translator *t, int depth, StrBuf *out)
{
    if (depth == MAX_CLASS_DEPTH)
        return refuse(t, "Character classes are nested too deeply");
    ClassParts parts   = {0};
    bool       negated = peek(t, 1) == '^';
    t->at += negated ? 2 : 1;
    Status status = class_members(t, &parts, depth);
    if (status == OK)
        class_emit(&parts, negated, out);
    class_clear(&parts);
    return status;
}

/* ---- groups and flags ---- */

/* Behind `(?`: flags up to `:` or `)`. Those that PCRE2 would misread are dropped. */
static Status translate_flags(Translator *t)
{
    bool on = true;
    strbuf_adds(t->out, "(?");
    for (; t->at < t->in.len; t->at++) {
        char c = peek(t, 0);
        if (c == ':' || c == ')')
            break;
        switch (c) {
        case '-':
            on = false;
            break;
        case 's':
            t->flags.dotall = on;
            break;
        case 'i':
            t->flags.nocase = on;
            break;
        case 'u':
            t->flags.unicode = on;
            continue;
        case 'd':
            continue;
        case 'U':
            return refuse(t, "Flag U is not supported");
        case 'm':
        case 'x':
            break;
        default:
            return refuse(t, "Unknown inline modifier");
        }
        strbuf_addc(t->out, c);
    }
    return OK;
}

static Status translate_step(Translator *t);

/* At the body of a lookbehind without groups: spells it out and translates that; leaves `at` alone when it
 * cannot. */
static Status translate_lookbehind(Translator *t)
{
    size_t end = t->at;
    while (end < t->in.len && t->in.ptr[end] != ')')
        end += t->in.ptr[end] == '\\' ? 2 : 1;
    if (end >= t->in.len)
        return OK;
    Arena *arena    = arena_new(0);
    StrBuf expanded = {0};
    Status status   = OK;
    if (regex_expand_lookbehind(str_n(t->in.ptr + t->at, end - t->at), arena, &expanded)) {
        Translator inner = {.in     = strbuf_str(&expanded),
                            .out    = t->out,
                            .err    = t->err,
                            .flags  = t->flags,
                            .groups = t->groups};
        while (status == OK && inner.at < inner.in.len)
            status = translate_step(&inner);
        t->at = end;
    }
    strbuf_clear(&expanded);
    arena_free(arena);
    return status;
}

static Status open_group(Translator *t)
{
    if (t->depth == MAX_GROUP_DEPTH)
        return refuse(t, "Groups are nested too deeply");
    Flags outer = t->flags;
    t->at++;
    if (peek(t, 0) != '?') {
        t->groups++;
        strbuf_addc(t->out, '(');
        t->saved[t->depth++] = outer;
        return peek(t, 0) == '*' ? refuse(t, "Dangling meta character '*'") : OK; /* no (*VERBS) */
    }
    t->at++;
    char c = peek(t, 0), d = peek(t, 1);
    bool named = c == '<' && d != '=' && d != '!';
    if (c == ':' || c == '=' || c == '!' || c == '>' || c == '<') {
        t->groups += named;
        size_t length = c == '<' && !named ? 2 : 1;
        strbuf_adds(t->out, "(?");
        strbuf_add(t->out, str_n(t->in.ptr + t->at, length));
        t->at += length;
        t->saved[t->depth++] = outer;
        return length == 2 ? translate_lookbehind(t) : OK;
    }
    TRY(translate_flags(t));
    if (peek(t, 0) == ')') { /* flags for the rest of the enclosing group */
        strbuf_addc(t->out, ')');
        t->at++;
        return OK;
    }
    strbuf_addc(t->out, ':');
    t->at++;
    t->saved[t->depth++] = outer;
    return OK;
}

static void close_group(Translator *t)
{
    if (t->depth > 0)
        t->flags = t->saved[--t->depth];
    strbuf_addc(t->out, ')');
    t->at++;
}

/* ---- the rest ---- */

static void translate_literal(Translator *t)
{
    size_t start = t->at;
    char   c     = peek(t, 0);
    utf8_next(t->in, &t->at);
    Str  text       = str_n(t->in.ptr + start, t->at - start);
    bool ascii_only = t->flags.nocase && !t->flags.unicode;
    if (ascii_only && (unsigned char)c >= 0x80)
        strbuf_addf(t->out, "(?-i:" STR_FMT ")", STR_ARG(text));
    else if (ascii_only && (c == 'k' || c == 'K'))
        strbuf_adds(t->out, "(?-i:[kK])"); /* not KELVIN SIGN */
    else if (ascii_only && (c == 's' || c == 'S'))
        strbuf_adds(t->out, "(?-i:[sS])"); /* not LONG S */
    else
        strbuf_add(t->out, text);
}

static Status translate_step(Translator *t)
{
    switch (peek(t, 0)) {
    case '\\':
        return translate_escape(t, false, t->out);
    case '[':
        return translate_class(t, 0, t->out);
    case '(':
        return open_group(t);
    case ')':
        close_group(t);
        return OK;
    case '.':
        strbuf_adds(t->out, t->flags.dotall ? "." : JAVA_DOT);
        t->at++;
        return OK;
    default:
        translate_literal(t);
        return OK;
    }
}

Status regex_translate(Str pattern, StrBuf *out, Error *err)
{
    Translator t = {.in = pattern, .out = out, .err = err};
    while (t.at < pattern.len)
        TRY(translate_step(&t));
    return OK;
}
