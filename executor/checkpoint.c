/*
 * checkpoint.c - the helper thread: what would hold a worker up and may wait.
 *
 * WAL checkpoints of the state files (the workers' own are off: they stalled commits by 100 ms). After one, records of repartition topics below
 * the committed positions are purged: nobody will read them again.
 */
#include "executor/worker.h"

enum { CHECKPOINT_MS = 1000, PURGE_EVERY = 30 };

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
    for (Query *query = runtime->queries; query != NULL; query = query->next)
        for (size_t s = 0; s < query->sub_count; s++)
            capacity += query->subs[s].sub.input_count * (size_t)query->subs[s].sub.partitions;
    *out = ARENA_ARRAY(arena, Purge, capacity + 1);
    for (Query *query = runtime->queries; query != NULL; query = query->next) {
        for (size_t s = 0; s < query->sub_count; s++) {
            QuerySub *sub = &query->subs[s];
            for (size_t i = 0; i < sub->sub.input_count; i++) {
                for (int p = 0; sub->sub.inputs[i]->kind == PLAN_REKEY && p < sub->sub.partitions; p++) {
                    int64_t before = atomic_load(&sub->views[p].committed[i]);
                    if (before > 0 && atomic_load(&sub->views[p].state) == TASK_RUNNING)
                        (*out)[count++] = (Purge){str_dup(arena, sub->topics[i]), p, before};
                }
            }
        }
    }
    pthread_mutex_unlock(&runtime->lock);
    return count;
}

static void purge(Runtime *runtime, const Purge *list, size_t count)
{
    for (size_t i = 0; i < count && !atomic_load(&runtime->stopping); i++) {
        int64_t first, end;
        Error   err;
        Status  status = log_offsets(runtime->options.log, list[i].topic, list[i].partition, &first, &end, &err);
        if (status == OK && first < list[i].before)
            status = log_delete_records(runtime->options.log, list[i].topic, list[i].partition, list[i].before, &err);
        if (status != OK && status != E_NOT_FOUND)
            log_line(LOG_WARN, "purging " STR_FMT ": %s", STR_ARG(list[i].topic), err.message);
    }
}

static void checkpoint_all(Runtime *runtime)
{
    Error err;
    for (int i = 0; i < runtime->worker_count; i++) {
        Status status = state_file_checkpoint(runtime->files[i], &err);
        if (status != OK && status != E_BUSY)
            log_line(LOG_WARN, "checkpoint of %s: %s", runtime->files[i], err.message);
    }
}

/* False: the runtime stops. */
static bool sleep_ms(Runtime *runtime, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns    = until.tv_nsec + (int64_t)ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&runtime->lock);
    while (!atomic_load(&runtime->stopping) && pthread_cond_timedwait(&runtime->changed, &runtime->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&runtime->lock);
    return !atomic_load(&runtime->stopping);
}

void *helper_main(void *argument)
{
    Runtime *runtime = argument;
    Arena   *arena   = arena_new(0);
    StrBuf   script  = {0};
    Error    err;
    for (unsigned round = 1; sleep_ms(runtime, CHECKPOINT_MS); round++) {
        Purge *list  = NULL;
        size_t count = round % PURGE_EVERY == 0 ? list_purges(runtime, arena, &list) : 0;
        checkpoint_all(runtime);
        if (open_sql_refresh(runtime, arena, &script, &err) != OK)
            log_line(LOG_WARN, "%s", err.message);
        purge(runtime, list, count);
        arena_reset(arena);
    }
    strbuf_clear(&script);
    arena_free(arena);
    return NULL;
}
