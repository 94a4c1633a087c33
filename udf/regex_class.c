/*
 * regex_class.c - [...], \d, \w and the like as the sets of characters that they mean.
 *
 * In brackets Java has unions of nested classes and &&, which takes everything before it together with
 * everything behind it, and a ^ that turns the whole around.
 */
#include "udf/regex_parser.h"

/* ---- letters ---- */

static const struct {
    char        letter;
    const char *set, *unicode; /* `unicode`: under (?U) */
} letters[] = {
    {'d', "[0-9]", "[:Nd:]"},
    {'w', "[0-9A-Z_a-z]", "[[:Alphabetic:][:M:][:Nd:][:Pc:][:Join_Control:]]"},
    {'s', "[\\t-\\r\\u0020]", "[:White_Space:]"},
    {'h', "[\\t\\u0020\\u00A0\\u1680\\u180E\\u2000-\\u200A\\u202F\\u205F\\u3000]", NULL},
    {'v', "[\\n-\\r\\u0085\\u2028\\u2029]", NULL},
};

USet *regex_letter_set(const RegexParser *p, char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        bool negated = letter == letters[i].letter - 'a' + 'A';
        if (letter != letters[i].letter && !negated)
            continue;
        bool  unicode = p->flags.unicode_classes && letters[i].unicode != NULL;
        USet *set     = regex_open_set(unicode ? letters[i].unicode : letters[i].set);
        if (negated)
            uset_complement(set);
        return set;
    }
    return NULL;
}

/* ---- case ---- */

void regex_fold_set(const RegexParser *p, USet *set)
{
    if (!p->flags.nocase)
        return;
    if (p->flags.fold_unicode) {
        uset_closeOver(set, USET_CASE_INSENSITIVE);
        uset_removeAllStrings(set); /* "ss" for the sharp s: Java folds single characters */
        return;
    }
    for (UChar32 c = 'a'; c <= 'z'; c++) {
        UChar32 upper = c - 'a' + 'A';
        if (uset_contains(set, c))
            uset_add(set, upper);
        else if (uset_contains(set, upper))
            uset_add(set, c);
    }
}

/* ---- brackets ---- */

typedef struct {
    USet *members;   /* since the last && */
    USet *intersect; /* of what stands before it; NULL: there was none */
    bool  any;       /* members are not empty of syntax */
} ClassState;

static void class_intersect(ClassState *state)
{
    if (!state->any)
        return; /* nothing between: [&&a], [a&&] */
    if (state->intersect == NULL) {
        state->intersect = state->members;
        state->members   = uset_openEmpty();
    } else {
        uset_retainAll(state->intersect, state->members);
        uset_clear(state->members);
    }
    state->any = false;
}

static Status read_class(RegexParser *p, int depth, USet *set);

/* One character, whether written out or escaped. */
static Status read_single(RegexParser *p, uint32_t *out, bool *is_one)
{
    *is_one = true;
    if (regex_peek(p, 0) == '\\')
        return regex_read_character(p, true, out, is_one);
    *out = utf8_next(p->in, &p->at);
    return OK;
}

/* \Q...\E: every character for itself. */
static void read_quoted(RegexParser *p, USet *set)
{
    ptrdiff_t found = str_find(p->in, STR_LIT("\\E"), p->at);
    size_t    end   = found < 0 ? p->in.len : (size_t)found;
    while (p->at < end)
        uset_add(set, (UChar32)utf8_next(p->in, &p->at));
    p->at = found < 0 ? end : end + 2;
}

/* An escape that stands for many. */
static Status read_set_escape(RegexParser *p, USet *set)
{
    char letter = regex_peek(p, 1);
    p->at += 2;
    if (letter == 'p' || letter == 'P')
        return regex_read_property(p, letter == 'P', set);
    if (letter == 'Q') {
        read_quoted(p, set);
        return OK;
    }
    if (letter == 'E')
        return OK;
    USet *found = regex_letter_set(p, letter);
    if (found == NULL)
        return regex_refuse(p, "Illegal/unsupported escape sequence");
    uset_addAll(set, found);
    uset_close(found);
    return OK;
}

