/*
 * rest_audit.c - who asked what, noted once the answer has begun.
 *
 * It looks at the request once more rather than being told by each endpoint: none can forget. What only looks
 * around (GET of /info, of health) is not noted unless it was refused. Texts are noted without the values
 * that may be secret, as replies show them.
 */
#include "server/peers/peer_round.h"
#include "server/rest/rest.h"

/* Where the next text that stands between quotes begins, or the end; *quote: what it stands between. */
static size_t next_quoted(Str text, size_t from, Str *quote)
{
    static const char *const quotes[] = {"'", "\"", "$$"};
    size_t                   first    = text.len;
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        ptrdiff_t at = str_find(text, str_c(quotes[i]), from);
        if (at < 0 || (size_t)at >= first)
            continue;
        first  = (size_t)at;
        *quote = str_c(quotes[i]);
    }
    return first;
}

/* All that stands between quotes may be secret, but the first `kept`: the name of a setting. */
static Str without_strings(Arena *arena, Str text, size_t kept)
{
    StrBuf out = {0};
    for (size_t at = 0; at < text.len;) {
        Str    quote = STR_NULL;
        size_t open  = next_quoted(text, at, &quote);
        strbuf_add(&out, str_n(text.ptr + at, open - at));
        if (open == text.len)
            break;
        ptrdiff_t end   = str_find(text, quote, open + quote.len);
        size_t    close = end >= 0 ? (size_t)end + quote.len : text.len;
        if (kept > 0)
            strbuf_add(&out, str_n(text.ptr + open, close - open));
        else
            strbuf_addf(&out, STR_FMT "[string]" STR_FMT, STR_ARG(quote), STR_ARG(quote));
        kept -= kept > 0;
        at = close;
    }
    Str copy = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return copy;
}

/* A password may be the value of a setting or of a variable as well as a column's. */
static Str mask_one(Arena *arena, Str text)
{
    AstStatement *statement;
    Error         ignored;
    ParseOptions  options = {.optional_semicolon = true, .keep_variables = true};
    if (parse_statement(arena, text, &options, &statement, &ignored) != OK)
        return without_strings(arena, text, 0);
    if (statement->kind == STMT_SET || statement->kind == STMT_ALTER_SYSTEM)
        return without_strings(arena, text, 1);
    return statement->kind == STMT_DEFINE ? without_strings(arena, text, 0) : rest_masked(arena, text);
}

/* Each statement of the text, masked, in a line. */
static Str mask(Arena *arena, Str text)
{
    Str   *pieces, rest;
    Pos   *positions;
    size_t count;
    Error  ignored;
    StrBuf out = {0};
    if (parse_split(arena, text, &pieces, &positions, &count, &rest, &ignored) != OK)
        return without_strings(arena, text, 0);
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(&out, i > 0 ? "\n" : "");
        strbuf_add(&out, mask_one(arena, pieces[i]));
    }
    if (str_trim(rest).len > 0) {
        strbuf_adds(&out, count > 0 ? "\n" : "");
        strbuf_add(&out, mask_one(arena, str_trim(rest)));
    }
    Str copy = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return copy;
}

/* What a request is about: its statements, or what stands in their place. */
static Str subject(HttpExchange *x)
{
    static const char *const names[] = {"queryId", "topic"};
    Arena                   *arena   = http_arena(x);
    Str                      body = http_parameter(x, "request"), text = STR_NULL;
    json_t                  *request = json_loadb(str_is_null(body) ? http_body(x).ptr : body.ptr,
                                 str_is_null(body) ? http_body(x).len : body.len, JSON_ALLOW_NUL, NULL);
    Str sql = rest_field(request, "ksql");
    if (str_is_null(sql))
        sql = rest_field(request, "sql");
    if (!str_is_null(sql))
        text = mask(arena, sql);
    for (size_t i = 0; i < ARRAY_LEN(names) && str_is_null(text); i++)
        if (!str_is_null(rest_field(request, names[i])))
            text = str_dup(arena, rest_field(request, names[i]));
    json_decref(request);
    return text;
}

static void note(Rest *rest, HttpExchange *x, Str claimed, Str statement)
{
    AuditNote made = {.principal = http_principal(x),
                      .claimed   = str_is_null(http_principal(x)) ? claimed : STR_NULL,
                      .method    = http_method(x),
                      .path      = http_path(x),
                      .statement = statement,
                      .status    = http_status(x)};
    rest->audit->note(rest->audit, &made);
}

/* Ten times a second, if they are listened to; 200 is for nodes alone. Who made them ask is noted where he
 * came in. */
static bool is_between_nodes(HttpExchange *x, int status)
{
    static const char *const paths[] = {"/heartbeat", "/lag", NODE_QUERIES_PATH, NODE_PASSED_PATH};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_equal(http_path(x), str_c(paths[i])))
            return status == 200;
    return false;
}

static bool only_looks(HttpExchange *x, int status)
{
    bool get = str_equal(http_method(x), STR_LIT("GET")) || str_equal(http_method(x), STR_LIT("HEAD"));
    return get && status != 401 && status != 403 && !str_equal(http_path(x), STR_LIT("/ws/query"));
}

/* 0: it reads on, and tells itself. */
static bool is_of_interest(const Rest *rest, HttpExchange *x, int status)
{
    return rest->audit != NULL && status != 0 && !only_looks(x, status) && !is_between_nodes(x, status);
}

void rest_audit(Rest *rest, HttpExchange *x)
{
    bool streams = rest_streams_body(rest, http_method(x), http_path(x)); /* its body is not whole */
    if (is_of_interest(rest, x, http_status(x)))
        note(rest, x, STR_NULL, streams ? STR_NULL : subject(x));
}

void rest_audit_refusal(Rest *rest, HttpExchange *x, Str claimed)
{
    if (is_of_interest(rest, x, http_status(x)))
        note(rest, x, claimed, STR_NULL);
}

void rest_audit_inserts(Rest *rest, HttpExchange *x, Str target)
{
    StrBuf text = {0};
    if (rest->audit == NULL)
        return;
    strbuf_adds(&text, "INSERT INTO ");
    if (!str_is_null(target))
        ast_print_name(target, &text);
    note(rest, x, STR_NULL, strbuf_str(&text));
    strbuf_clear(&text);
}
