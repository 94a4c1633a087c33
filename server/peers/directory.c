/*
 * directory.c - see directory.h.
 *
 * One thread reads the topic and writes this node's record. It looks ten times a second whether the slots
 * have changed, which is one atomic. A writer is opened for each record and closed again: records are rare,
 * and an idle producer is not free.
 */
#include "server/peers/directory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/logger.h"
#include "core/notice.h"
#include "core/value.h"
#include "server/peers/node_record.h"
#include "server/peers/standby_places.h"

enum {
    LOOK_MS       = 100,
    RETRY_MS      = 500,
    PING_MS       = 2000,
    WRITE_MS      = 5000,
    BATCH         = 256,
    READER_BUDGET = 1024 * 1024,
    TOKEN_WORDS   = 2,  /* of 64 bits */
    YOUNG         = 20, /* looks: a topic that was just made is not known everywhere at once */
};

/* A node that is there says so every hour; one that died with slots that nobody has taken over, or without
 * any, is forgotten after a day. */
static const int64_t REFRESH_US = 3600LL * 1000000, FORGOTTEN_MS = 24LL * 3600 * 1000;

/* Heap, with what it points to in an arena of its own. */
typedef struct Entry Entry;
struct Entry {
    Entry     *next;
    Arena     *arena;
    Str        id;
    NodeRecord record;
    int64_t    offset, time_ms; /* of the record: of two that claim a slot the later one has it */
};

struct Directory {
    DirectoryOptions options;
    Arena           *arena;
    Str              topic, token;
    pthread_t        thread;
    bool             running;
    atomic_bool      stopping;
    /* Thread: the directory's own */
    LogReader *reader;
    int        handle;
    Notice     trouble;
    int        missed;  /* looks in a row at which the topic was not there */
    bool       written; /* the record is in the topic */
    unsigned   version; /* of the slots in it */
    unsigned   told;    /* changes, as of which the runtime knows what to stand by for */
    int        told_slots;
    int64_t    written_us;
    /* Thread: any, under lock */
    pthread_mutex_t lock;
    Entry          *entries; /* by id; this node's is as the topic has it */
    unsigned        changes; /* of them */
};

/* ---- what is known ---- */

static void entry_free(Entry *entry)
{
    if (entry != NULL)
        arena_free(entry->arena);
    mem_free(entry);
}

/* Where the entry of that id is, or would be. */
static Entry **place_of(Directory *self, Str id)
{
    Entry **at = &self->entries;
    while (*at != NULL && str_compare((*at)->id, id) < 0)
        at = &(*at)->next;
    return at;
}

static void forget(Directory *self, Str id)
{
    Entry **at    = place_of(self, id);
    Entry  *entry = *at;
    if (entry == NULL || !str_equal(entry->id, id))
        return;
    *at = entry->next;
    self->changes++;
    entry_free(entry);
}

static void learn(Directory *self, Entry *entry)
{
    pthread_mutex_lock(&self->lock);
    forget(self, entry->id);
    Entry **at  = place_of(self, entry->id);
    entry->next = *at;
    *at         = entry;
    self->changes++;
    pthread_mutex_unlock(&self->lock);
}

static void apply(Directory *self, const LogRecord *record)
{
    Error err;
    if (str_is_null(record->key))
        return;
    if (str_is_null(record->value)) {
        pthread_mutex_lock(&self->lock);
        forget(self, record->key);
        pthread_mutex_unlock(&self->lock);
        return;
    }
    Entry *entry   = mem_calloc(1, sizeof *entry);
    entry->arena   = arena_new(0);
    entry->id      = str_dup(entry->arena, record->key);
    entry->offset  = record->offset;
    entry->time_ms = record->timestamp;
    if (node_record_read(record->value, entry->arena, &entry->record, &err) == OK) {
        learn(self, entry);
        return;
    }
    log_line(LOG_WARN, "the record of node " STR_FMT " is left out: %s", STR_ARG(record->key), err.message);
    entry_free(entry);
}

