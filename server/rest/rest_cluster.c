/*
 * rest_cluster.c - what nodes tell each other, and what they tell people of each other (rest.md 6).
 *
 * Only where the settings ask for it. A heartbeat counts if a node of the service has sent it: anybody's
 * would make a dead node look alive.
 */
#include "core/privilege.h"
#include "server/rest/rest.h"

/* It names all queries, and the topics that they read. */
bool rest_may_see_cluster(Rest *rest, HttpExchange *x)
{
    return !heartbeat_is_beating(rest->heartbeat) || rest_permits(rest, x, PRIVILEGE_DESCRIBE);
}

void rest_cluster_status(Rest *rest, HttpExchange *x)
{
    if (heartbeat_is_beating(rest->heartbeat))
        rest_json(x, 200, json_pack("{s:o}", "clusterStatus", heartbeat_cluster_status(rest->heartbeat)));
    else
        rest_error(x, 404, 40400, "Not Found: /clusterStatus is there with ksql.heartbeat.enable=true");
}

static bool may_tell(Rest *rest, HttpExchange *x, bool enabled, const char *setting)
{
    if (!enabled)
        rest_error(x, 400, 40000, STR_FMT " is served with %s=true only", STR_ARG(http_path(x)), setting);
    else if (!rest_is_from_node(rest, x))
        rest_error(x, 403, 40300, STR_FMT " is for servers of this service only", STR_ARG(http_path(x)));
    else
        return true;
    return false;
}

bool rest_may_beat(Rest *rest, HttpExchange *x)
{
    return may_tell(rest, x, heartbeat_is_beating(rest->heartbeat), "ksql.heartbeat.enable");
}

bool rest_may_report_lags(Rest *rest, HttpExchange *x)
{
    return may_tell(rest, x, heartbeat_reports_lags(rest->heartbeat), "ksql.lag.reporting.enable");
}

/* What the others may ask whatever the settings. */
bool rest_may_ask_as_node(Rest *rest, HttpExchange *x) { return may_tell(rest, x, true, ""); }

void rest_node_queries(Rest *rest, HttpExchange *x)
{
    json_t    *request = rest_request(x);
    QueryHost *host    = engine_host(rest->engine);
    if (request == NULL)
        return;
    bool positions = json_is_true(json_object_get(request, "positions"));
    json_decref(request);
    http_wait_begin(x); /* for the log, about positions */
    json_t *queries = host->describe_all != NULL ? host->describe_all(host, positions) : json_object();
    http_wait_end(x);
    rest_json(x, 200, json_pack("{s:o}", "queries", queries));
}

static void acknowledge(HttpExchange *x, json_t *message, Status status, const Error *err)
{
    json_decref(message);
    if (status == OK)
        rest_json(x, 200, json_pack("{s:b}", "ok", 1));
    else
        rest_error(x, 400, 40000, "Invalid JSON in request: %s", err->message);
}

void rest_heartbeat(Rest *rest, HttpExchange *x)
{
    Error   err;
    json_t *message = rest_request(x);
    if (message != NULL)
        acknowledge(x, message, heartbeat_hear(rest->heartbeat, message, &err), &err);
}

void rest_lag(Rest *rest, HttpExchange *x)
{
    Error   err;
    json_t *message = rest_request(x);
    if (message != NULL)
        acknowledge(x, message, heartbeat_hear_lags(rest->heartbeat, message, &err), &err);
}
