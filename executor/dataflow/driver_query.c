/*
 * driver_query.c - a query of the test driver: its pipelines, and restarts that nobody must see.
 *
 * Plainly a query is one pipeline, where repartitioning is a direct call. With restarts it is cut at its
 * repartition topics as in the runtime, so that what crosses them is written and read back; the order is the
 * same, for each part takes what crossed to it before the next record comes. A restart follows the runtime's
 * order (commit.c, restore.c): flush, changelogs, small state, the file; then everything is closed, opened
 * and loaded. REOPEN believes the file, RESTORE has nothing but the changelogs and the source tables' topics.
 *
 * Invariant: outside driver_query_push and driver_query_flush nothing is on its way between two parts.
 */
#include "executor/dataflow/driver_query.h"
#include "planner/node.h"

#include <errno.h>
#include <unistd.h>

static bool restarts(const DriverQuery *query) { return query->driver->options.restart != DRIVER_NO_RESTART; }

/* ---- the host of its pipelines ---- */

static Status host_append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                          const LogRecord *record, Str hash_key, Error *err)
{
    DriverQuery *query = (DriverQuery *)self;
    DriverAt     at    = driver_append(query->driver, driver_find_topic(query->driver, topic), 0, record);
    if (!node->class->cuts) {
        driver_note_written(query->driver, at);
        return OK;
    }
    query->crossing = driver_grow(query->crossing, query->crossing_count, &query->crossing_capacity,
                                  sizeof *query->crossing);
    query->crossing[query->crossing_count++] = at;
    return OK;
}

static Status host_output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err)
{
    return error_set(err, E_UNSUPPORTED, NO_POS, "The test driver runs persistent queries only");
}

static size_t changelog_topic(const DriverQuery *query, const Pipeline *pipeline, size_t store)
{
    Arena *arena = arena_new(0);
    Str    name  = topology_changelog_topic(query->driver->options.service_id, query->id,
                                            pipeline_store_node(pipeline, store),
                                            pipeline_store_number(pipeline, store), arena);
    size_t topic = driver_find_topic(query->driver, name);
    arena_free(arena);
    return topic;
}

static Status host_changelog(PipelineHost *self, const Pipeline *pipeline, size_t store, Str key, Str value,
                             Error *err)
{
    DriverQuery *query  = (DriverQuery *)self;
    LogRecord    record = {.key = key, .value = value};
    driver_append(query->driver, changelog_topic(query, pipeline, store), 0, &record);
    return OK;
}

static void host_skip(PipelineHost *self, const SkipInfo *info)
{
    const DriverOptions *options = &((DriverQuery *)self)->driver->options;
    if (options->skipped != NULL)
        options->skipped(options->context, info);
}

/* ---- its state file ---- */

static Str state_path(const DriverQuery *query, const char *suffix, Arena *arena)
{
    return str_printf(arena, "%s/query-%d.db%s", query->driver->options.state_folder, query->number, suffix);
}

static Status open_state(DriverQuery *query, Error *err)
{
    if (!restarts(query))
        return state_file_open(NULL, &query->state, err);
    Arena *arena  = arena_new(0);
    Status status = state_file_open(str_to_c(arena, state_path(query, "", arena)), &query->state, err);
    arena_free(arena);
    if (status == OK)
        state_file_set_cache(query->state, 0);
    return status;
}

static Status delete_state(const DriverQuery *query, Error *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    Arena                   *arena      = arena_new(0);
    Status                   status     = OK;
    for (size_t i = 0; status == OK && i < ARRAY_LEN(suffixes); i++) {
        const char *path = str_to_c(arena, state_path(query, suffixes[i], arena));
        if (unlink(path) != 0 && errno != ENOENT)
            status = error_set(err, E_IO, NO_POS, "Deleting %s: %s", path, strerror(errno));
    }
    arena_free(arena);
    return status;
}

/* ---- opening and closing ---- */

static Status open_part(DriverQuery *query, size_t part, Error *err)
{
    const DriverOptions *options = &query->driver->options;
    PipelineSpec         spec    = {
                   .plan                       = query->plan,
                   .sub_topology               = restarts(query) ? (int)part : ALL_DIRECT,
                   .state                      = query->state,
                   .host                       = &query->host,
                   .clock                      = options->clock,
                   .functions_config           = options->functions_config,
                   .registry                   = options->registry,
                   .service_id                 = options->service_id,
                   .throw_on_invalid_timestamp = options->throw_on_invalid_timestamp,
    };
    return pipeline_open(&spec, &query->parts[part].pipeline, err);
}

