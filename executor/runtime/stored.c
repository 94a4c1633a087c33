/*
 * stored.c - what the state file and the slots topic say of a task: its record, its claim to a slot, how far
 * its stores are.
 *
 * Who restores a task and who stands by for one ask the same questions of the same facts, and that is why the
 * one can go on where the other has left off (restore.c, standby.c).
 */
#include "executor/runtime/stored.h"

#include "executor/runtime/fetch.h"
#include "executor/runtime/positions.h"
#include "executor/runtime/query.h"
#include "executor/runtime/worker_state.h"

/* ---- records ---- */

static void encode(Task *task, uint64_t sequence, const int64_t *changelogs, StrBuf *out)
{
    TaskRecord record = {
        .generation     = task->query->plan->generation,
        .sequence       = sequence,
        .source_columns = task->source_columns,
        .topics         = task->input_topics,
        .positions      = task->input_positions,
        .stores         = task->store_names,
        .versions       = task->store_versions,
        .changelogs     = changelogs,
        .input_count    = task->input_count,
        .store_count    = pipeline_store_count(task->pipeline),
        .saved          = strbuf_str(&task->blob),
    };
    strbuf_reset(out);
    task_record_encode(&record, out);
}

void stored_encode(Task *task, uint64_t sequence, StrBuf *out)
{
    encode(task, sequence, task->changelogs, out);
}

void stored_encode_fact(Task *task, uint64_t sequence, StrBuf *out)
{
    Clock *clock = task->worker->runtime->clock;
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++)
        task->held_from[i] = store_changelog_from(pipeline_store(task->pipeline, i), task->changelogs[i]);
    encode(task, sequence, task->held_from, out);
    task_record_add_time(clock->now_ms(clock), out);
}

int64_t stored_input_position(const TaskRecord *record, const Task *task, size_t input)
{
    Str topic = task->inputs[input].topic;
    if (input < record->input_count && str_equal(record->topics[input], topic))
        return record->positions[input];
    for (size_t i = 0; i < record->input_count; i++)
        if (str_equal(record->topics[i], topic))
            return record->positions[i];
    return -1;
}

/* Of a record of old nothing says of which query it is: it is taken over if it fits. */
bool stored_is_ours(const Task *task, const TaskRecord *record)
{
    return record->generation < 0 || record->generation == task->query->plan->generation;
}

Status stored_read(Task *task, TaskRecord *out, int64_t *kept_ms, bool *found, Error *err)
{
    Str bytes;
    *found = false;
    TRY(state_meta_get(task->worker->state, task->key, task->worker->scratch, &bytes, err));
    if (str_is_null(bytes))
        return OK;
    if (task_record_decode_kept(bytes, task->worker->scratch, out, kept_ms, NULL) != OK)
        return OK; /* of another version: as if it were not there */
    *found = stored_is_ours(task, out);
    return OK;
}

/* ---- stores ---- */

/* Its stores were written to past the cache, which the next commit of the state file keeps and a rollback
 * undoes. */
void stored_note_written(Task *task)
{
    task->worker->state_changed = true;
    task->written_past          = task->worker->file_commits;
}

/* Rows that are restored come to the file before the task's first commit, which a kill may prevent. The next
 * start has to give the slot to this worker again, or another one makes the same rows in its file and these
 * stay. So the claim is in the transaction that empties the stores, and no row is in an earlier one. */
static Status claim_slot(Task *task, Error *err)
{
    char slot[32];
    snprintf(slot, sizeof slot, "slot/%d", task->slot);
    return state_meta_set(task->worker->state, str_c(slot), STR_LIT("1"), err);
}

/* With all of them goes what the file says of them: it would be believed once the task's sequence number is
 * the same again. */
Status stored_clear(Task *task, bool sources_only, Error *err)
{
    if (pipeline_store_count(task->pipeline) == 0)
        return OK;
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++)
        if (!sources_only || pipeline_store_is_source(task->pipeline, i))
            TRY(store_clear(pipeline_store(task->pipeline, i), err));
    stored_note_written(task);
    if (sources_only)
        return OK; /* the file knows the task, so it has the slot */
    TRY(claim_slot(task, err));
    return state_meta_set(task->worker->state, task->key, STR_NULL, err);
}

/* Where the file says that the store's changelog goes on; -1: it does not say. Records of old list them in
 * the pipeline's order. */
