/*
 * heartbeat.c - see heartbeat.h.
 *
 * One thread sends and judges, another looks at lags, for which it has to ask the log: that may take a while,
 * and a heart must go on. Times are this node's own: when a heartbeat was heard, not what it says, so that
 * clocks need not agree. A node that has just been found counts as heard from.
 */
#include "server/peers/heartbeat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/logger.h"
#include "executor/dataflow/topology.h"
#include "server/peers/node_address.h"

enum { STEP_MS = 20, CONNECT_MS = 500, ANSWER_MS = 1000, SILENT_S = 2 };

/* What is known of one node, by its address. */
typedef struct Host Host;
struct Host {
    Host   *next;
    char   *address, *host_port; /* heap */
    int64_t heard_us;
    bool    alive;
    int64_t judged_ms;
    json_t *lags; /* "hostStoreLags"; NULL: not told */
};

struct Heartbeat {
    HeartbeatOptions options;
    bool             beats, lags;
    int64_t          send_us, check_us, window_us, lag_us;
    int64_t          missed; /* heartbeats in a row */
    Arena           *arena;
    Str              host_port;
    json_t          *own; /* {"host":..., "port":...} */
    pthread_t        thread, lag_thread;
    bool             running, lags_running;
    atomic_bool      stopping;
    bool             lags_failed; /* thread: the lags' own */
    pthread_mutex_t  lock;        /* of what follows */
    Host            *hosts;
    json_t          *own_lags; /* NULL: not looked at yet */
};

/* ---- hosts ---- */

static int64_t now_us(const Heartbeat *self)
{
    return self->options.clock->monotonic_us(self->options.clock);
}
static int64_t now_ms(const Heartbeat *self) { return self->options.clock->now_ms(self->options.clock); }

/* Lock held, here and below. NULL: unknown. */
static Host *find_host(Heartbeat *self, Str address)
{
    Host *host = self->hosts;
    while (host != NULL && !str_equal(str_c(host->address), address))
        host = host->next;
    return host;
}

static Host *find_host_port(Heartbeat *self, Str host_port)
{
    Host *host = self->hosts;
    while (host != NULL && !str_equal(str_c(host->host_port), host_port))
        host = host->next;
    return host;
}

static void host_free(Host *host)
{
    mem_free(host->address);
    mem_free(host->host_port);
    json_decref(host->lags);
    mem_free(host);
}

/* Hosts become those that the directory has. */
static size_t discover(Heartbeat *self, Arena *arena, DirectoryNode **nodes)
{
    size_t count =
        self->options.directory != NULL ? directory_list(self->options.directory, arena, nodes) : 0;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < count; i++) {
        if ((*nodes)[i].self || (*nodes)[i].address.len == 0 || find_host(self, (*nodes)[i].address) != NULL)
            continue;
        Host *host      = mem_calloc(1, sizeof *host);
        host->address   = str_to_heap((*nodes)[i].address);
        host->host_port = str_to_heap(node_address_host_port((*nodes)[i].address, arena));
        host->heard_us  = now_us(self);
        host->judged_ms = now_ms(self);
        host->alive     = true;
        host->next      = self->hosts;
        self->hosts     = host;
    }
    for (Host **at = &self->hosts; *at != NULL;) {
        bool  there = false;
        Host *host  = *at;
        for (size_t i = 0; i < count && !there; i++)
            there = str_equal((*nodes)[i].address, str_c(host->address));
        if (there) {
            at = &host->next;
            continue;
        }
        *at = host->next;
        host_free(host);
    }
    pthread_mutex_unlock(&self->lock);
    return count;
}

bool heartbeat_counts_as_alive(int64_t silent_us, int64_t send_us, int64_t window_us, int64_t threshold)
{
    return silent_us < window_us && silent_us / send_us < threshold;
}

static void judge(Heartbeat *self)
{
    int64_t now = now_us(self);
    pthread_mutex_lock(&self->lock);
    for (Host *host = self->hosts; host != NULL; host = host->next) {
        bool alive =
            heartbeat_counts_as_alive(now - host->heard_us, self->send_us, self->window_us, self->missed);
        if (alive != host->alive)
            log_line(alive ? LOG_INFO : LOG_WARN, "the node at %s %s", host->address,
                     alive ? "is heard again" : "is not heard any more");
        host->alive     = alive;
        host->judged_ms = now_ms(self);
    }
    pthread_mutex_unlock(&self->lock);
}

/* ---- telling ---- */