/* Of members in the pattern only: sets that are named (\p, \d) bring their cases themselves. */
static void add_range(const RegexParser *p, uint32_t from, uint32_t to, USet *set)
{
    USet *range = uset_open((UChar32)from, (UChar32)to);
    regex_fold_set(p, range);
    uset_addAll(set, range);
    uset_close(range);
}

/* a, or a-z. */
static Status read_range(RegexParser *p, USet *set)
{
    uint32_t from, to;
    bool     is_one;
    TRY(read_single(p, &from, &is_one));
    if (!is_one)
        return read_set_escape(p, set);
    if (regex_peek(p, 0) != '-' || regex_peek(p, 1) == ']' || regex_peek(p, 1) == '[' ||
        p->at + 1 >= p->in.len) {
        add_range(p, from, from, set);
        return OK;
    }
    p->at++;
    TRY(read_single(p, &to, &is_one));
    if (!is_one || to < from)
        return regex_refuse(p, "Illegal character range");
    add_range(p, from, to, set);
    return OK;
}

static Status read_member(RegexParser *p, ClassState *state, int depth)
{
    char c = regex_peek(p, 0);
    if (c == '&' && regex_peek(p, 1) == '&') {
        while (regex_peek(p, 0) == '&')
            p->at++;
        class_intersect(state);
        return OK;
    }
    if (p->flags.comments && c != 0 && strchr(" \t\n\v\f\r", c) != NULL) {
        p->at++;
        return OK;
    }
    state->any = true;
    return c == '[' ? read_class(p, depth + 1, state->members) : read_range(p, state->members);
}

static Status read_members(RegexParser *p, ClassState *state, int depth)
{
    for (bool first = true;; first = false) { /* a ] that comes first stands for itself */
        if (p->at >= p->in.len)
            return regex_refuse(p, "Unclosed character class");
        if (regex_peek(p, 0) == ']' && !first)
            break;
        TRY(read_member(p, state, depth));
    }
    p->at++;
    if (!state->any && state->intersect == NULL)
        return regex_refuse(p, "Bad class syntax");
    if (state->any && state->intersect != NULL)
        uset_retainAll(state->members, state->intersect);
    else if (state->intersect != NULL)
        uset_addAll(state->members, state->intersect);
    return OK;
}

static Status read_class(RegexParser *p, int depth, USet *set)
{
    if (depth == REGEX_CLASS_DEPTH)
        return regex_refuse(p, "Character classes are nested too deeply");
    ClassState state   = {.members = uset_openEmpty()};
    bool       negated = regex_peek(p, 1) == '^';
    p->at += negated ? 2 : 1;
    Status status = read_members(p, &state, depth);
    if (status == OK) {
        if (negated)
            uset_complement(state.members);
        uset_addAll(set, state.members);
    }
    uset_close(state.members);
    uset_close(state.intersect);
    return status;
}

Status regex_read_class(RegexParser *p, USet *set) { return read_class(p, 0, set); }

/* ---- writing ---- */

static void write_code_point(UChar32 c, StrBuf *out) { strbuf_addf(out, "\\x{%x}", (unsigned)c); }

static void write_range(UChar32 from, UChar32 to, StrBuf *out)
{
    write_code_point(from, out);
    if (to > from) {
        strbuf_addc(out, '-');
        write_code_point(to, out);
    }
}

void regex_write_set(const USet *set, StrBuf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t    count  = uset_getItemCount(set);
    size_t     start  = out->len;
    strbuf_adds(out, "(?-i:[");
    size_t empty = out->len;
    for (int32_t i = 0; i < count; i++) {
        UChar32 from, to;
        if (uset_getItem(set, i, &from, &to, NULL, 0, &status) != 0)
            continue; /* a string: behind all ranges */
        /* Half surrogates are no text in UTF-8, and PCRE2 refuses them. */
        if (from < 0xD800)
            write_range(from, to < 0xD800 ? to : 0xD7FF, out);
        if (to > 0xDFFF)
            write_range(from > 0xDFFF ? from : 0xE000, to, out);
    }
    if (out->len == empty) {
        out->len = start;
        strbuf_adds(out, "(?!)"); /* an empty class never matches */
        return;
    }
    strbuf_adds(out, "])");
}
