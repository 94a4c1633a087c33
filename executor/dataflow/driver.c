/*
 * driver.c - plans over topics in memory, one record at a time, without threads or clock (conformance
 * contract, step 4).
 *
 * A query is one pipeline for partition 0 with direct repartitioning. What it writes is appended to its topic
 * at once, but read by others only when it is their turn: after it (driver_run), or when the record that
 * caused it has left the query (depth first).
 */
#include "executor/dataflow/driver.h"

typedef struct {
    Str           name;
    DriverRecord *records;
    size_t        count, capacity;
    bool          has_inputs; /* records that were declared as inputs */
} Topic;

typedef struct {
    size_t topic, record;
} InputAt;

typedef struct {
    PipelineHost     host; /* first */
    Driver          *driver;
    const QueryPlan *plan;
    Str              id;
    Pipeline        *pipeline;
    StateFile       *state;
    size_t           inputs_done; /* of driver->inputs */
    size_t *read; /* per input of the pipeline: records of its topic taken, where that has no inputs */
} Query;

struct Driver {
    DriverOptions options;
    Arena        *arena;
    Topic        *topics;
    size_t        topic_count, topic_capacity;
    Query       **queries;
    size_t        query_count, query_capacity;
    DriverRecord *outputs;
    size_t        output_count, output_capacity;
    InputAt      *inputs;
    size_t        input_count, input_capacity;
    InputAt      *written; /* by the push that is going on: depth first */
    size_t        written_count, written_capacity;
};

/* Room for one more item of a heap array. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_realloc(items, *capacity * size);
}

/* ---- topics ---- */

static size_t find_topic(Driver *driver, Str name)
{
    for (size_t i = 0; i < driver->topic_count; i++)
        if (str_equal(driver->topics[i].name, name))
            return i;
    driver->topics =
        grow(driver->topics, driver->topic_count, &driver->topic_capacity, sizeof *driver->topics);
    driver->topics[driver->topic_count] = (Topic){.name = str_dup(driver->arena, name)};
    return driver->topic_count++;
}

/* The array may move while the topic is looked for: only what is asked for after that is good. */
static Topic *topic_named(Driver *driver, Str name)
{
    size_t index = find_topic(driver, name);
    return &driver->topics[index];
}

static Str copy_bytes(Arena *arena, Str bytes)
{
    return str_is_null(bytes) ? STR_NULL : str_dup(arena, bytes);
}

static LogRecord copy_record(Arena *arena, const LogRecord *record)
{
    LogRecord copy    = *record;
    Header   *headers = ARENA_ARRAY(arena, Header, record->header_count + 1);
    for (size_t i = 0; i < record->header_count; i++)
        headers[i] =
            (Header){copy_bytes(arena, record->headers[i].key), copy_bytes(arena, record->headers[i].value)};
    copy.key     = copy_bytes(arena, record->key);
    copy.value   = copy_bytes(arena, record->value);
    copy.headers = headers;
    return copy;
}

/* Offsets count per partition. */
static int64_t next_offset(const Topic *topic, int partition)
{
    for (size_t i = topic->count; i-- > 0;)
        if (topic->records[i].partition == partition)
            return topic->records[i].record.offset + 1;
    return 0;
}

static InputAt append(Driver *driver, Str name, int partition, const LogRecord *record)
{
    InputAt      at    = {.topic = find_topic(driver, name)};
    Topic       *topic = &driver->topics[at.topic];
    DriverRecord copy  = {topic->name, partition, copy_record(driver->arena, record)};
    copy.record.offset = next_offset(topic, partition);
    at.record          = topic->count;
    topic->records     = grow(topic->records, topic->count, &topic->capacity, sizeof *topic->records);
    topic->records[topic->count++] = copy;
    return at;
}

static void note_output(Driver *driver, InputAt at)
{
    driver->outputs =
        grow(driver->outputs, driver->output_count, &driver->output_capacity, sizeof *driver->outputs);
    driver->outputs[driver->output_count++] = driver->topics[at.topic].records[at.record];
}

/* ---- the host of a query's pipeline ---- */

static Status host_append(PipelineHost *self, const PlanNode *node, Str topic, const LogRecord *record,
                          Str hash_key, Error *err)
{
    Driver *driver = ((Query *)self)->driver;
    InputAt at     = append(driver, topic, 0, record);
    driver->written =
        grow(driver->written, driver->written_count, &driver->written_capacity, sizeof *driver->written);
    driver->written[driver->written_count++] = at;
    note_output(driver, at);
    return OK;
}

static Status host_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err)
{
    return error_set(err, E_UNSUPPORTED, NO_POS, "The test driver runs persistent queries only");
}

static void host_skip(PipelineHost *self, const SkipInfo *info)
{
    const DriverOptions *options = &((Query *)self)->driver->options;
    if (options->skipped != NULL)
        options->skipped(options->context, info);
}

/* ---- queries ---- */

Status driver_open(const DriverOptions *options, Driver **out, Error *err)
{
    Driver *driver  = mem_calloc(1, sizeof *driver);
    driver->options = *options;
    driver->arena   = arena_new(0);
    *out            = driver;
    return OK;
}

