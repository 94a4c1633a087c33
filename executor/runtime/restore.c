/*
 * restore.c - opening a task: where its inputs go on, and how its stores catch up with that.
 *
 * The record in the slots topic decides, if it is of this query: its generation says so, for a query that was
 * dropped may have had the same id. What it lists must fit the plan: the topics that it has positions of, the
 * stores and the versions of their content. Else the query stops and says what does not fit, for nothing is
 * wiped that somebody may still want. The fact in the state file tells how far the stores are:
 *
 *   equal sequence          the stores are exactly there: nothing to read but what buffers hold in memory
 *                           (store_is_held), whose positions in the changelogs say so
 *   file behind             the changelogs' tails from the file's positions; source tables from the file's
 *                           input positions, output suppressed
 *   file long behind        the same as unknown: tombstones of the tail may be gone from the changelog
 *   file unknown            emptied, then everything from the beginning
 *   file ahead              of another history: set aside (repair.c), then as unknown
 *   no record               a new task: stores emptied, inputs at their first or last offsets, written down
 *                           with the first commit. If the file knows it, its positions are lost: set aside
 *
 * OR REPLACE keeps the generation, so the next version of a query goes on from positions and stores of the
 * last. Where it keeps more columns, the tables are widened as they are opened and the changelogs hold
 * records of both versions (state/), which is the same after a crash at any point, for nothing was copied.
 * The rows of a source table, which has no changelog, are read from the topic once more when its columns are
 * others: the new columns are in the records.
 *
 * Changelog records are upserts, so a replay that is interrupted starts over. It is done in slices between
 * batches.
 */
#include "executor/runtime/restore.h"

#include "core/logger.h"
#include "core/slot_hash.h"

#include "executor/runtime/changelog_cut.h"
#include "executor/runtime/cleanup.h"
#include "executor/runtime/fetcher.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/stored.h"
#include "executor/runtime/worker_state.h"
#include "executor/runtime/writers.h"
#include "planner/nodes/node_source.h"
#include "planner/plan_starts.h"

/* ---- inputs ---- */

static void count_inputs(Task *task)
{
    size_t count = pipeline_input_count(task->pipeline);
    task->inputs = mem_calloc(count + 1, sizeof *task->inputs);
    for (size_t i = 0; i < count; i++) {
        if (task->partition >= task->sub->input_partitions[i])
            continue; /* a smaller topic has no such partition */
        task->inputs[task->input_count++] = (TaskInput){.task         = task,
                                                        .pipeline     = task->pipeline,
                                                        .index        = i,
                                                        .topic        = task->sub->topics[i],
                                                        .partition    = task->partition,
                                                        .replay_until = -1,
                                                        .end          = INT64_MAX};
    }
    task->ordered         = task->input_count > 1;
    task->input_topics    = mem_calloc(task->input_count + 1, sizeof *task->input_topics);
    task->input_positions = mem_calloc(task->input_count + 1, sizeof *task->input_positions);
    for (size_t i = 0; i < task->input_count; i++)
        task->input_topics[i] = task->inputs[i].topic;
}

static void list_changelogs(Task *task)
{
    size_t stores          = pipeline_store_count(task->pipeline);
    Arena *arena           = task->worker->scratch;
    task->changelogs       = mem_calloc(stores + 1, sizeof *task->changelogs);
    task->held_from        = mem_calloc(stores + 1, sizeof *task->held_from);
    task->cut_below        = mem_calloc(stores + 1, sizeof *task->cut_below);
    task->changelog_topics = mem_calloc(stores + 1, sizeof *task->changelog_topics);
    task->store_names      = mem_calloc(stores + 1, sizeof *task->store_names);
    task->store_versions   = mem_calloc(stores + 1, sizeof *task->store_versions);
    task->has_source_store = false;
    for (size_t i = 0; i < stores; i++) {
        const PlanNode *node   = pipeline_store_node(task->pipeline, i);
        size_t          number = pipeline_store_number(task->pipeline, i);
        Str name = topology_changelog_topic(task->worker->runtime->options.service_id, task->query->plan->id,
                                            node, number, arena);
        task->store_names[i]      = node->stores[number].name;
        task->store_versions[i]   = node->stores[number].version;
        task->changelog_topics[i] = (Str){str_to_heap(name), name.len};
        task->changelogs[i]       = -1;
        task->has_source_store |= pipeline_store_is_source(task->pipeline, i);
    }
}

