/*
 * pull.c - see pull.h.
 */
#include "executor/pull/pull.h"

#include "serde/read_back.h"
#include "serde/serde.h"

struct PullQuery {
    PullHost       *host;
    const PullPlan *plan;
    const PlanNode *node; /* whose store is read */
    ProgramContext  context;
    StoreSpec       store;
    Str             definition; /* of it */
    StateReader    *reader;
    bool            reader_failed;
    Encoder        *encoder; /* of keys; of one that is prepared, as is: */
    Arena          *home;    /* with the query itself; `arena` is for one question then */
    Str             writer;  /* the query that makes the table */
    const int      *only;    /* partitions that were asked for; NULL: all */
    size_t          only_count;
    int            *partitions; /* to be read here */
    size_t         *files; /* of each: its worker's state file; others may have rows of it from the past */
    size_t          partition_count;
    int             total;    /* partitions of the table, on all nodes */
    bool            standbys; /* copies may be read, too: */
    const int      *copies;   /* of these; NULL: of all */
    size_t          copy_count;
    int64_t         max_lag;
    int            *elsewhere; /* read on other nodes */
    size_t          elsewhere_count;
    Str            *keys;  /* to look up, encoded; NULL ones are nowhere */
    Program        *where; /* or NULL */
    Program       **values;
    LambdaBudget    lambdas; /* of one row */
    Arena          *arena;   /* of the query */
    Arena          *scratch; /* of one row */
    Value          *row, *result;
    int64_t         left;             /* of LIMIT; < 0: none */
    bool            over, reads_back; /* the format of the table's topic has no NULL */
    bool (*consume)(void *context, const Value *values);
    void *consumer;
};

/* ---- connections ---- */

void pull_host_init(PullHost *host, Runtime *runtime, Clock *clock, const FnConfig *config)
{
    *host = (PullHost){.runtime = runtime, .clock = clock, .config = config};
    pthread_mutex_init(&host->lock, NULL);
}

void pull_host_clear(PullHost *host)
{
    for (size_t i = 0; i < host->idle_count; i++)
        state_reader_close(host->idle[i]);
    host->idle_count = 0;
    pthread_mutex_destroy(&host->lock);
}

static Status borrow_reader(PullHost *host, StateReader **out, Error *err)
{
    size_t             count;
    const char *const *paths;
    pthread_mutex_lock(&host->lock);
    *out = host->idle_count > 0 ? host->idle[--host->idle_count] : NULL;
    pthread_mutex_unlock(&host->lock);
    if (*out != NULL)
        return OK;
    paths = runtime_state_files(host->runtime, &count);
    return state_reader_open(paths, runtime_state_shares(host->runtime), count, out, err);
}

static void give_back_reader(PullHost *host, StateReader *reader, bool failed)
{
    bool kept = false;
    if (reader == NULL)
        return;
    pthread_mutex_lock(&host->lock);
    if (!failed && host->idle_count < PULL_READERS) {
        host->idle[host->idle_count++] = reader;
        kept                           = true;
    }
    pthread_mutex_unlock(&host->lock);
    if (!kept)
        state_reader_close(reader);
}

/* ---- keys ---- */

static Status open_encoder(const PullQuery *query, Arena *arena, Encoder **out, Error *err)
{
    const Schema *schema = query->node->schema;
    SerdeSpec     spec   = {.format  = format_inside(&query->node->key_format),
                            .side    = SIDE_KEY,
                            .columns = schema->columns,
                            .count   = schema->key_count};
    return encoder_open(&spec, arena, out, err);
}

static Status encode_keys(PullQuery *query, Error *err)
{
    const PullPlan *plan   = query->plan;
    Status          status = OK;
    Encoder        *encoder;
    TRY(open_encoder(query, query->arena, &encoder, err));
    query->keys = ARENA_ARRAY(query->arena, Str, plan->lookup_count + 1);
    for (size_t i = 0; i < plan->lookup_count && status == OK; i++)
        status = encoder_encode(encoder, plan->keys[i], query->arena, &query->keys[i], err);
    encoder_close(encoder);
    return status;
}

