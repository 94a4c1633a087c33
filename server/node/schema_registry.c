/*
 * schema_registry.c - see schema_registry.h. The settings have Confluent's names; files are PEM, not Java's.
 */
#include "server/node/schema_registry.h"

#include "registry/registry_background.h"
#include "registry/registry_embedded.h"
#include "registry/registry_http.h"

/* NULL: not set, or empty. */
static const char *setting(const Properties *properties, const char *name, Arena *arena)
{
    Str value = properties_get_c(properties, name);
    return str_is_null(value) || value.len == 0 ? NULL : str_to_c(arena, value);
}

static Status read_user(const Properties *properties, Arena *arena, HttpClientOptions *out, Error *err)
{
    const char *source = setting(properties, "ksql.schema.registry.basic.auth.credentials.source", arena);
    const char *info   = setting(properties, "ksql.schema.registry.basic.auth.user.info", arena);
    if (info == NULL || (source != NULL && strcmp(source, "URL") == 0))
        return OK; /* libcurl takes what an address has */
    ptrdiff_t colon = str_find(str_c(info), STR_LIT(":"), 0);
    if (colon < 0)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value for configuration ksql.schema.registry.basic.auth.user.info: "
                         "expected USER:PASSWORD");
    out->user     = str_to_c(arena, str_n(info, (size_t)colon));
    out->password = info + colon + 1;
    return OK;
}

static Status open_http(const Properties *properties, Clock *clock, Arena *arena, SchemaRegistry **out,
                        Error *err)
{
    Str names = properties_get_c(properties, "ksql.schema.registry.ssl.endpoint.identification.algorithm");
    HttpClientOptions options = {
        .urls         = setting(properties, "ksql.schema.registry.url", arena),
        .token        = setting(properties, "ksql.schema.registry.bearer.auth.token", arena),
        .ca_file      = setting(properties, "ksql.schema.registry.ssl.truststore.location", arena),
        .cert_file    = setting(properties, "ksql.schema.registry.ssl.keystore.location", arena),
        .key_password = setting(properties, "ksql.schema.registry.ssl.key.password", arena),
        .any_host     = !str_is_null(names) && names.len == 0,
        .clock        = clock,
    };
    if (options.urls == NULL)
        return OK;
    TRY(read_user(properties, arena, &options, err));
    Status status = registry_http_open(&options, out, err);
    return status == E_CONFIG
               ? error_prefix(err, "Invalid value for configuration ksql.schema.registry.url: ")
               : status;
}

/* Who has a registry elsewhere wants that one; the embedded log has nobody else who could bring one. */
static Status open_embedded(const Properties *properties, Log *log, Clock *clock, Arena *arena,
                            NodeRegistry *out, Error *err)
{
    bool        on_kafka = strcmp(log_backend_name(log), "kafka") == 0;
    bool        wanted   = properties_is_true(properties, "sluice.schema.registry.embedded", !on_kafka);
    const char *topic    = setting(properties, "sluice.schema.registry.topic", arena);
    bool        asked    = setting(properties, "sluice.schema.registry.embedded", arena) != NULL;
    if (out->registry != NULL && wanted && asked)
        return error_set(
            err, E_CONFIG, NO_POS,
            "sluice.schema.registry.embedded and ksql.schema.registry.url exclude each other: there is "
            "one schema registry");
    if (out->registry != NULL || !wanted)
        return OK;
    RegistryKeeperOptions options = {
        .log      = log,
        .clock    = clock,
        .topic    = topic != NULL ? topic : "_schemas",
        .replicas = (int)properties_int(properties, "ksql.internal.topic.replicas", 1),
    };
    out->keeper   = keeper_new(&options);
    out->registry = registry_embedded_new(out->keeper, clock);
    return OK;
}

Status schema_registry_open(const Properties *properties, Log *log, Clock *clock, NodeRegistry *out,
                            Error *err)
{
    Arena *arena  = arena_new(0);
    *out          = (NodeRegistry){0};
    Status status = open_http(properties, clock, arena, &out->registry, err);
    if (status == OK)
        status = open_embedded(properties, log, clock, arena, out, err);
    if (status == OK && out->registry != NULL)
        out->background = registry_background_new(out->registry, clock);
    arena_free(arena);
    return status;
}

void schema_registry_stop(NodeRegistry *registry) { registry_stop(registry->registry); }

void schema_registry_close(NodeRegistry *registry)
{
    registry_close(registry->background);
    registry_close(registry->registry);
    keeper_free(registry->keeper);
    *registry = (NodeRegistry){0};
}
