/*
 * stmt_connector.c - CREATE, DESCRIBE and DROP CONNECTOR (sql.md 4.10): told to Kafka Connect, which keeps
 * them; the command log has nothing of them.
 *
 * In the sandbox a connector's configuration is shown to Connect, once in a request, so that a mistake in it
 * is found before anything is carried out. Whether the connector exists is found out only then: an earlier
 * statement of the request may make or drop it.
 */
#include "server/statements/connectors.h"
#include "server/statements/describe.h"

/* ---- CREATE ---- */

static const char create_purpose[] = "Failed to create connector";

static Str literal_text(Arena *arena, const AstExpr *literal)
{
    if (literal->kind == AST_STRING)
        return literal->text;
    StrBuf buf = {0};
    ast_print_expr(literal, &buf);
    Str text = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

/* All values are texts, to Connect; `name` is the statement's. */
static Status read_config(Execution *x, const AstStatement *statement, json_t **out, Error *err)
{
    json_t *config = json_object();
    bool    good   = true;
    for (size_t i = 0; i < statement->property_count && good; i++) {
        const AstProperty *property = &statement->properties[i];
        json_t            *value    = property->value->kind == AST_NULL ? json_null()
                                                                        : json_str(literal_text(x->arena, property->value));
        Str                name     = property->name.text;
        good                        = memchr(name.ptr, '\0', name.len) == NULL &&
               json_object_set_new(config, str_to_c(x->arena, name), value) == 0;
        if (!good)
            error_set(err, E_PLAN, property->name.pos, "The property " STR_FMT " is not valid UTF-8",
                      STR_ARG(name));
    }
    if (good && !json_is_string(json_object_get(config, "connector.class"))) {
        error_set(err, E_PLAN, statement->name.pos,
                  "Validation error: the connector's configuration has no 'connector.class'");
        good = false;
    }
    if (good && json_object_set_new(config, "name", json_str(statement->name.text)) == 0) {
        *out = config;
        return OK;
    }
    json_decref(config);
    return good ? error_set(err, E_PLAN, statement->name.pos, "The connector's name is not valid UTF-8")
                : E_PLAN;
}

static Status validate(Execution *x, const json_t *config, Error *err)
{
    static const char purpose[] = "Validation error";
    HttpClient       *client;
    Str               class_name = str_c(json_string_value(json_object_get(config, "connector.class")));
    TRY(connectors_begin(x, create_purpose, &client, err));
    Status status = connect_validate(client, class_name, config, err);
    bool   down   = status == E_WAIT; /* nobody has said that it is wrong */
    return connectors_end(x, down ? create_purpose : purpose, client, status, err);
}

static Status refuse_existing(Str name, Error *err)
{
    return error_set(err, E_EXISTS, NO_POS, "Connector " STR_FMT " already exists", STR_ARG(name));
}

/* E_EXISTS is also what Connect says while its workers agree on who does what. */
static bool says_exists(Status status, const Error *err)
{
    return status == E_EXISTS && str_find(str_c(err->message), STR_LIT("already exists"), 0) >= 0;
}

/* *exists: it is there, and not ours to make. */
static Status create(HttpClient *client, const AstStatement *statement, const json_t *config, json_t **info,
                     bool *exists, Error *err)
{
    Str name = statement->name.text;
    if (statement->if_not_exists) {
        Status found = connect_info(client, name, info, err);
        *exists      = found == OK;
        if (found == OK)
            json_decref(*info);
        if (found != E_NOT_FOUND)
            return found;
    }
    Status status = connect_create(client, name, config, info, err);
    *exists       = says_exists(status, err);
    return status;
}

static Str masked(const AstStatement *statement, Arena *arena)
{
    StrBuf buf = {0};
    ast_print_masked(statement, &buf);
    Str text = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

static Status carry_out(Execution *x, const AstStatement *statement, const json_t *config, json_t **entity,
                        Error *err)
{
    HttpClient *client;
    json_t     *info   = NULL;
    Str         name   = statement->name.text;
    bool        exists = false;
    TRY(connectors_begin(x, create_purpose, &client, err));
    Status status = create(client, statement, config, &info, &exists, err);
    status        = connectors_end(x, create_purpose, client, status, err);
    if (exists && !statement->if_not_exists)
        return refuse_existing(name, err);
    if (exists) {
        Str message = str_printf(x->arena, "Connector " STR_FMT " already exists", STR_ARG(name));
        *entity     = entity_warning(masked(statement, x->arena), message.ptr);
        return OK;
    }
    TRY(status);
    *entity = entity_new("connector_info", masked(statement, x->arena));
    json_object_set_new(*entity, "info", info);
    return OK;
}

Status stmt_create_connector(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    json_t *config;
    TRY(connectors_check(x, create_purpose, err));
    TRY(read_config(x, statement, &config, err));
    Status status = x->asked_before ? OK
                    : x->sandbox    ? validate(x, config, err)
                                    : carry_out(x, statement, config, entity, err);
    json_decref(config);
    return status;
}

/* ---- DROP ---- */

/* In place of Connect's words. */
static void say_missing(HttpClient *client, Str name, Error *err)
{
    error_set(err, E_NOT_FOUND, NO_POS, "Connector '" STR_FMT "' does not exist.", STR_ARG(name));
    connectors_suggest(client, name, err);
}

Status stmt_drop_connector(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const char purpose[] = "Failed to drop connector";
    HttpClient       *client;
    Str               name = statement->name.text;
    if (x->sandbox)
        return connectors_check(x, purpose, err);
    TRY(connectors_begin(x, purpose, &client, err));
    Status status  = connect_delete(client, name, err);
    bool   missing = status == E_NOT_FOUND;
    if (missing && !statement->if_exists)
        say_missing(client, name, err);
    status = connectors_end(x, purpose, client, status, err);
    if (missing && statement->if_exists) {
        Str message = str_printf(x->arena, "Connector '" STR_FMT "' does not exist.", STR_ARG(name));
        *entity     = entity_warning(statement->text, message.ptr);
        return OK;
    }
    TRY(status);
    *entity = entity_new("drop_connector", statement->text);
    json_object_set_new(*entity, "connectorName", json_str(name));
    return OK;
}

/* ---- DESCRIBE ---- */

typedef struct {
    json_t *info, *state, *topics; /* topics: NULL where Connect does not say */
    Error   no_topics;
} Described;

static Status ask_about(HttpClient *client, Str name, Described *out, Error *err)
{
    TRY(connect_info(client, name, &out->info, err));
    Status status = connect_state(client, name, &out->state, err);
    if (status != OK) {
        json_decref(out->info);
        return status;
    }
    if (connect_topics(client, name, &out->topics, &out->no_topics) != OK)
        out->topics = NULL;
    return OK;
}

static bool is_among(const json_t *topics, Str topic)
{
    for (size_t i = 0; i < json_array_size(topics); i++)
        if (str_equal(str_c(json_string_value(json_array_get(topics, i))), topic))
            return true;
    return false;
}

/* Streams and tables over the connector's topics. */
static json_t *sources_of(Execution *x, const json_t *topics)
{
    const Source **sources;
    size_t         count;
    json_t        *list = json_array();
    catalog_sources(x->catalog, x->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (is_among(topics, sources[i]->topic))
            json_array_append_new(list, describe_source(x, sources[i], false));
    return list;
}

static json_t *description(Execution *x, const AstStatement *statement, const Described *told)
{
    json_t       *entity     = entity_new("connector_description", statement->text);
    const json_t *class_name = json_object_get(json_object_get(told->info, "config"), "connector.class");
    json_object_set_new(entity, "connectorClass",
                        class_name != NULL ? json_deep_copy(class_name) : json_null());
    json_object_set(entity, "status", told->state);
    json_object_set_new(entity, "sources", sources_of(x, told->topics));
    json_object_set_new(entity, "topics", told->topics != NULL ? json_incref(told->topics) : json_array());
    if (told->topics == NULL) {
        Str message =
            str_printf(x->arena, "Could not list related topics due to error: %s", told->no_topics.message);
        json_array_append_new(json_object_get(entity, "warnings"),
                              json_pack("{s:s}", "message", message.ptr));
    }
    return entity;
}

Status stmt_describe_connector(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    static const char purpose[] = "Failed to describe connector";
    HttpClient       *client;
    Described         told;
    if (x->sandbox)
        return connectors_check(x, purpose, err);
    TRY(connectors_begin(x, purpose, &client, err));
    Status status = ask_about(client, statement->name.text, &told, err);
    if (status == E_NOT_FOUND)
        say_missing(client, statement->name.text, err);
    TRY(connectors_end(x, purpose, client, status, err));
    *entity = description(x, statement, &told);
    json_decref(told.info);
    json_decref(told.state);
    json_decref(told.topics);
    return OK;
}