/* ---- opening ---- */

static bool is_among(int partition, const int *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == partition)
            return true;
    return false;
}

static bool is_asked(const PullQuery *query, int partition)
{
    return (query->only == NULL || is_among(partition, query->only, query->only_count)) &&
           !is_among(partition, query->elsewhere, query->elsewhere_count);
}

bool pull_reads(void *context, int partition)
{
    const PullQuery *query = context;
    bool             any   = query->plan->access != PULL_LOOKUP;
    for (size_t i = 0; !any && i < query->plan->lookup_count; i++)
        any = !str_is_null(query->keys[i]) && log_partition_of(query->keys[i], query->total) == partition;
    return any && is_asked(query, partition);
}

static bool may_copy(const PullQuery *query, int partition)
{
    return query->copies == NULL || is_among(partition, query->copies, query->copy_count);
}

/* The active comes first: what is here of both kinds is not read twice. */
static void add_copies(PullQuery *query)
{
    int   *copies;
    size_t count, *files, had = query->partition_count;
    if (!runtime_standby_partitions(query->host->runtime, query->writer, query->max_lag, query->arena,
                                    &copies, &files, &count))
        return;
    int    *partitions = ARENA_ARRAY(query->arena, int, had + count + 1);
    size_t *places     = ARENA_ARRAY(query->arena, size_t, had + count + 1);
    for (size_t i = 0; i < had; i++) {
        partitions[i] = query->partitions[i];
        places[i]     = query->files[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_asked(query, copies[i]) || !may_copy(query, copies[i]) ||
            is_among(copies[i], partitions, had))
            continue;
        partitions[query->partition_count] = copies[i];
        places[query->partition_count++]   = files[i];
    }
    query->partitions = partitions;
    query->files      = places;
}

void pull_allow_standbys(PullQuery *query, const int *partitions, size_t count, int64_t max_lag)
{
    query->standbys   = true;
    query->copies     = partitions;
    query->copy_count = count;
    query->max_lag    = max_lag;
}

/* Where keys are looked up all that is here is looked through, not only the partition that a key's hash says:
 * a SOURCE TABLE's topic may have been written by somebody who hashes otherwise. */
static bool find_here(PullQuery *query)
{
    int   *owned;
    size_t count, *files;
    if (!runtime_owned_partitions(query->host->runtime, query->writer, query->arena, &owned, &files, &count))
        return false;
    query->partition_count = 0;
    query->partitions      = owned;
    query->files           = files;
    for (size_t i = 0; i < count; i++) {
        if (!is_asked(query, owned[i]))
            continue;
        files[query->partition_count]   = files[i];
        owned[query->partition_count++] = owned[i];
    }
    if (query->standbys)
        add_copies(query);
    return true;
}

/* Is it wanted, and not here? */
static bool lacks(const PullQuery *query, int partition)
{
    return is_asked(query, partition) && !is_among(partition, query->partitions, query->partition_count);
}

static size_t missing_keys(const PullQuery *query, int total, int *missing)
{
    size_t count = 0;
    for (size_t i = 0; i < query->plan->lookup_count; i++) {
        int partition = str_is_null(query->keys[i]) ? -1 : log_partition_of(query->keys[i], total);
        if (partition >= 0 && lacks(query, partition) && !is_among(partition, missing, count))
            missing[count++] = partition;
    }
    return count;
}

size_t pull_missing(PullQuery *query, const int **out, bool *settled)
{
    size_t count = 0;
    int    total = runtime_table_partitions(query->host->runtime, query->writer, settled);
    size_t most  = total > 0 ? (size_t)total : 1;
    query->total = total;
    int *missing = ARENA_ARRAY(query->arena, int, most + query->plan->lookup_count);
    *out         = missing;
    if (!find_here(query) || total == 0)
        missing[count++] = 0; /* the query is not running: nobody can tell which */
    else if (query->plan->access == PULL_LOOKUP)
        count = missing_keys(query, total, missing);
    else
        for (int p = 0; p < total; p++)
            if (lacks(query, p))
                missing[count++] = p;
    return count;
}

