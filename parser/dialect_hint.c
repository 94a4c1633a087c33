/*
 * dialect_hint.c - what other databases' SQL has and this dialect has not: what to write instead, as a hint
 * behind the syntax error that it is.
 *
 * The grammar takes an unknown word behind a source for an alias, so the word that tells what was meant is
 * the refused one or the one before it.
 */
#include "parser/parse_state.h"

typedef struct {
    const char *last, *word; /* NULL: any */
    const char *hint;
} Dialect;

static const char order[] = "ORDER BY is not in this dialect: rows come in no promised order. TOPK, "
                            "LATEST_BY_OFFSET and windows do much of what it is for";
static const char both[] =
    "UNION is not in this dialect: INSERT INTO name SELECT ... adds a second query's rows "
    "to a stream";
static const char pages[] = "OFFSET is not in this dialect: a condition on the key gives a part of the rows";
static const char inner[] =
    "Queries within queries are not in this dialect: CREATE STREAM or TABLE name AS SELECT "
    "... gives one a name to read from";
static const char units[] = "The units are DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS";

static const Dialect dialects[] = {
    {NULL, "ORDER", order},
    {"ORDER", "BY", order},
    {NULL, "UNION", both},
    {"UNION", "ALL", both},
    {"UNION", "DISTINCT", both},
    {"UNION", "SELECT", both},
    {NULL, "OFFSET", pages},
    {"SELECT", "DISTINCT",
     "SELECT DISTINCT is not in this dialect: SELECT a, COUNT(*) FROM name GROUP BY a has each value once"},
    {"(", "DISTINCT", "DISTINCT in a function is not in this dialect: COUNT_DISTINCT and COLLECT_SET are"},
    {"(", "SELECT", inner},
    {"FROM", "(", inner},
    {"JOIN", "(", inner},
};

static bool is_word(const Token *token, const char *word)
{
    return word == NULL || str_equal_nocase(token->text, str_c(word));
}

static const char *foreign_clause(const ParseState *state, const Token *token)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++)
        if (is_word(&state->last, dialects[i].last) && is_word(token, dialects[i].word))
            return dialects[i].hint;
    if (is_word(&state->last, "OFFSET") && token->id == TK_INTEGER_VALUE)
        return pages;
    return NULL;
}

/* `1 WEEK`, `DATEADD(MONTHS, ...)`: longer ones have no length of their own, or no word. */
static bool is_foreign_unit(const ParseState *state, void *parser, const Token *token)
{
    static const char *const foreign[] = {"WEEK", "WEEKS", "MONTH", "MONTHS", "QUARTER", "YEAR", "YEARS"};
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        if (is_word(token, foreign[i]))
            return sql_parser_accepts(parser, TK_DAYS);
    return false;
}

/* `DATE '2024-02-29'` */
static bool is_prefixed_literal(const ParseState *state, const Token *token)
{
    return token->id == TK_STRING && (is_word(&state->last, "DATE") || is_word(&state->last, "TIME") ||
                                      is_word(&state->last, "TIMESTAMP"));
}

bool parse_hint_dialect(ParseState *state, void *parser, const Token *token)
{
    const char *hint = foreign_clause(state, token);
    if (hint == NULL && is_foreign_unit(state, parser, token))
        hint = units;
    if (hint != NULL)
        error_append(state->err, "\n%s", hint);
    else if (is_prefixed_literal(state, token))
        error_append(state->err, "\nWrite CAST(" STR_FMT " AS " STR_FMT ")", STR_ARG(token->text),
                     STR_ARG(str_upper(state->arena, state->last.text)));
    else
        return false;
    return true;
}
