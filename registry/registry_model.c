/*
 * registry_model.c - see registry_model.h. Both lists are sorted, and found in by halves.
 */
#include "registry/registry_model.h"

/* ---- lists ---- */

static void *grow(void *items, size_t count, size_t *capacity, size_t width)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity > 0 ? *capacity * 2 : 8;
    return mem_realloc(items, *capacity * width);
}

/* Where the id stands, or would. */
static size_t schema_place(const RegistryModel *model, int32_t id)
{
    size_t low = 0, high = model->schema_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (model->schemas[middle]->schema.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t subject_place(const RegistryModel *model, Str name)
{
    size_t low = 0, high = model->subject_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_compare(str_c(model->subjects[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const ModelSchema *model_schema(const RegistryModel *model, int32_t id)
{
    size_t at = schema_place(model, id);
    return at < model->schema_count && model->schemas[at]->schema.id == id ? model->schemas[at] : NULL;
}

static ModelSubject *find_subject(const RegistryModel *model, Str name)
{
    size_t at = subject_place(model, name);
    return at < model->subject_count && str_equal(str_c(model->subjects[at]->name), name)
               ? model->subjects[at]
               : NULL;
}

const ModelSubject *model_subject(const RegistryModel *model, Str name) { return find_subject(model, name); }

static ModelSubject *need_subject(RegistryModel *model, Str name)
{
    ModelSubject *subject = find_subject(model, name);
    size_t        at      = subject_place(model, name);
    if (subject != NULL)
        return subject;
    model->subjects =
        grow(model->subjects, model->subject_count, &model->subject_capacity, sizeof *model->subjects);
    memmove(model->subjects + at + 1, model->subjects + at,
            (model->subject_count - at) * sizeof *model->subjects);
    subject             = mem_calloc(1, sizeof *subject);
    subject->name       = str_to_heap(name);
    model->subjects[at] = subject;
    model->subject_count++;
    return subject;
}

static void free_subject(ModelSubject *subject)
{
    mem_free(subject->name);
    mem_free(subject->versions);
    mem_free(subject);
}

/* One of which nothing is left to say. */
static void drop_empty_subject(RegistryModel *model, Str name)
{
    size_t        at      = subject_place(model, name);
    ModelSubject *subject = find_subject(model, name);
    if (subject == NULL || subject->count > 0 || subject->level != LEVEL_UNSET || subject->mode != MODE_UNSET)
        return;
    free_subject(subject);
    model->subject_count--;
    memmove(model->subjects + at, model->subjects + at + 1,
            (model->subject_count - at) * sizeof *model->subjects);
}

/* ---- schemas ---- */

static void free_schema(ModelSchema *schema)
{
    arena_free(schema->arena);
    mem_free(schema);
}

static ModelSchema *use_schema(RegistryModel *model, const RegisteredSchema *from)
{
    size_t       at    = schema_place(model, from->id);
    ModelSchema *known = (ModelSchema *)model_schema(model, from->id);
    if (from->id > model->greatest_id)
        model->greatest_id = from->id;
    if (known == NULL) {
        model->schemas =
            grow(model->schemas, model->schema_count, &model->schema_capacity, sizeof *model->schemas);
        memmove(model->schemas + at + 1, model->schemas + at,
                (model->schema_count - at) * sizeof *model->schemas);
        known                 = mem_calloc(1, sizeof *known);
        known->arena          = arena_new(0);
        known->schema         = registered_schema_copy(from, known->arena);
        known->schema.version = 0;
        model->schemas[at]    = known;
        model->schema_count++;
    }
    known->uses++;
    return known;
}

static void unuse_schema(RegistryModel *model, ModelSchema *schema)
{
    if (--schema->uses > 0)
        return;
    size_t at = schema_place(model, schema->schema.id);
    model->schema_count--;
    memmove(model->schemas + at, model->schemas + at + 1,
            (model->schema_count - at) * sizeof *model->schemas);
    free_schema(schema);
}

/* ---- versions ---- */

static size_t version_place(const ModelSubject *subject, int version)
{
    size_t at = subject->count; /* most are new */
    while (at > 0 && subject->versions[at - 1].version >= version)
        at--;
    return at;
}

static void put_version(RegistryModel *model, const RegistryRecord *record)
{
    ModelSubject *subject = need_subject(model, record->subject);
    size_t        at      = version_place(subject, record->version);
    bool          known   = at < subject->count && subject->versions[at].version == record->version;
    ModelSchema  *schema  = use_schema(model, &record->schema);
    if (known) {
        unuse_schema(model, subject->versions[at].schema);
    } else {
        subject->versions =
            grow(subject->versions, subject->count, &subject->capacity, sizeof *subject->versions);
        memmove(subject->versions + at + 1, subject->versions + at,
                (subject->count - at) * sizeof *subject->versions);
        subject->count++;
    }
    subject->versions[at] = (ModelVersion){record->version, record->deleted, schema};
}

static void remove_version(RegistryModel *model, Str name, int version)
{
    ModelSubject *subject = find_subject(model, name);
    size_t        at      = subject != NULL ? version_place(subject, version) : 0;
    if (subject == NULL || at == subject->count || subject->versions[at].version != version)
        return;
    unuse_schema(model, subject->versions[at].schema);
    subject->count--;
    memmove(subject->versions + at, subject->versions + at + 1,
            (subject->count - at) * sizeof *subject->versions);
    drop_empty_subject(model, name);
}

static void delete_versions(RegistryModel *model, Str name, int last)
{
    ModelSubject *subject = find_subject(model, name);
    for (size_t i = 0; subject != NULL && i < subject->count; i++)
        if (subject->versions[i].version <= last)
            subject->versions[i].deleted = true;
}

static void remove_versions(RegistryModel *model, Str name)
{
    ModelSubject *subject = find_subject(model, name);
    while (subject != NULL && subject->count > 0) {
        bool last = subject->count == 1; /* the subject may go with it */
        remove_version(model, name, subject->versions[subject->count - 1].version);
        if (last)
            break;
    }
}

static void put_setting(RegistryModel *model, const RegistryRecord *record)
{
    bool                of_all  = str_is_null(record->subject);
    ModelSubject       *subject = of_all ? NULL : need_subject(model, record->subject);
    CompatibilityLevel *level   = of_all ? &model->level : &subject->level;
    RegistryMode       *mode    = of_all ? &model->mode : &subject->mode;
    if (record->kind == RECORD_CONFIG)
        *level = record->tombstone ? LEVEL_UNSET : record->level;
    else
        *mode = record->tombstone ? MODE_UNSET : record->mode;
    if (!of_all)
        drop_empty_subject(model, record->subject);
}

void model_apply(RegistryModel *model, const RegistryRecord *record)
{
    switch (record->kind) {
    case RECORD_SCHEMA:
        if (record->tombstone)
            remove_version(model, record->subject, record->version);
        else
            put_version(model, record);
        break;
    case RECORD_CONFIG:
    case RECORD_MODE:
        put_setting(model, record);
        break;
    case RECORD_DELETE_SUBJECT:
        if (!record->tombstone)
            delete_versions(model, record->subject, record->version);
        break;
    case RECORD_CLEAR_SUBJECT:
        if (!record->tombstone)
            remove_versions(model, record->subject);
        break;
    case RECORD_NOOP:
        if (record->greatest_id > model->greatest_id)
            model->greatest_id = record->greatest_id;
        break;
    case RECORD_OTHER:
        break;
    }
}

void model_clear(RegistryModel *model)
{
    for (size_t i = 0; i < model->subject_count; i++)
        free_subject(model->subjects[i]);
    for (size_t i = 0; i < model->schema_count; i++)
        free_schema(model->schemas[i]);
    mem_free(model->subjects);
    mem_free(model->schemas);
    *model = (RegistryModel){0};
}

/* ---- questions ---- */

bool subject_has_any(const ModelSubject *subject, bool deleted)
{
    for (size_t i = 0; subject != NULL && i < subject->count; i++)
        if (deleted || !subject->versions[i].deleted)
            return true;
    return false;
}

const ModelVersion *model_version(const RegistryModel *model, Str name, int version, bool deleted)
{
    const ModelSubject *subject = find_subject(model, name);
    for (size_t i = subject != NULL ? subject->count : 0; i > 0; i--) {
        const ModelVersion *at = &subject->versions[i - 1];
        if ((version == 0 || at->version == version) && (deleted || !at->deleted))
            return at;
    }
    return NULL;
}

static bool same_schema(const RegisteredSchema *a, const RegisteredSchema *b)
{
    return a->kind == b->kind && str_equal(a->text, b->text) && registered_schema_same_references(a, b);
}

const ModelVersion *subject_find(const ModelSubject *subject, const RegisteredSchema *schema, bool deleted)
{
    for (size_t i = subject != NULL ? subject->count : 0; i > 0; i--) {
        const ModelVersion *at = &subject->versions[i - 1];
        if ((deleted || !at->deleted) && same_schema(&at->schema->schema, schema))
            return at;
    }
    return NULL;
}

const ModelSchema *model_find(const RegistryModel *model, const RegisteredSchema *schema)
{
    for (size_t i = 0; i < model->schema_count; i++)
        if (same_schema(&model->schemas[i]->schema, schema))
            return model->schemas[i];
    return NULL;
}

bool model_is_live(const RegistryModel *model, const ModelSchema *schema)
{
    for (size_t i = 0; i < model->subject_count; i++)
        for (size_t j = 0; j < model->subjects[i]->count; j++)
            if (model->subjects[i]->versions[j].schema == schema && !model->subjects[i]->versions[j].deleted)
                return true;
    return false;
}

bool schema_refers_to(const ModelSchema *schema, Str subject, int version)
{
    for (size_t i = 0; i < schema->schema.reference_count; i++)
        if (str_equal(schema->schema.references[i].subject, subject) &&
            schema->schema.references[i].version == version)
            return true;
    return false;
}

CompatibilityLevel model_level(const RegistryModel *model, Str name)
{
    const ModelSubject *subject = find_subject(model, name);
    if (subject != NULL && subject->level != LEVEL_UNSET)
        return subject->level;
    return model->level != LEVEL_UNSET ? model->level : LEVEL_BACKWARD;
}

RegistryMode model_mode(const RegistryModel *model, Str name)
{
    const ModelSubject *subject = find_subject(model, name);
    if (subject != NULL && subject->mode != MODE_UNSET)
        return subject->mode;
    return model->mode != MODE_UNSET ? model->mode : MODE_READWRITE;
}
