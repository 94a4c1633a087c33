/*
 * changelog_cut.c - rows that are live and that a topic's retention has removed from a changelog.
 *
 * Rows with a window expire by stream time, and their changelogs are `compact,delete`, or they would keep a
 * record of every window that ever was. But a topic's retention goes by the wall clock, on Kafka by the
 * records' timestamps against it. As long as stream time keeps pace, what has been deleted has expired:
 *
 *   deleted      timestamp < now - retention.ms
 *   timestamp    the later of stream time and wall clock when it was written, so not before the row's time
 *   expired      row's time < stream time - the store's retention
 *
 * so all that is deleted has expired if now - retention.ms <= stream time - the store's retention; the topic
 * is kept a day longer than the store, so stream time may lag by a day. When it stands still for longer
 * (nobody writes any more, or what is written is of long ago), live rows are deleted. The state file still
 * has them, and nobody notices until it is lost. A restore cannot bring them back; but a table that begins to
 * count at 1 again has to say so.
 */
#include "executor/runtime/changelog_cut.h"

#include "core/logger.h"

#include "executor/runtime/query.h"
#include "executor/runtime/worker_state.h"

static int64_t store_retention_ms(const Task *task, size_t store)
{
    size_t number = pipeline_store_number(task->pipeline, store);
    return pipeline_store_node(task->pipeline, store)->stores[number].retention_ms;
}

Status changelog_look_for_cut(Task *task, size_t store, int64_t from, Error *err)
{
    int64_t first, end;
    if (store_retention_ms(task, store) < 0 || pipeline_store_is_source(task->pipeline, store))
        return OK;
    TRY(log_offsets(task->worker->runtime->options.log, task->changelog_topics[store], task->partition,
                    &first, &end, err));
    if (first > (from < 0 ? 0 : from) && first > task->cut_below[store])
        task->cut_below[store] = first;
    return OK;
}

/* What the topic says. Whoever may not ask that is told by what it was made with. */
static int64_t kept_ms(const Task *task, size_t store)
{
    Str     text;
    Error   why;
    int64_t ms;
    if (log_topic_config(task->worker->runtime->options.log, task->changelog_topics[store], "retention.ms",
                         task->worker->scratch, &text, &why) == OK &&
        int64_parse(text, &ms))
        return ms;
    return query_changelog_kept_ms(store_retention_ms(task, store));
}

static void tell(const Task *task, size_t store, int64_t now)
{
    enum { HOUR_MS = 3600000 };
    int64_t stream_time = pipeline_store_time(task->pipeline, store);
    int64_t retention   = store_retention_ms(task, store);
    int64_t kept        = kept_ms(task, store);
    if (kept < 0 || stream_time < INT64_MIN + retention || now - kept <= stream_time - retention)
        return; /* it keeps all; or nothing was ever taken in; or what is gone has expired */
    log_line(
        LOG_WARN,
        "query " STR_FMT ", task " STR_FMT ": the store " STR_FMT
        " was restored from its changelog and may lack windows that have not expired: what was written "
        "to the topic " STR_FMT ", partition %d, before offset %lld is gone by the topic's retention.ms, "
        "which goes by the wall clock, and stream time is %lld h behind that. Aggregates of such windows "
        "begin anew with their next record, and joins miss what had waited. To have them again, drop the "
        "query and create it once more with auto.offset.reset=earliest, if its inputs still have the "
        "records. For streams that stand still or are of long ago, set retention.ms of that topic to -1",
        STR_ARG(task->query->plan->id), STR_ARG(task->key), STR_ARG(task->store_names[store]),
        STR_ARG(task->changelog_topics[store]), task->partition, (long long)task->cut_below[store],
        (long long)(now / HOUR_MS - stream_time / HOUR_MS));
}

void changelog_tell_cuts(Task *task)
{
    Clock *clock = task->worker->runtime->clock;
    for (size_t i = 0; i < pipeline_store_count(task->pipeline); i++) {
        if (task->cut_below[i] > 0)
            tell(task, i, clock->now_ms(clock));
        task->cut_below[i] = 0;
    }
}