static bool is_self(const Directory *self, const Entry *entry)
{
    return str_equal(entry->id, self->options.node_id);
}

/* This node knows its own slots; others once they have said so and not for ever. Lock held. */
static bool is_there(Directory *self, const Entry *entry)
{
    Clock *clock = self->options.clock;
    return is_self(self, entry) || clock->now_ms(clock) - entry->time_ms < FORGOTTEN_MS;
}

static bool has_slot(const NodeRecord *record, int slot)
{
    for (size_t i = 0; i < record->slot_count; i++)
        if (record->slots[i] == slot)
            return true;
    return false;
}

/* The latest of those who say to have it; NULL: nobody. Lock held. */
static const Entry *owner_of(Directory *self, int slot)
{
    const Entry *owner = NULL;
    for (const Entry *entry = self->entries; entry != NULL; entry = entry->next)
        if ((owner == NULL || entry->offset > owner->offset) && has_slot(&entry->record, slot) &&
            is_there(self, entry))
            owner = entry;
    return owner;
}

/* ---- standbys ---- */

/* Who the standbys are found among: the nodes that have slots, in the group's order. One that has none has
 * died, and its slots were given away, or has just come. */
typedef struct {
    int           slots;
    size_t       *owners; /* per slot: a node; node_count: nobody */
    const Entry **nodes;
    size_t        node_count;
} Places;

static size_t node_number(Places *places, const Entry *entry)
{
    size_t at = 0;
    while (at < places->node_count && places->nodes[at] != entry)
        at++;
    return at;
}

/* Lock held, here and below; in `arena`. */
static Places find_places(Directory *self, Arena *arena)
{
    Places places = {.slots = runtime_slot_count(self->options.runtime)};
    size_t most   = 0;
    for (const Entry *entry = self->entries; entry != NULL; entry = entry->next)
        most++;
    const Entry **owners = ARENA_ARRAY(arena, const Entry *, (size_t)places.slots + 1);
    for (int s = 0; s < places.slots; s++)
        owners[s] = owner_of(self, s);
    places.nodes  = ARENA_ARRAY(arena, const Entry *, most + 1);
    places.owners = ARENA_ARRAY(arena, size_t, (size_t)places.slots + 1);
    for (const Entry *entry = self->entries; entry != NULL; entry = entry->next)
        for (int s = 0; s < places.slots; s++)
            if (owners[s] == entry) {
                places.nodes[places.node_count++] = entry;
                break;
            }
    for (int s = 0; s < places.slots; s++)
        places.owners[s] = node_number(&places, owners[s]);
    return places;
}

/* Per slot, as the how-manieth the node stands by for it; 0: not. */
static int *ranks_of(Places *places, const Entry *entry, Arena *arena)
{
    int    *ranks = ARENA_ARRAY(arena, int, (size_t)places->slots + 1);
    size_t *order = ARENA_ARRAY(arena, size_t, places->node_count + 1);
    size_t  node  = node_number(places, entry);
    for (int s = 0; s < places->slots; s++) {
        size_t count = standby_places(s, places->slots, places->node_count, places->owners[s], order);
        ranks[s]     = 0;
        for (size_t i = 0; i < count; i++)
            if (order[i] == node && node < places->node_count)
                ranks[s] = (int)i + 1;
    }
    return ranks;
}

size_t directory_standbys(Directory *self, int slot, Arena *arena, DirectoryPlace **out)
{
    size_t count = 0;
    *out         = NULL;
    pthread_mutex_lock(&self->lock);
    Places  places = find_places(self, arena);
    size_t *order  = ARENA_ARRAY(arena, size_t, places.node_count + 1);
    if (slot < places.slots)
        count = standby_places(slot, places.slots, places.node_count, places.owners[slot], order);
    *out = ARENA_ARRAY(arena, DirectoryPlace, count + 1);
    for (size_t i = 0; i < count; i++) {
        const Entry *entry = places.nodes[order[i]];
        (*out)[i]          = (DirectoryPlace){str_dup(arena, entry->record.address), is_self(self, entry)};
    }
    pthread_mutex_unlock(&self->lock);
    return count;
}

