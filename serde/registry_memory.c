/*
 * registry_memory.c - see registry_memory.h.
 *
 * Everything is kept for ever, in one arena: a registry forgets nothing.
 */
#include "serde/registry_memory.h"

#include <pthread.h>

typedef struct {
    Str    subject;
    size_t schema; /* index of schemas */
    int    version;
} Entry;

typedef struct {
    SchemaRegistry    base;
    pthread_mutex_t   lock; /* all below */
    Arena            *arena;
    RegisteredSchema *schemas;
    size_t            count, capacity;
    Entry            *entries; /* in order of registration */
    size_t            entry_count, entry_capacity;
} MemoryRegistry;

static Status by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    MemoryRegistry *self   = (MemoryRegistry *)base;
    Status          status = E_NOT_FOUND;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->count && status != OK; i++)
        if (self->schemas[i].id == id) {
            *out         = registered_schema_copy(&self->schemas[i], arena);
            out->version = 0;
            status       = OK;
        }
    pthread_mutex_unlock(&self->lock);
    return status == OK ? OK : error_set(err, E_NOT_FOUND, NO_POS, "Schema %d not found", (int)id);
}

static Status by_version(SchemaRegistry *base, Str subject, int version, Arena *arena, RegisteredSchema *out,
                         Error *err)
{
    MemoryRegistry *self  = (MemoryRegistry *)base;
    const Entry    *found = NULL;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->entry_count; i++)
        if (str_equal(self->entries[i].subject, subject) &&
            (version == 0 || self->entries[i].version == version))
            found = &self->entries[i];
    if (found != NULL) {
        *out         = registered_schema_copy(&self->schemas[found->schema], arena);
        out->version = found->version;
    }
    pthread_mutex_unlock(&self->lock);
    return found != NULL
               ? OK
               : error_set(err, E_NOT_FOUND, NO_POS, "Subject '" STR_FMT "' not found.", STR_ARG(subject));
}

static size_t find_schema(const MemoryRegistry *self, const RegisteredSchema *schema)
{
    size_t i = 0;
    while (i < self->count &&
           !(self->schemas[i].kind == schema->kind && str_equal(self->schemas[i].text, schema->text) &&
             registered_schema_same_references(&self->schemas[i], schema)))
        i++;
    return i;
}

/* Room for one more. */
static void *grow(void *items, size_t count, size_t *capacity, size_t width)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_realloc(items, *capacity * width);
}

static size_t add_schema(MemoryRegistry *self, const RegisteredSchema *schema, int32_t id)
{
    self->schemas                 = grow(self->schemas, self->count, &self->capacity, sizeof *self->schemas);
    self->schemas[self->count]    = registered_schema_copy(schema, self->arena);
    self->schemas[self->count].id = id;
    return self->count++;
}

/* One more version of the subject, unless it has that schema already. */
static void add_entry(MemoryRegistry *self, Str subject, size_t schema)
{
    int last = 0;
    for (size_t i = 0; i < self->entry_count; i++) {
        if (!str_equal(self->entries[i].subject, subject))
            continue;
        if (self->entries[i].schema == schema)
            return;
        last = self->entries[i].version;
    }
    self->entries = grow(self->entries, self->entry_count, &self->entry_capacity, sizeof(Entry));
    self->entries[self->entry_count++] = (Entry){str_dup(self->arena, subject), schema, last + 1};
}

static int32_t next_id(const MemoryRegistry *self)
{
    int32_t id = 1;
    for (size_t i = 0; i < self->count; i++)
        if (self->schemas[i].id >= id)
            id = self->schemas[i].id + 1;
    return id;
}

static Status enroll(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, int32_t *id,
                     Error *err)
{
    MemoryRegistry *self = (MemoryRegistry *)base;
    TRY(base->check(base, subject, schema, err));
    pthread_mutex_lock(&self->lock);
    size_t at = find_schema(self, schema);
    if (at == self->count)
        add_schema(self, schema, next_id(self));
    add_entry(self, subject, at);
    *id = self->schemas[at].id;
    pthread_mutex_unlock(&self->lock);
    return OK;
}

Status registry_memory_put(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, Error *err)
{
    MemoryRegistry *self   = (MemoryRegistry *)base;
    Status          status = OK;
    pthread_mutex_lock(&self->lock);
    size_t at = 0;
    while (at < self->count && self->schemas[at].id != schema->id)
        at++;
    if (at == self->count)
        add_schema(self, schema, schema->id);
    else if (!str_equal(self->schemas[at].text, schema->text))
        status = E_EXISTS;
    if (status == OK)
        add_entry(self, subject, at);
    pthread_mutex_unlock(&self->lock);
    return status == OK ? OK
                        : error_set(err, E_EXISTS, NO_POS, "Another schema has the id %d", (int)schema->id);
}

/* Nothing is refused here: test data change schemas as they like. */
static Status check(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, Error *err)
{
    return OK;
}

static Status in_subject(SchemaRegistry *base, Str subject, int32_t id, Error *err)
{
    MemoryRegistry *self  = (MemoryRegistry *)base;
    bool            found = false;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->entry_count && !found; i++)
        found = self->schemas[self->entries[i].schema].id == id &&
                (str_is_null(subject) || str_equal(self->entries[i].subject, subject));
    pthread_mutex_unlock(&self->lock);
    return found ? OK : error_set(err, E_NOT_FOUND, NO_POS, "Schema %d not found", (int)id);
}

static Status forget(SchemaRegistry *base, Str subject, Error *err)
{
    MemoryRegistry *self = (MemoryRegistry *)base;
    size_t          left = 0;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->entry_count; i++)
        if (!str_equal(self->entries[i].subject, subject))
            self->entries[left++] = self->entries[i];
    bool found        = left < self->entry_count;
    self->entry_count = left;
    pthread_mutex_unlock(&self->lock);
    return found ? OK
                 : error_set(err, E_NOT_FOUND, NO_POS, "Subject '" STR_FMT "' not found.", STR_ARG(subject));
}

static void close_registry(SchemaRegistry *base)
{
    MemoryRegistry *self = (MemoryRegistry *)base;
    pthread_mutex_destroy(&self->lock);
    mem_free(self->schemas);
    mem_free(self->entries);
    arena_free(self->arena);
    mem_free(self);
}

SchemaRegistry *registry_memory_new(void)
{
    MemoryRegistry *self = mem_calloc(1, sizeof *self);
    self->base =
        (SchemaRegistry){by_id, by_version, enroll, check, in_subject, forget, NULL, NULL, close_registry};
    self->arena = arena_new(0);
    pthread_mutex_init(&self->lock, NULL);
    return &self->base;
}
