/*
 * rest_pull.c - a SELECT from a table: the rows that are on this node, in the form that the client wants.
 *
 * Where a partition is on another node, or not readable yet, rest_route.c takes over and comes back here with
 * what it has got. A part of a query that another node answers comes with `requestProperties` that ksqlDB's
 * nodes use, too: it says which partitions to read, and is never handed on.
 */
#include "server/rest/rest_pull.h"

#include <time.h>

#include "core/value.h"

/* ---- where it comes from ---- */

enum { PARTITIONS_TEXT_MOST = 16384, WAIT_FOR_TASKS_MS = 3000, WAIT_STEP_MS = 10 };

PullOrigin pull_origin_of(Rest *rest, HttpExchange *x)
{
    return (PullOrigin){.authorization   = rest_authorization(x),
                        .from_node       = rest_is_from_node(rest, x),
                        .skip_forwarding = !str_is_null(http_header(x, DIRECTORY_HEADER)),
                        .standby_lag     = -1};
}

static bool is_true(const json_t *value)
{
    return json_is_true(value) ||
           (json_is_string(value) && str_equal_nocase(str_c(json_string_value(value)), STR_LIT("true")));
}

/* "0,3". */
static bool read_list(Str text, int *out, size_t *count)
{
    for (size_t at = 0; at <= text.len;) {
        const char *comma = at < text.len ? memchr(text.ptr + at, ',', text.len - at) : NULL;
        size_t      end   = comma != NULL ? (size_t)(comma - text.ptr) : text.len;
        int64_t     number;
        if (!int64_parse(str_trim(str_n(text.ptr + at, end - at)), &number) || number < 0 ||
            number > INT32_MAX)
            return false;
        out[(*count)++] = (int)number;
        at              = end + 1;
    }
    return true;
}

bool pull_origin_read(HttpExchange *x, const json_t *request, Arena *arena, PullOrigin *origin)
{
    const json_t *said = json_object_get(request, "requestProperties");
    const json_t *part = json_object_get(said, "request.ksql.query.pull.partition");
    const json_t *lag  = json_object_get(said, PULL_STANDBY_LAG);
    origin->skip_forwarding |= is_true(json_object_get(said, "request.ksql.query.pull.skip.forwarding"));
    if (origin->from_node && json_is_integer(lag) && json_integer_value(lag) >= 0)
        origin->standby_lag = json_integer_value(lag);
    if (part == NULL || json_is_null(part) || (json_is_string(part) && json_string_length(part) == 0))
        return true;
    Str    text      = json_is_string(part)    ? str_n(json_string_value(part), json_string_length(part))
                       : json_is_integer(part) ? str_printf(arena, "%lld", (long long)json_integer_value(part))
                                               : STR_LIT("?");
    int   *list      = ARENA_ARRAY(arena, int, PARTITIONS_TEXT_MOST / 2 + 1);
    size_t count     = 0;
    origin->has_part = text.len <= PARTITIONS_TEXT_MOST && read_list(text, list, &count);
    origin->part     = (PullPart){list, count};
    if (!origin->has_part)
        rest_error(
            x, 400, 40000,
            "Invalid JSON in request: \"request.ksql.query.pull.partition\" must be a text of partition "
            "numbers with commas between");
    return origin->has_part;
}

/* ---- the reply ---- */

static int64_t now_us(const Rest *rest)
{
    Clock *clock = engine_clock(rest->engine);
    return clock->monotonic_us(clock);
}

static FreshnessTarget target_of(const Pull *pull)
{
    return (FreshnessTarget){.query_id = pull_writer(pull->here), .reads = pull_reads, .context = pull->here};
}

/* A view is granted without what it is made of: of that the token tells no more than the client did. */
static void leave_out_unseen(Pull *pull)
{
    if (!pull->restricted)
        return;
    offset_vector_keep(&pull->reflected, &pull->seen);
    offset_vector_merge(&pull->reflected, &pull->written);
}

/* What the rows that are here reflect is found out first: they are those of then, or later. Other nodes have
 * told theirs, or do at the end. */
