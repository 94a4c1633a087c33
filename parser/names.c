/*
 * names.c - questions about names: reserved or not, how to quote.
 */
#include "parser/lexer.h"
#include "parser/parse_state.h"
#include "parser/print.h"

bool parser_is_reserved(Str name) { return lexer_classify(name, NULL) == WORD_RESERVED; }

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
    if (needs_quotes(name))
        strbuf_add_quoted(out, name, '`');
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
        strbuf_add_quoted(printer->out, name, '`');
    else
        print_name(printer, name);
}
