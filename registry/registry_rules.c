/*
 * registry_rules.c - see registry_rules.h: what may be registered, and what goes with what.
 */
#include "registry/registry_rules.h"

#include "serde/schema_text.h"

Status refuse_with(int *code, int number, Status status, Error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(err, status, NO_POS, fmt, args);
    va_end(args);
    *code = number;
    return status;
}

Status refuse_subject_not_found(int *code, Str subject, Error *err)
{
    return refuse_with(code, CODE_SUBJECT_NOT_FOUND, E_NOT_FOUND, err, "Subject '" STR_FMT "' not found.",
                       STR_ARG(subject));
}

Status refuse_version_not_found(int *code, const RegistryModel *model, Str subject, int version, Error *err)
{
    if (!subject_has_any(model_subject(model, subject), false))
        return refuse_subject_not_found(code, subject, err);
    return refuse_with(code, CODE_VERSION_NOT_FOUND, E_NOT_FOUND, err, "Version %d not found.", version);
}

/* ---- references, looked up in the model ---- */

typedef struct {
    SchemaRegistry       base;
    const RegistryModel *model;
} ModelView;

/* Deleted ones, too: who refers to them can still be read. */
static Status view_by_version(SchemaRegistry *base, Str subject, int version, Arena *arena,
                              RegisteredSchema *out, Error *err)
{
    const ModelVersion *found = model_version(((ModelView *)base)->model, subject, version, true);
    if (found == NULL)
        return error_set(err, E_NOT_FOUND, NO_POS,
                         "No schema reference found for subject \"" STR_FMT "\" and version %d",
                         STR_ARG(subject), version);
    *out         = registered_schema_copy(&found->schema->schema, arena);
    out->version = found->version;
    return OK;
}

static ModelView view_of(const RegistryModel *model)
{
    return (ModelView){{.by_version = view_by_version}, model};
}

/* ---- what is a schema ---- */

Status rules_canonical(const RegistryModel *model, const RegisteredSchema *schema, Arena *arena,
                       RegisteredSchema *out, int *code, Error *err)
{
    ModelView view = view_of(model);
    Error     why;
    if (str_trim(schema->text).len == 0)
        return refuse_with(code, CODE_INVALID_SCHEMA, E_PLAN, err, "Empty schema");
    if (schema->text.len > LONGEST_SCHEMA)
        return refuse_with(code, CODE_INVALID_SCHEMA, E_PLAN, err,
                           "Invalid schema of type %s, details: it has %zu bytes, and %d are the most",
                           schema_kind_name(schema->kind), schema->text.len, LONGEST_SCHEMA);
    *out          = *schema;
    Status status = schema_canonical(schema, &view.base, arena, &out->text, &why);
    if (status == OK && out->text.len > LONGEST_SCHEMA)
        status = error_set(&why, E_DATA, NO_POS, "it is too long");
    if (status == OK)
        return OK;
    return refuse_with(code, CODE_INVALID_SCHEMA, E_PLAN, err, "Invalid schema of type %s, details: %s",
                       schema_kind_name(schema->kind), why.message);
}

Status rules_serialized(const RegistryModel *model, const RegisteredSchema *schema, Arena *arena, Str *out,
                        Error *err)
{
    ModelView view = view_of(model);
    return schema_serialized(schema, &view.base, arena, out, err);
}

static bool is_subject_name(Str subject)
{
    if (subject.len == 0 || str_equal(subject, STR_LIT("__GLOBAL")) ||
        str_equal(subject, STR_LIT("__EMPTY")) || str_starts_with(subject, STR_LIT(":.")))
        return false;
    for (size_t i = 0; i < subject.len; i++)
        if ((unsigned char)subject.ptr[i] < 0x20 || subject.ptr[i] == 0x7f)
            return false;
    return utf8_valid(subject);
}

static Status check_writable(const RegistryModel *model, Str subject, int *code, Error *err)
{
    if (!is_subject_name(subject))
        return refuse_with(code, CODE_INVALID_SUBJECT, E_PLAN, err,
                           "The specified subject '" STR_FMT "' is not a valid subject.", STR_ARG(subject));
    if (model_mode(model, subject) == MODE_READONLY)
        return refuse_with(code, CODE_NOT_PERMITTED, E_PLAN, err, "Subject " STR_FMT " is in read-only mode",
                           STR_ARG(subject));
    return OK;
}