static void query_free(Query *query)
{
    if (query == NULL)
        return;
    pipeline_close(query->pipeline);
    state_file_close(query->state);
    mem_free(query->read);
    mem_free(query);
}

void driver_close(Driver *driver)
{
    if (driver == NULL)
        return;
    for (size_t i = 0; i < driver->query_count; i++)
        query_free(driver->queries[i]);
    for (size_t i = 0; i < driver->topic_count; i++)
        mem_free(driver->topics[i].records);
    mem_free(driver->topics);
    mem_free(driver->queries);
    mem_free(driver->outputs);
    mem_free(driver->inputs);
    mem_free(driver->written);
    arena_free(driver->arena);
    mem_free(driver);
}

static Status open_pipeline(Query *query, Error *err)
{
    const DriverOptions *options = &query->driver->options;
    PipelineSpec         spec    = {
                   .plan                       = query->plan,
                   .sub_topology               = ALL_DIRECT,
                   .state                      = query->state,
                   .host                       = &query->host,
                   .clock                      = options->clock,
                   .functions_config           = options->functions_config,
                   .service_id                 = options->service_id,
                   .throw_on_invalid_timestamp = options->throw_on_invalid_timestamp,
    };
    TRY(pipeline_open(&spec, &query->pipeline, err));
    mem_free(query->read);
    query->read = mem_calloc(pipeline_input_count(query->pipeline) + 1, sizeof *query->read);
    return OK;
}

static Query *find_query(Driver *driver, Str id, size_t *index)
{
    for (*index = 0; *index < driver->query_count; ++*index)
        if (str_equal(driver->queries[*index]->id, id))
            return driver->queries[*index];
    return NULL;
}

/* Everything the query has taken of an input's topic, once more into its source table: the new version's
 * columns may be others. */
static Status replay_source(Query *query, size_t input, Error *err)
{
    Driver *driver = query->driver;
    size_t  index  = find_topic(driver, pipeline_input_topic(query->pipeline, input));
    Topic  *topic  = &driver->topics[index];
    for (size_t i = 0; topic->has_inputs && i < query->inputs_done; i++)
        if (driver->inputs[i].topic == index)
            TRY(pipeline_replay_source(query->pipeline, input,
                                       &topic->records[driver->inputs[i].record].record, 1, err));
    for (size_t i = 0; !topic->has_inputs && i < query->read[input]; i++)
        TRY(pipeline_replay_source(query->pipeline, input, &topic->records[i].record, 1, err));
    return OK;
}

static Status replay_sources(Query *query, Error *err)
{
    for (size_t s = 0; s < pipeline_store_count(query->pipeline); s++) {
        if (!pipeline_store_is_source(query->pipeline, s))
            continue;
        TRY(store_clear(pipeline_store(query->pipeline, s), err));
        for (size_t i = 0; i < pipeline_input_count(query->pipeline); i++)
            if (pipeline_input_node(query->pipeline, i) == pipeline_store_node(query->pipeline, s))
                TRY(replay_source(query, i, err));
    }
    return OK;
}

/* As in the runtime: the tables stay, widened as the new version opens them. If that does not open, the query
 * is without a pipeline. */
static Status move_state(Query *query, Pipeline *old, Error *err)
{
    StrBuf saved  = {0};
    Status status = state_file_commit(query->state, err);
    pipeline_save(old, &saved);
    pipeline_close(old);
    if (status == OK)
        status = open_pipeline(query, err);
    if (status == OK)
        status = pipeline_load(query->pipeline, strbuf_str(&saved), err);
    strbuf_clear(&saved);
    return status;
}

static Status replace(Query *query, const QueryPlan *plan, Error *err)
{
    Arena    *arena  = arena_new(0);
    Pipeline *old    = query->pipeline;
    size_t   *read   = query->read;
    size_t    inputs = old == NULL ? 0 : pipeline_input_count(old);
    Str      *topics = ARENA_ARRAY(arena, Str, inputs + 1);
    query->read      = NULL;
    query->pipeline  = NULL;
    query->plan      = plan;
    for (size_t i = 0; i < inputs; i++)
        topics[i] = str_dup(arena, pipeline_input_topic(old, i));
    Status status = old == NULL ? open_pipeline(query, err) : move_state(query, old, err);
    for (size_t i = 0; status == OK && i < pipeline_input_count(query->pipeline); i++)
        for (size_t o = 0; o < inputs; o++)
            if (str_equal(pipeline_input_topic(query->pipeline, i), topics[o]))
                query->read[i] = read[o];
    if (status == OK)
        status = replay_sources(query, err);
    mem_free(read);
    arena_free(arena);
    return status;
}

