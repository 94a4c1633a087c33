/*
 * rest_info.c - what the server says about itself (rest.md 6).
 */
#include "core/privilege.h"
#include "server/rest/rest.h"
#include "server/settings/settings.h"

static json_t *cluster_id(Rest *rest, HttpExchange *x)
{
    Str   id;
    Error ignored;
    if (log_cluster_id(engine_log(rest->engine), http_arena(x), &id, &ignored) != OK)
        return json_string("");
    return json_stringn(id.ptr, id.len);
}

static json_t *service_id(const Rest *rest)
{
    Str id = engine_service_id(rest->engine);
    return json_stringn(id.ptr, id.len);
}

void rest_root(Rest *rest, HttpExchange *x)
{
    http_set_header(x, "Location", "/info");
    http_respond(x, 307, NULL, STR_NULL);
}

void rest_info(Rest *rest, HttpExchange *x)
{
    json_t *info =
        json_pack("{s:s, s:o, s:o, s:s, s:s}", "version", KSQLDB_VERSION, "kafkaClusterId",
                  cluster_id(rest, x), "ksqlServiceId", service_id(rest), "serverStatus",
                  engine_is_degraded(rest->engine) ? "DEGRADED" : "RUNNING", "sluiceVersion", SLUICE_VERSION);
    rest_json(x, 200, json_pack("{s:o}", "KsqlServerInfo", info));
}

/* Probes come often, and each would ask the brokers: an answer holds for ksql.healthcheck.interval.ms. */
static bool kafka_answers(Rest *rest)
{
    HealthCache *health = &rest->health;
    Clock       *clock  = engine_clock(rest->engine);
    int64_t      holds  = 1000 * properties_int(rest->properties, "ksql.healthcheck.interval.ms", 5000);
    Error        ignored;
    pthread_mutex_lock(&health->lock);
    int64_t now = clock->monotonic_us(clock);
    if (health->looked_us == 0 || now - health->looked_us >= holds) {
        health->kafka     = log_ping(engine_log(rest->engine), 2000, &ignored) == OK;
        health->looked_us = now;
    }
    bool kafka = health->kafka;
    pthread_mutex_unlock(&health->lock);
    return kafka;
}

void rest_healthcheck(Rest *rest, HttpExchange *x)
{
    bool    kafka = kafka_answers(rest), commands = !engine_is_degraded(rest->engine);
    json_t *details = json_pack("{s:{s:b}, s:{s:b}, s:{s:b}}", "metastore", "isHealthy", 1, "kafka",
                                "isHealthy", (int)kafka, "commandRunner", "isHealthy", (int)commands);
    rest_json(x, 200,
              json_pack("{s:b, s:o, s:s}", "isHealthy", (int)(kafka && commands), "details", details,
                        "serverState", "READY"));
}

static json_t *scope(Rest *rest, HttpExchange *x)
{
    return json_pack("{s:{s:[], s:{s:o, s:o}}, s:s}", "scope", "path", "clusters", "kafka-cluster",
                     cluster_id(rest, x), "ksql-cluster", service_id(rest), "id", "");
}

void rest_metadata(Rest *rest, HttpExchange *x)
{
    rest_json(x, 200, json_pack("{s:s, s:o}", "version", KSQLDB_VERSION, "clusterId", scope(rest, x)));
}

void rest_metadata_id(Rest *rest, HttpExchange *x) { rest_json(x, 200, scope(rest, x)); }

void rest_alive(Rest *rest, HttpExchange *x) { http_respond(x, 200, "application/json", STR_LIT("{}")); }

/* ---- command statuses ---- */

static Str without_backticks(Arena *arena, Str text)
{
    char  *copy = arena_alloc(arena, text.len + 1);
    size_t len  = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '`')
            copy[len++] = text.ptr[i];
    return str_n(copy, len);
}

/* "stream/`S`/create" is of S: for whom S is there. */
static bool sees_command(Rest *rest, HttpExchange *x, const char *id)
{
    Session     session = {0};
    const char *first = strchr(id, '/'), *last = strrchr(id, '/');
    rest_identify(rest, x, &session);
    Str name = first != NULL && last > first ? str_n(first + 1, (size_t)(last - first - 1)) : STR_NULL;
    return engine_allows(rest->engine, &session, PRIVILEGE_ALL,
                         str_is_null(name) ? STR_NULL : without_backticks(http_arena(x), name));
}

void rest_statuses(Rest *rest, HttpExchange *x)
{
    json_t     *all = engine_command_statuses(rest->engine), *names = json_object(), *status;
    const char *id;
    json_object_foreach(all, id, status) if (sees_command(rest, x, id))
        json_object_set(names, id, json_object_get(status, "status"));
    json_decref(all);
    rest_json(x, 200, json_pack("{s:o}", "commandStatuses", names));
}

/* New reference; NULL: there is none, or none for who asks. */
static json_t *find_status(Rest *rest, HttpExchange *x, Str asked)
{
    json_t     *all = engine_command_statuses(rest->engine), *status, *found = NULL;
    const char *id;
    json_object_foreach(all, id, status)
    {
        if (str_equal(without_backticks(http_arena(x), str_c(id)), asked) && sees_command(rest, x, id)) {
            found = json_incref(status);
            break;
        }
    }
    json_decref(all);
    return found;
}

void rest_status(Rest *rest, HttpExchange *x)
{
    Arena  *arena = http_arena(x);
    Str     path = http_path(x), prefix = STR_LIT("/status/");
    Str     asked = without_backticks(arena, str_n(path.ptr + prefix.len, path.len - prefix.len));
    json_t *found = find_status(rest, x, asked);
    if (found == NULL)
        rest_error(x, 404, 40400, "Command not found");
    else
        rest_json(x, 200, found);
}

static void refuse_unknown(HttpExchange *x, Str name)
{
    Error err;
    error_set(&err, E_CONFIG, NO_POS, "Property cannot be overridden or is unknown: " STR_FMT, STR_ARG(name));
    settings_suggest(name, &err);
    rest_error(x, 400, 40000, "%s", err.message);
}

void rest_is_valid_property(Rest *rest, HttpExchange *x)
{
    Str            path = http_path(x), prefix = STR_LIT("/is_valid_property/");
    Str            name    = str_n(path.ptr + prefix.len, path.len - prefix.len);
    const Setting *setting = settings_find(name);
    Error          err;
    if (settings_check_permitted(rest->properties, name, &err) != OK)
        rest_error(x, 400, 40000, "%s", err.message);
    else if (setting == NULL && !settings_is_client_property(name) &&
             !str_starts_with(name, STR_LIT("ksql.")))
        refuse_unknown(x, name);
    else
        rest_json(x, 200, json_true());
}