void pull_leave_out(PullQuery *query, const int *partitions, size_t count)
{
    size_t all  = query->elsewhere_count + count;
    int   *list = ARENA_ARRAY(query->arena, int, all + 1);
    if (query->elsewhere_count > 0)
        memcpy(list, query->elsewhere, query->elsewhere_count * sizeof *list);
    memcpy(list + query->elsewhere_count, partitions, count * sizeof *list);
    query->elsewhere       = list;
    query->elsewhere_count = all;
}

Str pull_writer(const PullQuery *query) { return query->writer; }

static Status compile(PullQuery *query, Error *err)
{
    const PullPlan *plan = query->plan;
    query->context =
        (ProgramContext){.clock = query->host->clock, .config = query->host->config, .pull = true};
    if (plan->where != NULL)
        TRY(program_compile(plan->where, &query->context, query->arena, &query->where, err));
    if (query->where != NULL)
        program_share_lambdas(query->where, &query->lambdas);
    query->values = ARENA_ARRAY(query->arena, Program *, plan->result->count);
    for (size_t i = 0; i < plan->result->count; i++) {
        TRY(program_compile(plan->values[i], &query->context, query->arena, &query->values[i], err));
        program_share_lambdas(query->values[i], &query->lambdas);
    }
    return OK;
}

/* All but what it reads by. *out, once it is set, wants pull_close whatever comes. */
static Status open_query(PullHost *host, const PullPlan *plan, const QueryPlan *writer, const PullPart *part,
                         Arena *arena, PullQuery **out, Error *err)
{
    *out = NULL;
    if (writer == NULL || writer->materialized == NULL)
        return error_set(
            err, E_PLAN, NO_POS,
            "The `" STR_FMT
            "` table isn't queryable: the query that materialises it has been terminated or keeps no state.",
            STR_ARG(plan->table->name));
    PullQuery *query = ARENA_NEW(arena, PullQuery);
    *query           = (PullQuery){.host       = host,
                                   .plan       = plan,
                                   .node       = writer->materialized,
                                   .writer     = writer->id,
                                   .only       = part != NULL ? part->partitions : NULL,
                                   .only_count = part != NULL ? part->count : 0,
                                   .arena      = arena,
                                   .left       = plan->has_limit ? plan->limit : -1,
                                   .reads_back = read_back_differs(&plan->table->value_format)};
    query->scratch   = arena_new(0);
    query->row       = ARENA_ARRAY(arena, Value, plan->schema->count);
    query->result    = ARENA_ARRAY(arena, Value, plan->result->count);
    *out             = query;
    TRY(plan_store_spec(query->node, 0, arena, &query->store, err));
    query->definition = state_definition(&query->store, arena);
    TRY(compile(query, err));
    return plan->access == PULL_LOOKUP ? encode_keys(query, err) : OK;
}

Status pull_open(PullHost *host, const PullPlan *plan, const QueryPlan *writer, const PullPart *part,
                 Arena *arena, PullQuery **out, Error *err)
{
    PullQuery *query;
    Status     status = open_query(host, plan, writer, part, arena, &query, err);
    if (status == OK)
        *out = query;
    else if (query != NULL)
        pull_close(query);
    return status;
}

Status pull_prepare(PullHost *host, const PullPlan *plan, const QueryPlan *writer, PullQuery **out,
                    Error *err)
{
    PullQuery *query;
    Arena     *home   = arena_new(0);
    Status     status = open_query(host, plan, writer, NULL, home, &query, err);
    if (query == NULL) {
        arena_free(home);
        return status;
    }
    query->home  = home;
    query->arena = arena_new(0);
    if (status == OK)
        status = open_encoder(query, home, &query->encoder, err);
    if (status == OK)
        *out = query;
    else
        pull_close(query);
    return status;
}

