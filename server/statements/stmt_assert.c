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

static Status timeout_of(const Execution *x, const AstStatement *statement, int64_t *ms, Error *err)
{
    Str setting = execution_property(x, "ksql.assert.topic.default.timeout.ms");
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
    TRY(timeout_of(x, statement, &timeout_ms, err));
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

Status stmt_assert_schema(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (!statement->has_subject && !statement->has_id)
        return error_set(err, E_PLAN, statement->pos,
                         "ASSERT SCHEMA statements much include a subject name or an id");
    if (statement->has_id && statement->id->kind != AST_INTEGER)
        return error_set(err, E_PLAN, statement->id->pos, "ID must be an integer");
    return error_set(err, E_UNSUPPORTED, statement->pos,
                     "Sluice does not speak to a schema registry yet: ASSERT SCHEMA cannot be answered");
}
