/*
 * slots.c - the member thread: finds out which slots this node owns and hands them to the workers.
 *
 * The service's nodes form one group on one topic whose partitions are the slots; whoever owns partition s
 * runs the tasks of slot s. The thread makes the topic, joins, and polls. Revoking waits until every worker
 * has committed, for afterwards the slots are others'.
 *
 * A new owner first asks for the group's offset of each slot with require-stable: that waits for a
 * transaction of the former owner which is still undecided. Only then may the positions in the slot's
 * partition be read (runtime.md 9.5, case 16). Every commit of a slot's tasks commits such an offset, so in a
 * topic that this process has just made a slot without one has no positions to read: the start need not wait
 * until the brokers lead 48 new partitions.
 *
 * Which worker gets a slot: the one whose state file has held it ("slot/<s>" in its facts, from the beginning
 * of a restore on), else by contiguous blocks.
 */
#include "executor/runtime/commit.h"
#include "executor/runtime/failure.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/placement.h"
#include "executor/runtime/rollback.h"
#include "executor/runtime/threads.h"

/* Slots of the service: partitions of its slots topic, the unit in which tasks are spread over nodes. */
enum { SLOT_COUNT = 48 };

typedef struct {
    Runtime        *runtime;
    LogMember      *member;
    int            *slots; /* assigned, not handed on yet */
    size_t          count;
    const LogFence *fence; /* NULL: nothing is pending */
    bool            made;  /* the topic is ours, and no slots were handed on yet */
} Membership;

/* ---- messages to workers ---- */

typedef struct {
    int  worker; /* -1: not ours */
    bool empty;  /* nothing was ever committed in it */
} SlotPlace;

typedef struct {
    const LogFence *fence;
    int             slot_count;
    SlotPlace       slots[];
} Assignment;

static void drop_pending(Membership *self)
{
    log_fence_unref(self->fence);
    mem_free(self->slots);
    self->fence = NULL;
    self->slots = NULL;
    self->count = 0;
}

/* On the worker's thread. */
static void take_slots(Worker *worker, void *argument)
{
    Assignment *assignment = argument;
    if (worker->slots == NULL) {
        worker->slots        = mem_calloc((size_t)assignment->slot_count, sizeof *worker->slots);
        worker->slot_handles = mem_calloc((size_t)assignment->slot_count, sizeof *worker->slot_handles);
    }
    for (int s = 0; s < assignment->slot_count; s++) {
        SlotPlace place = assignment->slots[s];
        if (worker->slots[s] == SLOT_LOADING && worker->slot_handles[s] >= 0)
            log_reader_unassign(worker->reader, worker->slot_handles[s]);
        worker->slot_handles[s] = -1;
        worker->slots[s]        = place.worker != worker->index ? SLOT_NONE
                                  : place.empty                 ? SLOT_OWNED
                                                                : SLOT_LOADING;
    }
    log_fence_unref(worker->fence);
    worker->fence         = assignment->fence;
    worker->slots_changed = true;
    worker->compare_tasks = true;
    mailbox_set_ready(worker->mailbox, false);
    mem_free(assignment);
}

/* The slots stay, but nothing may be processed until the next assignment. */
static void suspend(Worker *worker)
{
    log_fence_unref(worker->fence);
    worker->fence = NULL;
    mailbox_set_ready(worker->mailbox, false);
}

static void give_slots_up(Worker *worker, void *argument)
{
    Error err;
    if (worker->fence != NULL && worker_commit(worker, true, &err) != OK)
        worker_failed(worker, worker->blamed, &err);
    suspend(worker);
}

static void lose_slots(Worker *worker, void *argument)
{
    worker_rollback(worker);
    suspend(worker);
}

static void tell_all(Runtime *runtime, void (*what)(Worker *, void *))
{
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], what, NULL, true);
}

/* ---- callbacks: on the member thread ---- */

