/*
 * stmt_insert.c - INSERT INTO ... VALUES: one record, written at once. Not logged, and no entity (rest.md 4).
 */
#include "server/engine/schemas.h"
#include "server/engine/own_topics.h"
#include "server/statements/insert_rows.h"

/* Key columns that are all NULL are a null key, where one column is the key itself. */
static Status encode_side(const Source *source, int side, const Value *values, SchemaRegistry *registry,
                          Arena *arena, Str *out, Error *err)
{
    const Schema *schema = source->schema;
    SerdeSpec     spec   = {.format  = side == SIDE_KEY ? source->key_format : source->value_format,
                            .side    = side,
                            .topic   = source->topic,
                            .columns = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                            .count   = side == SIDE_KEY ? schema->key_count : schema->value_count,
                            .registry = registry};
    Encoder      *encoder;
    *out = STR_NULL;
    if (spec.count == 0)
        return OK;
    TRY(schemas_of_insert(&spec, arena, err));
    TRY(encoder_open(&spec, arena, &encoder, err));
    Status status = encoder_encode(encoder, values, arena, out, err);
    encoder_close(encoder);
    if (status == E_PLAN)
        schemas_advise(&spec, arena, err);
    return status;
}

/* Outside the engine, where the registry may take its time; a request that has the lease keeps it, and asks
 * its notes. */
static Status encode_row(Execution *x, const InsertRow *row, LogRecord *out, Error *err)
{
    bool            outside  = !x->lease;
    SchemaRegistry *registry = outside ? engine_registry(x->engine) : x->registry;
    if (outside)
        execution_leave_engine(x);
    Status status = encode_side(row->source, SIDE_KEY, row->keys, registry, x->arena, &out->key, err);
    if (status == OK)
        status = encode_side(row->source, SIDE_VALUE, row->values, registry, x->arena, &out->value, err);
    if (outside)
        execution_enter_engine(x);
    return status;
}

/* How long the values take to evaluate is the client's to say, so what is not little work is done without the
 * lock, and what nobody can tell the end of without the lease. In the sandbox, too: a value that is wrong
 * refuses the request. *row: NULL where the sandbox has seen to it before, when it gave the lease back. */
static Status plan_values(Execution *x, const AstStatement *statement, InsertRow **row, Error *err)
{
    AstWork work = ast_work(statement);
    *row         = NULL;
    if (x->sandbox && x->asked_before && work == WORK_LONG)
        return OK;
    if (work != WORK_LITTLE)
        execution_begin_work(x, work != WORK_LONG);
    Planner planner = execution_planner(x, x->arena);
    Status  status  = plan_insert_values(&planner, statement, row, err);
    if (work != WORK_LITTLE)
        execution_end_work(x);
    return status;
}

Status insert_make_record(Execution *x, const AstStatement *statement, LogRecord *out, Str *topic, Error *err)
{
    Clock     *clock = engine_clock(x->engine);
    InsertRow *row;
    TRY(plan_values(x, statement, &row, err));
    if (row == NULL)
        return OK;
    TRY(refuse_own_topic(x->session->overrides, row->source->topic, "insert values into", statement->name.pos,
                         err));
    *out   = (LogRecord){.timestamp = row->has_timestamp ? row->timestamp : clock->now_ms(clock)};
    *topic = str_dup(x->arena, row->source->topic);
    if (x->sandbox)
        return OK;
    Status status = encode_row(x, row, out, err);
    return status == OK ? OK
                        : error_prefix(err, "Failed to insert values into '" STR_FMT "'. ",
                                       STR_ARG(statement->name.text));
}

Status stmt_insert_values(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    LogRecord  record;
    Str        topic;
    QueryHost *host = engine_host(x->engine);
    TRY(insert_make_record(x, statement, &record, &topic, err));
    if (x->sandbox)
        return OK;
    execution_leave_lock(x);
    Status status = host->insert(host, topic, &record, 1, &x->session->written, err);
    execution_take_lock(x);
    return status == OK ? OK
                        : error_prefix(err, "Failed to insert values into '" STR_FMT "'. ",
                                       STR_ARG(statement->name.text));
}