/* What source tables keep of their records. */
static Status hash_source_columns(Task *task, uint64_t *out, Error *err)
{
    StrBuf text   = {0};
    Status status = OK;
    for (size_t i = 0; status == OK && i < pipeline_store_count(task->pipeline); i++) {
        StoreSpec spec;
        if (!pipeline_store_is_source(task->pipeline, i))
            continue;
        status = plan_store_spec(pipeline_store_node(task->pipeline, i),
                                 pipeline_store_number(task->pipeline, i), task->worker->scratch, &spec, err);
        for (size_t v = 0; status == OK && v < spec.value_count; v++) {
            strbuf_addf(&text, STR_FMT " ", STR_ARG(spec.values[v].name));
            type_print(spec.values[v].type, &text);
            strbuf_addc(&text, '\n');
        }
    }
    *out = slot_hash(strbuf_str(&text));
    strbuf_clear(&text);
    return status;
}

static const int64_t *latest_of(const RunningQuery *query, const PlanNode *source)
{
    for (size_t i = 0; query->latest != NULL && i < query->plan->source_count; i++)
        if (query->plan->sources[i] == source)
            return query->latest[i];
    return NULL;
}

/* auto.offset.reset is for the topics of streams. A table without its older records is another table; and
 * what stands in a repartition topic may have been committed by a task upstream before this one was opened,
 * with the positions of what it was made from: who began at the end would lose it. */
static Status first_position(Task *task, TaskInput *input, int64_t *out, Error *err)
{
    const PlanNode *node   = pipeline_input_node(task->pipeline, input->index);
    const int64_t  *latest = latest_of(task->query, node);
    bool            source = node->class->reads_topic, stream = source && !node->is_table;
    int64_t         first, end;
    int64_t         start = stream ? plan_start_of(task->query->plan, input->topic, input->partition) : -1;
    if (start >= 0) { /* may be gone by now: the reader goes on at the first that is there */
        *out = start;
        return OK;
    }
    /* All that is in a partition added since came after the query began, wherever it began. */
    bool added  = source && input->partition >= plan_source(node)->partitions;
    bool at_end = stream && task->query->settings.offset_reset != OFFSET_RESET_EARLIEST && !added;
    if (at_end && latest != NULL) {
        *out = latest[input->partition];
        return OK;
    }
    TRY(log_offsets(task->worker->runtime->options.log, input->topic, input->partition, &first, &end, err));
    *out = at_end ? end : first;
    return OK;
}

static Status place_inputs(Task *task, const TaskRecord *record, Error *err)
{
    for (size_t i = 0; i < task->input_count; i++) {
        TaskInput *input = &task->inputs[i];
        input->position  = record == NULL ? -1 : stored_input_position(record, task, i);
        if (input->position < 0)
            TRY(first_position(task, input, &input->position, err));
        input->committed         = input->position;
        task->input_positions[i] = input->position;
    }
    return OK;
}

/* ---- how far the stores are ---- */

/* Source tables are replayed from the file's input positions (or the beginning) up to the task's. */
static Status plan_source_replay(Task *task, const TaskRecord *file, bool *behind, Error *err)
{
    for (size_t i = 0; task->has_source_store && i < task->input_count; i++) {
        TaskInput *input = &task->inputs[i];
        int64_t    first, end, from = file == NULL ? -1 : stored_input_position(file, task, i);
        bool       stored = false;
        for (size_t s = 0; s < pipeline_store_count(task->pipeline); s++)
            stored |=
                pipeline_store_node(task->pipeline, s) == pipeline_input_node(task->pipeline, input->index);
        if (!stored)
            continue;
        TRY(log_offsets(task->worker->runtime->options.log, input->topic, input->partition, &first, &end,
                        err));
        if (from < first)
            from = first;
        /* The topic was made again: nothing to replay up to, and all of it is new (fetcher.c). The reader,
         * put there, finds out and tells. */
        if (from >= input->position || input->position > end)
            continue;
        input->replay_until = input->position;
        input->position     = from;
        *behind             = true;
    }
    return OK;
}

/* What the file has is worth more than what can be made from the log, so it is kept, whole. */
static Status set_aside(Task *task, const char *why, Error *err)
{
    task->worker->aside = ASIDE_AHEAD;
    return error_set(err, E_STALE_STATE, NO_POS, "query " STR_FMT ", task " STR_FMT ": %s",
                     STR_ARG(task->query->plan->id), STR_ARG(task->key), why);
}

