/*
 * describe.c - see describe.h.
 */
#include "server/engine/access.h"
#include "server/statements/describe.h"
#include "server/statements/others.h"
#include "planner/nodes/node_source.h"
#include "planner/nodes/node_sink.h"

#include <time.h>

static const char *window_name(WindowedKind kind)
{
    static const char *const names[] = {NULL, "TUMBLING", "HOPPING", "SESSION"};
    return names[kind];
}

static json_t *json_text_or_null(const char *text) { return text != NULL ? json_string(text) : json_null(); }

static Str format_text(const FormatSpec *spec) { return str_c(format_name(spec->format)); }

/* State, positions, errors; never NULL. */
static json_t *live_facts(Execution *x, Str id, bool positions)
{
    QueryHost *host  = engine_host(x->engine);
    json_t    *facts = host->describe != NULL ? host->describe(host, id, positions) : NULL;
    return facts != NULL ? facts : json_object();
}

static const char *state_of(const json_t *facts, const QueryEntry *query)
{
    const char *state = json_string_value(json_object_get(facts, "state"));
    if (!str_is_null(query->failure))
        return "ERROR";
    return query->paused ? "PAUSED" : state != NULL ? state : "RUNNING";
}

/* ---- queries ---- */

/* A text that names what may not be seen. */
static json_t *shown_text(bool visible, Str text)
{
    return visible ? json_str(text) : json_string("[hidden]");
}

/* Beside the state, for which clients have a closed list of names. */
static void add_waiting(json_t *out, const json_t *facts)
{
    json_t *waiting = json_object_get(facts, "waitingFor");
    if (waiting != NULL)
        json_object_set(out, "waitingFor", waiting);
}

static json_t *list_of_one(Str text)
{
    json_t *list = json_array();
    if (!str_is_null(text) && text.len > 0)
        json_array_append_new(list, json_str(text));
    return list;
}

static Str sink_name(const QueryEntry *query)
{
    return query->kind == QUERY_SOURCE_TABLE ? STR_NULL : query->sink;
}

static Str sink_topic(Execution *x, const QueryEntry *query)
{
    const Source *sink = catalog_source(x->catalog, query->sink);
    return query->kind == QUERY_SOURCE_TABLE || sink == NULL ? STR_NULL : sink->topic;
}

json_t *describe_running(Execution *x, const QueryEntry *query)
{
    json_t *facts = live_facts(x, query->id, false), *out = json_object();
    json_t *count = json_pack("{s:i}", state_of(facts, query), 1);
    Access  who   = access_of(x);
    bool    whole = access_sees_text(&who, query);
    others_count(x, query->id, count);
    json_object_set_new(out, "queryString", shown_text(whole, query->statement));
    json_object_set_new(out, "sinks", list_of_one(sink_name(query)));
    json_object_set_new(out, "sinkKafkaTopics", list_of_one(sink_topic(x, query)));
    json_object_set_new(out, "id", json_str(query->id));
    json_object_set_new(out, "queryType", json_string("PERSISTENT"));
    json_object_set_new(out, "state", json_string(others_state(count)));
    json_object_set_new(out, "statusCount", count);
    if (whole)
        add_waiting(out, facts);
    json_decref(facts);
    return out;
}

static Str group_id(Execution *x, Str id)
{
    return str_printf(x->arena, "_confluent-ksql-" STR_FMT "query_" STR_FMT,
                      STR_ARG(engine_service_id(x->engine)), STR_ARG(id));
}

static json_t *plan_sources(const QueryPlan *plan)
{
    json_t *names = json_array();
    for (size_t i = 0; i < plan->source_count; i++)
        json_array_append_new(names, json_str(plan_source(plan->sources[i])->source_name));
    return names;
}

static void print_topology(const QueryPlan *plan, StrBuf *out)
{
    strbuf_adds(out, "Topologies:\n");
    for (size_t i = 0; i < plan->source_count; i++)
        strbuf_addf(out, "  Source: " STR_FMT " (topics: [" STR_FMT "])\n", STR_ARG(plan->sources[i]->step),
                    STR_ARG(plan_source(plan->sources[i])->topic));
    const PlanSink *sink = plan_sink_of(plan);
    if (sink != NULL)
        strbuf_addf(out, "  Sink: " STR_FMT " (topic: " STR_FMT ")\n", STR_ARG(plan->root->step),
                    STR_ARG(sink->topic));
}