static void tell_reflected(Pull *pull)
{
    FreshnessTarget target = target_of(pull);
    if (pull->ends_with || !offset_vector_is_empty(&pull->written)) {
        freshness_reached(pull->rest->runtime, &target, &pull->reflected);
        offset_vector_merge(&pull->reflected, &pull->written);
    }
    leave_out_unseen(pull);
    rest_token_header(pull->x, &pull->reflected);
}

/* Where the reply begins in a step, after the handler. A WebSocket's has begun before. */
static void note_late(Pull *pull)
{
    if (pull->route != NULL && !http_is_websocket(pull->x))
        rest_audit(pull->rest, pull->x);
}

void pull_begin(Pull *pull)
{
    if (pull->begun)
        return;
    tell_reflected(pull);
    pull->begun  = true;
    pull->before = http_written(pull->x);
    rest_begin_rows(pull->x, row_form_type(pull->form));
    rows_header(pull->x, pull->form, pull->query.query_id, pull->query.pull->result);
    note_late(pull);
    if (pull->origin.skip_forwarding)
        http_flush(
            pull->x); /* who asks wants to know soon that it is answered, though a scan may take long */
}

static bool row_written(Pull *pull)
{
    if (http_pending(pull->x) > HTTP_PENDING_HIGH)
        http_flush(pull->x);
    if (pull->left > 0)
        pull->left--;
    return pull->left != 0 && !http_gone(pull->x);
}

bool pull_pass_on(Pull *pull, Str row)
{
    if (pull->left == 0)
        return false;
    rows_ready(pull->x, pull->form, row, &pull->scratch);
    return row_written(pull);
}

static bool write_row(void *context, const Value *values)
{
    Pull *pull = context;
    if (values == NULL)
        return !http_gone(pull->x);
    rows_row(pull->x, pull->form, pull->query.pull->result, values, false, &pull->scratch);
    return row_written(pull);
}

/* Once, and before the end of the answer: who has that may ask again. */
static void leave(Pull *pull)
{
    if (!pull->over && !pull->origin.from_node)
        pull_limits_end(&pull->rest->limits);
    pull->over = true;
}

static void end_rows(Pull *pull)
{
    if (!pull->origin.from_node)
        pull_limits_add_pull(&pull->rest->limits, now_us(pull->rest), http_written(pull->x) - pull->before);
    leave(pull);
    rows_end(pull->x, pull->form);
}

/* Other nodes have told theirs by now. */
static void end_with_token(Pull *pull)
{
    leave_out_unseen(pull);
    rows_token(pull->x, pull->form, &pull->reflected);
}

void pull_finish(Pull *pull)
{
    Error err;
    pull_begin(pull);
    if (pull->left != 0 && pull_run(pull->here, write_row, pull, &err) != OK)
        rows_error(pull->x, pull->form, 50000, err.message);
    else if (pull->ends_with)
        end_with_token(pull);
    end_rows(pull);
}

void pull_fail(Pull *pull, int status, int code, const char *message)
{
    if (!pull->begun) {
        leave(pull);
        rest_statement_error(pull->x, status, code, message, NO_POS, pull->text, NULL);
        note_late(pull);
        return;
    }
    rows_error(pull->x, pull->form, code, message);
    end_rows(pull);
}

bool pull_moves(const Pull *pull) { return !pull->brief && http_move(pull->x, HTTP_LANE_WORKS); }

/* ---- its life ---- */

void pull_free(Pull *pull)
{
    route_free(pull->route);
    if (pull->here != NULL)
        pull_close(pull->here);
    plan_unref(pull->writer);
    pull_form_unref(pull->known);
    leave(pull);
    offset_vector_clear(&pull->written);
    offset_vector_clear(&pull->reflected);
    offset_vector_clear(&pull->seen);
    strbuf_clear(&pull->scratch);
    arena_free(pull->arena);
    mem_free(pull);
}

/* Copies are for who can do without his own last writes: what a copy reflects is known as an offset of its
 * changelog, and not of the topics that were inserted into. */