static size_t count_parts(const DriverQuery *query)
{
    size_t       count = 1;
    SubTopology *subs;
    Arena       *arena = arena_new(0);
    if (restarts(query))
        topology_cut(query->plan, arena, &subs, &count);
    arena_free(arena);
    return count;
}

static Status open_parts(DriverQuery *query, Error *err)
{
    for (size_t i = 0; i < query->part_count; i++)
        TRY(open_part(query, i, err));
    return OK;
}

static void close_parts(DriverQuery *query)
{
    for (size_t i = 0; i < query->part_count; i++) {
        pipeline_close(query->parts[i].pipeline);
        query->parts[i].pipeline = NULL;
    }
}

static void free_inputs(DriverInput *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(inputs[i].taken);
    mem_free(inputs);
}

static void free_parts(DriverPart *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pipeline_close(parts[i].pipeline);
        strbuf_clear(&parts[i].saved);
    }
    mem_free(parts);
}

static bool is_open(const DriverQuery *query)
{
    return query->part_count > 0 && query->parts[query->part_count - 1].pipeline != NULL;
}

/* The part that writes what is read here. */
static size_t part_that_writes(const DriverQuery *query, const PlanNode *node)
{
    Arena       *arena = arena_new(0);
    SubTopology *subs;
    size_t       count, part = 0;
    topology_cut(query->plan, arena, &subs, &count);
    while (part + 1 < count && !topology_writes(&subs[part], node))
        part++;
    arena_free(arena);
    return part;
}

/* Sources in the order in which the one pipeline of a plan would have them: a record that several of them
 * read goes through them in this order. */
static void list_inputs(DriverQuery *query, size_t part)
{
    Pipeline *pipeline        = query->parts[part].pipeline;
    query->parts[part].listed = true;
    for (size_t i = 0; i < pipeline_input_count(pipeline); i++) {
        const PlanNode *node = pipeline_input_node(pipeline, i);
        if (node->class->reads_topic)
            query->inputs[query->input_count++] = (DriverInput){
                part, i, str_dup(query->driver->arena, pipeline_input_topic(pipeline, i)), 0, NULL, 0, 0};
        else if (!query->parts[part_that_writes(query, node)].listed)
            list_inputs(query, part_that_writes(query, node));
    }
}

static Status open_plan(DriverQuery *query, Error *err)
{
    size_t most       = 0;
    query->part_count = count_parts(query);
    query->parts      = mem_calloc(query->part_count, sizeof *query->parts);
    TRY(open_parts(query, err));
    for (size_t i = 0; i < query->part_count; i++)
        most += pipeline_input_count(query->parts[i].pipeline);
    query->inputs = mem_calloc(most + 1, sizeof *query->inputs);
    list_inputs(query, 0);
    return OK;
}

Status driver_query_open(Driver *driver, const QueryPlan *plan, DriverQuery **out, Error *err)
{
    DriverQuery *query = mem_calloc(1, sizeof *query);
    query->host =
        (PipelineHost){.append    = host_append,
                       .output    = host_output,
                       .changelog = driver->options.restart == DRIVER_RESTORE ? host_changelog : NULL,
                       .skip      = host_skip};
    query->driver = driver;
    query->plan   = plan;
    query->number = driver->queries_made++;
    query->id     = str_dup(driver->arena, plan->id);
    Status status = open_state(query, err);
    if (status == OK)
        status = open_plan(query, err);
    if (status != OK) {
        driver_query_close(query);
        return status;
    }
    *out = query;
    return OK;
}

void driver_query_close(DriverQuery *query)
{
    if (query == NULL)
        return;
    free_parts(query->parts, query->part_count);
    free_inputs(query->inputs, query->input_count);
    state_file_close(query->state);
    mem_free(query->crossing);
    mem_free(query);
}

/* ---- records ---- */

