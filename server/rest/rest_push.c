/*
 * rest_push.c - push queries: from the runtime's bounded queue to a client, without a thread of their own.
 *
 * The worker's `ready` wakes the exchange; its step takes what is there and writes it. A client that does not
 * read fills the reply's buffer, then the step takes no more, then the queue is full and the runtime detaches
 * the task: nobody else waits for it.
 *
 * A StreamQuery belongs to its exchange's stream. Others (close-query, TERMINATE, SHOW QUERIES) find it in
 * the list, under its lock.
 */
#include "server/rest/rest.h"
#include "planner/nodes/node_output.h"

struct StreamQuery {
    Rest         *rest;
    StreamQuery  *next;
    HttpExchange *x; /* a reference */
    PushQuery    *push;
    PlanRef      *plan;
    Str           id; /* in the plan */
    RowForm       form;
    bool          pull;     /* a pull query on a stream: it counts among those */
    bool          scalable; /* its rows are counted */
    bool          over;     /* it has left the list, and what it counted among */
    StrBuf        scratch;
    atomic_bool   closing; /* somebody asked for its end */
};

enum { ROWS_AT_ONCE = 1000 };

/* ---- the list ---- */

static bool reserve(Rest *rest)
{
    int64_t most = properties_int(rest->properties, "ksql.max.push.queries", 100);
    pthread_mutex_lock(&rest->lock);
    bool free_place = (int64_t)rest->query_count < most;
    rest->query_count += free_place;
    pthread_mutex_unlock(&rest->lock);
    return free_place;
}

static void release(Rest *rest)
{
    pthread_mutex_lock(&rest->lock);
    rest->query_count--;
    pthread_mutex_unlock(&rest->lock);
}

static void list_add(StreamQuery *query)
{
    Rest *rest = query->rest;
    pthread_mutex_lock(&rest->lock);
    query->next   = rest->queries;
    rest->queries = query;
    pthread_mutex_unlock(&rest->lock);
}

static void list_remove(StreamQuery *query)
{
    Rest *rest = query->rest;
    pthread_mutex_lock(&rest->lock);
    StreamQuery **at = &rest->queries;
    while (*at != query)
        at = &(*at)->next;
    *at = query->next;
    rest->query_count--;
    pthread_mutex_unlock(&rest->lock);
}

/* His own; all of them are an administrator's. */
static bool is_of(const StreamQuery *query, const Session *asker)
{
    return session_is_admin(asker) || str_equal(http_principal(query->x), asker->identity.name);
}

bool rest_close(Rest *rest, Str id, const Session *asker)
{
    bool found = false;
    pthread_mutex_lock(&rest->lock);
    for (StreamQuery *query = rest->queries; query != NULL && !found; query = query->next)
        if ((found = str_equal(query->id, id) && is_of(query, asker))) {
            atomic_store(&query->closing, true);
            http_wake(query->x);
        }
    pthread_mutex_unlock(&rest->lock);
    return found;
}

void rest_list_queries(Transients *self, json_t *queries, const Session *asker)
{
    Rest *rest = self->context;
    pthread_mutex_lock(&rest->lock);
    for (StreamQuery *query = rest->queries; query != NULL; query = query->next) {
        Str text = plan_ref_plan(query->plan)->statement;
        if (!is_of(query, asker))
            continue;
        json_array_append_new(queries,
                              json_pack("{s:s%, s:[], s:[], s:s%, s:{s:i}, s:s, s:s}", "queryString",
                                        text.ptr ? text.ptr : "", text.len, "sinks", "sinkKafkaTopics", "id",
                                        query->id.ptr, query->id.len, "statusCount", "RUNNING", 1,
                                        "queryType", "PUSH", "state", "RUNNING"));
    }
    pthread_mutex_unlock(&rest->lock);
}

/* ---- one query ---- */

static void on_ready(void *context) { http_wake(((StreamQuery *)context)->x); }

/* What a pull query took when it began. */
static void give_back(Rest *rest, bool pull)
{
    if (pull)
        pull_limits_end(&rest->limits);
}

/* Once. A client that has the end of its answer finds neither the query in a list nor its place taken. */
static void leave(StreamQuery *query)
{
    if (query->over)
        return;
    query->over = true;
    list_remove(query);
    give_back(query->rest, query->pull);
}

static void close_query(void *state)
{
    StreamQuery *query = state;
    leave(query);
    push_query_close(query->push); /* on_ready is not called any more */
    strbuf_clear(&query->scratch);
    plan_unref(query->plan);
    http_unref(query->x);
    mem_free(query);
}

/* False: it is over, and said so. */
static bool go_on(StreamQuery *query, PushEnd end, const Error *err)
{
    if (end == PUSH_MORE)
        return true;
    leave(query);
    switch (end) {
    case PUSH_MORE:
        break;
    case PUSH_LIMIT:
        rows_message(query->x, query->form, "Limit Reached");
        break;
    case PUSH_COMPLETE:
        rows_message(query->x, query->form, "Query Completed");
        break;
    case PUSH_FAILED:
        rows_error(query->x, query->form, 50000, err->message);
        break;
    case PUSH_CLOSED:
        rows_message(query->x, query->form, "Query terminated");
        break;
    }
    rows_end(query->x, query->form);
    return false;
}