static bool holds_rows(const Task *task)
{
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++)
        if (store_is_held(pipeline_store(task->pipeline, i)))
            return true;
    return false;
}

/* *sources_behind: some have to be replayed. */
static Status plan_restore(Task *task, const TaskRecord *record, bool *sources_behind, Error *err)
{
    TaskRecord file;
    size_t     stores = pipeline_store_count(task->pipeline);
    bool       usable;
    int64_t    kept_ms;
    task->restoring_store = stores;
    task->restored = task->exact = *sources_behind = false;
    if (stores == 0)
        return OK;
    TRY(stored_read(task, &file, &kept_ms, &usable, err));
    if (usable && record == NULL &&
        file.sequence > 0) /* 0: a standby's, of a task that has not committed yet */
        return set_aside(task, "its positions are gone from the slots topic, so it begins anew", err);
    /* Without a fact there may be rows all the same: restored ones reach the file before the task's first
     * commit, and a kill -9 leaves them. */
    if (record == NULL)
        return stored_clear(task, false, err);
    if (usable && file.sequence > record->sequence)
        return set_aside(task, "it is ahead of the log, which has lost something or is another one", err);
    bool sources = usable && file.source_columns == task->source_columns;
    bool exact   = sources && file.sequence == record->sequence && file.store_count == stores;
    /* The usual case after a stop asks no broker, or a thousand tasks would wait for a thousand answers. */
    if (exact && !holds_rows(task)) {
        stored_set_changelogs(task, &file);
        return OK;
    }
    if (usable)
        TRY(stored_fits(task, &file, kept_ms, exact, &usable, err));
    sources &= usable;
    task->exact = exact && usable;
    if (!sources)
        TRY(stored_clear(task, usable, err));
    stored_set_changelogs(task, usable ? &file : NULL);
    task->restoring_store = 0;
    task->restored        = !task->exact;
    return plan_source_replay(task, sources ? &file : NULL, sources_behind, err);
}

/* ---- opening ---- */

static Status load_record(Task *task, TaskRecord *record, bool *found, Error *err)
{
    Str bytes = positions_get(task->worker->positions, task->key);
    *found    = false;
    if (str_is_null(bytes))
        return OK;
    TRY(task_record_decode(bytes, task->worker->scratch, record, err));
    *found = stored_is_ours(task, record);
    return OK;
}

/* ---- does what is stored fit the plan? ---- */

#define NOTHING_CHANGED "Nothing of it was changed. To begin anew, drop the query and create it again"

static Status refuse_misfit(const char *what, Str stored, Str planned, Error *err)
{
    return error_set(err, E_FATAL_DATA, NO_POS,
                     "What the query has stored does not fit its plan: %s (" STR_FMT ", the plan has " STR_FMT
                     "). " NOTHING_CHANGED,
                     what, STR_ARG(stored), STR_ARG(planned));
}

static bool reads_topic(const Task *task, Str topic)
{
    for (size_t i = 0; i < task->sub->sub.input_count; i++)
        if (str_equal(task->sub->topics[i], topic))
            return true;
    return false;
}

static Status check_store(const Task *task, const TaskRecord *record, size_t store, Error *err)
{
    Arena *scratch = task->worker->scratch;
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++) {
        if (!str_equal(record->stores[store], task->store_names[i]))
            continue;
        if (record->versions[store] == task->store_versions[i])
            return OK;
        return refuse_misfit("a store's content is of another version",
                             str_printf(scratch, STR_FMT " is of version %lld",
                                        STR_ARG(record->stores[store]), (long long)record->versions[store]),
                             str_printf(scratch, "%lld", (long long)task->store_versions[i]), err);
    }
    return refuse_misfit("a store is none of the plan's", record->stores[store],
                         task->store_names[0].ptr != NULL ? task->store_names[0] : STR_LIT("none"), err);
}

/* A store more is refused, too: it would begin empty with the inputs in mid-stream, and a count that lacks
 * its past looks like any other. */
static Status check_fit(const Task *task, const TaskRecord *record, Error *err)
{
    for (size_t i = 0; i < record->input_count; i++)
        if (!reads_topic(task, record->topics[i]))
            return refuse_misfit("it has read another topic", record->topics[i], task->sub->topics[0], err);
    for (size_t i = 0; record->generation >= 0 && i < record->store_count; i++)
        TRY(check_store(task, record, i, err));
    size_t stores = pipeline_store_count(task->pipeline);
    if (record->generation >= 0 && record->store_count != stores)
        return refuse_misfit("it keeps more stores than before",
                             str_printf(task->worker->scratch, "%zu", record->store_count),
                             str_printf(task->worker->scratch, "%zu", stores), err);
    return OK;
}

