/*
 * stmt_assert.c - ASSERT [NOT EXISTS] TOPIC, ASSERT SCHEMA (sql.md 4.9): looked at every 100 ms until it
 * holds or the time is over.
 *
 * Meanwhile the engine is others' to use: among them who makes the topic. The sandbox checks the statement
 * only: what it waits for may be made by an earlier statement of the same request.
 */
#include "core/value.h"
#include "server/statements/statements.h"

enum { RETRY_MS = 100 };

typedef struct {
    bool    has_partitions, has_replicas;
    int64_t partitions, replicas;
} Expected;

static Status read_wanted(const AstStatement *statement, Expected *out, Error *err)
{
    *out = (Expected){0};
    for (size_t i = 0; i < statement->property_count; i++) {
        const AstProperty *property   = &statement->properties[i];
        Str                name       = property->name.text;
        bool               partitions = str_equal_nocase(name, STR_LIT("PARTITIONS")),
             replicas                 = str_equal_nocase(name, STR_LIT("REPLICAS"));
        if (!partitions && !replicas)
            return error_set(err, E_PLAN, property->name.pos,
                             "Cannot assert unknown topic property: " STR_FMT, STR_ARG(name));
        if (property->value->kind != AST_INTEGER)
            return error_set(err, E_PLAN, property->value->pos,
                             "Topic property " STR_FMT " must be an integer", STR_ARG(name));
        if (partitions)
            *out = (Expected){true, out->has_replicas, property->value->integer, out->replicas};
        else
            *out = (Expected){out->has_partitions, true, out->partitions, property->value->integer};
    }
    return OK;
}

static Status mismatch(Str topic, const char *config, int64_t wanted, int is, Error *err)
{
    return error_set(err, E_DATA, NO_POS,
                     "Mismatched configuration for topic " STR_FMT ": For config %s, expected %lld got %d",
                     STR_ARG(topic), config, (long long)wanted, is);
}

static Status look(Execution *x, const AstStatement *statement, const Expected *wanted, Error *err)
{
    Str       topic = statement->name.text;
    TopicInfo info;
    Status    found = log_topic_info(engine_log(x->engine), topic, &info, err);
    if (found != OK && found != E_NOT_FOUND)
        return found;
    if (statement->not_exists)
        return found == OK ? error_set(err, E_EXISTS, NO_POS, "Topic " STR_FMT " exists", STR_ARG(topic))
                           : OK;
    if (found == E_NOT_FOUND)
        return error_set(err, E_NOT_FOUND, NO_POS, "Topic " STR_FMT " does not exist", STR_ARG(topic));
    if (wanted->has_partitions && wanted->partitions != info.partitions)
        return mismatch(topic, "partitions", wanted->partitions, info.partitions, err);
    if (wanted->has_replicas && wanted->replicas != info.replicas)
        return mismatch(topic, "replicas", wanted->replicas, info.replicas, err);
    return OK;
}

static Status timeout_of(const Execution *x, const AstStatement *statement, const char *fallback, int64_t *ms,
                         Error *err)
{
    Str setting = execution_property(x, fallback);
    if (statement->has_timeout)
        return ast_span_ms(&statement->timeout, ms, err);
    if (str_is_null(setting) || !int64_parse(setting, ms))
        *ms = 1000;
    return OK;
}

Status stmt_assert_topic(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Clock   *clock = engine_clock(x->engine);
    int64_t  timeout_ms;
    Expected wanted;
    TRY(read_wanted(statement, &wanted, err));
    TRY(timeout_of(x, statement, "ksql.assert.topic.default.timeout.ms", &timeout_ms, err));
    if (x->sandbox)
        return OK;
    int64_t start = clock->monotonic_us(clock);
    Status  status;
    while ((status = look(x, statement, &wanted, err)) != OK &&
           (clock->monotonic_us(clock) - start) / 1000 < timeout_ms)
        execution_pause(x, RETRY_MS);
    TRY(status);
    *entity = entity_new("assert_topic", statement->text);
    json_object_set_new(*entity, "topicName", json_str(statement->name.text));
    json_object_set_new(*entity, "exists", json_boolean(!statement->not_exists));
    return OK;
}

/* ---- schemas ---- */

static Status say_schema(const AstStatement *statement, Status code, const char *what, Error *err)
{
    error_set(err, code, NO_POS, "Schema with");
    if (statement->has_subject)
        error_append(err, " subject name " STR_FMT, STR_ARG(statement->name.text));
    if (statement->has_id)
        error_append(err, " id %lld", (long long)statement->id->integer);
    error_append(err, " %s", what);
    return code;
}

/* An id beyond what a registry has is one that it does not know. */
static Status ask_registry(SchemaRegistry *registry, const AstStatement *statement, Error *err)
{
    Str subject = statement->has_subject ? statement->name.text : STR_NULL;
    if (statement->has_id && (statement->id->integer < 0 || statement->id->integer > INT32_MAX))
        return error_set(err, E_NOT_FOUND, NO_POS, "no such id");
    if (statement->has_id)
        return registry_in_subject(registry, subject, (int32_t)statement->id->integer, err);
    Arena           *arena = arena_new(0);
    RegisteredSchema latest;
    Status           status = registry_latest(registry, subject, arena, &latest, err);
    arena_free(arena);
    return status;
}

static Status look_for_schema(Execution *x, const AstStatement *statement, Error *err)
{
    execution_leave_engine(x);
    Status found = ask_registry(engine_registry(x->engine), statement, err);
    execution_enter_engine(x);
    if (found != OK && found != E_NOT_FOUND)
        return found;
    if (statement->not_exists)
        return found == OK ? say_schema(statement, E_EXISTS, "exists", err) : OK;
    return found == OK ? OK : say_schema(statement, E_NOT_FOUND, "does not exist", err);
}

static Status check_schema_statement(Execution *x, const AstStatement *statement, Error *err)
{
    if (!statement->has_subject && !statement->has_id)
        return error_set(err, E_PLAN, statement->pos,
                         "ASSERT SCHEMA statements much include a subject name or an id");
    if (statement->has_id && statement->id->kind != AST_INTEGER)
        return error_set(err, E_PLAN, statement->id->pos, "ID must be an integer");
    if (engine_registry(x->engine) == NULL)
        return error_set(err, E_PLAN, statement->pos,
                         "ASSERT SCHEMA needs a schema registry: please configure "
                         "'ksql.schema.registry.url'");
    return OK;
}

/* A registry that does not answer is asked again, too: it may come back in time. */
Status stmt_assert_schema(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Clock  *clock = engine_clock(x->engine);
    int64_t timeout_ms;
    TRY(check_schema_statement(x, statement, err));
    TRY(timeout_of(x, statement, "ksql.assert.schema.default.timeout.ms", &timeout_ms, err));
    if (x->sandbox)
        return OK;
    int64_t start = clock->monotonic_us(clock);
    Status  status;
    while (((status = look_for_schema(x, statement, err)) == E_NOT_FOUND || status == E_EXISTS ||
            status == E_WAIT) &&
           (clock->monotonic_us(clock) - start) / 1000 < timeout_ms)
        execution_pause(x, RETRY_MS);
    TRY(status);
    *entity = entity_new("assert_schema", statement->text);
    json_object_set_new(*entity, "subject",
                        json_str(statement->has_subject ? statement->name.text : STR_NULL));
    json_object_set_new(*entity, "id",
                        statement->has_id ? json_integer(statement->id->integer) : json_null());
    json_object_set_new(*entity, "exists", json_boolean(!statement->not_exists));
    return OK;
}