/* ---- what goes with what ---- */

static bool reads_back(CompatibilityLevel level)
{
    return level == LEVEL_BACKWARD || level == LEVEL_BACKWARD_TRANSITIVE || level == LEVEL_FULL ||
           level == LEVEL_FULL_TRANSITIVE;
}

static bool reads_on(CompatibilityLevel level)
{
    return level == LEVEL_FORWARD || level == LEVEL_FORWARD_TRANSITIVE || level == LEVEL_FULL ||
           level == LEVEL_FULL_TRANSITIVE;
}

static bool is_transitive(CompatibilityLevel level)
{
    return level == LEVEL_BACKWARD_TRANSITIVE || level == LEVEL_FORWARD_TRANSITIVE ||
           level == LEVEL_FULL_TRANSITIVE;
}

static Status goes_with(const RegistryModel *model, CompatibilityLevel level, const RegisteredSchema *next,
                        const ModelVersion *old, Error *err)
{
    ModelView               view   = view_of(model);
    const RegisteredSchema *known  = &old->schema->schema;
    Status                  status = OK;
    if (reads_back(level))
        status = schema_can_follow(next, known, &view.base, err);
    if (status == OK && reads_on(level))
        status = schema_can_follow(known, next, &view.base, err);
    if (status != OK && err != NULL)
        err->code = E_PLAN; /* an old one that cannot be read is no reason to wait */
    return status == OK ? OK : E_PLAN;
}

Status rules_compatible(const RegistryModel *model, Str subject, const RegisteredSchema *schema, int version,
                        int *against, Error *err)
{
    const ModelSubject *known = model_subject(model, subject);
    CompatibilityLevel  level = model_level(model, subject);
    for (size_t i = known != NULL ? known->count : 0; i > 0 && level != LEVEL_NONE; i--) {
        const ModelVersion *old = &known->versions[i - 1];
        if (old->deleted || (version != 0 && old->version != version))
            continue;
        Status status = goes_with(model, level, schema, old, err);
        if (status != OK) {
            if (against != NULL)
                *against = old->version;
            return status;
        }
        if (!is_transitive(level))
            break;
    }
    return OK;
}

/* ---- registering ---- */

static Status refuse_incompatible(const RegistryModel *model, RegistryChange *change, int against,
                                  const Error *why, Error *err)
{
    return refuse_with(&change->code, CODE_INCOMPATIBLE, E_PLAN, err,
                       "Schema being registered is incompatible with an earlier schema for subject \"" STR_FMT
                       "\", details: [%s, {oldSchemaVersion: %d}, {compatibility: '%s'}]",
                       STR_ARG(change->subject), why->message, against,
                       compatibility_level_name(model_level(model, change->subject)));
}

Status change_register(const RegistryModel *model, void *context, RecordList *out, Error *err)
{
    RegistryChange     *change  = context;
    const ModelSubject *subject = model_subject(model, change->subject);
    RegisteredSchema    schema;
    Error               why;
    int                 against = 0;
    TRY(check_writable(model, change->subject, &change->code, err));
    TRY(rules_canonical(model, &change->schema, out->arena, &schema, &change->code, err));
    const ModelVersion *there = subject_find(subject, &schema, false);
    if (there != NULL) {
        change->id = there->schema->schema.id;
        return OK;
    }
    if (rules_compatible(model, change->subject, &schema, 0, &against, &why) != OK)
        return refuse_incompatible(model, change, against, &why, err);
    const ModelSchema *same = model_find(model, &schema);
    if (same == NULL && model->greatest_id == INT32_MAX)
        return refuse_with(&change->code, CODE_NOT_PERMITTED, E_PLAN, err, "There are no ids left");
    int last  = subject != NULL && subject->count > 0 ? subject->versions[subject->count - 1].version : 0;
    schema.id = same != NULL ? same->schema.id : model->greatest_id + 1;
    record_list_add(
        out, &(RegistryRecord){
                 .kind = RECORD_SCHEMA, .subject = change->subject, .version = last + 1, .schema = schema});
    change->id = schema.id;
    return OK;
}

