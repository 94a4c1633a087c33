/*
 * helper.c - the helper thread: what would hold a worker up and may wait.
 *
 * WAL checkpoints of the state files (the workers' own are off: they stalled commits by 100 ms). After one,
 * records of repartition topics below the committed positions are purged: nobody will read them again.
 * Topics of dropped queries are deleted. Offsets of the queries' groups, which lag tools watch; the script
 * for people who open the files.
 */
#include "core/notice.h"
#include "executor/runtime/cleanup.h"
#include "executor/runtime/growth.h"
#include "executor/runtime/open_sql.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/runtime_core.h"
#include "executor/runtime/standby_status.h"
#include "executor/runtime/threads.h"
#include "planner/node.h"

enum { CHECKPOINT_MS = 1000, PURGE_EVERY = 30, OFFSETS_EVERY = 10 };

typedef struct {
    Str     topic;
    int     partition;
    int64_t before;
} Purge;

/* What may go now, in `arena`. */
static size_t list_purges(Runtime *runtime, Arena *arena, Purge **out)
{
    size_t count = 0, capacity = 0;
    pthread_mutex_lock(&runtime->lock);
    for (RunningQuery *query = runtime->queries; query != NULL; query = query->next)
        for (size_t s = 0; s < query->sub_count; s++)
            capacity += query->subs[s].sub.input_count * (size_t)query->subs[s].tasks;
    *out = ARENA_ARRAY(arena, Purge, capacity + 1);
    for (RunningQuery *query = runtime->queries; query != NULL; query = query->next) {
        for (size_t s = 0; s < query->sub_count; s++) {
            QuerySub *sub = &query->subs[s];
            for (size_t i = 0; i < sub->sub.input_count; i++) {
                for (int p = 0; sub->sub.inputs[i]->class->cuts && p < sub->sub.partitions; p++) {
                    int64_t before = atomic_load(&sub->views[p].committed[i]);
                    if (before > 0 && task_state_is_live(view_state(&sub->views[p])))
                        (*out)[count++] = (Purge){str_dup(arena, sub->topics[i]), p, before};
                }
            }
        }
    }
    pthread_mutex_unlock(&runtime->lock);
    return count;
}

/* By the reason alone: a full disk fails for each of a thousand queries in turn. */
static bool is_news(Runtime *runtime, const Error *err)
{
    return notice_due(&runtime->helper_trouble, str_c(err->message), runtime_now_us(runtime));
}

static void purge(Runtime *runtime, const Purge *list, size_t count)
{
    for (size_t i = 0; i < count && !atomic_load(&runtime->helper_stopping); i++) {
        int64_t first, end;
        Error   err;
        Status  status =
            log_offsets(runtime->options.log, list[i].topic, list[i].partition, &first, &end, &err);
        if (status == OK && first < list[i].before)
            status = log_delete_records(runtime->options.log, list[i].topic, list[i].partition,
                                        list[i].before, &err);
        if (status != OK && status != E_NOT_FOUND && is_news(runtime, &err))
            log_line(LOG_WARN, "purging " STR_FMT ": %s", STR_ARG(list[i].topic), err.message);
    }
}

/* ---- offsets for lag tools ---- */

/* A self-join reads its topic twice. */
static bool is_listed(const LogPosition *list, size_t count, Str topic, int partition)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].partition == partition && str_equal(list[i].topic, topic))
            return true;
    return false;
}

/* Committed positions of a query's tasks here; what changes them changes the sum. */
static size_t list_offsets(const RunningQuery *query, Arena *arena, LogPosition **out, int64_t *sum)
{
    size_t count = 0, most = 0;
    for (size_t s = 0; s < query->sub_count; s++)
        most += query->subs[s].sub.input_count * (size_t)query->subs[s].tasks;
    *out = ARENA_ARRAY(arena, LogPosition, most + 1);
    *sum = 0;
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        for (size_t i = 0; i < sub->sub.input_count; i++) {
            for (int p = 0; p < sub->input_partitions[i] && p < sub->tasks; p++) {
                int64_t offset = atomic_load(&sub->views[p].committed[i]);
                if (offset < 0 || !task_state_is_live(view_state(&sub->views[p])) ||
                    is_listed(*out, count, sub->topics[i], p))
                    continue;
                (*out)[count++] = (LogPosition){sub->topics[i], p, offset};
                *sum += offset + 1;
            }
        }
    }
    return count;
}