/* What crossed a repartition topic, in its order. Parts may write more of it meanwhile. */
static Status take_crossing(DriverQuery *query, Error *err)
{
    for (size_t done = 0; done < query->crossing_count; done++) {
        DriverAt     at     = query->crossing[done];
        DriverRecord record = query->driver->topics[at.topic].records[at.record];
        for (size_t p = 0; p < query->part_count; p++) {
            Pipeline *pipeline = query->parts[p].pipeline;
            for (size_t i = 0; i < pipeline_input_count(pipeline); i++)
                if (str_equal(pipeline_input_topic(pipeline, i), record.topic))
                    TRY(pipeline_push(pipeline, i, record.partition, &record.record, 1, err));
        }
    }
    query->crossing_count = 0;
    return OK;
}

Status driver_query_push(DriverQuery *query, size_t index, DriverAt at, Error *err)
{
    DriverInput *input = &query->inputs[index];
    DriverRecord record =
        query->driver->topics[at.topic].records[at.record]; /* the array moves when it grows */
    input->taken =
        driver_grow(input->taken, input->taken_count, &input->taken_capacity, sizeof *input->taken);
    input->taken[input->taken_count++] = at.record;
    TRY(pipeline_push(query->parts[input->part].pipeline, input->input, record.partition, &record.record, 1,
                      err));
    return take_crossing(query, err);
}

Status driver_query_flush(DriverQuery *query, Error *err)
{
    if (!is_open(query))
        return OK;
    for (size_t i = query->part_count; i-- > 0;) { /* those that feed others have higher numbers */
        TRY(pipeline_flush(query->parts[i].pipeline, err));
        TRY(take_crossing(query, err));
    }
    return OK;
}

/* ---- source tables, from their topics ---- */

/* Everything the query has taken of an input's topic, once more into its source table. */
static Status replay_source(DriverQuery *query, const DriverInput *input, Error *err)
{
    DriverTopic *topic = &query->driver->topics[driver_find_topic(query->driver, input->topic)];
    for (size_t i = 0; i < input->taken_count; i++)
        TRY(pipeline_replay_source(query->parts[input->part].pipeline, input->input,
                                   &topic->records[input->taken[i]].record, 1, err));
    return OK;
}

static const DriverInput *input_of(const DriverQuery *query, size_t part, const PlanNode *source)
{
    for (size_t i = 0; i < query->input_count; i++)
        if (query->inputs[i].part == part &&
            pipeline_input_node(query->parts[part].pipeline, query->inputs[i].input) == source)
            return &query->inputs[i];
    return NULL;
}

static Status replay_sources(DriverQuery *query, size_t part, Error *err)
{
    Pipeline *pipeline = query->parts[part].pipeline;
    for (size_t s = 0; s < pipeline_store_count(pipeline); s++) {
        if (!pipeline_store_is_source(pipeline, s))
            continue;
        const DriverInput *input = input_of(query, part, pipeline_store_node(pipeline, s));
        TRY(store_clear(pipeline_store(pipeline, s), err));
        if (input != NULL)
            TRY(replay_source(query, input, err));
    }
    return OK;
}

/* ---- restarts ---- */

/* Is it the last record of its key? Only those survive in a topic that was compacted. */
static bool is_last(const DriverTopic *topic, size_t record)
{
    for (size_t i = record + 1; i < topic->count; i++)
        if (str_equal(topic->records[i].record.key, topic->records[record].record.key))
            return false;
    return true;
}

/* Every other time as if the topic had been compacted meanwhile: both are true to Kafka. */
static Status apply_changelog(DriverQuery *query, const Pipeline *pipeline, size_t index, Error *err)
{
    size_t             at        = changelog_topic(query, pipeline, index);
    const DriverTopic *topic     = &query->driver->topics[at];
    bool               compacted = query->restarts % 2 == 1;
    for (size_t i = 0; i < topic->count; i++) {
        const LogRecord *record = &topic->records[i].record;
        if (!compacted || is_last(topic, i))
            TRY(store_apply(pipeline_store(pipeline, index), record->key, record->value, err));
    }
    return OK;
}

static Status restore_part(DriverQuery *query, size_t part, Error *err)
{
    const Pipeline *pipeline = query->parts[part].pipeline;
    for (size_t s = 0; s < pipeline_store_count(pipeline); s++)
        if (!pipeline_store_is_source(pipeline, s))
            TRY(apply_changelog(query, pipeline, s, err));
    return replay_sources(query, part, err);
}