static const Entry *own_entry(const Directory *self)
{
    const Entry *entry = self->entries;
    while (entry != NULL && !is_self(self, entry))
        entry = entry->next;
    return entry;
}

/* The runtime is told when the nodes or their slots have changed. */
static void tell_standbys(Directory *self)
{
    Arena *arena = NULL;
    int   *ranks = NULL;
    int    slots = runtime_slot_count(self->options.runtime);
    pthread_mutex_lock(&self->lock);
    if (self->changes != self->told || slots != self->told_slots) {
        arena            = arena_new(0);
        Places places    = find_places(self, arena);
        slots            = places.slots;
        ranks            = ranks_of(&places, own_entry(self), arena);
        self->told       = self->changes;
        self->told_slots = slots;
    }
    pthread_mutex_unlock(&self->lock);
    if (ranks != NULL && slots > 0)
        runtime_stand_by(self->options.runtime, ranks, slots);
    arena_free(arena);
}

/* ---- what is told ---- */

static DirectoryNode node_of(Directory *self, const Entry *entry, Arena *arena)
{
    const NodeRecord *record = &entry->record;
    DirectoryNode     node   = {.id      = str_dup(arena, entry->id),
                                .address = str_dup(arena, record->address),
                                .slots   = ARENA_ARRAY(arena, int, record->slot_count + 1),
                                .self    = is_self(self, entry)};
    for (size_t i = 0; i < record->slot_count; i++)
        if (owner_of(self, record->slots[i]) == entry)
            node.slots[node.slot_count++] = record->slots[i];
    return node;
}

bool directory_owner(Directory *self, int slot, Arena *arena, Str *address, bool *mine)
{
    pthread_mutex_lock(&self->lock);
    const Entry *owner = owner_of(self, slot);
    if (owner != NULL) {
        *address = str_dup(arena, owner->record.address);
        *mine    = is_self(self, owner);
    }
    pthread_mutex_unlock(&self->lock);
    return owner != NULL;
}

size_t directory_list(Directory *self, Arena *arena, DirectoryNode **out)
{
    size_t count = 0;
    pthread_mutex_lock(&self->lock);
    for (const Entry *entry = self->entries; entry != NULL; entry = entry->next)
        count++;
    *out          = ARENA_ARRAY(arena, DirectoryNode, count + 1);
    count         = 0;
    Places places = find_places(self, arena);
    for (const Entry *entry = self->entries; entry != NULL; entry = entry->next)
        if (is_there(self, entry)) {
            (*out)[count]         = node_of(self, entry, arena);
            (*out)[count++].ranks = ranks_of(&places, entry, arena);
        }
    pthread_mutex_unlock(&self->lock);
    return count;
}

/* ---- who asks ---- */

Str directory_credential(const Directory *self, Arena *arena)
{
    return str_printf(arena, STR_FMT " " STR_FMT, STR_ARG(self->options.node_id), STR_ARG(self->token));
}

/* Takes as long for a wrong token as for the right one. */
static bool is_same_secret(Str a, Str b)
{
    unsigned char differs = a.len != b.len;
    for (size_t i = 0; i < a.len; i++)
        differs |= (unsigned char)(a.ptr[i] ^ b.ptr[i < b.len ? i : 0]);
    return differs == 0;
}