static void tell(Heartbeat *self, Str address, const char *path, const char *body, Arena *arena)
{
    Str         credential = directory_credential(self->options.directory, arena);
    const char *headers[]  = {
         "Content-Type: application/json",
         str_to_c(arena, str_printf(arena, DIRECTORY_HEADER ": " STR_FMT, STR_ARG(credential)))};
    Str         url     = str_printf(arena, STR_FMT "%s", STR_ARG(address), path);
    PeerRequest request = {.url          = str_to_c(arena, url),
                           .headers      = headers,
                           .header_count = ARRAY_LEN(headers),
                           .body         = str_c(body),
                           .connect_ms   = CONNECT_MS,
                           .answer_ms    = ANSWER_MS,
                           .silent_s     = SILENT_S};
    peer_client_tell(self->options.peers, &request); /* too many are under way: this one is missed */
}

static void tell_all(Heartbeat *self, const DirectoryNode *nodes, size_t count, const char *path,
                     json_t *json, Arena *arena)
{
    char *body = json_dumps(json, JSON_COMPACT);
    for (size_t i = 0; i < count && body != NULL; i++)
        if (!nodes[i].self && nodes[i].address.len > 0)
            tell(self, nodes[i].address, path, body, arena);
    free(body); /* jansson's */
    json_decref(json);
}

/* ---- lags ---- */

/* "<group>#<store>": {"lagByPartition": {"0": ...}, "size": 1}. */
static json_t *lags_of_store(Heartbeat *self, json_t *stores, const StoreLag *lag, Arena *arena)
{
    Str   group = topology_application_id(self->options.service_id, lag->query_id, arena);
    char *name = str_to_c(arena, str_printf(arena, STR_FMT "#" STR_FMT, STR_ARG(group), STR_ARG(lag->store)));
    json_t *store = json_object_get(stores, name);
    if (store == NULL) {
        store = json_pack("{s:{}, s:i}", "lagByPartition", "size", 0);
        json_object_set_new(stores, name, store);
    }
    return store;
}

static json_t *lags_json(Heartbeat *self, const StoreLag *lags, size_t count, Arena *arena)
{
    json_t *stores = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *store = lags_of_store(self, stores, &lags[i], arena);
        json_t *parts = json_object_get(store, "lagByPartition");
        int64_t lag   = lags[i].end - lags[i].position;
        char    number[16];
        snprintf(number, sizeof number, "%d", lags[i].partition);
        json_object_set_new(parts, number,
                            json_pack("{s:I, s:I, s:I}", "currentOffsetPosition",
                                      (json_int_t)lags[i].position, "endOffsetPosition",
                                      (json_int_t)lags[i].end, "offsetLag", (json_int_t)(lag > 0 ? lag : 0)));
        json_object_set_new(store, "size", json_integer((json_int_t)json_object_size(parts)));
    }
    return json_pack("{s:o, s:I}", "stateStoreLags", stores, "updateTimeMs", (json_int_t)now_ms(self));
}

static void report_lags(Heartbeat *self, const DirectoryNode *nodes, size_t node_count, Arena *arena)
{
    StoreLag *lags;
    size_t    count;
    Error     err;
    bool      failed = runtime_store_lags(self->options.runtime, arena, &lags, &count, &err) != OK;
    if (failed && !self->lags_failed)
        log_line(LOG_WARN, "the lags of this node's tables cannot be told: %s", err.message);
    self->lags_failed = failed;
    if (failed)
        return;
    json_t *json = lags_json(self, lags, count, arena);
    pthread_mutex_lock(&self->lock);
    json_decref(self->own_lags);
    self->own_lags = json_deep_copy(json);
    pthread_mutex_unlock(&self->lock);
    tell_all(self, nodes, node_count, "/lag",
             json_pack("{s:O, s:o}", "ksqlHost", self->own, "hostStoreLags", json), arena);
}

/* ---- the thread ---- */

static bool is_due(int64_t *next, int64_t now, int64_t interval)
{
    if (now < *next)
        return false;
    *next = now + interval;
    return true;
}

