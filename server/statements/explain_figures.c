/*
 * explain_figures.c - see explain_figures.h.
 *
 * The table is for people: a line per operator, from the sources to the root, with what is derived from the
 * figures (time per row, share of the time). Tools read "operators", whose names are those of
 * executor/dataflow/figures.def. Columns that hold nothing but zeros (a query without stores has no lookups)
 * are left out.
 */
#include "server/statements/explain_figures.h"

typedef long long (*Derive)(const json_t *op, long long all_ns);

static long long figure(const json_t *op, const char *name)
{
    return (long long)json_integer_value(json_object_get(op, name));
}

static long long microseconds(const json_t *op, long long all_ns) { return figure(op, "nanoseconds") / 1000; }

static long long per_row(const json_t *op, long long all_ns)
{
    long long rows = figure(op, "rowsIn");
    return rows > 0 ? figure(op, "nanoseconds") / rows : 0;
}

static long long percent(const json_t *op, long long all_ns)
{
    return all_ns > 0 ? (figure(op, "nanoseconds") * 100 + all_ns / 2) / all_ns : 0;
}

/* How many of a hundred lookups were answered from memory. */
static long long hits_percent(const json_t *op, long long all_ns)
{
    long long lookups = figure(op, "lookups");
    return lookups > 0 ? figure(op, "cacheHits") * 100 / lookups : 0;
}

static const struct {
    const char *title;
    const char *name; /* of the figure; NULL: it is derived */
    Derive      derive;
} columns[] = {
    {"rows in", "rowsIn", NULL},       {"rows out", "rowsOut", NULL},       {"us", NULL, microseconds},
    {"ns/row", NULL, per_row},         {"% time", NULL, percent},           {"bytes in", "bytesIn", NULL},
    {"bytes out", "bytesOut", NULL},   {"lookups", "lookups", NULL},        {"% cached", NULL, hits_percent},
    {"state rows", "stateRows", NULL}, {"state bytes", "stateBytes", NULL},
};

static long long cell(const json_t *op, size_t column, long long all_ns)
{
    return columns[column].name != NULL ? figure(op, columns[column].name)
                                        : columns[column].derive(op, all_ns);
}

static int name_width(const json_t *operators)
{
    size_t        i, width = 0;
    const json_t *op;
    json_array_foreach(operators, i, op)
    {
        size_t length = strlen(json_string_value(json_object_get(op, "operator"))) +
                        strlen(json_string_value(json_object_get(op, "step"))) + 3;
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_operator(const json_t *op, int width, const bool *shown, long long all_ns, StrBuf *out)
{
    const char *name = json_string_value(json_object_get(op, "operator"));
    const char *step = json_string_value(json_object_get(op, "step"));
    strbuf_addf(out, " %s (%s)%*s", name, step, width - (int)(strlen(name) + strlen(step) + 3), "");
    for (size_t k = 0; k < ARRAY_LEN(columns); k++)
        if (shown[k])
            strbuf_addf(out, " %11lld", cell(op, k, all_ns));
    strbuf_addc(out, '\n');
}

static void print_table(const json_t *operators, StrBuf *out)
{
    bool          shown[ARRAY_LEN(columns)] = {false};
    long long     all_ns                    = 0;
    const char   *title                     = "Operators here, as of their last commit";
    int           width                     = name_width(operators);
    size_t        i;
    const json_t *op;
    json_array_foreach(operators, i, op) all_ns += figure(op, "nanoseconds");
    json_array_foreach(operators, i, op)
    {
        for (size_t k = 0; k < ARRAY_LEN(columns); k++)
            shown[k] |= cell(op, k, all_ns) != 0;
    }
    width = width < (int)strlen(title) ? (int)strlen(title) : width;
    strbuf_addf(out, "\n %-*s", width, title);
    for (size_t k = 0; k < ARRAY_LEN(columns); k++)
        if (shown[k])
            strbuf_addf(out, " %11s", columns[k].title);
    strbuf_addc(out, '\n');
    json_array_foreach(operators, i, op) print_operator(op, width, shown, all_ns, out);
}

Status explain_figures(const AstStatement *statement, json_t *description, Error *err)
{
    const json_t *operators = json_object_get(description, "operators");
    const char   *plan      = json_string_value(json_object_get(description, "executionPlan"));
    StrBuf        text      = {0};
    if (json_array_size(operators) == 0)
        return error_set(err, E_PLAN, statement->name.pos,
                         "Query " STR_FMT " does not run on this server: there is nothing to be told of its "
                         "operators",
                         STR_ARG(statement->name.text));
    strbuf_adds(&text, plan != NULL ? plan : "");
    print_table(operators, &text);
    json_object_set_new(description, "executionPlan", json_str(strbuf_str(&text)));
    strbuf_clear(&text);
    return OK;
}