/* For display: nobody reads them back, so they are written outside of the transactions, and rarely. */
static void show_offsets(Runtime *runtime, RunningQuery *query, Arena *arena)
{
    LogPosition *positions;
    int64_t      sum;
    Error        err;
    size_t       count = list_offsets(query, arena, &positions, &sum);
    if (count == 0 || sum == query->shown)
        return;
    Str group = topology_application_id(runtime->options.service_id, query->plan->id, arena);
    if (log_group_commit(runtime->options.log, group, positions, count, &err) == OK)
        query->shown = sum;
    else if (is_news(runtime, &err))
        log_line(LOG_WARN, "offsets of " STR_FMT ", for display: %s", STR_ARG(group), err.message);
}

static void show_all_offsets(Runtime *runtime, Arena *arena)
{
    RunningQuery **held;
    size_t         count = registry_hold_all(runtime, arena, &held);
    for (size_t i = 0; i < count; i++) {
        if (!atomic_load(&runtime->helper_stopping))
            show_offsets(runtime, held[i], arena);
        query_unref(held[i]);
    }
}

/* ---- the thread ---- */

/* troubles: one per file. */
static void checkpoint_all(Runtime *runtime, Notice *troubles)
{
    Error err;
    for (int i = 0; i < runtime->worker_count; i++) {
        Status status = state_file_checkpoint(runtime->files[i], &err);
        if (status == E_STALE_STATE)
            runtime_state_damaged(runtime, (size_t)i, &err);
        else if (status == OK)
            notice_clear(&troubles[i]);
        else if (status != E_BUSY && notice_due(&troubles[i], str_c(err.message), runtime_now_us(runtime)))
            log_line(LOG_WARN, "checkpoint of %s: %s", runtime->files[i], err.message);
    }
}

static void refresh_script(Runtime *runtime, bool at_end, Arena *arena, StrBuf *script)
{
    Error err;
    if (open_sql_refresh(runtime, at_end, arena, script, &err) != OK && is_news(runtime, &err))
        log_line(LOG_WARN, "%s", err.message);
}

static void look_at_standbys(Runtime *runtime, Arena *arena)
{
    Error err;
    if (standby_note_ends(runtime, arena, &err) != OK && is_news(runtime, &err))
        log_line(LOG_WARN, "how far standbys are behind: %s", err.message);
}

void *helper_main(void *argument)
{
    Runtime *runtime   = argument;
    Arena   *arena     = arena_new(0);
    StrBuf   script    = {0};
    Notice  *troubles  = mem_calloc((size_t)runtime->worker_count, sizeof *troubles);
    int64_t  growth_us = 0;
    for (unsigned round = 1; runtime_sleep(runtime, &runtime->helper_stopping, CHECKPOINT_MS); round++) {
        Purge *list  = NULL;
        size_t count = round % PURGE_EVERY == 0 ? list_purges(runtime, arena, &list) : 0;
        checkpoint_all(runtime, troubles);
        dropped_queries_delete_topics(runtime, false);
        refresh_script(runtime, false, arena, &script);
        purge(runtime, list, count);
        look_at_standbys(runtime, arena);
        if (round % OFFSETS_EVERY == 0)
            show_all_offsets(runtime, arena);
        growth_check(runtime, arena, &growth_us);
        arena_reset(arena);
    }
    refresh_script(runtime, true, arena, &script);
    strbuf_clear(&script);
    mem_free(troubles);
    arena_free(arena);
    return NULL;
}
