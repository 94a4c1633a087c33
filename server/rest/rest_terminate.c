/*
 * rest_terminate.c - POST /ksql/terminate: the end of a service (rest.md 6).
 *
 * Everything that runs is ended by ordinary commands, so that all nodes follow; then the topics that were
 * asked for go, of those that queries made, and the command topic itself. A node that is started later begins
 * anew. The other nodes find the command topic gone and take no statements any more.
 */
#include <regex.h>

#include "server/rest/rest.h"

typedef struct {
    regex_t *patterns;
    size_t   count;
} TopicPatterns;

static void patterns_clear(TopicPatterns *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        regfree(&wanted->patterns[i]);
    mem_free(wanted->patterns);
}

/* Names and regular expressions are told apart by nobody: a name is one that matches itself. */
static Status patterns_read(const json_t *list, Arena *arena, TopicPatterns *out, Error *err)
{
    size_t  i;
    json_t *item;
    *out = (TopicPatterns){.patterns = mem_calloc(json_array_size(list) + 1, sizeof(regex_t))};
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return error_set(err, E_PLAN, NO_POS,
                         "Invalid JSON in request: \"deleteTopicList\" must be an array");
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return error_set(err, E_PLAN, NO_POS, "Invalid JSON in request: \"deleteTopicList\" holds texts");
        Str whole = str_printf(arena, "^(%s)$", json_string_value(item));
        if (regcomp(&out->patterns[out->count], str_to_c(arena, whole), REG_EXTENDED | REG_NOSUB) != 0)
            return error_set(err, E_PLAN, NO_POS, "Invalid pattern: %s", json_string_value(item));
        out->count++;
    }
    return OK;
}

static bool is_wanted(const TopicPatterns *wanted, const char *topic)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (regexec(&wanted->patterns[i], topic, 0, NULL, 0) == 0)
            return true;
    return false;
}

/* Topics of sinks: what was there before the service is not its to delete. */
static void list_topics(const Catalog *catalog, const TopicPatterns *wanted, Arena *arena, json_t *out)
{
    const QueryEntry **queries;
    size_t             count;
    catalog_queries(catalog, arena, &queries, &count);
    for (size_t i = 0; i < count; i++) {
        const Source *sink = catalog_source(catalog, queries[i]->sink);
        if (sink == NULL ||
            (queries[i]->kind != QUERY_PERSISTENT_STREAM && queries[i]->kind != QUERY_PERSISTENT_TABLE))
            continue;
        const char *topic = str_to_c(arena, sink->topic);
        if (is_wanted(wanted, topic))
            json_array_append_new(out, json_string(topic));
    }
}

/* TERMINATE ALL leaves the queries of source tables, which go with their tables. */
static Str statements_that_end(const Catalog *catalog, Arena *arena)
{
    const QueryEntry **queries;
    size_t             count;
    StrBuf             text = {0};
    strbuf_adds(&text, "TERMINATE ALL;");
    catalog_queries(catalog, arena, &queries, &count);
    for (size_t i = 0; i < count; i++)
        if (queries[i]->kind == QUERY_SOURCE_TABLE) {
            strbuf_adds(&text, "DROP TABLE IF EXISTS ");
            strbuf_add_quoted(&text, queries[i]->sink, '`');
            strbuf_adds(&text, ";");
        }
    Str out = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return out;
}

static Status delete_topics(Rest *rest, const json_t *topics, Error *err)
{
    size_t  i;
    json_t *topic;
    engine_host(rest->engine)
        ->settle(engine_host(rest->engine)); /* who writes into them has been told to end */
    json_array_foreach(topics, i, topic)
    {
        Status status = log_topic_delete(engine_log(rest->engine), str_c(json_string_value(topic)), err);
        if (status != OK && status != E_NOT_FOUND)
            return status;
    }
    return OK;
}

static Status end_all(Rest *rest, HttpExchange *x, const TopicPatterns *wanted, Error *err)
{
    Session  session;
    Arena   *arena    = http_arena(x);
    Catalog *catalog  = engine_catalog(rest->engine);
    json_t  *entities = json_array(), *topics = json_array();
    list_topics(catalog, wanted, arena, topics);
    Str text = statements_that_end(catalog, arena);
    catalog_free(catalog);
    session_init(&session, rest->engine);
    Status status = engine_execute(rest->engine, &session, text, arena, entities, NULL, NULL, err);
    if (status == OK)
        status = delete_topics(rest, topics, err);
    if (status == OK)
        status = engine_erase_commands(rest->engine, err);
    session_clear(&session);
    json_decref(entities);
    json_decref(topics);
    return status;
}

static void answer(HttpExchange *x)
{
    json_t *status =
        json_pack("{s:s, s:s, s:n}", "status", "SUCCESS", "message", "Cluster terminated", "queryId");
    rest_json(x, 200,
              json_pack("[{s:s, s:s, s:s, s:o, s:i, s:[]}]", "@type", "currentStatus", "statementText",
                        "TERMINATE CLUSTER;", "commandId", "cluster/TerminateCluster/terminate",
                        "commandStatus", status, "commandSequenceNumber", -1, "warnings"));
}

bool rest_may_terminate(Rest *rest, HttpExchange *x) { return rest_permits(rest, x, 0); }

void rest_terminate(Rest *rest, HttpExchange *x)
{
    Error         err;
    TopicPatterns wanted  = {0};
    json_t       *request = rest_request(x);
    if (request == NULL)
        return;
    error_clear(&err);
    if (patterns_read(json_object_get(request, "deleteTopicList"), http_arena(x), &wanted, &err) != OK)
        rest_error(x, 400, 40000, "%s", err.message);
    else {
        http_wait_begin(x);
        Status status = end_all(rest, x, &wanted, &err);
        http_wait_end(x);
        atomic_store(&rest->terminated, status == OK);
        if (status == OK)
            answer(x);
        else
            rest_error(x, 500, 50000, "%s", err.message);
    }
    patterns_clear(&wanted);
    json_decref(request);
}
