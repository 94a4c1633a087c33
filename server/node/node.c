/*
 * node.c - opening and closing what a process consists of, in the order in which one part needs another.
 *
 * REST listens before the command log is replayed: until then it answers "not yet ready" (rest.md 7).
 */
#include "server/node/node.h"

#include <unistd.h>

#include "core/logger.h"
#include "core/notice.h"
#include "server/cluster/command_log.h"
#include "server/connect/connect_settings.h"
#include "server/engine/kept_plans.h"
#include "server/node/audit_log.h"
#include "server/node/headless.h"
#include "server/node/host_runtime.h"
#include "server/http/http.h"
#include "server/node/processing_log.h"
#include "server/node/reach.h"
#include "server/rest/rest.h"
#include "server/statements/statements.h"
#include "server/settings/settings.h"
#include "server/node/schema_registry.h"
#include "server/peers/node_address.h"
#include "server/node/state_dir.h"
#include "server/node/tls_settings.h"

enum { REST_THREADS = 8 };

/* `ksql.functions.*` for functions. */
typedef struct {
    FnConfig          base;
    const Properties *properties;
} NodeFnConfig;

struct Node {
    const Properties *properties;
    NodeFnConfig      functions;
    Arena            *arena;
    Str               service_id;
    StateDir          dir;
    Log              *log;
    NodeRegistry      registry;
    ConnectSettings  *connect; /* NULL: none is configured */
    ProcessingLog    *processing;
    Runtime          *runtime;
    HostRuntime      *host;
    Engine           *engine;
    CommandLog       *commands;
    Authentication   *authentication; /* NULL: everybody may ask */
    AuditLog         *audit;          /* NULL: nothing is noted */
    Directory        *directory;      /* NULL: there are no other nodes */
    Heartbeat        *heartbeat;      /* NULL: not asked for */
    Rest              rest;
    bool              has_rest, logs_to_file;
    HttpServer       *http;
    int               port;
    bool              certified;    /* an https listener is there */
    uint64_t          certificates; /* its files as they were last looked at */
};

/* ---- parts ---- */

static Str function_setting(const FnConfig *self, Str key)
{
    return properties_get(((const NodeFnConfig *)self)->properties, key);
}

/* Takes the prefix off that says which client of Kafka's a property is for. */
static bool take_prefix(Str *name)
{
    static const char *const prefixes[] = {"consumer.", "producer.", "admin."};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts_with(*name, str_c(prefixes[i]))) {
            *name = str_n(name->ptr + strlen(prefixes[i]), name->len - strlen(prefixes[i]));
            return true;
        }
    return false;
}

/* Settings of ours that are Kafka's clients' at the same time. */
static bool is_shared(Str name, bool tls)
{
    return str_equal(name, STR_LIT("bootstrap.servers")) || (tls && str_starts_with(name, STR_LIT("ssl.")));
}

/* Whatever is no setting of ours goes to librdkafka. What has a prefix comes last, for it is meant for Kafka
 * alone where ssl.* without one is also the listeners'. */
static size_t client_properties(const Properties *properties, Arena *arena, LogConfig **out)
{
    size_t count = properties_count(properties), used = 0;
    bool   tls = tls_settings_are_kafkas(properties);
    Str    name, value;
    *out = ARENA_ARRAY(arena, LogConfig, count + 1);
    for (int prefixed = 0; prefixed <= 1; prefixed++)
        for (size_t i = 0; i < count; i++) {
            properties_at(properties, i, &name, &value);
            bool for_kafka = take_prefix(&name);
            bool shared = is_shared(name, tls || for_kafka), ours = settings_find(name) != NULL;
            bool wanted = shared || (!ours && (for_kafka || settings_is_client_property(name)));
            if (wanted && for_kafka == (prefixed == 1))
                (*out)[used++] = (LogConfig){str_to_c(arena, name), str_to_c(arena, value)};
        }
    return used;
}

static Status open_log(Node *node, Clock *clock, Error *err)
{
    LogConfig *configs;
    Str        servers = properties_get_c(node->properties, "bootstrap.servers");
    if (!str_is_null(servers) && servers.len > 0) {
        size_t count = client_properties(node->properties, node->arena, &configs);
        return log_open_kafka(configs, count, &node->log, err);
    }
    TRY(state_dir_check_log(node->dir.path, err));
    return log_open_embedded(str_to_c(node->arena, str_printf(node->arena, "%s/log.db", node->dir.path)),
                             clock, &node->log, err);
}