Status driver_add_query(Driver *driver, const QueryPlan *plan, Error *err)
{
    size_t index;
    Query *query = find_query(driver, plan->id, &index);
    if (query != NULL)
        return replace(query, plan, err);
    query         = mem_calloc(1, sizeof *query);
    query->host   = (PipelineHost){.append = host_append, .output = host_output, .skip = host_skip};
    query->driver = driver;
    query->plan   = plan;
    query->id     = str_dup(driver->arena, plan->id);
    Status status = state_file_open(NULL, &query->state, err);
    if (status == OK)
        status = open_pipeline(query, err);
    if (status != OK) {
        query_free(query);
        return status;
    }
    driver->queries =
        grow(driver->queries, driver->query_count, &driver->query_capacity, sizeof *driver->queries);
    driver->queries[driver->query_count++] = query;
    return OK;
}

void driver_remove_query(Driver *driver, Str id)
{
    size_t index;
    Query *query = find_query(driver, id, &index);
    if (query == NULL)
        return;
    query_free(query);
    driver->query_count--;
    memmove(&driver->queries[index], &driver->queries[index + 1],
            (driver->query_count - index) * sizeof *driver->queries);
}

/* ---- running ---- */

/* Through all inputs of the query that read its topic. */
static Status push_record(Query *query, InputAt at, Error *err)
{
    DriverRecord record =
        query->driver->topics[at.topic].records[at.record]; /* the array may move while the query writes */
    for (size_t i = 0; query->pipeline != NULL && i < pipeline_input_count(query->pipeline); i++)
        if (str_equal(pipeline_input_topic(query->pipeline, i), record.topic))
            TRY(pipeline_push(query->pipeline, i, record.partition, &record.record, 1, err));
    return OK;
}

static Status take_inputs(Query *query, Error *err)
{
    Driver *driver = query->driver;
    for (; query->inputs_done < driver->input_count; query->inputs_done++)
        TRY(push_record(query, driver->inputs[query->inputs_done], err));
    return OK;
}

static Status take_topic(Query *query, size_t input, Error *err)
{
    Driver *driver = query->driver;
    size_t  topic  = find_topic(driver, pipeline_input_topic(query->pipeline, input));
    for (; query->read[input] < driver->topics[topic].count; query->read[input]++) {
        DriverRecord record = driver->topics[topic].records[query->read[input]];
        TRY(pipeline_push(query->pipeline, input, record.partition, &record.record, 1, err));
    }
    return OK;
}

Status driver_run(Driver *driver, Error *err)
{
    for (size_t i = 0; i < driver->query_count; i++) {
        Query *query = driver->queries[i];
        TRY(take_inputs(query, err));
        for (size_t input = 0; query->pipeline != NULL && input < pipeline_input_count(query->pipeline);
             input++)
            if (!topic_named(driver, pipeline_input_topic(query->pipeline, input))->has_inputs)
                TRY(take_topic(query, input, err));
        if (query->pipeline != NULL)
            TRY(pipeline_flush(query->pipeline, err));
        driver->written_count = 0; /* others find it in the topics */
    }
    return OK;
}

/* The record through every query that reads it; after each, what that one wrote. Queries may form a ring,
 * hence the depth. */
static Status run_deep(Driver *driver, InputAt at, int depth, Error *err)
{
    enum { DEEPEST = 200 };
    if (depth > DEEPEST)
        return error_set(err, E_LIMIT, NO_POS, "Queries feed each other in a circle");
    for (size_t i = 0; i < driver->query_count; i++) {
        size_t from = driver->written_count;
        TRY(push_record(driver->queries[i], at, err));
        size_t end = driver->written_count; /* deeper ones go behind, and have had their turn */
        for (size_t next = from; next < end; next++)
            TRY(run_deep(driver, driver->written[next], depth + 1, err));
        driver->written_count = from;
    }
    return OK;
}

/* Records that went through depth first are no news for driver_run. */
static void mark_read(Driver *driver)
{
    for (size_t i = 0; i < driver->query_count; i++) {
        Query *query       = driver->queries[i];
        query->inputs_done = driver->input_count;
        for (size_t input = 0; query->pipeline != NULL && input < pipeline_input_count(query->pipeline);
             input++)
            query->read[input] = topic_named(driver, pipeline_input_topic(query->pipeline, input))->count;
    }
}

Status driver_insert(Driver *driver, Str topic, int partition, const LogRecord *record, bool is_input,
                     bool depth_first, Error *err)
{
    InputAt at = append(driver, topic, partition, record);
    if (is_input) {
        driver->topics[at.topic].has_inputs = true;
        driver->inputs =
            grow(driver->inputs, driver->input_count, &driver->input_capacity, sizeof *driver->inputs);
        driver->inputs[driver->input_count++] = at;
    } else {
        note_output(driver, at);
    }
    if (!depth_first)
        return OK;
    driver->written_count = 0;
    Status status         = run_deep(driver, at, 0, err);
    mark_read(driver);
    return status;
}

const DriverRecord *driver_outputs(const Driver *driver, size_t *count)
{
    *count = driver->output_count;
    return driver->outputs;
}

const DriverRecord *driver_topic(Driver *driver, Str topic, size_t *count)
{
    const Topic *found = topic_named(driver, topic);
    *count             = found->count;
    return found->records;
}
