/*
 * log_embedded_member.c - groups of the embedded log. One process owns the log, so the newest member of a
 * group owns all partitions; a generation counts the joins, and an earlier member finds out that its own has
 * passed.
 */
#include <assert.h>

#include "log/log_embedded.h"

struct LogMember {
    LogHandle       base;
    Log            *log;
    char           *group, *topic;
    MemberCallbacks callbacks;
    uint64_t        generation;
    Name           *name;
    LogFence       *fence; /* while partitions are assigned */
    int             partitions;
    bool            lost;
};

Status group_put(Log *log, Str group, const LogPosition *positions, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(db_run(&log->db, SQL_GROUP_PUT, err, "ttii", group, positions[i].topic,
                   (int64_t)positions[i].partition, positions[i].offset));
    return OK;
}

typedef struct {
    Job                job;
    Str                group;
    const LogPosition *positions;
    size_t             count;
} GroupJob;

static Status apply_group(Log *log, Job *job, Error *err)
{
    GroupJob *self = (GroupJob *)job;
    return group_put(log, self->group, self->positions, self->count, err);
}

Status embedded_group_commit(Log *log, Str group, const LogPosition *positions, size_t count, Error *err)
{
    GroupJob commit = {{.apply = apply_group}, group, positions, count};
    return log_submit(log, &commit.job, err);
}

/* ---- fences ---- */

const LogFence *embedded_fence_ref(const LogFence *fence)
{
    __atomic_add_fetch(&((LogFence *)fence)->refs, 1, __ATOMIC_RELAXED);
    return fence;
}

void embedded_fence_unref(const LogFence *fence)
{
    LogFence *own = (LogFence *)fence;
    if (own == NULL || __atomic_sub_fetch(&own->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    mem_free(own->group);
    mem_free(own);
}

static LogFence *fence_new(LogMember *member)
{
    LogFence *fence     = mem_calloc(1, sizeof *fence);
    fence->base.backend = &log_backend_embedded;
    fence->refs         = 1;
    fence->log          = member->log;
    fence->group        = mem_strdup(member->group);
    fence->generation   = member->generation;
    return fence;
}

/* ---- members ---- */

static Status apply_join(Log *log, Job *job, Error *err) { return OK; }

/* In a job: what the earlier owner has sent for commit is decided when the new one has joined. */
static void publish_join(Log *log, Job *job)
{
    LogMember *member  = job->context;
    member->generation = ++member->name->epoch;
}

Status embedded_member_join(Log *log, Str group, Str topic, Str member_id, const MemberCallbacks *callbacks,
                            LogMember **out, Error *err)
{
    TopicInfo info;
    TRY(embedded_topic_info(log, topic, &info, err));
    LogMember *member    = mem_calloc(1, sizeof *member);
    member->base.backend = &log_backend_embedded;
    member->log          = log;
    member->group        = str_to_heap(group);
    member->topic        = str_to_heap(topic);
    member->callbacks    = *callbacks;
    member->partitions   = info.partitions;
    pthread_mutex_lock(&log->lock);
    member->name = name_get(&log->groups, group);
    pthread_mutex_unlock(&log->lock);
    Job    job    = {.apply = apply_join, .publish = publish_join, .context = member};
    Status status = log_submit(log, &job, err);
    if (status == OK)
        *out = member;
    else
        embedded_member_close(member);
    return status;
}

static int *all_partitions(const LogMember *member)
{
    int *all = mem_calloc((size_t)member->partitions, sizeof *all);
    for (int p = 0; p < member->partitions; p++)
        all[p] = p;
    return all;
}

/* Waits for the generation to pass; true when it has. */
static bool wait_generation(LogMember *member, int timeout_ms)
{
    Log            *log   = member->log;
    struct timespec until = deadline_after_us((int64_t)timeout_ms * 1000);
    pthread_mutex_lock(&log->lock);
    while (member->name->epoch == member->generation && timeout_ms > 0 &&
           pthread_cond_timedwait(&log->changed, &log->lock, &until) == 0)
        ;
    bool passed = member->name->epoch != member->generation;
    pthread_mutex_unlock(&log->lock);
    return passed;
}

Status embedded_member_poll(LogMember *member, int timeout_ms, Error *err)
{
    bool first = member->fence == NULL && !member->lost;
    if (wait_generation(member, first ? 0 : timeout_ms)) {
        if (member->fence != NULL) {
            member->callbacks.lost(member->callbacks.context);
            embedded_fence_unref(member->fence);
            member->fence = NULL;
        }
        member->lost = true;
        return error_set(err, E_FENCED, NO_POS, "another member has taken over the group '%s'",
                         member->group);
    }
    if (first) {
        int *all      = all_partitions(member);
        member->fence = fence_new(member);
        member->callbacks.assigned(member->callbacks.context, all, (size_t)member->partitions, member->fence);
        mem_free(all);
    }
    return OK;
}

void embedded_member_close(LogMember *member)
{
    if (member->fence != NULL) {
        int *all = all_partitions(member);
        if (wait_generation(member, 0))
            member->callbacks.lost(member->callbacks.context);
        else
            member->callbacks.revoked(member->callbacks.context, all, (size_t)member->partitions);
        mem_free(all);
        embedded_fence_unref(member->fence);
    }
    mem_free(member->group);
    mem_free(member->topic);
    mem_free(member);
}

Status embedded_member_committed(LogMember *member, int partition, int64_t *offset, Error *err)
{
    Log *log = member->log;
    bool row = false;
    pthread_mutex_lock(&log->db_lock);
    sqlite3_stmt *stmt   = db_bind(&log->db, SQL_GROUP_GET, err, "tti", str_c(member->group),
                                   str_c(member->topic), (int64_t)partition);
    Status        status = stmt != NULL ? db_step(&log->db, stmt, &row, err) : db_unprepared(err);
    *offset              = row ? sqlite3_column_int64(stmt, 0) : -1;
    if (row && sqlite3_column_int(stmt, 1) == 0)
        status =
            log_file_damaged(log->db.name, err, "the position of group %s in topic %s partition %d is wrong",
                             member->group, member->topic, partition);
    if (row)
        sqlite3_reset(stmt);
    pthread_mutex_unlock(&log->db_lock);
    return status;
}
