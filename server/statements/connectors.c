/*
 * connectors.c - see connectors.h. What cannot be told of one connector is a warning beside the others.
 */
#include "server/statements/connectors.h"

#include "core/suggest.h"
#include "server/connect/connect_settings.h"

Status connectors_check(const Execution *x, const char *purpose, Error *err)
{
    if (engine_connect(x->engine) != NULL)
        return OK;
    return error_set(err, E_PLAN, NO_POS,
                     "%s: no Kafka Connect is configured. Set 'ksql.connect.url' in the server's "
                     "configuration",
                     purpose);
}

Status connectors_begin(Execution *x, const char *purpose, HttpClient **client, Error *err)
{
    TRY(connectors_check(x, purpose, err));
    Status status = connect_settings_client(engine_connect(x->engine), client, err);
    if (status == OK)
        execution_leave_engine(x);
    else
        error_prefix(err, "%s: ", purpose);
    return status;
}

Status connectors_end(Execution *x, const char *purpose, HttpClient *client, Status status, Error *err)
{
    http_client_free(client);
    execution_enter_engine(x);
    if (status != OK)
        error_prefix(err, "%s: ", purpose);
    return status;
}

void connectors_suggest(HttpClient *client, Str name, Error *err)
{
    json_t *names;
    Error   ignored;
    if (connect_names(client, &names, &ignored) != OK)
        return;
    size_t count = json_array_size(names);
    Str   *known = mem_calloc(count + 1, sizeof *known);
    for (size_t i = 0; i < count; i++) {
        known[i] = str_c(json_string_value(json_array_get(names, i)));
        if (str_equal_nocase(known[i], name)) {
            error_append(err, "\nThere is a connector `" STR_FMT "`: names without backticks are upper case.",
                         STR_ARG(known[i]));
            count = 0; /* that is what was meant */
        }
    }
    error_suggest(err, name, known, count);
    mem_free(known);
    json_decref(names);
}

/* ---- lists ---- */

static bool is_running(const json_t *state)
{
    const char *text = json_string_value(json_object_get(state, "state"));
    return text != NULL && strcmp(text, "RUNNING") == 0;
}

/* "RUNNING (1/2 tasks RUNNING)"; a connector without a task at work is told as WARNING, as ksqlDB does. */
static json_t *summary(const json_t *state)
{
    const json_t *connector = json_object_get(state, "connector"), *tasks = json_object_get(state, "tasks");
    const char   *text    = json_string_value(json_object_get(connector, "state"));
    size_t        running = 0;
    char          out[96];
    if (!is_running(connector))
        return json_string(text != NULL ? text : "UNKNOWN");
    for (size_t i = 0; i < json_array_size(tasks); i++)
        running += is_running(json_array_get(tasks, i));
    snprintf(out, sizeof out, "%s (%zu/%zu tasks RUNNING)", running > 0 ? "RUNNING" : "WARNING", running,
             json_array_size(tasks));
    return json_string(out);
}

static bool is_of_type(const AstStatement *statement, const json_t *info)
{
    const char *type = json_string_value(json_object_get(info, "type"));
    if (!statement->connector_source && !statement->connector_sink)
        return true;
    return type != NULL &&
           str_equal_nocase(str_c(type), str_c(statement->connector_source ? "source" : "sink"));
}

static json_t *text_or_null(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? json_string(text) : json_null();
}

static Status add_connector(HttpClient *client, const AstStatement *statement, const char *name, json_t *list,
                            Error *err)
{
    json_t *info, *state;
    TRY(connect_info(client, str_c(name), &info, err));
    Status status = OK;
    if (is_of_type(statement, info)) {
        status = connect_state(client, str_c(name), &state, err);
        if (status == OK) {
            json_array_append_new(
                list, json_pack("{s:s, s:o, s:o, s:o}", "name", name, "type", text_or_null(info, "type"),
                                "className", text_or_null(json_object_get(info, "config"), "connector.class"),
                                "state", summary(state)));
            json_decref(state);
        }
    }
    json_decref(info);
    return status;
}

static Status list_connectors(HttpClient *client, const AstStatement *statement, json_t *list,
                              json_t *warnings, Error *err)
{
    json_t *names;
    TRY(connect_names(client, &names, err));
    Status status = OK;
    for (size_t i = 0; i < json_array_size(names) && status == OK; i++) {
        Error       why;
        const char *name = json_string_value(json_array_get(names, i));
        status           = add_connector(client, statement, name, list, &why);
        if (status == E_WAIT) { /* the next one would wait as long */
            if (err != NULL)
                *err = why;
        } else if (status != OK) {
            error_prefix(&why, "Could not describe connector %s: ", name);
            json_array_append_new(warnings, json_pack("{s:s}", "message", why.message));
            status = OK;
        }
    }
    json_decref(names);
    return status;
}

Status show_connectors(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const char purpose[] = "Failed to list connectors";
    HttpClient       *client;
    if (x->sandbox)
        return connectors_check(x, purpose, err);
    TRY(connectors_begin(x, purpose, &client, err));
    json_t *answer = entity_new("connector_list", statement->text), *list = json_array();
    json_object_set_new(answer, "connectors", list);
    Status status = list_connectors(client, statement, list, json_object_get(answer, "warnings"), err);
    status        = connectors_end(x, purpose, client, status, err);
    if (status == OK)
        *entity = answer;
    else
        json_decref(answer);
    return status;
}

Status show_connector_plugins(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const char purpose[] = "Failed to list connector plugins";
    HttpClient       *client;
    json_t           *plugins;
    if (x->sandbox)
        return connectors_check(x, purpose, err);
    TRY(connectors_begin(x, purpose, &client, err));
    Status status = connect_plugins(client, &plugins, err);
    TRY(connectors_end(x, purpose, client, status, err));
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "className", text_or_null(plugin, "class"),
                                              "type", text_or_null(plugin, "type"), "version",
                                              text_or_null(plugin, "version")));
    }
    json_decref(plugins);
    *entity = entity_new("connector_plugins_list", statement->text);
    json_object_set_new(*entity, "connectorsPlugins", list);
    return OK;
}