bool directory_knows(Directory *self, Str credential)
{
    const char *blank = credential.len > 0 ? memchr(credential.ptr, ' ', credential.len) : NULL;
    bool        known = false;
    if (blank == NULL)
        return false;
    Str id    = str_n(credential.ptr, (size_t)(blank - credential.ptr));
    Str token = str_n(blank + 1, credential.len - id.len - 1);
    pthread_mutex_lock(&self->lock);
    const Entry *entry = *place_of(self, id);
    if (token.len > 0 && entry != NULL && str_equal(entry->id, id))
        known = is_same_secret(token, entry->record.token);
    pthread_mutex_unlock(&self->lock);
    return known;
}

/* ---- writing ---- */

static Status append(Directory *self, Str id, Str value, Error *err)
{
    WriterOptions options = {.client_id = "sluice-nodes", .linger_ms = 0};
    LogRecord     record  = {
             .timestamp = self->options.clock->now_ms(self->options.clock), .key = id, .value = value};
    LogWriter *writer;
    TRY(log_ping(self->options.log, PING_MS, err)); /* the calls below have more patience */
    TRY(log_writer_open(self->options.log, &options, &writer, err));
    Status status = log_append(writer, self->topic, 0, &record, STR_NULL, err);
    if (status == OK)
        status = log_flush(writer, WRITE_MS, err);
    log_writer_close(writer);
    return status;
}

static Status write_own(Directory *self, Error *err)
{
    Arena     *arena   = arena_new(0);
    StrBuf     value   = {0};
    NodeRecord record  = {.address = self->options.address, .token = self->token};
    unsigned   version = runtime_owned_slots(self->options.runtime, arena, &record.slots, &record.slot_count);
    node_record_write(&record, &value);
    Status status = append(self, self->options.node_id, strbuf_str(&value), err);
    if (status == OK) {
        self->written    = true;
        self->version    = version;
        self->written_us = self->options.clock->monotonic_us(self->options.clock);
    }
    strbuf_clear(&value);
    arena_free(arena);
    return status;
}

/* Records of nodes that nobody has heard of for long would stay for ever. */
static Status remove_forgotten(Directory *self, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = OK;
    do {
        Str id = STR_NULL;
        pthread_mutex_lock(&self->lock);
        for (const Entry *entry = self->entries; entry != NULL && str_is_null(id); entry = entry->next)
            if (!is_there(self, entry))
                id = str_dup(arena, entry->id);
        if (!str_is_null(id))
            forget(self, id);
        pthread_mutex_unlock(&self->lock);
        if (str_is_null(id))
            break;
        status = append(self, id, STR_NULL, err);
    } while (status == OK);
    arena_free(arena);
    return OK; /* what could not be written is another node's to remove, or this one's after its next start */
}

/* At once when it comes, with the slots that it has; again when these change, and every hour. */
static Status write_if_due(Directory *self, Error *err)
{
    int64_t now = self->options.clock->monotonic_us(self->options.clock);
    bool    old = self->written && now - self->written_us >= REFRESH_US;
    if (self->written && !old && runtime_slots_version(self->options.runtime) == self->version)
        return OK;
    TRY(write_own(self, err));
    return old ? remove_forgotten(self, err) : OK;
}

/* ---- the thread ---- */

static Status open_reader(Directory *self, Error *err)
{
    static const LogConfig configs[] = {{"cleanup.policy", "compact"}, {"segment.bytes", "4194304"}};
    ReaderOptions          options   = {.client_id = "sluice-nodes", .budget_bytes = READER_BUDGET};
    TRY(log_ping(self->options.log, PING_MS, err));
    Status status = log_topic_create(self->options.log, self->topic, 1, self->options.replicas, configs,
                                     ARRAY_LEN(configs), err);
    if (status != OK && status != E_EXISTS)
        return status;
    if (self->reader == NULL)
        TRY(log_reader_open(self->options.log, &options, &self->reader, err));
    return log_reader_assign(self->reader, self->topic, 0, LOG_EARLIEST, &self->handle, err);
}