static void add_plan_texts(json_t *out, const QueryPlan *plan)
{
    StrBuf text = {0};
    print_topology(plan, &text);
    json_object_set_new(out, "topology", json_str(strbuf_str(&text)));
    strbuf_reset(&text);
    plan_print(plan, &text);
    json_object_set_new(out, "executionPlan", json_str(strbuf_str(&text)));
    strbuf_clear(&text);
}

/* What the client had set otherwise than the server when it made the query. */
static json_t *overridden(Execution *x, const QueryPlan *plan)
{
    json_t *out = json_object();
    for (size_t i = 0; i < plan->setting_count; i++)
        if (plan->settings[i].overridden)
            json_object_set_new(out, str_to_c(x->arena, plan->settings[i].name),
                                json_str(plan->settings[i].value));
    return out;
}

json_t *describe_plan(Execution *x, const QueryPlan *plan, Str statement, const char *query_type)
{
    json_t         *out  = json_object();
    const PlanSink *sink = plan_sink_of(plan);
    json_object_set_new(out, "id", json_str(plan->id));
    json_object_set_new(out, "statementText", json_str(statement));
    json_object_set_new(out, "windowType", json_text_or_null(window_name(plan->window.kind)));
    json_object_set_new(out, "fields", entity_fields(plan->schema));
    json_object_set_new(out, "sources", plan_sources(plan));
    json_object_set_new(out, "sinks", list_of_one(sink == NULL ? STR_NULL : sink->sink_name));
    add_plan_texts(out, plan);
    json_object_set_new(out, "overriddenProperties", overridden(x, plan));
    json_object_set_new(out, "ksqlHostQueryStatus", json_object());
    json_object_set_new(out, "queryType", json_string(query_type));
    json_object_set_new(out, "queryErrors", json_array());
    json_object_set_new(out, "tasksMetadata", json_array());
    json_object_set_new(out, "consumerGroupId", json_null());
    json_object_set_new(out, "state", json_null());
    return out;
}

/* A query without a plan here, or whose plan may not be seen: what the catalog knows of it. */
static json_t *describe_entry(const Access *who, const QueryEntry *query)
{
    json_t *sources = json_array();
    for (size_t i = 0; i < query->source_count; i++)
        if (access_sees(who, query->sources[i]))
            json_array_append_new(sources, json_str(query->sources[i]));
    return json_pack("{s:o, s:o, s:n, s:[], s:o, s:o, s:s, s:s, s:{}, s:s, s:[]}", "id", json_str(query->id),
                     "statementText", shown_text(access_sees_text(who, query), query->statement),
                     "windowType", "fields", "sources", sources, "sinks", list_of_one(sink_name(query)),
                     "topology", "", "executionPlan", "", "overriddenProperties", "queryType", "PERSISTENT",
                     "tasksMetadata");
}

/* New reference. A query that cannot run here has one error, and no facts. */
static json_t *query_errors(bool visible, const QueryEntry *query, json_t *errors)
{
    if (!str_is_null(query->failure))
        return json_pack("[{s:i, s:o, s:s}]", "timestamp", 0, "errorMessage",
                         shown_text(visible, query->failure), "type", "SYSTEM");
    return errors != NULL && visible ? json_incref(errors) : json_array();
}

static void add_errors(void *errors, const json_t *facts)
{
    json_t *more = json_object_get(facts, "errors");
    if (json_is_array(more))
        json_array_extend(errors, more);
}

/* The state on each node, and of all together. */
static void add_hosts(Execution *x, json_t *out, Str id, const char *state)
{
    Str     listener = execution_property(x, "ksql.advertised.listener");
    json_t *count = json_pack("{s:i}", state, 1), *hosts = others_hosts(x, id, state);
    char   *host = str_to_c(x->arena, str_is_null(listener) ? STR_LIT("localhost:8088") : listener);
    others_count(x, id, count);
    json_object_set_new(out, "ksqlHostQueryStatus", hosts != NULL ? hosts : json_pack("{s:s}", host, state));
    json_object_set_new(out, "state", json_string(others_state(count)));
    json_decref(count);
}