/* ---- deleting ---- */

static Status refuse_referenced(const RegistryModel *model, Str subject, int version, int *code, Error *err)
{
    for (size_t i = 0; i < model->schema_count; i++)
        if (schema_refers_to(model->schemas[i], subject, version) && model_is_live(model, model->schemas[i]))
            return refuse_with(code, CODE_REFERENCE_EXISTS, E_PLAN, err,
                               "One or more references exist to the schema "
                               "{magic=1,keytype=SCHEMA,subject=" STR_FMT ",version=%d}.",
                               STR_ARG(subject), version);
    return OK;
}

/* What a subject without versions no longer needs. */
static void drop_settings(const ModelSubject *subject, Str name, RecordList *out)
{
    if (subject->level != LEVEL_UNSET)
        record_list_add(out, &(RegistryRecord){.kind = RECORD_CONFIG, .subject = name, .tombstone = true});
    if (subject->mode != MODE_UNSET)
        record_list_add(out, &(RegistryRecord){.kind = RECORD_MODE, .subject = name, .tombstone = true});
}

/* Once the record with the greatest id is gone, nothing but this says that it was given: ids are for ever, in
 * other people's caches and in records. */
static void keep_greatest_id(const RegistryModel *model, RecordList *out)
{
    record_list_add(out, &(RegistryRecord){.kind = RECORD_NOOP, .greatest_id = model->greatest_id});
}

static void note_version(RegistryChange *change, int version)
{
    change->versions = mem_realloc(change->versions, (change->version_count + 1) * sizeof *change->versions);
    change->versions[change->version_count++] = version;
}

static Status check_deletable(const ModelSubject *subject, const RegistryChange *change, int *code,
                              Error *err)
{
    if (!subject_has_any(subject, true))
        return refuse_subject_not_found(code, change->subject, err);
    if (!change->permanent && !subject_has_any(subject, false))
        return refuse_with(code, CODE_SUBJECT_DELETED, E_NOT_FOUND, err,
                           "Subject '" STR_FMT "' was soft deleted. Set permanent=true to delete permanently",
                           STR_ARG(change->subject));
    if (change->permanent && subject_has_any(subject, false))
        return refuse_with(code, CODE_SUBJECT_NOT_DELETED, E_NOT_FOUND, err,
                           "Subject '" STR_FMT "' was not deleted first before being permanently deleted",
                           STR_ARG(change->subject));
    return OK;
}

Status change_delete_subject(const RegistryModel *model, void *context, RecordList *out, Error *err)
{
    RegistryChange     *change  = context;
    const ModelSubject *subject = model_subject(model, change->subject);
    change->version_count       = 0;
    TRY(check_writable(model, change->subject, &change->code, err));
    TRY(check_deletable(subject, change, &change->code, err));
    for (size_t i = 0; i < subject->count; i++) {
        const ModelVersion *one = &subject->versions[i];
        if (!change->permanent && one->deleted)
            continue;
        TRY(refuse_referenced(model, change->subject, one->version, &change->code, err));
        note_version(change, one->version);
        if (change->permanent)
            record_list_add(out, &(RegistryRecord){.kind      = RECORD_SCHEMA,
                                                   .subject   = change->subject,
                                                   .version   = one->version,
                                                   .tombstone = true});
    }
    if (change->permanent) {
        keep_greatest_id(model, out);
        return OK;
    }
    record_list_add(out, &(RegistryRecord){.kind    = RECORD_DELETE_SUBJECT,
                                           .subject = change->subject,
                                           .version = change->versions[change->version_count - 1]});
    drop_settings(subject, change->subject, out);
    return OK;
}

static size_t count_live(const ModelSubject *subject)
{
    size_t count = 0;
    for (size_t i = 0; i < subject->count; i++)
        count += !subject->versions[i].deleted;
    return count;
}