static const char *extension_dir(const Node *node)
{
    Str directory = properties_get_c(node->properties, "ksql.extension.dir");
    if (str_is_null(directory) || directory.len == 0 ||
        !properties_is_true(node->properties, "ksql.udfs.enabled", true))
        return NULL;
    return str_to_c(node->arena, directory);
}

static bool is_exactly_once(const Properties *properties)
{
    Str guarantee = properties_get_c(properties, "processing.guarantee");
    return !str_is_null(guarantee) && str_starts_with(guarantee, STR_LIT("exactly_once"));
}

static Status open_runtime(Node *node, Clock *clock, Error *err)
{
    const Properties *p       = node->properties;
    RuntimeOptions    options = {
           .registry            = node->registry.background,
           .log                 = node->log,
           .clock               = clock,
           .functions_config    = &node->functions.base,
           .state_dir           = node->dir.service_path,
           .service_id          = node->service_id,
           .node_id             = str_c(node->dir.node_id),
           .workers             = (int)properties_int(p, "num.stream.threads", 0),
           .exactly_once        = is_exactly_once(p),
           .commit_interval_ms  = (int)properties_int(p, "commit.interval.ms", -1),
           .cache_bytes         = (size_t)properties_int(p, "cache.max.bytes.buffering", CACHE_BYTES_DEFAULT),
           .cache_by_default    = !properties_is_said(p, "cache.max.bytes.buffering"),
           .state_memory_bytes  = (size_t)properties_int(p, "ksql.state.memory.max.bytes", 0),
           .internal_replicas   = (int)properties_int(p, "replication.factor",
                                                      properties_int(p, "ksql.internal.topic.replicas", 1)),
           .metadata_max_age_ms = (int)properties_int(p, "metadata.max.age.ms", 30000),
           .retry_backoff_initial_ms   = (int)properties_int(p, "ksql.query.retry.backoff.initial.ms", 15000),
           .retry_backoff_max_ms       = (int)properties_int(p, "ksql.query.retry.backoff.max.ms", 900000),
           .throw_on_invalid_timestamp = properties_is_true(p, "ksql.timestamp.throw.on.invalid", false),
           .joins_later                = true,
           .skipped                    = processing_log_skipped,
           .context                    = node->processing,
    };
    return runtime_open(&options, &node->runtime, err);
}

static Status listen_on(Node *node, Str url, Error *err)
{
    int port;
    TRY(http_listen(node->http, url, &port, err));
    bool certified = str_starts_with(url, STR_LIT("https:")) && tls_settings_ask_everybody(node->properties);
    reach_tell(url, port, node->authentication != NULL || certified);
    if (node->port == 0)
        node->port = port;
    return OK;
}

void node_look_at_certificates(Node *node, bool told)
{
    Error err;
    bool  watches = properties_is_true(node->properties, "ssl.keystore.reload", false);
    if (!node->certified || (!told && !watches))
        return;
    uint64_t stamp = tls_settings_stamp(node->properties);
    if (!told && stamp == node->certificates)
        return;
    node->certificates = stamp;
    if (tls_settings_apply_again(node->properties, node->http, &err) == OK)
        log_line(LOG_INFO, "certificates were read again: connections that are made from now on see them");
    else
        log_line(LOG_ERROR, "certificates are as they were, for the files cannot be used: %s", err.message);
}

static Status listen_on_all(Node *node, Str listeners, Error *err)
{
    node->certified    = str_find(listeners, STR_LIT("https://"), 0) >= 0;
    node->certificates = tls_settings_stamp(node->properties);
    TRY(tls_settings_apply(node->properties, listeners, node->http, err));
    for (size_t at = 0; at < listeners.len;) {
        const char *comma = memchr(listeners.ptr + at, ',', listeners.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - listeners.ptr) : listeners.len;
        TRY(listen_on(node, str_trim(str_n(listeners.ptr + at, end - at)), err));
        at = end + 1;
    }
    return OK;
}

