/*
 * stmt_show.c - SHOW / LIST (sql.md 4.7): a function for each kind of thing.
 */
#include <regex.h>

#include "core/address.h"
#include "core/privilege.h"
#include "server/engine/access.h"
#include "server/statements/connectors.h"
#include "server/statements/describe.h"
#include "server/statements/others.h"
#include "server/settings/settings.h"

typedef void (*ShowFn)(Execution *x, const AstStatement *statement, json_t *entity);

/* ---- streams and tables ---- */

static json_t *list_source(const Source *source)
{
    json_t *item = json_object();
    json_object_set_new(item, "type", json_string(source->is_table ? "TABLE" : "STREAM"));
    json_object_set_new(item, "name", json_str(source->name));
    json_object_set_new(item, "topic", json_str(source->topic));
    json_object_set_new(item, "keyFormat", json_string(format_name(source->key_format.format)));
    json_object_set_new(item, "valueFormat", json_string(format_name(source->value_format.format)));
    json_object_set_new(item, "isWindowed", json_boolean(source->window.kind != WINDOWED_NO));
    return item;
}

static void show_sources(Execution *x, const AstStatement *statement, json_t *entity)
{
    const Source **sources;
    size_t         count;
    bool           tables = statement->show == SHOW_TABLES;
    json_t        *list   = json_array();
    Access         who    = access_of(x);
    if (statement->extended)
        others_ask(x, true);
    catalog_sources(x->catalog, x->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (sources[i]->is_table == tables && access_sees(&who, sources[i]->name))
            json_array_append_new(list, statement->extended ? describe_source(x, sources[i], true)
                                                            : list_source(sources[i]));
    const char *type = statement->extended ? "source_descriptions" : tables ? "tables" : "streams";
    json_object_set_new(entity, "@type", json_string(type));
    json_object_set_new(entity, statement->extended ? "sourceDescriptions" : type, list);
}

/* ---- topics ---- */

/* Regular expressions with a comma between; one that is none hides nothing. */
static bool is_hidden(Arena *arena, Str patterns, Str topic)
{
    char *name   = str_to_c(arena, topic);
    bool  hidden = false;
    for (size_t at = 0; at < patterns.len && !hidden;) {
        const char *comma = memchr(patterns.ptr + at, ',', patterns.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - patterns.ptr) : patterns.len;
        Str         item  = str_trim(str_n(patterns.ptr + at, end - at));
        regex_t     compiled;
        at = end + 1;
        if (item.len == 0 ||
            regcomp(&compiled, str_to_c(arena, str_printf(arena, "^(" STR_FMT ")$", STR_ARG(item))),
                    REG_EXTENDED | REG_NOSUB) != 0)
            continue;
        hidden = regexec(&compiled, name, 0, NULL, 0) == 0;
        regfree(&compiled);
    }
    return hidden;
}

static json_t *list_topic(const TopicInfo *topic, bool extended)
{
    json_t *item = json_object(), *replicas = json_array();
    for (int i = 0; i < topic->partitions; i++)
        json_array_append_new(replicas, json_integer(topic->replicas));
    json_object_set_new(item, "name", json_str(topic->name));
    json_object_set_new(item, "replicaInfo", replicas);
    if (extended) {
        json_object_set_new(item, "consumerCount", json_integer(0));
        json_object_set_new(item, "consumerGroupCount", json_integer(0));
    }
    return item;
}

static Status show_topics(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    TopicInfo *topics;
    size_t     count;
    TRY(log_topic_list(engine_log(x->engine), x->arena, &topics, &count, err));
    Str     hidden = execution_property(x, "ksql.hidden.topics");
    json_t *list   = json_array();
    Access  who    = access_of(x);
    for (size_t i = 0; i < count; i++)
        if ((statement->all || !is_hidden(x->arena, hidden, topics[i].name)) &&
            access_sees_topic(&who, topics[i].name))
            json_array_append_new(list, list_topic(&topics[i], statement->extended));
    *entity = entity_new(statement->extended ? "kafka_topics_extended" : "kafka_topics", statement->text);
    json_object_set_new(*entity, "topics", list);
    return OK;
}

/* ---- queries ---- */

static void show_queries(Execution *x, const AstStatement *statement, json_t *entity)
{
    const QueryEntry **queries;
    size_t             count;
    json_t            *list       = json_array();
    Transients        *transients = engine_transients(x->engine);
    others_ask(x, false);
    catalog_queries(x->catalog, x->arena, &queries, &count);
    Access who = access_of(x);
    for (size_t i = 0; i < count; i++)
        if (access_sees_query(&who, queries[i]))
            json_array_append_new(list, statement->extended ? describe_query(x, queries[i])
                                                            : describe_running(x, queries[i]));
    if (!statement->extended && transients != NULL)
        transients->list(transients, list, x->session);
    json_object_set_new(entity, "@type", json_string(statement->extended ? "query_descriptions" : "queries"));
    json_object_set_new(entity, statement->extended ? "queryDescriptions" : "queries", list);
}

/* ---- properties ---- */

static bool is_overridden(const Execution *x, const char *name)
{
    Str own, value;
    for (size_t i = 0; i < properties_count(x->session->overrides); i++) {
        properties_at(x->session->overrides, i, &own, &value);
        if (str_equal(own, property_canonical(str_c(name))))
            return true;
    }
    return false;
}

/* An address may hold a user and a password. */
static json_t *shown_value(Str value)
{
    StrBuf shown = {0};
    if (str_is_null(value))
        return json_null();
    address_add_shown(&shown, value);
    json_t *text = json_str(strbuf_str(&shown));
    strbuf_clear(&shown);
    return text;
}

static void show_properties(Execution *x, const AstStatement *statement, json_t *entity)
{
    size_t         count;
    const Setting *settings = settings_all(&count);
    json_t        *list = json_array(), *overwritten = json_array(), *defaults = json_array();
    for (size_t i = 0; i < count; i++) {
        Str  value = execution_property(x, settings[i].name), name = str_c(settings[i].name);
        bool initial =
            settings[i].initial == NULL ? str_is_null(value) : str_equal(value, str_c(settings[i].initial));
        if (settings[i].kind == SETTING_SECRET && !str_is_null(value))
            value = STR_LIT("[hidden]");
        json_array_append_new(list,
                              json_pack("{s:o, s:s, s:o, s:b, s:s}", "name", json_str(name), "scope", "KSQL",
                                        "value", shown_value(value), "editable", (int)settings[i].editable,
                                        "level", settings[i].editable ? "QUERY" : "SERVER"));
        if (is_overridden(x, settings[i].name))
            json_array_append_new(overwritten, json_str(name));
        if (initial)
            json_array_append_new(defaults, json_str(name));
    }
    json_object_set_new(entity, "properties", list);
    json_object_set_new(entity, "overwrittenProperties", overwritten);
    json_object_set_new(entity, "defaultProperties", defaults);
}

/* ---- functions, types, variables ---- */

static void show_functions(Execution *x, const AstStatement *statement, json_t *entity)
{
    static const char *const kinds[] = {"", "SCALAR", "AGGREGATE", "TABLE"};
    FnListing               *functions;
    size_t                   count;
    json_t                  *list = json_array();
    functions_list(x->functions, x->arena, &functions, &count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:s, s:s}", "name", json_str(functions[i].name), "type",
                                              kinds[functions[i].kind], "category",
                                              functions[i].category ? functions[i].category : ""));
    json_object_set_new(entity, "functions", list);
}

