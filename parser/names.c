/*
 * names.c - questions about names: reserved or not, how to quote, which known name is near.
 */
#include "parser/lexer.h"
#include "parser/parse_state.h"
#include "parser/print.h"

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

static void print_quoted(Str name, StrBuf *out)
{
    strbuf_addc(out, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`')
            strbuf_addc(out, '`');
        strbuf_addc(out, name.ptr[i]);
    }
    strbuf_addc(out, '`');
}

void ast_print_name(Str name, StrBuf *out)
{
    if (needs_quotes(name))
        print_quoted(name, out);
    else
        strbuf_add(out, name);
}

void print_name(Printer *printer, Str name)
{
    if (printer->bare)
        strbuf_add(printer->out, name);
    else
        ast_print_name(name, printer->out);
}

void print_name_after_dot(Printer *printer, Str name)
{
    bool digit = name.len > 0 && name.ptr[0] >= '0' && name.ptr[0] <= '9';
    if (digit && !printer->bare)
        print_quoted(name, printer->out);
    else
        print_name(printer, name);
}

Str parser_closest(Str name, const Str *names, size_t count)
{
    /* The distance costs length times length, and nothing long is near a short word. */
    if (name.len > 64)
        name.len = 64;
    Str    best          = STR_NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(name, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best          = names[i];
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
