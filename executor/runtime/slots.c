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
 * of a restore on), else by contiguous blocks. So it is with slots that the node stands by for, which others
 * have: when such a slot comes to the node, the worker that has followed it gets it.
 */
#include "executor/runtime/commit.h"
#include "executor/runtime/failure.h"
#include "executor/runtime/mailbox.h"
#include "executor/runtime/placement.h"
#include "executor/runtime/rollback.h"
#include "executor/runtime/standby.h"
#include "executor/runtime/threads.h"

/* Slots of the service: partitions of its slots topic, the unit in which tasks are spread over nodes. */
enum { SLOT_COUNT = 48 };

typedef struct {
    Runtime        *runtime;
    LogMember      *member;
    int            *slots; /* assigned, not handed on yet */
    size_t          count;
    const LogFence *fence;         /* NULL: nothing is pending */
    bool            made;          /* the topic is ours, and no slots were handed on yet */
    unsigned        ranks_version; /* of what the workers were told to stand by for */
} Membership;

/* ---- messages to workers ---- */

typedef struct {
    int  worker; /* -1: none of ours */
    int  rank;   /* 0: it has it; above: it stands by */
    bool empty;  /* nothing was ever committed in it */
} SlotPlace;

typedef struct {
    const LogFence *fence; /* NULL: it is about standbys alone */
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

static bool is_owned(SlotState state)
{
    return state == SLOT_LOADING || state == SLOT_OWNED || state == SLOT_DAMAGED;
}

static void take_slot(Worker *worker, int slot, SlotPlace place)
{
    bool here = place.worker == worker->index;
    if (worker->slots[slot] == SLOT_LOADING && worker->slot_handles[slot] >= 0)
        log_reader_unassign(worker->reader, worker->slot_handles[slot]);
    worker->slot_handles[slot] = -1;
    if (!here || place.rank > 0) {
        standby_set_slot(worker, slot, here ? place.rank : 0);
        return;
    }
    standby_leave_slot(worker, slot);
    worker->slots[slot] = place.empty ? SLOT_OWNED : SLOT_LOADING;
}

/* On the worker's thread. */
static void take_slots(Worker *worker, void *argument)
{
    Assignment *assignment = argument;
    if (worker->slots == NULL) {
        worker->slots        = mem_calloc((size_t)assignment->slot_count, sizeof *worker->slots);
        worker->slot_handles = mem_calloc((size_t)assignment->slot_count, sizeof *worker->slot_handles);
        worker->slot_ends    = mem_calloc((size_t)assignment->slot_count, sizeof *worker->slot_ends);
    }
    for (int s = 0; s < assignment->slot_count; s++)
        take_slot(worker, s, assignment->slots[s]);
    log_fence_unref(worker->fence);
    worker->fence         = assignment->fence;
    worker->slots_changed = true;
    worker->compare_tasks = true;
    mailbox_set_ready(worker->mailbox, false);
    mem_free(assignment);
}

/* On the worker's thread, which has its slots. */
static void take_standbys(Worker *worker, void *argument)
{
    Assignment *assignment = argument;
    for (int s = 0; worker->slots != NULL && s < assignment->slot_count; s++)
        if (!is_owned(worker->slots[s]))
            standby_set_slot(worker, s,
                             assignment->slots[s].worker == worker->index ? assignment->slots[s].rank : 0);
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

static Holders find_holders(Runtime *runtime)
{
    int     slots   = atomic_load(&runtime->slot_count);
    Holders holders = {mem_alloc((size_t)slots * sizeof(int)), slots};
    for (int s = 0; s < slots; s++)
        holders.holder[s] = -1;
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], list_slots, &holders, true);
    return holders;
}

/* The number-th of `count` slots. */
static int worker_for(const Runtime *runtime, const Holders *holders, int slot, size_t number, size_t count)
{
    int block = (int)((int64_t)number * runtime->worker_count / (int64_t)count);
    return holders->holder[slot] >= 0 ? holders->holder[slot] : block;
}

/* Where it stands by, for slots that are not its own. */
static void place_standbys(Membership *self, const Holders *holders, SlotPlace *places)
{
    int   *ranks  = mem_calloc((size_t)holders->slot_count, sizeof *ranks);
    size_t number = 0, count = 0;
    self->ranks_version = placement_ranks(self->runtime, ranks, holders->slot_count);
    for (int s = 0; s < holders->slot_count; s++)
        count += ranks[s] > 0;
    for (int s = 0; s < holders->slot_count; s++) {
        if (ranks[s] == 0)
            continue;
        int worker = worker_for(self->runtime, holders, s, number++, count);
        if (places[s].worker < 0)
            places[s] = (SlotPlace){.worker = worker, .rank = ranks[s]};
    }
    mem_free(ranks);
}

