/*
 * registry_embedded.c - see registry_embedded.h.
 *
 * What is known already is answered without asking the log: an id never changes its schema. What is not may
 * have come meanwhile, so the topic is looked at; an id that was not there then is not looked for again for a
 * while (unknown_ids.h), as a topic of bad records would ask for each.
 */
#include "registry/registry_embedded.h"

#include <inttypes.h>

#include "registry/registry_rules.h"
#include "registry/unknown_ids.h"

typedef struct {
    SchemaRegistry  base;
    RegistryKeeper *keeper;
    UnknownIds      unknown;
} EmbeddedRegistry;

/* A log that does not answer is no verdict about a schema: who needs it waits. */
static Status waits(Status status, Error *err)
{
    if (status == OK || status == E_NOT_FOUND || status == E_PLAN)
        return status;
    if (err != NULL)
        err->code = E_WAIT;
    error_prefix(err, "The schema registry's topic: ");
    return E_WAIT;
}

static bool find_id(EmbeddedRegistry *self, int32_t id, Arena *arena, RegisteredSchema *out)
{
    const ModelSchema *found = model_schema(keeper_peek(self->keeper), id);
    if (found != NULL)
        *out = registered_schema_copy(&found->schema, arena);
    keeper_done(self->keeper);
    return found != NULL;
}

static Status look(EmbeddedRegistry *self, const RegistryModel **model, Error *err)
{
    return waits(keeper_look(self->keeper, model, err), err);
}

static Status by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    EmbeddedRegistry    *self = (EmbeddedRegistry *)base;
    const RegistryModel *model;
    if (find_id(self, id, arena, out))
        return OK;
    if (!unknown_ids_has(&self->unknown, id)) {
        TRY(look(self, &model, err));
        keeper_done(self->keeper);
        if (find_id(self, id, arena, out))
            return OK;
        unknown_ids_add(&self->unknown, id);
    }
    return error_set(err, E_NOT_FOUND, NO_POS, "Schema %" PRId32 " not found", id);
}

/* A version that is asked for by its number may be deleted: old schemas refer to it. */
static Status by_version(SchemaRegistry *base, Str subject, int version, Arena *arena, RegisteredSchema *out,
                         Error *err)
{
    EmbeddedRegistry    *self = (EmbeddedRegistry *)base;
    const RegistryModel *model;
    TRY(look(self, &model, err));
    const ModelVersion *found = model_version(model, subject, version, version != 0);
    if (found != NULL) {
        *out         = registered_schema_copy(&found->schema->schema, arena);
        out->version = found->version;
    }
    keeper_done(self->keeper);
    return found != NULL
               ? OK
               : error_set(err, E_NOT_FOUND, NO_POS, "Subject '" STR_FMT "' not found.", STR_ARG(subject));
}

static Status enroll(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, int32_t *id,
                     Error *err)
{
    EmbeddedRegistry *self   = (EmbeddedRegistry *)base;
    RegistryChange    change = {.subject = subject, .schema = *schema};
    TRY(waits(keeper_change(self->keeper, change_register, &change, err), err));
    *id = change.id;
    return OK;
}

static Status check_on(const RegistryModel *model, Str subject, const RegisteredSchema *schema, Error *err)
{
    Arena           *arena = arena_new(0);
    RegisteredSchema canonical;
    Error            why;
    int              code   = 0;
    Status           status = rules_canonical(model, schema, arena, &canonical, &code, err);
    if (status == OK && subject_find(model_subject(model, subject), &canonical, false) == NULL &&
        rules_compatible(model, subject, &canonical, 0, NULL, &why) != OK)
        status = error_set(err, E_PLAN, NO_POS,
                           "Schema being registered is incompatible with an earlier schema for subject "
                           "\"" STR_FMT "\": %s",
                           STR_ARG(subject), why.message);
    arena_free(arena);
    return status;
}

static Status check(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, Error *err)
{
    EmbeddedRegistry    *self = (EmbeddedRegistry *)base;
    const RegistryModel *model;
    TRY(look(self, &model, err));
    Status status = check_on(model, subject, schema, err);
    keeper_done(self->keeper);
    return status;
}

static bool has_id(const ModelSubject *subject, int32_t id)
{
    for (size_t i = 0; subject != NULL && i < subject->count; i++)
        if (!subject->versions[i].deleted && subject->versions[i].schema->schema.id == id)
            return true;
    return false;
}

static Status in_subject(SchemaRegistry *base, Str subject, int32_t id, Error *err)
{
    EmbeddedRegistry    *self = (EmbeddedRegistry *)base;
    const RegistryModel *model;
    TRY(look(self, &model, err));
    const ModelSchema *schema = model_schema(model, id);
    bool               found  = str_is_null(subject) ? schema != NULL && model_is_live(model, schema)
                                                     : has_id(model_subject(model, subject), id);
    keeper_done(self->keeper);
    return found ? OK : error_set(err, E_NOT_FOUND, NO_POS, "Schema %" PRId32 " not found", id);
}

static Status forget(SchemaRegistry *base, Str subject, Error *err)
{
    EmbeddedRegistry *self   = (EmbeddedRegistry *)base;
    RegistryChange    change = {.subject = subject};
    Status            status = keeper_change(self->keeper, change_delete_subject, &change, err);
    mem_free(change.versions);
    return waits(status, err);
}

static void refresh(SchemaRegistry *base, int32_t id)
{
    unknown_ids_remove(&((EmbeddedRegistry *)base)->unknown, id);
}

static void close_registry(SchemaRegistry *base)
{
    EmbeddedRegistry *self = (EmbeddedRegistry *)base;
    unknown_ids_clear(&self->unknown);
    mem_free(self);
}

SchemaRegistry *registry_embedded_new(RegistryKeeper *keeper, Clock *clock)
{
    EmbeddedRegistry *self = mem_calloc(1, sizeof *self);
    self->base =
        (SchemaRegistry){by_id, by_version, enroll, check, in_subject, forget, refresh, NULL, close_registry};
    self->keeper = keeper;
    unknown_ids_init(&self->unknown, clock);
    return &self->base;
}