/* Who nobody asked has no roles. */
static Status check_authorization(Node *node, Error *err)
{
    Str method            = properties_get_c(node->properties, "sluice.authorization.method");
    node->rest.authorizes = str_equal_nocase(method, STR_LIT("GRANTS"));
    Str  admins           = properties_get_c(node->properties, "sluice.authorization.admins");
    bool certificates     = tls_settings_ask(node->properties);
    if (!node->rest.authorizes && admins.len > 0)
        return error_set(err, E_CONFIG, NO_POS,
                         "sluice.authorization.admins has no effect without "
                         "sluice.authorization.method=GRANTS");
    if (node->rest.authorizes && node->authentication == NULL && !certificates)
        return error_set(err, E_CONFIG, NO_POS,
                         "sluice.authorization.method=GRANTS needs to know who asks: set "
                         "authentication.method, or ssl.client.authentication");
    if (node->rest.authorizes && node->authentication == NULL && admins.len == 0)
        return error_set(err, E_CONFIG, NO_POS,
                         "sluice.authorization.method=GRANTS needs somebody who grants: set "
                         "sluice.authorization.admins to the subject of a certificate");
    return OK;
}

static Status open_rest(Node *node, const NodeOptions *options, Error *err)
{
    HttpOptions http = {
        .context      = &node->rest,
        .admit        = rest_admit,
        .handle       = rest_handle,
        .quick        = rest_quick,
        .streams_body = rest_streams_body,
        .max_body     = REST_MAX_BODY,
        .threads      = REST_THREADS,
        .working      = (int)properties_int(node->properties, "ksql.query.pull.thread.pool.size", 50),
        .idle_timeout_s =
            (int)properties_int(node->properties, "ksql.idle.connection.timeout.seconds", 86400),
        .spill_dir = node->dir.path};
    TRY(authentication_open(node->properties, engine_clock(node->engine), &node->authentication, err));
    rest_init(&node->rest, node->engine, node->runtime, node->properties, &node->functions.base);
    node->has_rest            = true;
    node->rest.headless       = options->queries_file != NULL;
    node->rest.registry       = node->registry.keeper;
    node->rest.authentication = node->authentication;
    TRY(audit_log_open(node->log, engine_clock(node->engine), node->properties, str_c(node->dir.node_id),
                       &node->audit, err));
    node->rest.audit = audit_log_sink(node->audit);
    TRY(check_authorization(node, err));
    TRY(http_open(&http, &node->http, err));
    return options->listener != NULL
               ? listen_on(node, str_c(options->listener), err)
               : listen_on_all(node, properties_get_c(node->properties, "listeners"), err);
}

/* A log of its own has no other nodes. */
static Status open_directory(Node *node, Str address, Error *err)
{
    DirectoryOptions directory = {
        .log        = node->log,
        .runtime    = node->runtime,
        .clock      = clock_system(),
        .service_id = node->service_id,
        .node_id    = str_c(node->dir.node_id),
        .address    = address,
        .replicas   = (int)properties_int(node->properties, "ksql.internal.topic.replicas", 1)};
    Str servers = properties_get_c(node->properties, "bootstrap.servers");
    if (str_is_null(servers) || servers.len == 0)
        return OK;
    return directory_open(&directory, &node->directory, err);
}

/* Other nodes are found and answered once this one serves. One without REST cannot be asked, and looks for
 * others only for its queries' standbys, which follow from the directory. */
static Status open_peers(Node *node, const NodeOptions *options, Error *err)
{
    Str listeners = options->listener != NULL ? str_c(options->listener)
                                              : properties_get_c(node->properties, "listeners");
    Str address   = STR_NULL;
    if (!node->has_rest)
        return runtime_wants_standbys(node->runtime) ? open_directory(node, STR_LIT(""), err) : OK;
    TRY(node_address(node->properties, listeners, node->port, node->arena, &address, err));
    TRY(open_directory(node, address, err));
    HeartbeatOptions heartbeat = {.directory  = node->directory,
                                  .peers      = node->rest.peers,
                                  .runtime    = node->runtime,
                                  .clock      = clock_system(),
                                  .properties = node->properties,
                                  .service_id = node->service_id,
                                  .address    = address};
    TRY(heartbeat_open(&heartbeat, &node->heartbeat, err));
    if (node->directory != NULL)
        host_runtime_meet(node->host, node->directory, node->rest.peers, address);
    node->rest.directory = node->directory;
    node->rest.heartbeat = node->heartbeat;
    return OK;
}

/* ---- what runs ---- */

/* Queries start once all commands are known. */
static Status replay(Node *node, Error *err)
{
    host_runtime_hold(node->host);
    TRY(command_log_replay(node->commands, err));
    return host_runtime_release(node->host, err);
}

static Status ping(Node *node, Error *err)
{
    enum { PING_MS = 3000 };
    return log_ping(node->log, PING_MS, err);
}

