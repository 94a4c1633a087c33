/*
 * schemas.c - see schemas.h. What is asked here is asked of the request's notes (registry_notes.h): nobody
 * waits for a registry in this file, and whatever stands behind a question may be carried out again.
 */
#include "server/engine/schemas.h"

#include "serde/schema_text.h"
#include "server/engine/engine_state.h"

static SerdeSpec side_spec(Execution *x, const Source *source, int side)
{
    const Schema *schema = source->schema;
    return (SerdeSpec){.format   = side == SIDE_KEY ? source->key_format : source->value_format,
                       .side     = side,
                       .topic    = source->topic,
                       .columns  = side == SIDE_KEY ? schema->columns : schema->columns + schema->key_count,
                       .count    = side == SIDE_KEY ? schema->key_count : schema->value_count,
                       .registry = x->registry};
}

static Status refuse_without_registry(const SerdeSpec *spec, Error *err)
{
    return error_set(err, E_PLAN, NO_POS,
                     "Cannot create topic '" STR_FMT "' with format %s without configuring "
                     "'ksql.schema.registry.url'",
                     STR_ARG(spec->topic), format_name(spec->format.format));
}

/* A schema that was named by its id must have that id here, too: records will carry it. */
static Status enroll(const SerdeSpec *spec, Error *err)
{
    int32_t id;
    TRY(schema_enroll(spec, &id, err));
    if (spec->format.schema_id == 0 || spec->format.schema_id == id)
        return OK;
    return error_set(
        err, E_PLAN, NO_POS,
        "Schema id registered is %d which is different from provided %s schema id %d.\nTopic: " STR_FMT,
        (int)id, spec->side == SIDE_KEY ? "key" : "value", (int)spec->format.schema_id, STR_ARG(spec->topic));
}

static Status ask(const SerdeSpec *spec, Str subject, Arena *arena, Error *err)
{
    RegisteredSchema schema;
    if (spec->format.schema_id != 0)
        TRY(registry_by_id(spec->registry, spec->format.schema_id, arena, &schema, err));
    else
        TRY(schema_of_columns(spec, arena, &schema, err));
    return registry_check(spec->registry, subject, &schema, err);
}

void schemas_advise(const SerdeSpec *spec, Arena *arena, Error *err)
{
    RegisteredSchema known;
    Str              subject = registry_subject(arena, spec->topic, spec->side);
    if (err->code != E_PLAN || spec->registry == NULL || spec->format.schema_id != 0 ||
        registry_latest(spec->registry, subject, arena, &known, NULL) != OK ||
        known.kind != schema_kind_of(spec->format.format))
        return;
    error_append(err,
                 "\nTo write by the schema that " STR_FMT
                 " has, name it where the source is created, without its columns: WITH (%s_SCHEMA_ID=%d).",
                 STR_ARG(subject), spec->side == SIDE_KEY ? "KEY" : "VALUE", (int)known.id);
}

static Status register_side(Execution *x, const SerdeSpec *spec, bool only_new, Error *err)
{
    RegisteredSchema known;
    Str              subject = registry_subject(x->arena, spec->topic, spec->side);
    Status           status  = E_NOT_FOUND;
    if (spec->count == 0 || spec->format.format == NULL || !format_facts(spec->format.format)->registry ||
        !format_facts(spec->format.format)->built) /* refused elsewhere, for what it is */
        return OK;
    if (spec->registry == NULL)
        return refuse_without_registry(spec, err);
    if (only_new)
        status = registry_latest(spec->registry, subject, x->arena, &known, err);
    if (status == E_NOT_FOUND) /* or somebody named a schema, which the subject must have */
        status = x->sandbox ? ask(spec, subject, x->arena, err) : enroll(spec, err);
    else if (status == OK && spec->format.schema_id != 0 && !x->sandbox)
        status = enroll(spec, err);
    if (status == E_PLAN)
        schemas_advise(spec, x->arena, err);
    if (status == E_PLAN)
        error_prefix(err, "Could not register schema for topic: " STR_FMT ". ", STR_ARG(spec->topic));
    return status;
}

Status schemas_of_insert(SerdeSpec *spec, Arena *arena, Error *err)
{
    RegisteredSchema known;
    Column          *columns;
    size_t           count;
    Str              subject = registry_subject(arena, spec->topic, spec->side);
    if (spec->side != SIDE_KEY || spec->registry == NULL || !format_facts(spec->format.format)->registry ||
        spec->format.schema_id != 0)
        return OK;
    Status status = registry_latest(spec->registry, subject, arena, &known, err);
    if (status == E_NOT_FOUND)
        return OK;
    TRY(status);
    SchemaQuestion question = {.format    = &spec->format,
                               .side      = SIDE_KEY,
                               .schema    = &known,
                               .registry  = spec->registry,
                               .unwrapped = serde_is_unwrapped(&spec->format, SIDE_KEY, spec->count),
                               .upper     = true};
    bool           same     = known.kind == schema_kind_of(spec->format.format) &&
                schema_columns(&question, arena, &columns, &count, err) == OK && count == spec->count;
    for (size_t i = 0; same && i < count; i++)
        same = type_equal(columns[i].type, spec->columns[i].type);
    if (!same)
        return error_set(err, E_PLAN, NO_POS,
                         "Cannot INSERT VALUES into data source with topic " STR_FMT
                         ". ksqlDB generated schema would overwrite existing key schema.",
                         STR_ARG(spec->topic));
    spec->format.schema_id = known.id;
    return OK;
}

Status schemas_register(Execution *x, const Source *source, bool only_new, Error *err)
{
    if (x->command != NULL)
        return OK;
    for (int side = SIDE_KEY; side <= SIDE_VALUE; side++) {
        SerdeSpec spec = side_spec(x, source, side);
        TRY(register_side(x, &spec, only_new, err));
    }
    return OK;
}
