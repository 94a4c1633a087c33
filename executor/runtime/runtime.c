/*
 * runtime.c - start and stop of the threads.
 */
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_trouble.h"
#include "executor/runtime/cleanup.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/query.h"
#include "executor/runtime/threads.h"
#include "executor/runtime/worker.h"

enum { WORKERS_MAX = 10, RETRY_INITIAL_MS = 15000, RETRY_MAX_MS = 900000, METADATA_MS = 30000 };

/* ---- opening ---- */

static int cpus(void)
{
    cpu_set_t set;
    int       count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
}

static size_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : (size_t)1 << 30;
}

static void copy_options(Runtime *runtime, const RuntimeOptions *options)
{
    RuntimeOptions *own = &runtime->options;
    *own                = *options;
    own->state_dir      = str_to_c(runtime->arena, str_c(options->state_dir));
    own->service_id     = str_dup(runtime->arena, options->service_id);
    own->node_id        = str_dup(runtime->arena, options->node_id);
    if (own->metadata_max_age_ms <= 0)
        own->metadata_max_age_ms = METADATA_MS;
    if (own->retry_backoff_initial_ms <= 0)
        own->retry_backoff_initial_ms = RETRY_INITIAL_MS;
    if (own->retry_backoff_max_ms <= 0)
        own->retry_backoff_max_ms = RETRY_MAX_MS;
    runtime->clock        = options->clock;
    runtime->worker_count = options->workers > 0 ? options->workers : cpus();
    if (options->state_memory_bytes == 0)
        runtime->options.state_memory_bytes = machine_memory() / 4;
    runtime->slots_topic =
        str_printf(runtime->arena, "_confluent-ksql-" STR_FMT "_slots", STR_ARG(own->service_id));
    runtime->slots_group = runtime->slots_topic;
}

/* With fewer workers than last time the files beyond go: their slots are restored from the changelogs by
 * others. */
static void remove_extra_files(Runtime *runtime)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    for (int i = runtime->worker_count; i < 1000; i++) {
        bool any = false;
        for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
            Str path = str_printf(runtime->arena, "%s/state/worker-%d.db%s", runtime->options.state_dir, i,
                                  parts[p]);
            any |= unlink(str_to_c(runtime->arena, path)) == 0;
        }
        if (!any)
            return;
        log_line(LOG_INFO,
                 "there are fewer workers now: the state of worker %d is restored from the changelogs", i);
    }
}

static Status refuse_directory(const char *dir, int why, Error *err)
{
    char *inside = mem_alloc(strlen(dir) + 3);
    error_set(err, E_IO, NO_POS, "cannot write in the directory %s: %s", dir, strerror(why));
    snprintf(inside, strlen(dir) + 3, "%s/x", dir);
    file_explain_trouble(inside, err); /* of a file in it */
    mem_free(inside);
    return E_IO;
}

static Status make_workers(Runtime *runtime, Error *err)
{
    char *dir = str_to_c(runtime->arena, str_printf(runtime->arena, "%s/state", runtime->options.state_dir));
    if (mkdir(dir, 0777) != 0 && access(dir, W_OK | X_OK) != 0)
        return refuse_directory(dir, errno, err);
    remove_extra_files(runtime);
    runtime->workers = ARENA_ARRAY(runtime->arena, Worker *, (size_t)runtime->worker_count);
    runtime->files   = ARENA_ARRAY(runtime->arena, const char *, (size_t)runtime->worker_count);
    runtime->shares  = ARENA_ARRAY(runtime->arena, StateShare *, (size_t)runtime->worker_count);
    for (int i = 0; i < runtime->worker_count; i++) {
        runtime->shares[i] = state_share_new();
        TRY(worker_new(runtime, i, &runtime->workers[i], err));
        runtime->files[i] = runtime->workers[i]->path;
    }
    return OK;
}

static Status start_thread(pthread_t *thread, bool *started, void *(*run)(void *), void *argument, Error *err)
{
    int failed = pthread_create(thread, NULL, run, argument);
    *started   = failed == 0;
    return failed == 0 ? OK : error_set(err, E_IO, NO_POS, "cannot start a thread: %s", strerror(failed));
}

static Status start_threads(Runtime *runtime, Error *err)
{
    for (int i = 0; i < runtime->worker_count; i++)
        TRY(start_thread(&runtime->workers[i]->thread, &runtime->workers[i]->started, worker_main,
                         runtime->workers[i], err));
    TRY(start_thread(&runtime->member_thread, &runtime->member_started, slots_main, runtime,
                     err)); /* it waits for workers */
    return start_thread(&runtime->helper_thread, &runtime->helper_started, helper_main, runtime, err);
}

Status runtime_open(const RuntimeOptions *options, Runtime **out, Error *err)
{
    Runtime *runtime = mem_calloc(1, sizeof *runtime);
    runtime->arena   = arena_new(0);
    pthread_mutex_init(&runtime->lock, NULL);
    pthread_cond_init(&runtime->changed, NULL);
    copy_options(runtime, options);
    atomic_init(&runtime->joining, !options->joins_later);
    Status status = make_workers(runtime, err);
    if (status == OK)
        status = start_threads(runtime, err);
    if (status != OK) {
        runtime_close(runtime);
        return status;
    }
    *out = runtime;
    return OK;
}

void runtime_join(Runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->joining, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
}

static void stop_worker(Worker *worker, void *argument) { worker->stopping = true; }

/* Its last act is to write down which tables there are, so it goes before the tasks do. */
static void stop_helper(Runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->helper_stopping, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    if (runtime->helper_started)
        pthread_join(runtime->helper_thread, NULL);
}

/* The member leaves first, with the workers still there to commit; then nobody sends them messages but us. */
void runtime_close(Runtime *runtime)
{
    if (runtime == NULL)
        return;
    stop_helper(runtime);
    pthread_mutex_lock(&runtime->lock);
    atomic_store(&runtime->stopping, true);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    if (runtime->member_started)
        pthread_join(runtime->member_thread, NULL);
    for (int i = 0; runtime->workers != NULL && i < runtime->worker_count; i++) {
        Worker *worker = runtime->workers[i];
        if (worker == NULL || !worker->started)
            continue;
        worker_post(worker, stop_worker, NULL, false);
        pthread_join(worker->thread, NULL);
    }
    for (int i = 0; runtime->workers != NULL && i < runtime->worker_count; i++)
        worker_free(runtime->workers[i]);
    for (int i = 0; runtime->shares != NULL && i < runtime->worker_count; i++)
        state_share_free(runtime->shares[i]);
    dropped_queries_delete_topics(runtime, true);
    for (RunningQuery *query = runtime->queries, *next; query != NULL; query = next) {
        next = query->next;
        query_unref(query);
    }
    mem_free(runtime->by_id);
    mem_free(runtime->owned);
    mem_free(runtime->ranks);
    pthread_cond_destroy(&runtime->changed);
    pthread_mutex_destroy(&runtime->lock);
    arena_free(runtime->arena);
    mem_free(runtime);
}