/* `known`, per pending slot: does the group have an offset there? places: per slot of the service. */
static void place_slots(Membership *self, const Holders *holders, const bool *known, SlotPlace *places)
{
    for (int s = 0; s < holders->slot_count; s++)
        places[s] = (SlotPlace){.worker = -1};
    for (size_t i = 0; i < self->count; i++) {
        int slot     = self->slots[i];
        places[slot] = (SlotPlace){.worker = worker_for(self->runtime, holders, slot, i, self->count),
                                   .empty  = self->made && !known[i]};
    }
}

/* Revoked slots are kept in mind until the next are given: in between nobody else runs them. */
static void keep_in_mind(Runtime *runtime, const SlotPlace *places, int slots)
{
    int   *owned = mem_calloc((size_t)slots + 1, sizeof *owned);
    size_t count = 0;
    for (int s = 0; s < slots; s++)
        if (places[s].worker >= 0 && places[s].rank == 0)
            owned[count++] = s;
    placement_keep(runtime, owned, count);
    mem_free(owned);
}

/* fence NULL: standbys alone. */
static void tell_places(Runtime *runtime, const LogFence *fence, const SlotPlace *places, int slots)
{
    size_t bytes = (size_t)slots * sizeof *places;
    for (int i = 0; i < runtime->worker_count; i++) {
        Assignment *assignment = mem_alloc(sizeof *assignment + bytes);
        assignment->fence      = fence != NULL ? log_fence_ref(fence) : NULL;
        assignment->slot_count = slots;
        memcpy(assignment->slots, places, bytes);
        if (!worker_post(runtime->workers[i], fence != NULL ? take_slots : take_standbys, assignment, true)) {
            log_fence_unref(assignment->fence);
            mem_free(assignment);
        }
    }
}

static void hand_on(Membership *self, const bool *known)
{
    Runtime   *runtime = self->runtime;
    Holders    holders = find_holders(runtime);
    SlotPlace *places  = mem_alloc((size_t)holders.slot_count * sizeof *places);
    place_slots(self, &holders, known, places);
    place_standbys(self, &holders, places);
    tell_places(runtime, self->fence, places, holders.slot_count);
    keep_in_mind(runtime, places, holders.slot_count);
    mem_free(places);
    mem_free(holders.holder);
    atomic_store(&runtime->assigned, true);
    self->made = false;
    drop_pending(self);
}

/* The node's own slots are taken, by whichever worker: what is said of the others may be older than these,
 * and two workers of one node must not both have a task. */
static void place_own(Runtime *runtime, SlotPlace *places)
{
    Arena *arena = arena_new(0);
    int   *owned;
    size_t count;
    (void)runtime_owned_slots(runtime, arena, &owned, &count);
    for (size_t i = 0; i < count; i++)
        places[owned[i]] = (SlotPlace){.worker = 0};
    arena_free(arena);
}

/* The others have changed, or what they have. */
static void change_standbys(Membership *self)
{
    Runtime *runtime = self->runtime;
    if (self->fence != NULL || !atomic_load(&runtime->assigned) ||
        atomic_load(&runtime->ranks_version) == self->ranks_version)
        return;
    Holders    holders = find_holders(runtime);
    SlotPlace *places  = mem_alloc((size_t)holders.slot_count * sizeof *places);
    for (int s = 0; s < holders.slot_count; s++)
        places[s] = (SlotPlace){.worker = -1};
    place_own(runtime, places);
    place_standbys(self, &holders, places);
    tell_places(runtime, NULL, places, holders.slot_count);
    mem_free(places);
    mem_free(holders.holder);
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
    change_standbys(self);
    return true;
}

/* Its 48 partitions take brokers longer than all else that a start makes, so they begin with them while the
 * queries are planned. A failure is told by who joins. */
static void begin_slots_topic(Membership *self)
{
    Error ignored;
    (void)make_slots_topic(self->runtime, &self->made, &ignored);
}

void *slots_main(void *argument)
{
    Membership self     = {.runtime = argument};
    Runtime   *runtime  = argument;
    int        retry_ms = RETRY_FIRST_MS;
    Error      err;
    begin_slots_topic(&self);
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
