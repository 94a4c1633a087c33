/*
 * host_runtime.c - see host_runtime.h. Thread: starts, stops and pauses are those of who may change what
 * exists (engine.h), one at a time; inserts and describe: any.
 */
#include "server/node/host_runtime.h"

#include "core/logger.h"
#include "server/engine/execution.h"
#include "server/node/insert_writers.h"
#include "server/peers/node_address.h"
#include "server/peers/peer_round.h"

typedef struct {
    PlanRef      *plan;
    QuerySettings settings;
    bool          paused;
} Held;

struct HostRuntime {
    QueryHost      base;
    Runtime       *runtime;
    size_t         most_errors; /* of a query, in its description */
    InsertWriters *writers;     /* of INSERT VALUES */
    Directory     *directory;   /* NULL: nothing is known of other nodes (yet) */
    PeerClient    *peers;
    char          *address; /* heap */
    bool           holding;
    Held          *held;
    size_t         held_count, held_capacity;
};

static const QueryPlan *held_plan(const HostRuntime *host, size_t at)
{
    return plan_ref_plan(host->held[at].plan);
}

static size_t held_find(const HostRuntime *host, Str id)
{
    size_t at = 0;
    while (at < host->held_count && !str_equal(held_plan(host, at)->id, id))
        at++;
    return at;
}

static void hold_start(HostRuntime *host, PlanRef *plan, const QuerySettings *settings)
{
    size_t at = held_find(host, plan_ref_plan(plan)->id);
    if (at < host->held_count) {
        plan_unref(host->held[at].plan);
    } else {
        if (host->held_count == host->held_capacity) {
            host->held_capacity = host->held_capacity ? host->held_capacity * 2 : 16;
            host->held          = mem_realloc(host->held, host->held_capacity * sizeof(Held));
        }
        host->held_count++;
    }
    host->held[at] = (Held){plan_ref(plan), *settings, false};
}

static void drop_held(HostRuntime *host, size_t at)
{
    plan_unref(host->held[at].plan);
    host->held_count--;
    memmove(host->held + at, host->held + at + 1, (host->held_count - at) * sizeof(Held));
}

static void hold_stop(HostRuntime *host, Str id)
{
    size_t at = held_find(host, id);
    if (at < host->held_count)
        drop_held(host, at);
}

static Status start_now(HostRuntime *host, PlanRef *plan, const QuerySettings *settings, bool paused,
                        Error *err)
{
    QueryOptions options = {settings, paused};
    return runtime_start_query(host->runtime, plan_ref_plan(plan), &options, plan_ref(plan), plan_unref, err);
}

static Status host_start(QueryHost *self, PlanRef *plan, const QuerySettings *settings, Error *err)
{
    HostRuntime *host = (HostRuntime *)self;
    if (!host->holding)
        return start_now(host, plan, settings, false, err);
    hold_start(host, plan, settings);
    return OK;
}

static Status host_stop(QueryHost *self, Str id, bool forget, Error *err)
{
    HostRuntime *host = (HostRuntime *)self;
    if (!host->holding)
        return runtime_stop_query(host->runtime, id, forget, err);
    hold_stop(host, id);
    return OK;
}

static Status host_pause(QueryHost *self, Str id, bool paused, Error *err)
{
    HostRuntime *host = (HostRuntime *)self;
    if (!host->holding)
        return runtime_pause_query(host->runtime, id, paused, err);
    size_t at = held_find(host, id);
    if (at < host->held_count)
        host->held[at].paused = paused;
    return OK;
}

static void host_settle(QueryHost *self)
{
    HostRuntime *host = (HostRuntime *)self;
    if (!host->holding)
        runtime_settle(host->runtime);
}

static Status host_insert(QueryHost *self, Str topic, const LogRecord *records, size_t count,
                          OffsetVector *written, Error *err)
{
    HostRuntime *host   = (HostRuntime *)self;
    size_t       places = 0;
    LogWriter   *writer;
    TRY(insert_writers_take(host->writers, &writer, err));
    LogPosition *landed = mem_calloc(count, sizeof *landed);
    Status       status =
        log_append_all(writer, topic, PARTITION_BY_KEY, records, count, STR_NULL, landed, &places, err);
    insert_writers_give(host->writers, writer);
    for (size_t i = 0; status == OK && i < places; i++)
        offset_vector_put(written, topic, landed[i].partition, landed[i].offset);
    mem_free(landed);
    return status;
}