static void count_bytes(const StreamQuery *query, size_t bytes)
{
    Clock *clock = engine_clock(query->rest->engine);
    if (query->pull)
        pull_limits_add_pull(&query->rest->limits, clock->monotonic_us(clock), bytes);
    else if (query->scalable)
        pull_limits_add_push(&query->rest->limits, clock->monotonic_us(clock), bytes);
}

static bool step(void *state, HttpExchange *x)
{
    StreamQuery  *query  = state;
    const Schema *schema = plan_ref_plan(query->plan)->schema;
    Arena        *arena  = http_arena(x);
    PushRow      *rows;
    size_t        count;
    Error         err;
    if (atomic_load(&query->closing))
        return go_on(query, PUSH_CLOSED, NULL);
    while (http_pending(x) < HTTP_PENDING_HIGH) {
        arena_reset(arena);
        error_clear(&err);
        PushEnd end    = push_query_take(query->push, arena, ROWS_AT_ONCE, &rows, &count, &err);
        size_t  before = http_written(x);
        for (size_t i = 0; i < count; i++)
            rows_row(x, query->form, schema, rows[i].values, rows[i].tombstone, &query->scratch);
        count_bytes(query, http_written(x) - before);
        if (count == 0 || end != PUSH_MORE) /* the last rows go out with the end: who counts them knows it */
            return go_on(query, end, &err);
        http_flush(x);
    }
    return true; /* woken when the client has read */
}

static void answer_failure(HttpExchange *x, const Error *err, Str text)
{
    int status, code;
    rest_code(err, NULL, &status, &code);
    rest_statement_error(x, status, code, err->message, err->pos, text, NULL);
}

/* LIMIT 0 is reached before a row is asked for. */
static bool wants_nothing(const QueryPlan *plan)
{
    const PlanOutput *output = plan_output_of(plan);
    return output != NULL && output->has_limit && output->limit <= 0;
}

static void answer_nothing(HttpExchange *x, PlanRef *plan, RowForm form)
{
    rest_begin_rows(x, row_form_type(form));
    rows_header(x, form, plan_ref_plan(plan)->id, plan_ref_plan(plan)->schema);
    rows_message(x, form, "Limit Reached");
    rows_end(x, form);
    plan_unref(plan);
}

static StreamQuery *query_new(Rest *rest, HttpExchange *x, PlanRef *plan, RowForm form, bool pull)
{
    const QueryPlan *tree  = plan_ref_plan(plan);
    StreamQuery     *query = mem_calloc(1, sizeof *query);
    *query                 = (StreamQuery){.rest     = rest,
                                           .x        = http_ref(x),
                                           .plan     = plan,
                                           .id       = tree->id,
                                           .form     = form,
                                           .pull     = pull,
                                           .scalable = str_starts_with(tree->id, STR_LIT("SCALABLE_PUSH_QUERY_"))};
    atomic_init(&query->closing, false);
    return query;
}

static Status start(StreamQuery *query, const TransientQuery *transient, Error *err)
{
    PushOptions options = {
        .settings      = &transient->settings,
        .from_earliest = query->pull,
        .bounded       = query->pull,
        .ready         = on_ready,
        .context       = query,
    };
    Status status = push_query_start(query->rest->runtime, plan_ref_plan(query->plan), &options,
                                     plan_ref(query->plan), plan_unref, &query->push, err);
    if (status != OK)
        plan_unref(query->plan); /* it was not taken */
    return status;
}

/* False: it was answered without a query. */
static bool needs_query(Rest *rest, HttpExchange *x, PlanRef *plan, RowForm form)
{
    if (wants_nothing(plan_ref_plan(plan)))
        answer_nothing(x, plan, form);
    else if (reserve(rest))
        return true;
    else {
        rest_error(x, 400, 40003, "Maximum number of push queries exceeded");
        plan_unref(plan);
    }
    return false;
}

void rest_push(Rest *rest, HttpExchange *x, const TransientQuery *transient, PlanRef *plan, RowForm form)
{
    Error err;
    bool  pull = transient->kind == QUERY_PULL_STREAM;
    form       = row_form_pushed(form);
    if (!needs_query(rest, x, plan, form)) {
        give_back(rest, pull);
        return;
    }
    StreamQuery *query = query_new(rest, x, plan, form, pull);
    if (start(query, transient, &err) != OK) {
        release(rest);
        give_back(rest, pull);
        answer_failure(x, &err, plan_ref_plan(plan)->statement);
        plan_unref(plan);
        http_unref(x);
        mem_free(query);
        return;
    }
    list_add(query);
    rest_begin_rows(x, row_form_type(form));
    rows_header(x, form, query->id, plan_ref_plan(plan)->schema);
    http_stream(x, step, close_query, query);
    http_flush(x); /* the header tells that it is subscribed */
}
