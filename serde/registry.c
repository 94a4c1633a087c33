/*
 * registry.c - what all schema registries share: the way in, subject names, and references resolved.
 */
#include "serde/registry.h"

#include "serde/serde.h"

static const char *const kind_names[] = {"AVRO", "JSON", "PROTOBUF"};

const char *schema_kind_name(SchemaKind kind) { return kind_names[kind]; }

bool schema_kind_parse(Str text, SchemaKind *out)
{
    *out = SCHEMA_AVRO;
    if (str_is_null(text))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++)
        if (str_equal_nocase(text, str_c(kind_names[i]))) {
            *out = (SchemaKind)i;
            return true;
        }
    return false;
}

RegisteredSchema registered_schema_copy(const RegisteredSchema *from, Arena *arena)
{
    RegisteredSchema copy       = *from;
    SchemaReference *references = ARENA_ARRAY(arena, SchemaReference, from->reference_count + 1);
    copy.text                   = str_dup(arena, from->text);
    for (size_t i = 0; i < from->reference_count; i++)
        references[i] =
            (SchemaReference){str_dup(arena, from->references[i].name),
                              str_dup(arena, from->references[i].subject), from->references[i].version};
    copy.references = references;
    return copy;
}

bool registered_schema_same_references(const RegisteredSchema *a, const RegisteredSchema *b)
{
    if (a->reference_count != b->reference_count)
        return false;
    for (size_t i = 0; i < a->reference_count; i++)
        if (!str_equal(a->references[i].name, b->references[i].name) ||
            !str_equal(a->references[i].subject, b->references[i].subject) ||
            a->references[i].version != b->references[i].version)
            return false;
    return true;
}

static Status refuse_absent(Error *err)
{
    return error_set(err, E_PLAN, NO_POS,
                     "There is no schema registry: please configure 'ksql.schema.registry.url'");
}

Status registry_by_id(SchemaRegistry *registry, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    return registry != NULL ? registry->by_id(registry, id, arena, out, err) : refuse_absent(err);
}

Status registry_by_version(SchemaRegistry *registry, Str subject, int version, Arena *arena,
                           RegisteredSchema *out, Error *err)
{
    return registry != NULL ? registry->by_version(registry, subject, version, arena, out, err)
                            : refuse_absent(err);
}

Status registry_latest(SchemaRegistry *registry, Str subject, Arena *arena, RegisteredSchema *out, Error *err)
{
    return registry_by_version(registry, subject, 0, arena, out, err);
}

Status registry_enroll(SchemaRegistry *registry, Str subject, const RegisteredSchema *schema, int32_t *id,
                       Error *err)
{
    return registry != NULL ? registry->enroll(registry, subject, schema, id, err) : refuse_absent(err);
}

Status registry_check(SchemaRegistry *registry, Str subject, const RegisteredSchema *schema, Error *err)
{
    return registry != NULL ? registry->check(registry, subject, schema, err) : refuse_absent(err);
}

Status registry_in_subject(SchemaRegistry *registry, Str subject, int32_t id, Error *err)
{
    return registry != NULL ? registry->in_subject(registry, subject, id, err) : refuse_absent(err);
}

Status registry_forget(SchemaRegistry *registry, Str subject, Error *err)
{
    return registry != NULL ? registry->forget(registry, subject, err) : refuse_absent(err);
}

void registry_refresh(SchemaRegistry *registry, int32_t id)
{
    if (registry != NULL && registry->refresh != NULL)
        registry->refresh(registry, id);
}

void registry_stop(SchemaRegistry *registry)
{
    if (registry != NULL && registry->stop != NULL)
        registry->stop(registry);
}

void registry_close(SchemaRegistry *registry)
{
    if (registry != NULL)
        registry->close(registry);
}

Str registry_subject(Arena *arena, Str topic, int side)
{
    return str_printf(arena, STR_FMT "-%s", STR_ARG(topic), side == SIDE_KEY ? "key" : "value");
}

/* ---- references ---- */

enum { MOST_REFERENCES = 256, DEEPEST_REFERENCE = 32 };

typedef struct {
    SchemaRegistry    *registry;
    Arena             *arena;
    ResolvedReference *found;
    size_t             count;
} Resolving;

static bool is_found(const Resolving *r, Str name)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_equal(r->found[i].name, name))
            return true;
    return false;
}

/* Depth first, so that a text comes after those that it needs. A cycle never ends, hence the depth. */
static Status resolve(Resolving *r, const RegisteredSchema *schema, int depth, Error *err)
{
    if (depth > DEEPEST_REFERENCE)
        return error_set(err, E_DATA, NO_POS, "Schema references are cyclic or nest deeper than %d",
                         DEEPEST_REFERENCE);
    for (size_t i = 0; i < schema->reference_count; i++) {
        const SchemaReference *reference = &schema->references[i];
        RegisteredSchema       target;
        if (is_found(r, reference->name))
            continue;
        TRY(registry_by_version(r->registry, reference->subject, reference->version, r->arena, &target, err));
        TRY(resolve(r, &target, depth + 1, err));
        if (is_found(r, reference->name))
            continue;
        if (r->count == MOST_REFERENCES)
            return error_set(err, E_DATA, NO_POS, "A schema has more than %d references", MOST_REFERENCES);
        r->found[r->count++] = (ResolvedReference){reference->name, target.text};
    }
    return OK;
}

Status registry_resolve(SchemaRegistry *registry, const RegisteredSchema *schema, Arena *arena,
                        ResolvedReference **out, size_t *count, Error *err)
{
    Resolving r = {.registry = registry, .arena = arena};
    r.found     = ARENA_ARRAY(arena, ResolvedReference, schema->reference_count ? MOST_REFERENCES : 1);
    TRY(resolve(&r, schema, 0, err));
    *out   = r.found;
    *count = r.count;
    return OK;
}