static int64_t stored_changelog(const Task *task, const TaskRecord *file, size_t store)
{
    for (size_t i = 0; i < file->store_count; i++)
        if (file->generation < 0 ? i == store : str_equal(file->stores[i], task->store_names[store]))
            return file->changelogs[i];
    return -1;
}

void stored_set_changelogs(Task *task, const TaskRecord *file)
{
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++) {
        task->changelogs[i] = file == NULL ? -1 : stored_changelog(task, file, i);
        (void)store_changelog_from(pipeline_store(task->pipeline, i), task->changelogs[i]);
    }
}

/* Is what the file says of the changelogs still in them? */
static Status changelogs_fit(Task *task, const TaskRecord *file, bool *fit, Error *err)
{
    *fit = file->store_count == pipeline_store_count(task->pipeline);
    for (size_t i = 0; *fit && i < file->store_count; i++) {
        int64_t first, end, position = stored_changelog(task, file, i);
        if (pipeline_store_is_source(task->pipeline, i) || position < 0)
            continue;
        TRY(log_offsets(task->worker->runtime->options.log, task->changelog_topics[i], task->partition,
                        &first, &end, err));
        *fit = position >= first && position <= end;
    }
    return OK;
}

static Str topic_of_source(const Task *task, const PlanNode *node)
{
    for (size_t i = 0; i < task->input_count; i++)
        if (pipeline_input_node(task->pipeline, task->inputs[i].index) == node)
            return task->inputs[i].topic;
    return STR_NULL;
}

/* A table over a topic that is not compacted has rows whose records have gone: it is not to be read again. */
static Status is_compacted(Task *task, Str topic, bool *compacted, Error *err)
{
    Str policy;
    TRY(log_topic_config(task->worker->runtime->options.log, topic, "cleanup.policy", task->worker->scratch,
                         &policy, err));
    *compacted = str_equal(policy, STR_LIT("compact"));
    return OK;
}

static Status store_is_young(Task *task, size_t store, int64_t age_ms, bool *young, Error *err)
{
    bool    source = pipeline_store_is_source(task->pipeline, store), compacted = true;
    Str     topic = source ? topic_of_source(task, pipeline_store_node(task->pipeline, store))
                           : task->changelog_topics[store];
    Str     text;
    int64_t retention;
    *young = true;
    if (str_is_null(topic))
        return OK;
    if (source)
        TRY(is_compacted(task, topic, &compacted, err));
    if (!compacted)
        return OK;
    TRY(log_topic_config(task->worker->runtime->options.log, topic, "delete.retention.ms",
                         task->worker->scratch, &text, err));
    *young = int64_parse(text, &retention) && age_ms < retention;
    return OK;
}

/* Of what was removed since the file was written, do the topics still say so? A tombstone goes when it is
 * older than delete.retention.ms; then the tail alone would leave its row for ever. What is younger than
 * ASK_MS is not worth the question to a broker, which is one for each task that a crash has left behind. */
static Status tombstones_are_there(Task *task, int64_t kept_ms, bool *there, Error *err)
{
    enum { ASK_MS = 60000 };
    Clock  *clock = task->worker->runtime->clock;
    int64_t age   = clock->now_ms(clock) - kept_ms;
    *there        = true;
    for (size_t i = 0; *there && age > ASK_MS && i < pipeline_store_count(task->pipeline); i++)
        TRY(store_is_young(task, i, age, there, err));
    return OK;
}

Status stored_fits(Task *task, const TaskRecord *file, int64_t kept_ms, bool exact, bool *fit, Error *err)
{
    TRY(changelogs_fit(task, file, fit, err));
    if (*fit && !exact)
        TRY(tombstones_are_there(task, kept_ms, fit, err));
    return OK;
}

Status stored_apply(Task *task, size_t store, const PoolReading *reading, size_t *count, Error *err)
{
    Store   *to = pipeline_store(task->pipeline, store);
    LogBatch batch;
    Status   status = OK;
    *count          = 0;
    TRY(log_reader_take(reading->reader, reading->handle, STORED_SLICE, &batch, err));
    *count = batch.count;
    for (size_t i = 0; status == OK && i < batch.count; i++)
        status = store_apply(to, batch.records[i].key, batch.records[i].value, err);
    if (batch.count > 0)
        stored_note_written(task);
    log_batch_release(reading->reader, &batch);
    return status;
}