/* ---- describe ---- */

static json_t *positions_of(const QueryStatus *status)
{
    json_t *positions = json_array();
    for (size_t i = 0; i < status->position_count; i++) {
        const QueryPosition *p = &status->positions[i];
        json_array_append_new(positions,
                              json_pack("{s:s%, s:i, s:I, s:I, s:I}", "topic", p->topic.ptr, p->topic.len,
                                        "partition", p->partition, "start", (json_int_t)p->start, "end",
                                        (json_int_t)p->end, "position", (json_int_t)p->position));
    }
    return positions;
}

static json_t *errors_of(const QueryStatus *status, size_t most)
{
    json_t *errors = json_array();
    for (size_t i = status->error_count > most ? status->error_count - most : 0; i < status->error_count;
         i++) {
        const QueryError *e = &status->errors[i];
        json_array_append_new(errors, json_pack("{s:I, s:s%, s:s%}", "timestamp", (json_int_t)e->time_ms,
                                                "errorMessage", e->message.ptr, e->message.len, "type",
                                                e->type.ptr, e->type.len));
    }
    return errors;
}

/* The names of figures.def: whatever exports figures has them from there. */
static json_t *operators_of(Runtime *runtime, Str id, Arena *arena)
{
    static const char *const names[] = {
#define FIGURE(symbol, name, what) name,
#include "executor/dataflow/figures.def"
#undef FIGURE
    };
    OperatorStatus *operators;
    size_t          count;
    Error           gone;
    json_t         *array = json_array();
    if (runtime_query_operators(runtime, id, arena, &operators, &count, &gone) != OK)
        return array;
    for (size_t i = 0; i < count; i++) {
        const OperatorStatus *op = &operators[i];
        json_t *item = json_pack("{s:s%, s:s, s:i}", "step", op->step.ptr, op->step.len, "operator", op->name,
                                 "subTopology", op->sub_topology);
        for (int k = 0; k < FIGURE_COUNT; k++)
            json_object_set_new(item, names[k], json_integer((json_int_t)op->figures[k]));
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *host_describe(QueryHost *self, Str id, bool positions)
{
    /* Clients know no other: one that is starting or has to wait counts as running. */
    static const char *const states[] = {[RUN_STARTING] = "RUNNING",
                                         [RUN_RUNNING]  = "RUNNING",
                                         [RUN_PAUSED]   = "PAUSED",
                                         [RUN_ERROR]    = "ERROR",
                                         [RUN_WAITING]  = "RUNNING"};
    HostRuntime             *host     = (HostRuntime *)self;
    Arena                   *arena    = arena_new(0);
    QueryStatus              status;
    Error                    ignored;
    json_t                  *out = NULL;
    Status (*ask)(Runtime *, Str, Arena *, QueryStatus *, Error *) =
        positions ? runtime_query_status : runtime_query_state;
    if (ask(host->runtime, id, arena, &status, &ignored) == OK)
        out =
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "state", states[status.state], "recordsIn",
                      (json_int_t)status.records_in, "recordsOut", (json_int_t)status.records_out,
                      "skippedBad", (json_int_t)status.skipped_bad, "skippedLate",
                      (json_int_t)status.skipped_late, "lastMessage", (json_int_t)status.last_message_ms,
                      "positions", positions_of(&status), "errors", errors_of(&status, host->most_errors));
    if (out != NULL)
        json_object_set_new(out, "operators", operators_of(host->runtime, id, arena));
    if (out != NULL && !str_is_null(status.waiting_for))
        json_object_set_new(out, "waitingFor", json_stringn(status.waiting_for.ptr, status.waiting_for.len));
    arena_free(arena);
    return out;
}

static json_t *host_describe_all(QueryHost *self, bool positions)
{
    HostRuntime *host  = (HostRuntime *)self;
    Arena       *arena = arena_new(0);
    json_t      *out   = json_object();
    Str         *ids;
    size_t       count = runtime_query_ids(host->runtime, arena, &ids);
    for (size_t i = 0; i < count; i++) {
        json_t *facts = host_describe(self, ids[i], positions);
        if (facts != NULL) /* else it has just gone */
            json_object_set_new(out, str_to_c(arena, ids[i]), facts);
    }
    arena_free(arena);
    return out;
}

/* ---- the other nodes ---- */

enum { ANSWER_MS = 3000 };

/* Who has no slots runs nothing; it may have died without a word (directory.h). One that has just come has
 * none for a moment, too. */
static size_t list_others(HostRuntime *host, Arena *arena, PeerQuestion **out)
{
    DirectoryNode *nodes;
    size_t         count = directory_list(host->directory, arena, &nodes), others = 0;
    *out = ARENA_ARRAY(arena, PeerQuestion, count + 1);
    for (size_t i = 0; i < count; i++)
        if (!nodes[i].self && nodes[i].address.len > 0 && nodes[i].slot_count > 0)
            (*out)[others++] = (PeerQuestion){.address = nodes[i].address};
    return others;
}

static json_t *host_ask_others(QueryHost *self, bool positions, Arena *arena, Str *own)
{
    HostRuntime  *host = (HostRuntime *)self;
    PeerQuestion *others;
    size_t        count = host->directory != NULL ? list_others(host, arena, &others) : 0;
    json_t       *out, *body;
    if (count == 0)
        return NULL;
    out  = json_object();
    body = json_pack("{s:b}", "positions", (int)positions);
    for (size_t i = 0; i < count; i++)
        others[i].body = body;
    peer_round(host->peers, host->directory, NODE_QUERIES_PATH, others, count, ANSWER_MS);
    for (size_t i = 0; i < count; i++) {
        const json_t *queries = json_object_get(others[i].answer, "queries");
        json_object_set_new(out, str_to_c(arena, node_address_host_port(others[i].address, arena)),
                            json_is_object(queries) ? json_incref((json_t *)queries) : json_null());
        json_decref(others[i].answer);
    }
    json_decref(body);
    *own = node_address_host_port(str_c(host->address), arena);
    return out;
}

void host_runtime_meet(HostRuntime *host, Directory *directory, PeerClient *peers, Str address)
{
    host->peers     = peers;
    host->address   = str_to_heap(address);
    host->directory = directory; /* nobody asks before the server is ready (Rest.ready) */
}

/* ---- life ---- */

HostRuntime *host_runtime_new(Runtime *runtime, Log *log, size_t most_errors)
{
    HostRuntime *host = mem_calloc(1, sizeof *host);
    host->base        = (QueryHost){host_start,  host_stop,     host_pause,        host_settle,
                                    host_insert, host_describe, host_describe_all, host_ask_others};
    host->runtime     = runtime;
    host->writers     = insert_writers_new(log);
    host->most_errors = most_errors;
    return host;
}

void host_runtime_free(HostRuntime *host)
{
    if (host == NULL)
        return;
    insert_writers_free(host->writers);
    while (host->held_count > 0)
        drop_held(host, host->held_count - 1);
    mem_free(host->held);
    mem_free(host->address);
    mem_free(host);
}

QueryHost *host_runtime_base(HostRuntime *host) { return &host->base; }

void host_runtime_hold(HostRuntime *host) { host->holding = true; }

Status host_runtime_release(HostRuntime *host, Error *err)
{
    while (host->held_count > 0) {
        const Held *held   = &host->held[0];
        Status      status = start_now(host, held->plan, &held->settings, held->paused, err);
        if (status == E_IO || status == E_BUSY)
            return status;
        if (status != OK)
            log_line(LOG_ERROR, "query " STR_FMT " could not be started: %s", STR_ARG(held_plan(host, 0)->id),
                     err->message);
        drop_held(host, 0);
    }
    host->holding = false;
    return OK;
}
