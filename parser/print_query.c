/*
 * print_query.c - the canonical text of queries: a clause a line, select items on lines of their own when
 * there are several.
 */
#include "parser/print.h"

static const char *const join_names[] = {
    [JOIN_INNER] = "INNER",
    [JOIN_LEFT]  = "LEFT OUTER",
    [JOIN_RIGHT] = "RIGHT OUTER",
    [JOIN_FULL]  = "FULL OUTER",
};

void print_span(Printer *printer, const AstSpan *span)
{
    strbuf_addf(printer->out, "%lld %s", (long long)span->amount, print_unit_name(span->unit));
}

static void print_item(Printer *printer, const AstSelectItem *item)
{
    switch (item->kind) {
    case SELECT_STAR:
        strbuf_addc(printer->out, '*');
        break;
    case SELECT_SOURCE_STAR:
        print_name(printer, item->source.text);
        strbuf_adds(printer->out, ".*");
        break;
    case SELECT_STRUCT_STAR:
        print_expr(printer, item->expr);
        strbuf_adds(printer->out, "->*");
        break;
    case SELECT_EXPR:
        print_expr(printer, item->expr);
        if (!str_is_null(item->alias.text)) {
            strbuf_addc(printer->out, ' ');
            print_name(printer, item->alias.text);
        }
        break;
    }
}

static void print_source(Printer *printer, const AstSource *source)
{
    print_name(printer, source->name.text);
    strbuf_addc(printer->out, ' ');
    print_name(printer, source->alias.text);
}

static bool same_span(const AstSpan *a, const AstSpan *b)
{
    return a->amount == b->amount && a->unit == b->unit;
}

static void print_join(Printer *printer, const AstJoin *join)
{
    StrBuf *out = printer->out;
    strbuf_addf(out, "\n%s JOIN ", join_names[join->kind]);
    print_source(printer, &join->source);
    if (join->has_within) {
        bool same = same_span(&join->before, &join->after);
        strbuf_adds(out, same ? " WITHIN " : " WITHIN (");
        print_span(printer, &join->before);
        if (!same) {
            strbuf_adds(out, ", ");
            print_span(printer, &join->after);
            strbuf_addc(out, ')');
        }
    }
    if (join->has_grace) {
        strbuf_adds(out, " GRACE PERIOD ");
        print_span(printer, &join->grace);
    }
    strbuf_adds(out, " ON (");
    print_expr(printer, join->on);
    strbuf_addc(out, ')');
}

static void print_window(Printer *printer, const AstWindow *window)
{
    StrBuf *out = printer->out;
    switch (window->kind) {
    case WINDOW_NONE:
        return;
    case WINDOW_TUMBLING:
        strbuf_adds(out, "\nWINDOW TUMBLING ( SIZE ");
        break;
    case WINDOW_HOPPING:
        strbuf_adds(out, "\nWINDOW HOPPING ( SIZE ");
        break;
    case WINDOW_SESSION:
        strbuf_adds(out, "\nWINDOW SESSION ( ");
        break;
    }
    print_span(printer, &window->size);
    if (window->kind == WINDOW_HOPPING) {
        strbuf_adds(out, " , ADVANCE BY ");
        print_span(printer, &window->advance);
    }
    if (window->has_retention) {
        strbuf_adds(out, " , RETENTION ");
        print_span(printer, &window->retention);
    }
    if (window->has_grace) {
        strbuf_adds(out, " , GRACE PERIOD ");
        print_span(printer, &window->grace);
    }
    strbuf_adds(out, " ) ");
}

static void print_clause(Printer *printer, const char *word, const AstExpr *const *exprs, size_t count)
{
    if (count == 0)
        return;
    strbuf_addf(printer->out, "\n%s ", word);
    print_exprs(printer, exprs, count);
}

void print_query(Printer *printer, const AstQuery *query)
{
    StrBuf *out = printer->out;
    strbuf_adds(out, "SELECT");
    for (size_t i = 0; i < query->item_count; i++) {
        strbuf_adds(out, i > 0 ? "," : "");
        strbuf_adds(out, query->item_count > 1 ? "\n  " : " ");
        print_item(printer, &query->items[i]);
    }
    strbuf_adds(out, "\nFROM ");
    print_source(printer, &query->from);
    for (size_t i = 0; i < query->join_count; i++)
        print_join(printer, &query->joins[i]);
    print_window(printer, &query->window);
    print_clause(printer, "WHERE", &query->where, query->where != NULL);
    print_clause(printer, "GROUP BY", query->group_by, query->group_count);
    print_clause(printer, "PARTITION BY", query->partition_by, query->partition_count);
    print_clause(printer, "HAVING", &query->having, query->having != NULL);
    if (query->emit != EMIT_NONE)
        strbuf_adds(out, query->emit == EMIT_CHANGES ? "\nEMIT CHANGES" : "\nEMIT FINAL");
    if (query->has_limit)
        strbuf_addf(out, "\nLIMIT %lld", (long long)query->limit);
}

void ast_print_query(const AstQuery *query, StrBuf *out)
{
    Printer printer = {.out = out};
    print_query(&printer, query);
}