static void on_assigned(void *context, const int *partitions, size_t count, const LogFence *fence)
{
    Membership *self = context;
    drop_pending(self);
    self->slots = mem_calloc(count + 1, sizeof *self->slots);
    memcpy(self->slots, partitions, count * sizeof *partitions);
    self->count = count;
    self->fence = log_fence_ref(fence);
}

static void on_revoked(void *context, const int *partitions, size_t count)
{
    Membership *self = context;
    drop_pending(self);
    tell_all(self->runtime, give_slots_up);
    atomic_store(&self->runtime->assigned, false);
}

static void on_lost(void *context)
{
    Membership *self = context;
    drop_pending(self);
    tell_all(self->runtime, lose_slots);
    atomic_store(&self->runtime->assigned, false);
    placement_keep(self->runtime, NULL, 0);
    log_line(LOG_WARN, "the slots of this node were lost, waiting to get them back");
}

/* ---- handing on ---- */

typedef struct {
    int *holder; /* per slot: worker, or -1 */
    int  slot_count;
} Holders;

/* On the worker's thread: which slots its file holds. */
static void list_slots(Worker *worker, void *argument)
{
    Holders *holders = argument;
    Error    err;
    Str     *names, *values;
    size_t   count;
    if (worker->state == NULL)
        return;
    if (state_meta_list(worker->state, STR_LIT("slot/"), worker->scratch, &names, &values, &count, &err) !=
        OK) {
        log_line(LOG_WARN, "%s: %s", worker->path, err.message);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        long slot = strtol(names[i].ptr + 5, NULL, 10);
        if (slot >= 0 && slot < holders->slot_count && holders->holder[slot] < 0)
            holders->holder[slot] = worker->index;
    }
    arena_reset(worker->scratch);
}

/* `known`, per pending slot: does the group have an offset there? places: per slot of the service. */
static void place_slots(Membership *self, const bool *known, SlotPlace *places)
{
    Runtime *runtime = self->runtime;
    int      slots   = atomic_load(&runtime->slot_count);
    Holders  holders = {mem_alloc((size_t)slots * sizeof(int)), slots};
    for (int s = 0; s < slots; s++) {
        holders.holder[s] = -1;
        places[s]         = (SlotPlace){.worker = -1};
    }
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], list_slots, &holders, true);
    for (size_t i = 0; i < self->count; i++) {
        int slot     = self->slots[i];
        int block    = (int)((int64_t)i * runtime->worker_count / (int64_t)self->count);
        places[slot] = (SlotPlace){.worker = holders.holder[slot] >= 0 ? holders.holder[slot] : block,
                                   .empty  = self->made && !known[i]};
    }
    mem_free(holders.holder);
}

/* Revoked slots are kept in mind until the next are given: in between nobody else runs them. */
static void keep_in_mind(Runtime *runtime, const SlotPlace *places, int slots)
{
    int   *owned = mem_calloc((size_t)slots + 1, sizeof *owned);
    size_t count = 0;
    for (int s = 0; s < slots; s++)
        if (places[s].worker >= 0)
            owned[count++] = s;
    placement_keep(runtime, owned, count);
    mem_free(owned);
}

static void hand_on(Membership *self, const bool *known)
{
    Runtime   *runtime = self->runtime;
    int        slots   = atomic_load(&runtime->slot_count);
    size_t     bytes   = (size_t)slots * sizeof(SlotPlace);
    SlotPlace *places  = mem_alloc(bytes);
    place_slots(self, known, places);
    for (int i = 0; i < runtime->worker_count; i++) {
        Assignment *assignment = mem_alloc(sizeof *assignment + bytes);
        assignment->fence      = log_fence_ref(self->fence);
        assignment->slot_count = slots;
        memcpy(assignment->slots, places, bytes);
        if (!worker_post(runtime->workers[i], take_slots, assignment, true)) {
            log_fence_unref(assignment->fence);
            mem_free(assignment);
        }
    }
    keep_in_mind(runtime, places, slots);
    mem_free(places);
    atomic_store(&runtime->assigned, true);
    self->made = false;
    drop_pending(self);
}