/* What only the log stands in the way of is tried again until it is there, or somebody tells us to stop. */
static Status until_available(Node *node, const NodeOptions *options, const char *what,
                              Status (*attempt)(Node *node, Error *err), Error *err)
{
    Status status;
    Notice trouble = {0};
    Clock *clock   = clock_system();
    while ((status = attempt(node, err)) == E_IO || status == E_BUSY) {
        if (options->interrupted == NULL)
            return status;
        if (notice_due(&trouble, str_c(err->message), clock->monotonic_us(clock)))
            log_line(LOG_WARN, "%s is not available, waiting for it: %s", what, err->message);
        sleep(1); /* a call that failed has waited for longer */
        if (options->interrupted())
            return error_set(err, E_CANCELLED, NO_POS, "told to stop before %s was available", what);
    }
    return status;
}

static Status run_commands(Node *node, const NodeOptions *options, Error *err)
{
    CommandLogOptions commands = {.log         = node->log,
                                  .engine      = node->engine,
                                  .properties  = node->properties,
                                  .service_id  = node->service_id,
                                  .interrupted = options->interrupted};
    node->commands             = command_log_new(&commands);
    TRY(until_available(node, options, "the command topic", replay, err));
    command_log_follow(node->commands);
    return OK;
}

/* A file's statements are carried out once: the log has to be there when the first of them asks for it. */
static Status run_file(Node *node, const NodeOptions *options, Error *err)
{
    KeptPlans *kept;
    char      *path =
        str_to_c(node->arena, str_printf(node->arena, "%s/" NODE_PLANS_FILE, node->dir.service_path));
    TRY(until_available(node, options, "the log", ping, err));
    TRY(kept_plans_open(path, engine_functions(node->engine), &kept, err));
    engine_set_kept_plans(node->engine, kept);
    Status status = headless_run(node->engine, options->queries_file, err);
    engine_set_kept_plans(node->engine, NULL);
    if (status == OK)
        status = kept_plans_save(kept, err);
    kept_plans_close(kept);
    return status;
}

/* It has answered by now, or there is nothing to be lost. */
static void know_log(Node *node)
{
    Str   id;
    Error err;
    if (log_cluster_id(node->log, node->arena, &id, &err) == OK)
        runtime_know_log(node->runtime, id);
    else
        log_line(LOG_WARN,
                 "which log this is was not answered, so whether the state files were made from it is "
                 "not checked: %s",
                 err.message);
}

static void make_processing_stream(Node *node)
{
    Str topic = processing_log_topic(node->processing);
    if (str_is_null(topic) ||
        !properties_is_true(node->properties, "ksql.logging.processing.stream.auto.create", false))
        return;
    static const char error_type[] = "STRUCT<target VARCHAR, errorMessage VARCHAR, recordB64 VARCHAR, cause "
                                     "ARRAY<VARCHAR>, `TOPIC` VARCHAR>";
    Str               text         = str_printf(node->arena,
                                                "CREATE STREAM IF NOT EXISTS KSQL_PROCESSING_LOG (logger VARCHAR, level VARCHAR, "
                                                                      "time BIGINT, message STRUCT<type INT, "
                                                                      "deserializationError %s, recordProcessingError STRUCT<errorMessage VARCHAR, "
                                                                      "record VARCHAR, cause ARRAY<VARCHAR>>, "
                                                                      "productionError STRUCT<errorMessage VARCHAR>, serializationError STRUCT<target "
                                                                      "VARCHAR, errorMessage VARCHAR, record "
                                                                      "VARCHAR, cause ARRAY<VARCHAR>, `TOPIC` VARCHAR>, kafkaStreamsThreadError "
                                                                      "STRUCT<errorMessage VARCHAR, threadName VARCHAR, "
                                                                      "cause ARRAY<VARCHAR>>>) WITH (KAFKA_TOPIC='" STR_FMT "', VALUE_FORMAT='JSON');",
                                                error_type, STR_ARG(topic));
    Session           session;
    json_t           *entities = json_array();
    Error             err;
    session_init(&session, node->engine);
    if (engine_execute(node->engine, &session, text, node->arena, entities, NULL, NULL, &err) != OK)
        log_line(LOG_ERROR, "the stream over the processing log cannot be made: %s", err.message);
    session_clear(&session);
    json_decref(entities);
}

static Status open_log_file(Node *node, Error *err)
{
    node->logs_to_file = true;
    return log_to_file(str_to_c(node->arena, str_printf(node->arena, "%s/" NODE_LOG_FILE, node->dir.path)),
                       err);
}

