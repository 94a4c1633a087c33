/*
 * stmt_insert.c - INSERT INTO ... VALUES: one record, written at once. Not logged, and no entity (rest.md 4).
 */
#include "server/statements/statements.h"

/* Key columns that are all NULL are a null key, where one column is the key itself. */
static Status encode_side(Execution *x, const Source *source, int side, const Value *values, Str *out,
                          Error *err)
{
    const Schema *schema = source->schema;
    SerdeSpec     spec   = {.format  = side == SIDE_KEY ? source->key_format : source->value_format,
                            .side    = side,
                            .topic   = source->topic,
                            .columns = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                            .count   = side == SIDE_KEY ? schema->key_count : schema->value_count,
                            .registry = engine_registry(x->engine)};
    Encoder      *encoder;
    *out = STR_NULL;
    if (spec.count == 0)
        return OK;
    TRY(encoder_open(&spec, x->arena, &encoder, err));
    Status status = encoder_encode(encoder, values, x->arena, out, err);
    encoder_close(encoder);
    return status;
}

static Status write_row(Execution *x, const InsertRow *row, Error *err)
{
    LogRecord  record = {.timestamp = row->timestamp};
    QueryHost *host   = engine_host(x->engine);
    Clock     *clock  = engine_clock(x->engine);
    if (!row->has_timestamp)
        record.timestamp = clock->now_ms(clock);
    TRY(encode_side(x, row->source, SIDE_KEY, row->keys, &record.key, err));
    TRY(encode_side(x, row->source, SIDE_VALUE, row->values, &record.value, err));
    Str topic = str_dup(x->arena, row->source->topic);
    execution_leave_lock(x);
    Status status = host->insert(host, topic, &record, err);
    execution_take_lock(x);
    return status;
}

Status stmt_insert_values(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Planner    planner = execution_planner(x, x->arena);
    InsertRow *row;
    TRY(plan_insert_values(&planner, statement, &row, err));
    if (x->sandbox)
        return OK;
    if (write_row(x, row, err) != OK)
        return error_prefix(err, "Failed to insert values into '" STR_FMT "'. ",
                            STR_ARG(statement->name.text));
    return OK;
}