static Status open_pipeline(Task *task, Error *err)
{
    const RuntimeOptions *options  = &task->worker->runtime->options;
    const QuerySettings  *settings = &task->query->settings;
    PipelineSpec          spec     = {.plan                          = task->query->plan,
                                      .sub_topology                  = task->sub->sub.number,
                                      .partition                     = task->partition,
                                      .state                         = task->worker->state,
                                      .host                          = &task->host,
                                      .clock                         = task->worker->runtime->clock,
                                      .functions_config              = options->functions_config,
                                      .registry                      = options->registry,
                                      .service_id                    = options->service_id,
                                      .emit_late                     = settings->cache_bytes > 0,
                                      .emit_final_interval_ms        = 1000,
                                      .throw_on_invalid_timestamp    = settings->throw_on_invalid_timestamp,
                                      .fail_on_deserialization_error = settings->fail_on_deserialization_error};
    return pipeline_open(&spec, &task->pipeline, err);
}

/* A table with other columns is of another query, unless the fact says that it is this one's. */
static Status open_or_make_room(Task *task, Error *err)
{
    TaskRecord file;
    Error      why;
    int64_t    kept_ms;
    bool       ours   = true;
    Status     status = open_pipeline(task, &why);
    if (status == E_PLAN)
        TRY(stored_read(task, &file, &kept_ms, &ours, err));
    if (!ours) {
        TRY(cleanup_leftovers(task->worker->cleanup, task->query, err));
        return open_pipeline(task, err);
    }
    if (status == E_PLAN)
        return error_set(err, E_FATAL_DATA, NO_POS,
                         "What the query has stored does not fit its plan: %s. " NOTHING_CHANGED,
                         why.message);
    if (status != OK)
        *err = why;
    return status;
}

typedef struct {
    Worker *worker;
    Status  status;
    Error  *err;
} Finishing;

static void finish_cleanup(void *context, const PlanNode *node, size_t store)
{
    Finishing *finishing = context;
    StoreSpec  spec;
    if (finishing->status == OK)
        finishing->status = plan_store_spec(node, store, finishing->worker->scratch, &spec, finishing->err);
    if (finishing->status == OK)
        finishing->status = cleanup_finish(finishing->worker->cleanup, spec.name, finishing->err);
}

/* In this order: topics are there before their offsets are asked for; what a dropped query has left under the
 * stores' names is gone before they are opened, or the cleanup, which goes slice by slice, would take the new
 * rows, too; and all is compared before plan_restore empties anything. */
Status task_prepare(Task *task, TaskRecord *record, bool *found, Error *err)
{
    Finishing finishing = {task->worker, OK, err};
    if (task->worker->slots[task->slot] == SLOT_DAMAGED) {
        if (err != NULL)
            *err = *task->worker->slot_damage;
        return task->worker->slot_damage->code;
    }
    TRY(query_check_grown(task->query, err));
    TRY(query_make_topics(task->query, err));
    query_visit_stores(task->sub, finish_cleanup, &finishing);
    TRY(finishing.status);
    TRY(load_record(task, record, found, err));
    TRY(open_or_make_room(task, err));
    count_inputs(task);
    list_changelogs(task);
    if (*found)
        TRY(check_fit(task, record, err));
    return hash_source_columns(task, &task->source_columns, err);
}

/* Where inputs and stores go on is known; `event`: if no source table is behind. */
static Status catch_up(Task *task, const TaskRecord *record, TaskEvent event, bool sources_behind, Error *err)
{
    /* Stream times, too, are the log's and not the file's: they were committed in one transaction with the
     * positions. By older ones, records that were late would not be late the second time. */
    task->sequence = record == NULL ? 0 : record->sequence;
    strbuf_reset(&task->saved);
    if (record != NULL)
        strbuf_add(&task->saved, record->saved);
    task->unrecorded = false;
    task_move(task, sources_behind ? EVENT_SOURCES_BEHIND : event);
    return sources_behind ? task_attach_inputs(task, err) : task_restore_slice(task, err);
}