/* Said before anything is waited for: who finds a server that does not come up sees what it waits for. */
static void tell_where(const Node *node, const NodeOptions *options)
{
    StrBuf text       = {0};
    char  *folder     = realpath(node->dir.path, NULL); /* as others find it */
    Str    servers    = properties_get_c(node->properties, "bootstrap.servers"),
        listeners     = options->listener != NULL ? str_c(options->listener)
                                                  : properties_get_c(node->properties, "listeners");
    const char *where = folder != NULL ? folder : node->dir.path;
    strbuf_addf(&text, "Sluice " SLUICE_VERSION ", service " STR_FMT ", ", STR_ARG(node->service_id));
    if (str_is_null(servers) || servers.len == 0)
        strbuf_addf(&text, "with a log of its own in %s/log.db, state in %s", where, where);
    else
        strbuf_addf(&text, "on Kafka at " STR_FMT ", state in %s", STR_ARG(servers), where);
    if (options->serve)
        strbuf_addf(&text, ", listeners " STR_FMT, STR_ARG(listeners));
    log_line(LOG_INFO, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    free(folder);
}

static Status open_parts(Node *node, const NodeOptions *options, Error *err)
{
    Clock *clock = clock_system();
    Str    path  = properties_get_c(node->properties, "state.dir");
    TRY(state_dir_open(&node->dir, str_to_c(node->arena, path), clock, err));
    if (options->log_to_file)
        TRY(open_log_file(node, err));
    tell_where(node, options);
    TRY(connect_settings_open(node->properties, clock, &node->connect, err));
    TRY(open_log(node, clock, err));
    TRY(state_dir_take_service(&node->dir, node->service_id, options->queries_file != NULL, err));
    TRY(schema_registry_open(node->properties, node->log, clock, &node->registry, err));
    node->processing = processing_log_open(node->log, clock, node->properties, node->service_id);
    TRY(open_runtime(node, clock, err));
    node->host =
        host_runtime_new(node->runtime, node->log,
                         (size_t)properties_int(node->properties, "ksql.query.error.max.queue.size", 10));
    EngineOptions engine = {.log             = node->log,
                            .registry        = node->registry.registry,
                            .connect         = node->connect,
                            .host            = host_runtime_base(node->host),
                            .statement_class = statement_class,
                            .clock           = clock,
                            .properties      = node->properties,
                            .service_id      = node->service_id,
                            .extension_dir   = extension_dir(node)};
    TRY(engine_open(&engine, &node->engine, err));
    if (options->serve)
        TRY(open_rest(node, options, err));
    if (options->queries_file != NULL)
        TRY(run_file(node, options, err));
    else
        TRY(run_commands(node, options, err));
    know_log(node);
    runtime_join(node->runtime);
    make_processing_stream(node);
    TRY(open_peers(node, options, err));
    if (node->has_rest)
        atomic_store(&node->rest.ready, true);
    return OK;
}

Status node_open(const NodeOptions *options, Node **out, Error *err)
{
    Node *node       = mem_calloc(1, sizeof *node);
    node->arena      = arena_new(0);
    node->dir.lock   = -1;
    node->properties = options->properties;
    node->functions  = (NodeFnConfig){{function_setting}, options->properties};
    node->service_id = str_dup(node->arena, properties_get_c(options->properties, "ksql.service.id"));
    Status status    = open_parts(node, options, err);
    if (status != OK) {
        node_close(node);
        return status;
    }
    *out = node;
    return OK;
}

void node_close(Node *node)
{
    if (node == NULL)
        return;
    schema_registry_stop(&node->registry);
    http_close(node->http);
    heartbeat_close(node->heartbeat);
    directory_close(node->directory);
    if (node->has_rest)
        rest_clear(&node->rest);
    authentication_close(node->authentication);
    audit_log_close(node->audit);
    command_log_stop(node->commands);
    runtime_close(node->runtime); /* before the plans go: it commits */
    engine_close(node->engine);
    command_log_close(node->commands);
    host_runtime_free(node->host);
    processing_log_close(node->processing);
    schema_registry_close(&node->registry);
    log_close(node->log);
    connect_settings_free(node->connect);
    if (node->logs_to_file)
        log_to_stderr();
    state_dir_close(&node->dir);
    arena_free(node->arena);
    mem_free(node);
}

Engine           *node_engine(Node *node) { return node->engine; }
const Properties *node_properties(const Node *node) { return node->properties; }
int               node_port(const Node *node) { return node->port; }
bool              node_is_idle(Node *node) { return runtime_is_idle(node->runtime); }