void pull_close(PullQuery *query)
{
    give_back_reader(query->host, query->reader, query->reader_failed);
    program_close(query->where);
    for (size_t i = 0; query->values != NULL && i < query->plan->result->count; i++)
        program_close(query->values[i]);
    if (query->encoder != NULL)
        encoder_close(query->encoder);
    arena_free(query->scratch);
    if (query->home == NULL)
        return;
    arena_free(query->arena);
    arena_free(query->home); /* it is in there */
}

/* ---- rows ---- */

/* The store has the header columns of a SOURCE TABLE behind its values (executor/dataflow/pipeline_store.c).
 */
static Value row_value(const Schema *schema, size_t column, const StateRow *from)
{
    if (column < schema->key_count)
        return from->keys[column];
    switch (schema->columns[column].role) {
    case COLUMN_ROWTIME:
        return value_from_int(from->timestamp);
    case COLUMN_WINDOWSTART:
        return value_from_int(from->window_start);
    case COLUMN_WINDOWEND:
        return value_from_int(from->window_end);
    default:
        return from->values[column - schema->key_count];
    }
}

/* Rows that took long and are not wanted are no reason to go on for a client who has left. */
static Status skip_row(PullQuery *query, Error *err)
{
    query->over = query->lambdas.calls > 0 && !query->consume(query->consumer, NULL);
    return query->over ? error_set(err, E_CANCELLED, NO_POS, "nobody waits") : OK;
}

/* A condition that fails on a row is not true of it; a column that fails is NULL (sql.md 3.3). */
static Status on_row(void *context, const StateRow *from, Error *err)
{
    PullQuery *query   = context;
    Truth      verdict = TRUTH_TRUE;
    Error      ignored;
    arena_reset(query->scratch);
    query->lambdas.calls = 0;
    for (size_t i = 0; i < query->plan->schema->count; i++) {
        const Column *column = &query->plan->schema->columns[i];
        query->row[i]        = row_value(query->plan->schema, i, from);
        if (query->reads_back && column->role == COLUMN_VALUE)
            query->row[i] = read_back(column->type, query->row[i], query->scratch);
    }
    if (query->where != NULL &&
        program_test(query->where, query->row, query->scratch, &verdict, &ignored) != OK)
        return skip_row(query, err);
    if (verdict != TRUTH_TRUE)
        return skip_row(query, err);
    for (size_t i = 0; i < query->plan->result->count; i++)
        if (program_eval(query->values[i], query->row, query->scratch, &query->result[i], &ignored) != OK)
            query->result[i] = value_null();
    query->over = !query->consume(query->consumer, query->result) || (query->left > 0 && --query->left == 0);
    return query->over ? error_set(err, E_CANCELLED, NO_POS, "enough rows") : OK;
}

/* *whole: memory has had all there is. */
static Status look_in_memory(PullQuery *query, const StoreRange *range, Arena *arena, bool *whole, Error *err)
{
    return state_look_in_memory(runtime_state_shares(query->host->runtime), &query->store, query->definition,
                                range, arena, on_row, query, whole, err);
}

static Status scan(PullQuery *query, StoreRange *range, Error *err)
{
    bool whole             = false;
    range->partitions      = query->partitions;
    range->partition_count = query->partition_count;
    range->files           = query->files;
    Arena *arena           = arena_new(STATE_ROWS_ARENA);
    Status status          = look_in_memory(query, range, arena, &whole, err);
    if (status == OK && !whole)
        status = state_reader_scan(query->reader, &query->store, range, arena, on_row, query, err);
    arena_free(arena);
    if (status == E_CANCELLED && query->over)
        return OK;
    if (status == E_STALE_STATE && !whole)
        runtime_state_damaged(query->host->runtime, state_reader_damaged(query->reader), err);
    query->reader_failed = status != OK;
    return status;
}

/* ---- which rows ---- */