static Status start(Task *task, const TaskRecord *record, Error *err)
{
    bool sources_behind;
    TRY(place_inputs(task, record, err));
    TRY(plan_restore(task, record, &sources_behind, err));
    if (record == NULL) /* its topics were just made, and somebody waits for what it does */
        writers_expect(task);
    return catch_up(task, record, EVENT_OPENED, sources_behind, err);
}

Status task_open(Task *task, Error *err)
{
    TaskRecord record;
    bool       found  = false;
    Status     status = task_prepare(task, &record, &found, err);
    if (status == OK)
        status = start(task, found ? &record : NULL, err);
    arena_reset(task->worker->scratch);
    if (status != OK)
        task_close_pipeline(task);
    return status;
}

/* Its inputs' positions are how far source tables have got; the changelogs' are those of what is applied. */
static TaskRecord followed_record(const Task *task)
{
    int64_t *positions = ARENA_ARRAY(task->worker->scratch, int64_t, task->input_count + 1);
    for (size_t i = 0; i < task->input_count; i++)
        positions[i] = task->input_positions[i];
    return (TaskRecord){
        .topics = task->input_topics, .positions = positions, .input_count = task->input_count};
}

/* The file is not asked, for it may be behind what was applied; nor how old it is, for who has followed
 * without a break has seen every tombstone. */
static Status go_on_from(Task *task, const TaskRecord *record, Error *err)
{
    TaskRecord followed = followed_record(task);
    bool       behind   = false;
    TRY(check_fit(task, record, err));
    TRY(place_inputs(task, record, err));
    task->restoring_store = 0;
    task->restored        = true;
    task->exact           = false;
    TRY(plan_source_replay(task, &followed, &behind, err));
    return catch_up(task, record, EVENT_TAKES_OVER, behind, err);
}

Status task_take_over(Task *task, Error *err)
{
    TaskRecord record;
    bool       found;
    Status     status = load_record(task, &record, &found, err);
    if (status == OK && !found)
        status = error_set(err, E_NOT_FOUND, NO_POS, "there are no positions");
    if (status == OK)
        status = go_on_from(task, &record, err);
    arena_reset(task->worker->scratch);
    return status;
}

/* ---- changelogs ---- */

/* To the end of what has arrived: readers may see one before it for as long as a marker of the last commit is
 * on its way (assignment.c). */
static Status start_changelog(Task *task, Error *err)
{
    Str     topic = task->changelog_topics[task->restoring_store];
    int64_t from  = task->changelogs[task->restoring_store];
    TRY(changelog_look_for_cut(task, task->restoring_store, from, err));
    TRY(log_arrived_many(task->worker->runtime->options.log, topic, &task->partition, 1, &task->restoring_end,
                         err));
    return reader_pool_begin(task->worker->pool, topic, task->partition, from < 0 ? LOG_EARLIEST : from,
                             &task->restoring, err);
}

/* The end is a position and not a record: markers and aborted records have offsets, and none of them is ever
 * taken. The reader's own end does not do either. Under read_committed that is the last stable offset, and a
 * transaction that is still open holds back what others have committed behind it. */
static Status apply_slice(Task *task, bool *done, Error *err)
{
    const PoolReading *reading = task->restoring;
    size_t             count;
    TRY(stored_apply(task, task->restoring_store, reading, &count, err));
    task->worker->restored_records += count;
    *done = count == 0 && log_reader_at_end(reading->reader, reading->handle) &&
            log_reader_position(reading->reader, reading->handle) >= task->restoring_end;
    return OK;
}

/* The next store; *waiting: its records are not here yet. */
static Status restore_store(Task *task, bool *waiting, Error *err)
{
    bool done = false;
    *waiting  = false;
    if (pipeline_store_is_source(task->pipeline, task->restoring_store) ||
        (task->exact && !store_is_held(pipeline_store(task->pipeline, task->restoring_store)))) {
        task->restoring_store++;
        return OK;
    }
    if (task->restoring == NULL)
        TRY(start_changelog(task, err));
    TRY(apply_slice(task, &done, err));
    if (!done) {
        *waiting = true;
        return OK;
    }
    task->changelogs[task->restoring_store] =
        log_reader_position(task->restoring->reader, task->restoring->handle);
    reader_pool_end(task->worker->pool, task->restoring);
    task->restoring = NULL;
    task->restoring_store++;
    return OK;
}