static Status read_some(Directory *self, size_t *count, Error *err)
{
    LogBatch batch;
    TRY(log_reader_take(self->reader, self->handle, BATCH, &batch, err));
    *count = batch.count;
    for (size_t i = 0; i < batch.count; i++)
        apply(self, &batch.records[i]);
    log_batch_release(self->reader, &batch);
    return OK;
}

/* Somebody has deleted the topic: it is made anew, with what the nodes that are there write again. */
static void start_over(Directory *self)
{
    log_reader_unassign(self->reader, self->handle);
    self->handle  = -1;
    self->written = false;
}

static void nap(void)
{
    const struct timespec pause = {0, LOOK_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* One round; what fails is said and tried again. */
static void work(Directory *self, bool *open)
{
    Error  err;
    size_t count  = 0;
    Status status = *open ? OK : open_reader(self, &err);
    *open         = status == OK;
    if (status == OK)
        status = write_if_due(self, &err);
    if (*open && status == OK)
        status = read_some(self, &count, &err);
    if (*open && status == OK && count == 0)
        tell_standbys(self);
    if (*open && status == E_NOT_FOUND) {
        start_over(self);
        *open = false;
    }
    self->missed = status == E_NOT_FOUND ? self->missed + 1 : 0;
    bool fresh   = self->missed > 0 && self->missed < YOUNG;
    if (status != OK && !fresh &&
        notice_due(&self->trouble, str_c(err.message),
                   self->options.clock->monotonic_us(self->options.clock)))
        log_line(LOG_WARN, "the topic of the service's nodes is not available, waiting for it: %s",
                 err.message);
    if (status == OK)
        notice_clear(&self->trouble);
    for (int ms = 0; status != OK && ms < (fresh ? LOOK_MS : RETRY_MS) && !atomic_load(&self->stopping);
         ms += LOOK_MS)
        nap();
    if (status == OK && count == 0)
        log_reader_wait(self->reader, LOOK_MS);
}

static void *directory_main(void *argument)
{
    Directory *self = argument;
    bool       open = false;
    Error      ignored;
    while (!atomic_load(&self->stopping))
        work(self, &open);
    if (self->written && append(self, self->options.node_id, STR_NULL, &ignored) != OK)
        log_line(LOG_INFO, "the other nodes are not told that this one leaves: %s", ignored.message);
    return NULL;
}

static Str make_token(Arena *arena, Clock *clock)
{
    StrBuf text = {0};
    for (int i = 0; i < TOKEN_WORDS; i++)
        strbuf_addf(&text, "%016llx", (unsigned long long)clock->random(clock));
    Str token = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return token;
}

Status directory_open(const DirectoryOptions *options, Directory **out, Error *err)
{
    Directory *self       = mem_calloc(1, sizeof *self);
    self->arena           = arena_new(0);
    self->options         = *options;
    self->options.node_id = str_dup(self->arena, options->node_id);
    self->options.address = str_dup(self->arena, options->address);
    self->topic  = str_printf(self->arena, "_confluent-ksql-" STR_FMT "_nodes", STR_ARG(options->service_id));
    self->token  = make_token(self->arena, options->clock);
    self->handle = -1;
    pthread_mutex_init(&self->lock, NULL);
    atomic_init(&self->stopping, false);
    int failed    = pthread_create(&self->thread, NULL, directory_main, self);
    self->running = failed == 0;
    if (failed != 0) {
        directory_close(self);
        return error_set(err, E_LIMIT, NO_POS, "cannot start a thread: %s", strerror(failed));
    }
    pthread_setname_np(self->thread, "directory");
    *out = self;
    return OK;
}

void directory_close(Directory *self)
{
    if (self == NULL)
        return;
    atomic_store(&self->stopping, true);
    if (self->running)
        pthread_join(self->thread, NULL);
    if (self->reader != NULL)
        log_reader_close(self->reader);
    while (self->entries != NULL)
        forget(self, self->entries->id);
    pthread_mutex_destroy(&self->lock);
    arena_free(self->arena);
    mem_free(self);
}