static Status check_version_deletable(const ModelVersion *one, const RegistryChange *change, int *code,
                                      Error *err)
{
    if (one->deleted && !change->permanent)
        return refuse_with(code, CODE_VERSION_DELETED, E_NOT_FOUND, err,
                           "Subject '" STR_FMT
                           "' Version %d was soft deleted. Set permanent=true to delete permanently",
                           STR_ARG(change->subject), one->version);
    if (!one->deleted && change->permanent)
        return refuse_with(code, CODE_VERSION_NOT_DELETED, E_NOT_FOUND, err,
                           "Subject '" STR_FMT
                           "' Version %d was not deleted first before being permanently deleted",
                           STR_ARG(change->subject), one->version);
    return OK;
}

Status change_delete_version(const RegistryModel *model, void *context, RecordList *out, Error *err)
{
    RegistryChange     *change  = context;
    const ModelSubject *subject = model_subject(model, change->subject);
    const ModelVersion *one =
        model_version(model, change->subject, change->version, change->version != 0 || change->permanent);
    change->version_count = 0;
    TRY(check_writable(model, change->subject, &change->code, err));
    if (!subject_has_any(subject, true))
        return refuse_subject_not_found(&change->code, change->subject, err);
    if (one == NULL)
        return refuse_with(&change->code, CODE_VERSION_NOT_FOUND, E_NOT_FOUND, err, "Version %d not found.",
                           change->version);
    TRY(check_version_deletable(one, change, &change->code, err));
    TRY(refuse_referenced(model, change->subject, one->version, &change->code, err));
    note_version(change, one->version);
    RegistryRecord record = {.kind      = RECORD_SCHEMA,
                             .subject   = change->subject,
                             .version   = one->version,
                             .tombstone = change->permanent,
                             .schema    = one->schema->schema,
                             .deleted   = true};
    record_list_add(out, &record);
    if (change->permanent)
        keep_greatest_id(model, out);
    else if (count_live(subject) == 1)
        drop_settings(subject, change->subject, out);
    return OK;
}

/* ---- levels and modes ---- */

static Status check_setting_subject(const RegistryChange *change, int *code, Error *err)
{
    if (str_is_null(change->subject) || is_subject_name(change->subject))
        return OK;
    return refuse_with(code, CODE_INVALID_SUBJECT, E_PLAN, err,
                       "The specified subject '" STR_FMT "' is not a valid subject.",
                       STR_ARG(change->subject));
}

Status change_level(const RegistryModel *model, void *context, RecordList *out, Error *err)
{
    RegistryChange     *change  = context;
    bool                of_all  = str_is_null(change->subject);
    const ModelSubject *subject = of_all ? NULL : model_subject(model, change->subject);
    RegistryRecord      record  = {
              .kind = RECORD_CONFIG, .subject = change->subject, .tombstone = change->level == NULL};
    TRY(check_setting_subject(change, &change->code, err));
    if (change->level != NULL && !compatibility_level_parse(str_c(change->level), &record.level))
        return refuse_with(&change->code, CODE_INVALID_LEVEL, E_PLAN, err,
                           "Invalid compatibility level. Valid values are none, backward, forward, full, "
                           "backward_transitive, forward_transitive, and full_transitive");
    change->old_level = of_all ? model->level : subject != NULL ? subject->level : LEVEL_UNSET;
    if (change->level == NULL && !of_all && change->old_level == LEVEL_UNSET)
        return refuse_subject_not_found(&change->code, change->subject, err);
    record_list_add(out, &record);
    return OK;
}

Status change_mode(const RegistryModel *model, void *context, RecordList *out, Error *err)
{
    RegistryChange     *change  = context;
    bool                of_all  = str_is_null(change->subject);
    const ModelSubject *subject = of_all ? NULL : model_subject(model, change->subject);
    RegistryRecord      record  = {
              .kind = RECORD_MODE, .subject = change->subject, .tombstone = change->mode == NULL};
    TRY(check_setting_subject(change, &change->code, err));
    if (change->mode != NULL && !registry_mode_parse(str_c(change->mode), &record.mode))
        return refuse_with(&change->code, CODE_INVALID_MODE, E_PLAN, err,
                           "Invalid mode. Valid values are READWRITE and READONLY; others are not built");
    change->old_mode = of_all ? model->mode : subject != NULL ? subject->mode : MODE_UNSET;
    if (change->mode == NULL && !of_all && change->old_mode == MODE_UNSET)
        return refuse_subject_not_found(&change->code, change->subject, err);
    record_list_add(out, &record);
    return OK;
}