/* Operators load before inputs are attached: the first record is late or not by the stream time of the last
 * commit. Pull queries see what was restored after the next one: until then a rollback takes it away. */
static Status run(Task *task, Error *err)
{
    TRY(pipeline_load(task->pipeline, task->saved.len > 0 ? strbuf_str(&task->saved) : STR_NULL, err));
    changelog_tell_cuts(task);
    TRY(task_attach_inputs(task, err));
    atomic_store(&task->view->readable, task->sequence > 0 && !task->restored);
    task->worker->restored_tasks += task->restored;
    task_move(task, EVENT_RESTORED);
    task->waits            = 0;
    task->running_since_us = runtime_now_us(task->worker->runtime);
    task_publish(task);
    if (task->sequence == 0 || task->restored) {
        if (task->worker->dirty == NULL)
            task->worker->commit_us = task->running_since_us;
        task_mark_dirty(task, true); /* so that the next start finds both at the same sequence */
    }
    return OK;
}

/* The worker has other tasks, and mail: a revoke that waited for a restore of minutes would hold up the
 * group's rebalance, and beyond max.poll.interval.ms the member is out. */
Status task_restore_slice(Task *task, Error *err)
{
    bool waiting = false;
    while (!waiting && task->restoring_store < pipeline_store_count(task->pipeline))
        TRY(restore_store(task, &waiting, err));
    if (waiting)
        return OK;
    return run(task, err);
}

/* ---- replaying source tables ---- */

/* A replay ends where the topic has nothing left, too: its last records may have been compacted away, or be
 * markers of transactions. */
Status task_replay_look(Task *task, bool *done, Error *err)
{
    *done = true;
    for (size_t i = 0; i < task->input_count; i++) {
        TaskInput *input = &task->inputs[i];
        if (input->position < input->replay_until && !input_has_data(input) && fetcher_at_end(input))
            input->position = input->replay_until;
        *done &= input->position >= input->replay_until;
    }
    if (!*done)
        return OK;
    task_move(task, EVENT_REPLAYED);
    for (size_t i = 0; i < task->input_count; i++)
        task->inputs[i].replay_until = -1;
    return task_restore_slice(task, err);
}

/* Source tables whose rows are older than the task's positions: from their topic into the store, nothing
 * comes out. */
Status task_replay_step(Task *task, bool *progress, Error *err)
{
    bool done;
    for (size_t i = 0; i < task->input_count; i++) {
        TaskInput *input = &task->inputs[i];
        if (input->position >= input->replay_until)
            continue;
        size_t count = input_has_data(input) ? input_available(input, input->replay_until) : 0;
        if (count > 0) {
            TRY(pipeline_replay_source(task->pipeline, input->index, input_head(input), count, err));
            stored_note_written(task);
            input_advance(input, count);
            *progress = true;
        } else if (input_has_data(input)) {
            input->position = input->replay_until; /* what lay between is gone */
            *progress       = true;
        }
    }
    TRY(task_replay_look(task, &done, err));
    *progress |= done;
    return OK;
}

/* ---- going back ---- */

/* Most go on from memory. But what was written past the cache since the file's last commit has gone from the
 * file, while the positions of who wrote it stand behind it: such a task is opened again. */
void task_rolled_back(Task *task)
{
    Error err;
    if (task->pipeline == NULL)
        return;
    if (!task_state_is_live(task->state) || task->restored ||
        task->written_past == task->worker->file_commits) {
        /* what was applied or emptied is as before */
        task_close_pipeline(task);
        task_move(task, EVENT_REOPENED);
        return;
    }
    pipeline_rolled_back(task->pipeline);
    if (pipeline_load(task->pipeline, task->saved.len > 0 ? strbuf_str(&task->saved) : STR_NULL, &err) !=
        OK) {
        log_line(LOG_ERROR, "query " STR_FMT ": %s", STR_ARG(task->query->plan->id), err.message);
        task_close_pipeline(task);
        task_move(task, EVENT_REOPENED);
        return;
    }
    for (size_t i = 0; i < task->input_count; i++) {
        task->inputs[i].position   = task->inputs[i].committed;
        task->inputs[i].head_known = false;
    }
    task->unrecorded = false;
    /* Its first record, which says where it began, is still to be written; the rollback has unlisted it. */
    if (task->sequence == 0)
        task_mark_dirty(task, true);
    task_publish(task);
    if (task->view != NULL)
        atomic_store(&task->view->dirty, task->dirty);
}
