/*
 * names.c - questions about names: reserved, how to quote, which known name is near.
 */
#include "parser/lexer.h"
#include "parser/parse_state.h"
#include "parser/parser.h"

bool parser_is_reserved(Str name)
{
    return lexer_classify(name, NULL) == WORD_RESERVED;
}

/* Bare only if it would be read back as this very name. */
static bool needs_quotes(Str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] >= 'a' && name.ptr[i] <= 'z')
            return true;
    return !lexer_is_identifier(name) || lexer_classify(name, NULL) == WORD_AMBIGUOUS;
}

void ast_print_name(Str name, StrBuf *out)
{
    if (!needs_quotes(name)) {
        strbuf_add(out, name);
        return;
    }
    strbuf_addc(out, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`')
            strbuf_addc(out, '`');
        strbuf_addc(out, name.ptr[i]);
    }
    strbuf_addc(out, '`');
}

Str parser_closest(Str name, const Str *names, size_t count)
{
    /* The distance costs length times length, and nothing long is near a short word. */
    if (name.len > 64)
        name.len = 64;
    Str    best = STR_NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(name, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

Str parser_nearest(Str name, const Str *names, size_t count)
{
    Str best = parser_closest(name, names, count);
    if (str_is_null(best) || name.len > 64 || str_distance(name, best) > (name.len + 2) / 3)
        return STR_NULL;
    return best;
}