json_t *describe_query(Execution *x, const QueryEntry *query)
{
    Access      who    = access_of(x);
    bool        whole  = access_sees_text(&who, query);
    json_t     *facts  = live_facts(x, query->id, false);
    PlanRef    *plan   = whole ? execution_plan(x, query->id) : NULL;
    json_t     *out    = plan != NULL ? describe_plan(x, plan_ref_plan(plan), query->statement, "PERSISTENT")
                                      : describe_entry(&who, query);
    const char *state  = state_of(facts, query);
    json_t     *errors = query_errors(whole, query, json_object_get(facts, "errors"));
    if (whole)
        others_each(x, query->id, add_errors, errors);
    others_add_operators(x, query->id, json_object_get(facts, "operators"));
    add_hosts(x, out, query->id, state);
    json_object_set_new(out, "queryErrors", errors);
    json_object_set_new(out, "consumerGroupId", json_str(group_id(x, query->id)));
    if (whole && json_object_get(facts, "operators") != NULL)
        json_object_set(out, "operators", json_object_get(facts, "operators"));
    if (whole)
        add_waiting(out, facts);
    json_decref(facts);
    return out;
}

/* ---- sources ---- */

static bool reads(const QueryEntry *query, Str name)
{
    for (size_t i = 0; i < query->source_count; i++)
        if (str_equal(query->sources[i], name))
            return true;
    return false;
}

static json_t *constraints(Execution *x, const Source *source)
{
    const Source **all;
    size_t         count;
    json_t        *names = json_array();
    Access         who   = access_of(x);
    catalog_sources(x->catalog, x->arena, &all, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < all[i]->made_from_count && access_sees(&who, all[i]->name); j++)
            if (str_equal(all[i]->made_from[j], source->name)) {
                json_array_append_new(names, json_str(all[i]->name));
                break;
            }
    return names;
}

/* One summary of a query's positions: a topic each. */
static json_t *offset_summary(Execution *x, Str id, const json_t *positions)
{
    json_t *topics = json_object(), *summaries = json_array(), *position, *offsets;
    Access  who = access_of(x);
    size_t  i;
    json_array_foreach((json_t *)positions, i, position)
    {
        const char *topic = json_string_value(json_object_get(position, "topic"));
        if (!access_sees_topic(&who, str_c(topic)))
            continue;
        if (json_object_get(topics, topic) == NULL)
            json_object_set_new(topics, topic, json_array());
        json_array_append_new(json_object_get(topics, topic),
                              json_pack("{s:O, s:O, s:O, s:O}", "partition",
                                        json_object_get(position, "partition"), "logStartOffset",
                                        json_object_get(position, "start"), "logEndOffset",
                                        json_object_get(position, "end"), "consumerOffset",
                                        json_object_get(position, "position")));
    }
    const char *topic;
    json_object_foreach(topics, topic, offsets)
        json_array_append_new(summaries, json_pack("{s:s, s:O}", "kafkaTopic", topic, "offsets", offsets));
    json_decref(topics);
    return json_pack("{s:o, s:o}", "groupId", json_str(group_id(x, id)), "topicSummaries", summaries);
}

typedef struct {
    json_t *readers, *writers, *offsets;
    int64_t in, out, bad, last; /* of the queries that write it */
} Users;

static int64_t number_of(const json_t *facts, const char *name)
{
    return json_integer_value(json_object_get(facts, name));
}

static void add_figures(void *context, const json_t *facts)
{
    Users  *users = context;
    int64_t last  = number_of(facts, "lastMessage");
    users->in += number_of(facts, "recordsIn");
    users->out += number_of(facts, "recordsOut");
    users->bad += number_of(facts, "skippedBad");
    users->last = last > users->last ? last : users->last;
}