static void nap(void)
{
    const struct timespec pause = {0, STEP_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static void *beat_main(void *argument)
{
    Heartbeat *self = argument;
    int64_t    send = 0, check = 0;
    Arena     *arena = arena_new(0);
    while (!atomic_load(&self->stopping)) {
        int64_t now = now_us(self);
        if (is_due(&send, now, self->send_us)) {
            DirectoryNode *nodes = NULL;
            size_t         count = discover(self, arena, &nodes);
            tell_all(self, nodes, count, "/heartbeat",
                     json_pack("{s:O, s:I}", "hostInfo", self->own, "timestamp", (json_int_t)now_ms(self)),
                     arena);
            arena_reset(arena);
        }
        if (is_due(&check, now, self->check_us))
            judge(self);
        nap();
    }
    arena_free(arena);
    return NULL;
}

static void *lag_main(void *argument)
{
    Heartbeat *self  = argument;
    int64_t    next  = 0;
    Arena     *arena = arena_new(0);
    while (!atomic_load(&self->stopping)) {
        if (is_due(&next, now_us(self), self->lag_us)) {
            DirectoryNode *nodes = NULL;
            size_t         count = discover(self, arena, &nodes);
            report_lags(self, nodes, count, arena);
            arena_reset(arena);
        }
        nap();
    }
    arena_free(arena);
    return NULL;
}

static void read_settings(Heartbeat *self)
{
    const Properties *p = self->options.properties;
    self->beats         = properties_is_true(p, "ksql.heartbeat.enable", false);
    self->lags          = properties_is_true(p, "ksql.lag.reporting.enable", false);
    self->send_us       = 1000 * properties_int(p, "ksql.heartbeat.send.interval.ms", 100);
    self->check_us      = 1000 * properties_int(p, "ksql.heartbeat.check.interval.ms", 200);
    self->window_us     = 1000 * properties_int(p, "ksql.heartbeat.window.ms", 2000);
    self->missed        = properties_int(p, "ksql.heartbeat.missed.threshold.ms", 3);
    self->lag_us        = 1000 * properties_int(p, "ksql.lag.reporting.send.interval.ms", 5000);
}

Status heartbeat_open(const HeartbeatOptions *options, Heartbeat **out, Error *err)
{
    Heartbeat *self = mem_calloc(1, sizeof *self);
    Str        host = STR_NULL;
    int        port = 0;
    self->options   = *options;
    *out            = NULL;
    read_settings(self);
    if (!self->beats && !self->lags) {
        mem_free(self);
        return OK;
    }
    self->arena           = arena_new(0);
    self->options.address = str_dup(self->arena, options->address);
    self->host_port       = node_address_host_port(options->address, self->arena);
    node_address_split(self->options.address, &host, &port);
    self->own = json_pack("{s:s%, s:i}", "host", host.ptr != NULL ? host.ptr : "", host.len, "port", port);
    pthread_mutex_init(&self->lock, NULL);
    atomic_init(&self->stopping, false);
    self->running      = self->beats && pthread_create(&self->thread, NULL, beat_main, self) == 0;
    self->lags_running = self->lags && pthread_create(&self->lag_thread, NULL, lag_main, self) == 0;
    if (self->running != self->beats || self->lags_running != self->lags) {
        heartbeat_close(self);
        return error_set(err, E_LIMIT, NO_POS, "cannot start a thread for heartbeats or lags");
    }
    *out = self;
    return OK;
}

void heartbeat_close(Heartbeat *self)
{
    if (self == NULL)
        return;
    atomic_store(&self->stopping, true);
    if (self->running)
        pthread_join(self->thread, NULL);
    if (self->lags_running)
        pthread_join(self->lag_thread, NULL);
    for (Host *host = self->hosts, *next; host != NULL; host = next) {
        next = host->next;
        host_free(host);
    }
    json_decref(self->own_lags);
    json_decref(self->own);
    pthread_mutex_destroy(&self->lock);
    arena_free(self->arena);
    mem_free(self);
}

bool heartbeat_is_beating(const Heartbeat *self) { return self != NULL && self->beats; }
bool heartbeat_reports_lags(const Heartbeat *self) { return self != NULL && self->lags; }

/* ---- hearing ---- */

/* "host:port" of {"host":..., "port":...}. */
static Status read_host(const json_t *info, Arena *arena, Str *out, Error *err)
{
    const json_t *host = json_object_get(info, "host"), *port = json_object_get(info, "port");
    if (!json_is_string(host) || !json_is_integer(port))
        return error_set(err, E_DATA, NO_POS, "a host and its port are wanted");
    *out = str_printf(arena, "%s:%lld", json_string_value(host), (long long)json_integer_value(port));
    return OK;
}

Status heartbeat_hear(Heartbeat *self, const json_t *message, Error *err)
{
    Arena *arena     = arena_new(0);
    Str    host_port = STR_NULL;
    Status status    = read_host(json_object_get(message, "hostInfo"), arena, &host_port, err);
    pthread_mutex_lock(&self->lock);
    Host *host = status == OK ? find_host_port(self, host_port) : NULL;
    if (host != NULL)
        host->heard_us = now_us(self);
    pthread_mutex_unlock(&self->lock);
    arena_free(arena);
    return status;
}

Status heartbeat_hear_lags(Heartbeat *self, const json_t *message, Error *err)
{
    Arena        *arena     = arena_new(0);
    Str           host_port = STR_NULL;
    const json_t *lags      = json_object_get(message, "hostStoreLags");
    Status        status    = read_host(json_object_get(message, "ksqlHost"), arena, &host_port, err);
    if (status == OK && !json_is_object(json_object_get(lags, "stateStoreLags")))
        status = error_set(err, E_DATA, NO_POS, "hostStoreLags with stateStoreLags is wanted");
    pthread_mutex_lock(&self->lock);
    Host *host = status == OK ? find_host_port(self, host_port) : NULL;
    if (host != NULL) {
        json_decref(host->lags);
        host->lags = json_deep_copy(lags);
    }
    pthread_mutex_unlock(&self->lock);
    arena_free(arena);
    return status;
}

bool heartbeat_is_alive(Heartbeat *self, Str address)
{
    if (!heartbeat_is_beating(self))
        return true;
    pthread_mutex_lock(&self->lock);
    const Host *host  = find_host(self, address);
    bool        alive = host == NULL || host->alive;
    pthread_mutex_unlock(&self->lock);
    return alive;
}

/* ---- telling people ---- */

static json_t *json_text(Str text) { return json_stringn(text.ptr, text.len); }

static json_t *stores_json(const QueryShare *share)
{
    json_t *stores = json_array();
    for (size_t i = 0; i < share->store_count; i++)
        json_array_append_new(stores, json_text(share->stores[i]));
    return stores;
}

static json_t *places_json(const QueryShare *share)
{
    json_t *places = json_array();
    for (size_t i = 0; i < share->place_count; i++)
        json_array_append_new(places, json_pack("{s:o, s:i}", "topic", json_text(share->places[i].topic),
                                                "partition", share->places[i].partition));
    return places;
}

static const QueryShare *share_of(const QueryShare *shares, size_t count, Str query_id)
{
    static const QueryShare none = {0};
    for (size_t i = 0; i < count; i++)
        if (str_equal(shares[i].query_id, query_id))
            return &shares[i];
    return &none;
}

/* What runs in the slots, and what stands by where the node has these ranks (NULL: nowhere). */
static json_t *shares_json(Heartbeat *self, const int *slots, size_t slot_count, const int *ranks,
                           Arena *arena)
{
    Runtime    *runtime = self->options.runtime;
    QueryShare *shares, *copies = NULL;
    json_t     *json       = json_object();
    size_t      copy_count = 0, count = runtime_query_shares(runtime, slots, slot_count, arena, &shares);
    if (ranks != NULL)
        copy_count = runtime_standby_shares(runtime, ranks, runtime_slot_count(runtime), arena, &copies);
    for (size_t i = 0; i < count; i++) {
        const QueryShare *copy = share_of(copies, copy_count, shares[i].query_id);
        if (shares[i].place_count + copy->place_count > 0)
            json_object_set_new(json, str_to_c(arena, shares[i].query_id),
                                json_pack("{s:o, s:o, s:o, s:o}", "activeStores", stores_json(&shares[i]),
                                          "activePartitions", places_json(&shares[i]), "standByStores",
                                          stores_json(copy), "standByPartitions", places_json(copy)));
    }
    return json;
}

/* What a host that is not heard has told of its stores was true once. */
static void add_status(json_t *all, Str host_port, bool alive, int64_t judged_ms, json_t *shares,
                       const json_t *lags, Arena *arena)
{
    json_t *told = lags != NULL && alive ? json_deep_copy(lags)
                                         : json_pack("{s:{}, s:i}", "stateStoreLags", "updateTimeMs", 0);
    json_object_set_new(all, str_to_c(arena, host_port),
                        json_pack("{s:b, s:I, s:o, s:o}", "hostAlive", (int)alive, "lastStatusUpdateMs",
                                  (json_int_t)judged_ms, "activeStandbyPerQuery", shares, "hostStoreLags",
                                  told));
}

static void add_self(Heartbeat *self, json_t *all, const int *ranks, Arena *arena)
{
    int   *slots;
    size_t count;
    runtime_owned_slots(self->options.runtime, arena, &slots, &count);
    json_t *shares = shares_json(self, slots, count, ranks, arena);
    pthread_mutex_lock(&self->lock);
    add_status(all, self->host_port, true, now_ms(self), shares, self->own_lags, arena);
    pthread_mutex_unlock(&self->lock);
}

json_t *heartbeat_cluster_status(Heartbeat *self)
{
    DirectoryNode *nodes = NULL;
    json_t        *all   = json_object();
    Arena         *arena = arena_new(0);
    size_t         count = discover(self, arena, &nodes);
    const int     *ranks = NULL;
    for (size_t i = 0; i < count; i++)
        if (nodes[i].self)
            ranks = nodes[i].ranks;
    add_self(self, all, ranks, arena);
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].self || nodes[i].address.len == 0)
            continue;
        json_t *shares = shares_json(self, nodes[i].slots, nodes[i].slot_count, nodes[i].ranks, arena);
        pthread_mutex_lock(&self->lock);
        const Host *host = find_host(self, nodes[i].address);
        if (host != NULL)
            add_status(all, str_c(host->host_port), host->alive, host->judged_ms, shares, host->lags, arena);
        else
            json_decref(shares);
        pthread_mutex_unlock(&self->lock);
    }
    arena_free(arena);
    return all;
}