static int64_t standby_lag_of(const Pull *pull, const Session *session)
{
    if (!offset_vector_is_empty(&pull->written))
        return -1;
    if (pull->origin.standby_lag >= 0)
        return pull->origin.standby_lag;
    if (!properties_is_true(session->overrides, "ksql.query.pull.enable.standby.reads", false))
        return -1;
    return properties_int(session->overrides, "ksql.query.pull.max.allowed.offset.lag", INT64_MAX);
}

static Status open_here(Pull *pull, Error *err)
{
    Rest *rest   = pull->rest;
    pull->writer = pull->known != NULL ? plan_ref(pull_form_writer(pull->known))
                                       : engine_query_plan(rest->engine, pull->query.pull->table->query_id);
    TRY(pull_open(&rest->pull, pull->query.pull, pull->writer != NULL ? plan_ref_plan(pull->writer) : NULL,
                  pull->origin.has_part ? &pull->origin.part : NULL, pull->arena, &pull->here, err));
    if (pull->standby_lag >= 0 && pull->origin.skip_forwarding) /* who asks has tried the active before */
        pull_allow_standbys(pull->here, NULL, 0, pull->standby_lag);
    return OK;
}

/* For what a client has inserted it waits where the tasks are; those of other nodes are waited for there. A
 * query that has just been started must be there before. False: answered. */
static bool await_writes(Pull *pull, const Session *session)
{
    const struct timespec pause  = {0, WAIT_STEP_MS * 1000000L};
    FreshnessTarget       target = target_of(pull);
    const int            *missing;
    bool                  settled = false;
    if (offset_vector_is_empty(&session->written))
        return true;
    http_wait_begin(pull->x);
    for (int ms = 0; ms < WAIT_FOR_TASKS_MS && !settled; ms += WAIT_STEP_MS) {
        if (pull_missing(pull->here, &missing, &settled) == 0)
            break;
        if (!settled)
            nanosleep(&pause, NULL);
    }
    http_wait_end(pull->x);
    return rest_await_writes(pull->rest, pull->x, session, &target, pull->text);
}

static void keep_session(Pull *pull, const Session *session)
{
    offset_vector_merge(&pull->written, &session->written);
    pull->wants_token = rest_wants_token(session);
    pull->ends_with =
        pull->wants_token || (pull->origin.from_node && !offset_vector_is_empty(&pull->written));
    pull->wait_ms     = offset_vector_is_empty(&pull->written) ? 0 : rest_wait_for_writes_ms(session);
    pull->standby_lag = standby_lag_of(pull, session);
    pull->restricted  = session->restricted && !session_is_admin(session);
    if (pull->restricted && (pull->ends_with || !offset_vector_is_empty(&pull->written)))
        engine_add_seen_topics(pull->rest->engine, session, &pull->seen);
}

void rest_pull(Rest *rest, HttpExchange *x, const Session *session, const TransientQuery *query, Str text,
               const PullOrigin *origin, Arena *arena, RowForm form, PullForm *known)
{
    const int *missing;
    bool       settled;
    int        status, code;
    Error      err;
    Pull      *pull = mem_calloc(1, sizeof *pull);
    *pull           = (Pull){.rest   = rest,
                             .x      = x,
                             .arena  = arena,
                             .query  = *query,
                             .text   = text,
                             .origin = *origin,
                             .form   = form,
                             .known  = known,
                             .left   = query->pull->has_limit ? query->pull->limit : -1};
    pull->brief     = query->pull->access == PULL_LOOKUP && http_lane(x) == HTTP_LANE_SHORT;
    keep_session(pull, session);
    if (open_here(pull, &err) != OK) {
        rest_code(&err, NULL, &status, &code);
        pull_fail(pull, status, code, err.message);
        pull_free(pull);
    } else if (!await_writes(pull, session)) {
        pull_free(pull);
    } else if (pull_missing(pull->here, &missing, &settled) == 0 &&
               (pull->brief || http_lane(x) == HTTP_LANE_WORKS)) {
        pull_finish(pull);
        pull_free(pull);
    } else
        route_begin(pull, session);
}