static void add_positions(void *positions, const json_t *facts)
{
    json_t *more = json_object_get(facts, "positions");
    if (json_is_array(more))
        json_array_extend(positions, more);
}

/* Each node has some of the partitions. */
static void add_writer(Execution *x, Users *users, Str id)
{
    json_t *facts     = live_facts(x, id, true);
    json_t *positions = json_object_get(facts, "positions");
    if (positions != NULL) {
        others_each(x, id, add_positions, positions);
        json_array_append_new(users->offsets, offset_summary(x, id, positions));
    }
    add_figures(users, facts);
    others_each(x, id, add_figures, users);
    json_decref(facts);
}

static Users find_users(Execution *x, const Source *source, bool extended)
{
    const QueryEntry **queries;
    size_t             count;
    Users              users = {json_array(), json_array(), json_array(), 0, 0, 0, 0};
    Access             who   = access_of(x);
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++) {
        bool writes = str_equal(queries[i]->sink, source->name);
        if (!access_sees_query(&who, queries[i]))
            continue;
        if (reads(queries[i], source->name))
            json_array_append_new(users.readers, describe_running(x, queries[i]));
        if (!writes)
            continue;
        json_array_append_new(users.writers, describe_running(x, queries[i]));
        if (extended)
            add_writer(x, &users, queries[i]->id);
    }
    return users;
}

static void add_topic_facts(Execution *x, json_t *out, const Source *source, bool extended)
{
    TopicInfo info = {.partitions = 0, .replicas = 0};
    Error     ignored;
    if (extended && log_topic_info(engine_log(x->engine), source->topic, &info, &ignored) != OK)
        info = (TopicInfo){.partitions = 0, .replicas = 0};
    json_object_set_new(out, "partitions", json_integer(info.partitions));
    json_object_set_new(out, "replication", json_integer(info.replicas));
}

static void add_statistics(Execution *x, json_t *out, const Users *users, bool extended)
{
    Str  statistics = STR_LIT(""), errors = STR_LIT("");
    char when[40] = "n/a";
    if (users->last > 0)
        when[timestamp_print(users->last, when)] = '\0';
    if (extended && json_array_size(users->writers) > 0) {
        statistics =
            str_printf(x->arena, "messages-consumed: %10lld  total-messages: %10lld  last-message: %s",
                       (long long)users->in, (long long)users->out, when);
        errors = str_printf(x->arena, "failed-messages: %10lld", (long long)users->bad);
    }
    json_object_set_new(out, "statistics", json_str(statistics));
    json_object_set_new(out, "errorStats", json_str(errors));
    json_object_set_new(out, "clusterStatistics", json_array());
    json_object_set_new(out, "clusterErrorStats", json_array());
}

json_t *describe_source(Execution *x, const Source *source, bool extended)
{
    Users   users = find_users(x, source, extended);
    Access  who   = access_of(x);
    json_t *out   = json_object();
    json_object_set_new(out, "name", json_str(source->name));
    json_object_set_new(out, "windowType", json_text_or_null(window_name(source->window.kind)));
    json_object_set_new(out, "readQueries", users.readers);
    json_object_set_new(out, "writeQueries", users.writers);
    json_object_set_new(out, "fields", entity_fields(source->schema));
    json_object_set_new(out, "type", json_string(source->is_table ? "TABLE" : "STREAM"));
    json_object_set_new(out, "timestamp",
                        str_is_null(source->timestamp_column) ? json_string("")
                                                              : json_str(source->timestamp_column));
    add_statistics(x, out, &users, extended);
    json_object_set_new(out, "extended", json_boolean(extended));
    json_object_set_new(out, "keyFormat", json_str(format_text(&source->key_format)));
    json_object_set_new(out, "valueFormat", json_str(format_text(&source->value_format)));
    json_object_set_new(out, "topic", json_str(source->topic));
    add_topic_facts(x, out, source, extended);
    json_object_set_new(out, "statement", shown_text(access_sees_statement(&who, source), source->statement));
    json_object_set_new(out, "queryOffsetSummaries", users.offsets);
    json_object_set_new(out, "sourceConstraints", constraints(x, source));
    return out;
}