static Str fact_of(size_t part, char buffer[static 16])
{
    return str_n(buffer, (size_t)snprintf(buffer, 16, "part/%zu", part));
}

static Status save(DriverQuery *query, Error *err)
{
    char name[16];
    TRY(driver_query_flush(query, err));
    for (size_t i = 0; i < query->part_count; i++) {
        DriverPart *part = &query->parts[i];
        strbuf_reset(&part->saved);
        pipeline_save(part->pipeline, &part->saved);
        TRY(state_meta_set(query->state, fact_of(i, name), strbuf_str(&part->saved), err));
    }
    TRY(state_file_commit(query->state, err));
    for (size_t i = 0; i < query->part_count; i++)
        pipeline_committed(query->parts[i].pipeline);
    return OK;
}

static Status load_part(DriverQuery *query, size_t index, Error *err)
{
    DriverPart *part = &query->parts[index];
    char        name[16];
    Str         saved = strbuf_str(&part->saved);
    if (query->driver->options.restart == DRIVER_RESTORE) {
        TRY(restore_part(query, index, err));
        return pipeline_load(part->pipeline, saved, err);
    }
    Arena *arena  = arena_new(0);
    Status status = state_meta_get(query->state, fact_of(index, name), arena, &saved, err);
    if (status == OK)
        status = pipeline_load(part->pipeline, saved, err);
    arena_free(arena);
    return status;
}

/* As a process that ends and another that begins would do it. */
static Status restart(DriverQuery *query, Error *err)
{
    TRY(save(query, err));
    close_parts(query);
    state_file_close(query->state);
    query->state = NULL;
    query->restarts++;
    if (query->driver->options.restart == DRIVER_RESTORE)
        TRY(delete_state(query, err));
    TRY(open_state(query, err));
    TRY(open_parts(query, err));
    for (size_t i = 0; i < query->part_count; i++)
        TRY(load_part(query, i, err));
    return OK;
}

Status driver_query_restart(DriverQuery *query, Error *err)
{
    return restarts(query) && is_open(query) ? restart(query, err) : OK;
}

/* ---- another version of the plan ---- */

/* The new version's inputs go on where those of the same topic are. */
static void keep_positions(DriverQuery *query, DriverInput *old, size_t count)
{
    for (size_t i = 0; i < query->input_count; i++)
        for (size_t o = 0; o < count; o++) {
            DriverInput *to = &query->inputs[i];
            if (!str_equal(to->topic, old[o].topic))
                continue;
            to->read = old[o].read;
            if (old[o].taken == NULL || to->taken != NULL)
                continue;
            to->taken          = mem_alloc(old[o].taken_count * sizeof *to->taken);
            to->taken_count    = old[o].taken_count;
            to->taken_capacity = old[o].taken_count;
            memcpy(to->taken, old[o].taken, old[o].taken_count * sizeof *to->taken);
        }
}

/* As in the runtime: the tables stay, widened as the new version opens them. A source table is read from its
 * topic once more, for the new version's columns of it may be others. */
static Status move_in(DriverQuery *query, const DriverPart *old, size_t old_count, DriverInput *inputs,
                      size_t input_count, Error *err)
{
    TRY(open_plan(query, err));
    keep_positions(query, inputs, input_count);
    for (size_t i = 0; i < query->part_count; i++) {
        Str saved = i < old_count ? strbuf_str(&old[i].saved) : STR_NULL;
        TRY(pipeline_load(query->parts[i].pipeline, saved, err));
        TRY(replay_sources(query, i, err));
    }
    return OK;
}

Status driver_query_replace(DriverQuery *query, const QueryPlan *plan, Error *err)
{
    Status       status     = is_open(query) ? save(query, err) : OK;
    DriverPart  *parts      = query->parts;
    DriverInput *inputs     = query->inputs;
    size_t       part_count = query->part_count, input_count = query->input_count;
    close_parts(query);
    query->parts      = NULL;
    query->inputs     = NULL;
    query->part_count = query->input_count = 0;
    query->plan                            = plan;
    if (status == OK)
        status = move_in(query, parts, part_count, inputs, input_count, err);
    free_parts(parts, part_count);
    free_inputs(inputs, input_count);
    if (status != OK) {
        close_parts(query);
        query->input_count = 0; /* so that it takes nothing any more */
    }
    return status;
}