static StoreRange window_range(const PullPlan *plan)
{
    return (StoreRange){.has_start_from = plan->has_start_from,
                        .has_start_to   = plan->has_start_to,
                        .has_end_from   = plan->has_end_from,
                        .has_end_to     = plan->has_end_to,
                        .start_from     = plan->start_from,
                        .start_to       = plan->start_to,
                        .end_from       = plan->end_from,
                        .end_to         = plan->end_to};
}

static bool seen_before(const Str *keys, size_t count, Str key)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(keys[i], key))
            return true;
    return false;
}

static Status look_up(PullQuery *query, Error *err)
{
    const PullPlan *plan = query->plan;
    const Str      *keys = query->keys;
    for (size_t i = 0; i < plan->lookup_count && !query->over; i++) {
        if (str_is_null(keys[i]) || seen_before(keys, i, keys[i]))
            continue;
        StoreRange range = window_range(plan);
        range.low_kind = range.high_kind = BOUND_INCLUSIVE;
        range.low = range.high = keys[i];
        TRY(scan(query, &range, err));
    }
    return OK;
}

static Status scan_range(PullQuery *query, Encoder *encoder, Error *err)
{
    const PullPlan *plan  = query->plan;
    StoreRange      range = window_range(plan);
    if (plan->has_low) {
        TRY(encoder_encode(encoder, &plan->low, query->arena, &range.low, err));
        range.low_kind = plan->low_inclusive ? BOUND_INCLUSIVE : BOUND_EXCLUSIVE;
    }
    if (plan->has_high) {
        TRY(encoder_encode(encoder, &plan->high, query->arena, &range.high, err));
        range.high_kind = plan->high_inclusive ? BOUND_INCLUSIVE : BOUND_EXCLUSIVE;
    }
    return scan(query, &range, err);
}

/* Bytes are in the order of values only where a text is its own encoding. */
static bool bytes_are_ordered(const PullQuery *query)
{
    const FormatClass *format = format_inside(&query->node->key_format).format;
    return format != NULL && format_facts(format)->ordered;
}

Status pull_run(PullQuery *query, bool (*row)(void *context, const Value *values), void *context, Error *err)
{
    query->consume  = row;
    query->consumer = context;
    if (query->left == 0)
        return OK;
    TRY(borrow_reader(query->host, &query->reader,
                      err)); /* only now: it has open files, and many may queue */
    if (query->plan->access == PULL_LOOKUP)
        return look_up(query, err);
    if (query->plan->access == PULL_SCAN ||
        (query->plan->access == PULL_RANGE && !bytes_are_ordered(query))) {
        StoreRange range = window_range(query->plan);
        return scan(query, &range, err);
    }
    Encoder *encoder;
    TRY(open_encoder(query, query->arena, &encoder, err));
    Status status = scan_range(query, encoder, err);
    encoder_close(encoder);
    return status;
}

/* ---- one key, from memory ---- */

static bool look_up_at_once(PullQuery *query)
{
    Error      ignored;
    bool       whole = false;
    StoreRange range = window_range(query->plan);
    range.low_kind = range.high_kind = BOUND_INCLUSIVE;
    range.low = range.high = query->keys[0];
    range.partitions       = query->partitions;
    range.partition_count  = query->partition_count;
    range.files            = query->files;
    Status status          = look_in_memory(query, &range, query->arena, &whole, &ignored);
    return whole && (status == OK || (status == E_CANCELLED && query->over));
}

bool pull_ask(PullQuery *query, const Value *key, bool (*row)(void *context, const Value *values),
              void *context)
{
    const PullPlan *plan = query->plan;
    const int      *missing;
    bool            settled;
    Error           ignored;
    arena_reset(query->arena);
    query->consume  = row;
    query->consumer = context;
    query->left     = plan->has_limit ? plan->limit : -1;
    query->over     = false;
    if (encoder_encode(query->encoder, key != NULL ? key : plan->keys[0], query->arena, &query->keys[0],
                       &ignored) != OK)
        return false;
    return !str_is_null(query->keys[0]) && query->left != 0 && pull_missing(query, &missing, &settled) == 0 &&
           look_up_at_once(query);
}
