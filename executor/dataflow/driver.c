/*
 * driver.c - plans over topics in memory, one record at a time, without threads or clock (conformance
 * contract, step 4).
 *
 * What a query writes is appended to its topic at once, but read by others only when it is their turn: after
 * it (driver_run), or when the record that caused it has left the query (depth first).
 */
#include "executor/dataflow/driver_query.h"

/* ---- topics ---- */

size_t driver_find_topic(Driver *driver, Str name)
{
    for (size_t i = 0; i < driver->topic_count; i++)
        if (str_equal(driver->topics[i].name, name))
            return i;
    driver->topics =
        driver_grow(driver->topics, driver->topic_count, &driver->topic_capacity, sizeof *driver->topics);
    driver->topics[driver->topic_count] = (DriverTopic){.name = str_dup(driver->arena, name)};
    return driver->topic_count++;
}

/* The array may move while the topic is looked for: only what is asked for after that is good. */
static DriverTopic *topic_named(Driver *driver, Str name)
{
    size_t index = driver_find_topic(driver, name);
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
static int64_t next_offset(const DriverTopic *topic, int partition)
{
    for (size_t i = topic->count; i-- > 0;)
        if (topic->records[i].partition == partition)
            return topic->records[i].record.offset + 1;
    return 0;
}

DriverAt driver_append(Driver *driver, size_t index, int partition, const LogRecord *record)
{
    DriverTopic *topic = &driver->topics[index];
    DriverAt     at    = {.topic = index, .record = topic->count};
    DriverRecord copy  = {topic->name, partition, copy_record(driver->arena, record)};
    copy.record.offset = next_offset(topic, partition);
    topic->records     = driver_grow(topic->records, topic->count, &topic->capacity, sizeof *topic->records);
    topic->records[topic->count++] = copy;
    return at;
}

static void note_output(Driver *driver, DriverAt at)
{
    driver->outputs =
        driver_grow(driver->outputs, driver->output_count, &driver->output_capacity, sizeof *driver->outputs);
    driver->outputs[driver->output_count++] = driver->topics[at.topic].records[at.record];
}

void driver_note_written(Driver *driver, DriverAt at)
{
    driver->written = driver_grow(driver->written, driver->written_count, &driver->written_capacity,
                                  sizeof *driver->written);
    driver->written[driver->written_count++] = at;
    note_output(driver, at);
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

void driver_close(Driver *driver)
{
    if (driver == NULL)
        return;
    for (size_t i = 0; i < driver->query_count; i++)
        driver_query_close(driver->queries[i]);
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

static DriverQuery *find_query(Driver *driver, Str id, size_t *index)
{
    for (*index = 0; *index < driver->query_count; ++*index)
        if (str_equal(driver->queries[*index]->id, id))
            return driver->queries[*index];
    return NULL;
}

Status driver_add_query(Driver *driver, const QueryPlan *plan, Error *err)
{
    size_t       index;
    DriverQuery *query = find_query(driver, plan->id, &index);
    if (query != NULL)
        return driver_query_replace(query, plan, err);
    TRY(driver_query_open(driver, plan, &query, err));
    driver->queries =
        driver_grow(driver->queries, driver->query_count, &driver->query_capacity, sizeof *driver->queries);
    driver->queries[driver->query_count++] = query;
    return OK;
}

void driver_remove_query(Driver *driver, Str id)
{
    size_t       index;
    DriverQuery *query = find_query(driver, id, &index);
    if (query == NULL)
        return;
    driver_query_close(query);
    driver->query_count--;
    memmove(&driver->queries[index], &driver->queries[index + 1],
            (driver->query_count - index) * sizeof *driver->queries);
}

/* ---- running ---- */

/* Through all inputs of the query that read its topic. */
static Status push_record(DriverQuery *query, DriverAt at, Error *err)
{
    Str  topic = query->driver->topics[at.topic].name;
    bool taken = false;
    for (size_t i = 0; i < query->input_count; i++) {
        if (!str_equal(query->inputs[i].topic, topic))
            continue;
        TRY(driver_query_push(query, i, at, err));
        taken = true;
    }
    return taken ? driver_query_restart(query, err) : OK;
}

static Status take_inputs(DriverQuery *query, Error *err)
{
    Driver *driver = query->driver;
    while (query->inputs_done < driver->input_count) {
        TRY(push_record(query, driver->inputs[query->inputs_done], err));
        query->inputs_done++;
    }
    return OK;
}

static Status take_topic(DriverQuery *query, DriverInput *input, size_t index, Error *err)
{
    Driver *driver = query->driver;
    size_t  topic  = driver_find_topic(driver, input->topic);
    while (input->read < driver->topics[topic].count) {
        TRY(driver_query_push(query, index, (DriverAt){topic, input->read++}, err));
        TRY(driver_query_restart(query, err));
    }
    return OK;
}

Status driver_run(Driver *driver, Error *err)
{
    for (size_t i = 0; i < driver->query_count; i++) {
        DriverQuery *query = driver->queries[i];
        TRY(take_inputs(query, err));
        for (size_t input = 0; input < query->input_count; input++)
            if (!topic_named(driver, query->inputs[input].topic)->has_inputs)
                TRY(take_topic(query, &query->inputs[input], input, err));
        TRY(driver_query_flush(query, err));
        driver->written_count = 0; /* others find it in the topics */
    }
    return OK;
}

/* Records that went through depth first are no news for driver_run. */
static void mark_read(Driver *driver)
{
    for (size_t i = 0; i < driver->query_count; i++) {
        DriverQuery *query = driver->queries[i];
        query->inputs_done = driver->input_count;
        for (size_t input = 0; input < query->input_count; input++)
            query->inputs[input].read = topic_named(driver, query->inputs[input].topic)->count;
    }
}

/* The record through every query that reads it; after each, what that one wrote. Queries may form a ring,
 * hence the depth. */
static Status run_deep(Driver *driver, DriverAt at, int depth, Error *err)
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

Status driver_insert(Driver *driver, Str topic, int partition, const LogRecord *record, bool is_input,
                     bool depth_first, Error *err)
{
    DriverAt at = driver_append(driver, driver_find_topic(driver, topic), partition, record);
    if (is_input) {
        driver->topics[at.topic].has_inputs = true;
        driver->inputs =
            driver_grow(driver->inputs, driver->input_count, &driver->input_capacity, sizeof *driver->inputs);
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
    const DriverTopic *found = topic_named(driver, topic);
    *count                   = found->count;
    return found->records;
}