/* One question a round, so that the group is polled in between. */
static void ask_stable(Membership *self)
{
    Error err;
    if (self->fence == NULL || atomic_load(&self->runtime->stopping))
        return;
    bool *known = mem_calloc(self->count + 1, sizeof *known);
    if (log_member_settle(self->member, self->slots, self->count, known, &err) == OK)
        hand_on(self, known);
    else
        log_line(LOG_WARN, "the slots are not free yet: %s", err.message);
    mem_free(known);
}

/* ---- the thread ---- */

static Status make_slots_topic(Runtime *runtime, bool *made, Error *err)
{
    static const LogConfig configs[] = {
        {"cleanup.policy", "compact"}, {"segment.bytes", "4194304"}, {"min.cleanable.dirty.ratio", "0.2"}};
    Log      *log = runtime->options.log;
    TopicInfo info;
    Status    status = log_topic_info(log, runtime->slots_topic, &info, err);
    if (status == E_NOT_FOUND) {
        status = log_topic_create(log, runtime->slots_topic, SLOT_COUNT, runtime->options.internal_replicas,
                                  configs, ARRAY_LEN(configs), err);
        *made  = status == OK;
        if (status == OK || status == E_EXISTS)
            status = log_topic_info(log, runtime->slots_topic, &info, err);
    }
    TRY(status);
    atomic_store(&runtime->slot_count, info.partitions);
    return OK;
}

static Status join(Membership *self, Error *err)
{
    Runtime        *runtime   = self->runtime;
    MemberCallbacks callbacks = {self, on_assigned, on_revoked, on_lost};
    TRY(make_slots_topic(runtime, &self->made, err));
    return log_member_join(runtime->options.log, runtime->slots_group, runtime->slots_topic,
                           runtime->options.node_id, &callbacks, &self->member, err);
}

static void wait_to_join(Runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    while (!atomic_load(&runtime->joining) && !atomic_load(&runtime->stopping))
        pthread_cond_wait(&runtime->changed, &runtime->lock);
    pthread_mutex_unlock(&runtime->lock);
}

enum { POLL_MS = 100, JOIN_POLL_MS = 5, RETRY_FIRST_MS = 200, RETRY_MAX_MS = 5000 };

/* A poll that brings the slots still lasts as long as it was told to, so who waits for slots polls shortly.
 */
static int poll_ms(const Membership *self)
{
    if (self->fence != NULL)
        return 0;
    return atomic_load(&self->runtime->assigned) ? POLL_MS : JOIN_POLL_MS;
}

/* False: the member is of no use any more. */
static bool poll_member(Membership *self)
{
    Error  err;
    Status status = log_member_poll(self->member, poll_ms(self), &err);
    if (status == E_FENCED) {
        log_line(LOG_ERROR, "%s", err.message);
        return false;
    }
    if (status != OK) {
        log_line(LOG_WARN, "%s", err.message);
        runtime_sleep(self->runtime, &self->runtime->stopping, POLL_MS);
    }
    ask_stable(self);
    return true;
}

void *slots_main(void *argument)
{
    Membership self     = {.runtime = argument};
    Runtime   *runtime  = argument;
    int        retry_ms = RETRY_FIRST_MS;
    Error      err;
    wait_to_join(runtime);
    while (!atomic_load(&runtime->stopping)) {
        if (self.member != NULL && poll_member(&self))
            continue;
        bool was_member = self.member != NULL;
        if (was_member)
            log_member_close(self.member);
        self.member = NULL;
        if (!was_member && join(&self, &err) == OK) {
            retry_ms = RETRY_FIRST_MS;
            continue;
        }
        if (!was_member)
            log_line(LOG_WARN, "joining the group of the service: %s", err.message);
        runtime_sleep(runtime, &runtime->stopping, retry_ms);
        retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
    }
    if (self.member != NULL)
        log_member_close(self.member);
    drop_pending(&self);
    return NULL;
}
