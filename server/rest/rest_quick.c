/*
 * rest_quick.c - a look-up that was asked before and that memory answers, on the thread that has read the
 * request.
 *
 * Most pull queries are one key after the other in the same words. To hand such a request to a thread of the
 * pool, and its answer back, costs more than to answer it: two wake-ups against some microseconds. So the
 * protocol asks here first, where nobody may wait: not for a disk, a broker or another node, not for the
 * engine's lock, and not for an answer of thousands of rows. Whatever is not plainly such a query, is to be
 * noted, proved or refused, or finds something in the way, goes to the pool, and is told there what is wrong
 * with it: this file answers a query, or has done nothing.
 *
 * What is the same for all requests of a generation (may this be read without a token, without a standby?)
 * is asked of a session that has no settings of its own, as the request's is.
 */
#include "core/value.h"
#include "server/rest/rest.h"

enum { BODY_MOST = 8192, ROWS_MOST = 64, BYTES_MOST = 32 * 1024 };

/* Rows wait until there are all: what is over the bounds was never written. */
typedef struct {
    RowForm       form;
    const Schema *schema;
    StrBuf        text;
    size_t        ends[ROWS_MOST];
    size_t        count;
    bool          too_many;
} Rows;

static bool add_row(void *context, const Value *values)
{
    Rows *rows = context;
    if (values == NULL)
        return true;
    rows->too_many = rows->count == ROWS_MOST || rows->text.len > BYTES_MOST;
    if (rows->too_many)
        return false;
    rows_row_text(rows->form, rows->schema, values, &rows->text);
    rows->ends[rows->count++] = rows->text.len;
    return true;
}

/* ---- what a request has to be ---- */

static bool is_empty(const json_t *field)
{
    return field == NULL || json_is_null(field) || json_object_size(field) == 0;
}

/* Nothing but the text: whoever says more is looked at by those who know what it means. */
static bool says_only(const json_t *request, const char *text, const char *properties)
{
    return json_is_object(request) && json_is_string(json_object_get(request, text)) &&
           is_empty(json_object_get(request, properties)) &&
           json_object_size(request) == 1 + (json_object_get(request, properties) != NULL);
}

static bool is_plain(Rest *rest, HttpExchange *x)
{
    return rest->audit == NULL && rest->authentication == NULL && !rest->authorizes &&
           atomic_load(&rest->ready) && !atomic_load(&rest->terminated) &&
           str_equal(http_method(x), STR_LIT("POST")) && http_can_stream(x) &&
           http_body(x).len <= BODY_MOST &&
           str_is_null(properties_get_c(rest->properties, "access.control.allow.origin")) &&
           str_is_null(http_header(x, DIRECTORY_HEADER));
}

/* ---- the answer ---- */

static int64_t now_us(const Rest *rest)
{
    Clock *clock = engine_clock(rest->engine);
    return clock->monotonic_us(clock);
}

static void write_rows(Rest *rest, HttpExchange *x, const Rows *rows)
{
    Clock *clock = engine_clock(rest->engine);
    char   id[32];
    int    len = snprintf(id, sizeof id, "query_%lld", (long long)clock->now_ms(clock));
    rest_begin_rows(x, row_form_type(rows->form));
    rows_header(x, rows->form, str_n(id, (size_t)len), rows->schema);
    for (size_t i = 0, at = 0; i < rows->count; at = rows->ends[i++])
        http_write(x, str_n(rows->text.ptr + at, rows->ends[i] - at));
    rows_end(x, rows->form);
}

static bool answer(Rest *rest, HttpExchange *x, PullForm *known, const PullText *pieces, RowForm form)
{
    Error      ignored;
    Rows       rows  = {.form = form, .schema = pull_form_query(known)->pull->result};
    PullQuery *query = pull_form_take(&rest->forms, known, &rest->pull);
    if (query == NULL)
        return false;
    bool good = pull_limits_begin(&rest->limits, now_us(rest), &ignored) == OK;
    if (good) {
        good = pull_ask(query, pull_form_key(known, pieces, http_arena(x)), add_row, &rows) && !rows.too_many;
        if (good) {
            http_welcome(x);
            write_rows(rest, x, &rows);
            pull_limits_add_pull(&rest->limits, now_us(rest), http_written(x));
            pull_limits_end(&rest->limits);
        } else
            pull_limits_cancel(&rest->limits);
    }
    pull_form_give_back(&rest->forms, known, query);
    strbuf_clear(&rows.text);
    return good;
}

static bool answer_known(Rest *rest, HttpExchange *x, Str text, RowForm form)
{
    PullText  pieces;
    PullForm *known =
        pull_text_read(text, http_arena(x), &pieces)
            ? pull_forms_find(&rest->forms, &pieces, STR_LIT(""), engine_generation(rest->engine))
            : NULL;
    bool good = known != NULL && pull_form_is_quick(known) && answer(rest, x, known, &pieces, form);
    pull_form_unref(known);
    return good;
}

bool rest_quick(void *context, HttpExchange *x)
{
    Rest       *rest = context;
    const char *field, *properties;
    int         form;
    if (!is_plain(rest, x) || (field = rest_query_field(x, &properties, &form)) == NULL || form < 0 ||
        form == ROWS_PROTO)
        return false;
    Str     body    = http_body(x);
    json_t *request = json_loadb(body.ptr, body.len, JSON_ALLOW_NUL, NULL);
    bool    good    = says_only(request, field, properties) &&
                answer_known(rest, x, rest_field(request, field), (RowForm)form);
    json_decref(request);
    return good;
}