static void show_types(Execution *x, const AstStatement *statement, json_t *entity)
{
    CustomType *types;
    size_t      count;
    json_t     *map = json_object();
    catalog_types(x->catalog, x->arena, &types, &count);
    for (size_t i = 0; i < count; i++)
        json_object_set_new(map, str_to_c(x->arena, types[i].name), entity_type(types[i].type));
    json_object_set_new(entity, "types", map);
}

static void show_variables(Execution *x, const AstStatement *statement, json_t *entity)
{
    json_t *list = json_array();
    Str     name, value;
    for (size_t i = 0; i < properties_count(x->session->variables); i++) {
        properties_at(x->session->variables, i, &name, &value);
        json_array_append_new(list,
                              json_pack("{s:o, s:o}", "name", json_str(name), "value", json_str(value)));
    }
    json_object_set_new(entity, "variables", list);
}

/* ---- grants ---- */

static json_t *list_grant(const Grant *grant)
{
    json_t     *privileges = json_array();
    unsigned    bit;
    const char *word;
    for (size_t i = 0; (word = privilege_word(i, &bit)) != NULL; i++)
        if (grant->privileges & bit)
            json_array_append_new(privileges, json_string(word));
    StrBuf on = {0};
    if (str_is_null(grant->object))
        strbuf_adds(&on, "ALL");
    else
        ast_print_name(grant->object, &on);
    json_t *item = json_pack("{s:s, s:o, s:o, s:o, s:o}", "granteeType", grant->to_user ? "USER" : "ROLE",
                             "grantee", json_str(grant->grantee), "on", json_str(strbuf_str(&on)), "source",
                             json_str(grant->object), "privileges", privileges);
    strbuf_clear(&on);
    return item;
}

/* Everybody his own, an administrator all. */
static bool sees_grant(const Execution *x, const Grant *grant)
{
    const Identity *identity = &x->session->identity;
    return session_is_admin(x->session) || (grant->to_user ? str_equal_nocase(grant->grantee, identity->name)
                                                           : identity_has_role(identity, grant->grantee));
}

static void show_grants(Execution *x, const AstStatement *statement, json_t *entity)
{
    const Grant **grants;
    size_t        count;
    json_t       *list = json_array();
    catalog_grants(x->catalog, x->arena, &grants, &count);
    for (size_t i = 0; i < count; i++)
        if (sees_grant(x, grants[i]))
            json_array_append_new(list, list_grant(grants[i]));
    json_object_set_new(entity, "grants", list);
}

/* ---- all ---- */

static const struct {
    AstShowKind kind;
    const char *type;
    ShowFn      fn;
} shows[] = {
    {SHOW_STREAMS, "streams", show_sources},
    {SHOW_TABLES, "tables", show_sources},
    {SHOW_QUERIES, "queries", show_queries},
    {SHOW_PROPERTIES, "properties", show_properties},
    {SHOW_FUNCTIONS, "function_names", show_functions},
    {SHOW_TYPES, "type_list", show_types},
    {SHOW_VARIABLES, "variables", show_variables},
    {SHOW_GRANTS, "grants", show_grants},
};

Status stmt_show(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (statement->show == SHOW_CONNECTORS)
        return show_connectors(x, statement, entity, err);
    if (statement->show == SHOW_CONNECTOR_PLUGINS)
        return show_connector_plugins(x, statement, entity, err);
    if (statement->show == SHOW_TOPICS)
        return x->sandbox ? OK : show_topics(x, statement, entity, err);
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        if (shows[i].kind != statement->show)
            continue;
        if (x->sandbox)
            return OK;
        *entity = entity_new(shows[i].type, statement->text);
        shows[i].fn(x, statement, *entity);
        return OK;
    }
    return error_set(err, E_UNSUPPORTED, statement->pos, "Sluice has no such list: " STR_FMT,
                     STR_ARG(statement->text));
}
