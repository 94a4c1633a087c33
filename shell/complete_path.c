/*
 * complete_path.c - see complete_path.h.
 *
 * A path is read backwards from the cursor: `a.b[1]->c->` is the fields of c, in b's elements, of the source
 * that is called a.
 */
#include "shell/complete_path.h"

enum { STEPS_MAX = 32 };

static bool mentions(Str text, Str name)
{
    for (size_t at = 0; at + name.len <= text.len; at++) {
        bool whole = (at == 0 || !scan_is_word_char(text.ptr[at - 1])) &&
                     (at + name.len == text.len || !scan_is_word_char(text.ptr[at + name.len]) ||
                      text.ptr[at + name.len] == '.');
        if (whole && str_equal_nocase(str_n(text.ptr + at, name.len), name))
            return true;
    }
    return false;
}

static void add_fields(KnownFields *out, const KnownFields *more, Arena *arena)
{
    KnownField *items = ARENA_ARRAY(arena, KnownField, out->count + more->count + 1);
    if (out->count > 0)
        memcpy(items, out->items, out->count * sizeof *items);
    if (more->count > 0)
        memcpy(items + out->count, more->items, more->count * sizeof *items);
    *out = (KnownFields){items, out->count + more->count};
}

KnownFields path_columns(const NameList *names, Str before, Str after, Arena *arena)
{
    KnownFields found = {0};
    for (int named = 1; named >= 0 && found.count == 0; named--)
        for (size_t i = 0; i < names->count; i++) {
            const KnownName *known = &names->names[i];
            if (known->columns.count > 0 &&
                (!named || mentions(before, known->name) || mentions(after, known->name)))
                add_fields(&found, &known->columns, arena);
        }
    return found;
}

/* ---- sources by their aliases ---- */

static const KnownName *source_named(const NameList *names, Str name)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->names[i].columns.count > 0 && str_equal_nocase(names->names[i].name, name))
            return &names->names[i];
    return NULL;
}

static Str next_word(Str text, size_t *at)
{
    while (*at < text.len && !(scan_is_word_char(text.ptr[*at]) && text.ptr[*at] != '.'))
        (*at)++;
    size_t begin = *at;
    while (*at < text.len && scan_is_word_char(text.ptr[*at]) && text.ptr[*at] != '.')
        (*at)++;
    return str_n(text.ptr + begin, *at - begin);
}

/* `FROM source [AS] alias`, `JOIN source [AS] alias` */
static const KnownName *source_of_alias(const NameList *names, Str text, Str alias)
{
    size_t at = 0;
    for (Str word; (word = next_word(text, &at)).len > 0;) {
        if (!str_equal_nocase(word, STR_LIT("FROM")) && !str_equal_nocase(word, STR_LIT("JOIN")))
            continue;
        const KnownName *source = source_named(names, next_word(text, &at));
        size_t           behind = at;
        word                    = next_word(text, &behind);
        if (str_equal_nocase(word, STR_LIT("AS")))
            word = next_word(text, &behind);
        if (source != NULL && str_equal_nocase(word, alias))
            return source;
    }
    return NULL;
}

/* Columns of what is called so; of everything, when nobody is. */
static KnownFields columns_of(const NameList *names, Str name, Str before, Str after, Arena *arena)
{
    Str              whole  = str_printf(arena, STR_FMT STR_FMT, STR_ARG(before), STR_ARG(after));
    const KnownName *source = name.len > 0 ? source_of_alias(names, whole, name) : NULL;
    if (source == NULL && name.len > 0)
        source = source_named(names, name);
    return source != NULL ? source->columns : path_columns(names, before, after, arena);
}

/* ---- paths ---- */

/* Where the `[...]` that ends at `at` begins; `at` itself, if it begins nowhere. A key may be any text. */
static size_t before_subscript(Str text, size_t at)
{
    size_t depth  = 0;
    bool   quoted = false;
    for (size_t from = at; from-- > 0;) {
        char c = text.ptr[from];
        quoted ^= c == '\'';
        if (quoted)
            continue;
        depth += c == ']';
        depth -= c == '[';
        if (depth == 0)
            return from;
    }
    return at;
}

static size_t before_subscripts(Str text, size_t at)
{
    size_t from = at;
    while (at > 0 && text.ptr[at - 1] == ']' && (from = before_subscript(text, at)) < at)
        at = from;
    return at;
}

/* The identifier that ends at *at, which moves to where it begins. */
static Str name_before(Str text, size_t *at)
{
    size_t end = *at;
    if (end > 1 && text.ptr[end - 1] == '`') {
        size_t open = end - 1;
        while (open > 0 && text.ptr[open - 1] != '`')
            open--;
        *at = open > 0 ? open - 1 : 0;
        return str_n(text.ptr + open, end - 1 - open);
    }
    while (*at > 0 && scan_is_word_char(text.ptr[*at - 1]) && text.ptr[*at - 1] != '.')
        (*at)--;
    return str_n(text.ptr + *at, end - *at);
}

static bool is_arrow(Str text, size_t at)
{
    return at >= 2 && text.ptr[at - 1] == '>' && text.ptr[at - 2] == '-';
}

static const KnownField *field_named(const KnownFields *fields, Str name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (str_equal_nocase(fields->items[i].name, name))
            return &fields->items[i];
    return NULL;
}

bool path_resolve(const NameList *names, Str before, Str after, const Scan *scan, Arena *arena, size_t *start,
                  KnownFields *out)
{
    Str    steps[STEPS_MAX], source = STR_LIT("");
    size_t count = 0, at;
    *start       = before.len - scan->partial.len;
    for (size_t i = 0; i < scan->partial.len && scan->quote == 0; i++)
        *start = scan->partial.ptr[i] == '.' ? before.len - scan->partial.len + i + 1 : *start;
    at = *start - (scan->quote != 0); /* of `alias.` and `column->` also an opening backtick may stand */
    if (at == 0 || !(before.ptr[at - 1] == '.' || is_arrow(before, at)))
        return false;
    while (is_arrow(before, at) && count < STEPS_MAX) {
        at             = before_subscripts(before, at - 2);
        steps[count++] = name_before(before, &at);
    }
    if (at > 0 && before.ptr[at - 1] == '.') {
        at--;
        source = name_before(before, &at);
    }
    *out = columns_of(names, source, before, after, arena);
    while (count > 0) {
        const KnownField *field = field_named(out, steps[--count]);
        *out                    = field != NULL ? field->fields : (KnownFields){0};
    }
    return true;
}
