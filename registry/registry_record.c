/*
 * registry_record.c - see registry_record.h. Members are written in the order in which Confluent's registry
 * writes them: the topic is compacted by the bytes of its keys.
 */
#include "registry/registry_record.h"

#include <jansson.h>

#include "serde/serde.h"

static const char *const levels[] = {
    NULL,   "NONE",           "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE",
    "FULL", "FULL_TRANSITIVE"};
static const char *const modes[] = {NULL, "READWRITE", "READONLY"};
static const char *const kinds[] = {NULL,   "NOOP",           "SCHEMA",       "CONFIG",
                                    "MODE", "DELETE_SUBJECT", "CLEAR_SUBJECT"};

const char *compatibility_level_name(CompatibilityLevel level) { return levels[level]; }
const char *registry_mode_name(RegistryMode mode) { return modes[mode]; }

/* 0: none of them. */
static size_t find_name(const char *const *names, size_t count, Str text)
{
    for (size_t i = 1; i < count; i++)
        if (str_equal_nocase(text, str_c(names[i])))
            return i;
    return 0;
}

bool compatibility_level_parse(Str text, CompatibilityLevel *out)
{
    *out = (CompatibilityLevel)find_name(levels, ARRAY_LEN(levels), text);
    return *out != LEVEL_UNSET;
}

bool registry_mode_parse(Str text, RegistryMode *out)
{
    *out = (RegistryMode)find_name(modes, ARRAY_LEN(modes), text);
    return *out != MODE_UNSET;
}

/* ---- reading ---- */

static Status refuse(const char *what, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "no record of a schema registry: %s", what);
}

static Str text_of(const json_t *object, const char *name, Arena *arena)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? str_dup(arena, str_n(json_string_value(value), json_string_length(value)))
                                 : STR_NULL;
}

/* -1: there is none, or it is beyond what a version or id can be. */
static int32_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    json_int_t    n     = json_is_integer(value) ? json_integer_value(value) : -1;
    return n < 0 || n > INT32_MAX ? -1 : (int32_t)n;
}

static Status read_references(const json_t *list, Arena *arena, RegisteredSchema *out, Error *err)
{
    size_t           count      = json_array_size(list);
    SchemaReference *references = ARENA_ARRAY(arena, SchemaReference, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        references[i]     = (SchemaReference){text_of(one, "name", arena), text_of(one, "subject", arena),
                                              number_of(one, "version")};
        if (str_is_null(references[i].name) || str_is_null(references[i].subject) ||
            references[i].version < 0)
            return refuse("a reference without name, subject or version", err);
    }
    out->references      = references;
    out->reference_count = count;
    return OK;
}

static Status read_schema(const json_t *value, Arena *arena, RegistryRecord *out, Error *err)
{
    Str kind            = text_of(value, "schemaType", arena);
    out->schema.text    = text_of(value, "schema", arena);
    out->schema.id      = number_of(value, "id");
    out->schema.version = out->version;
    out->deleted        = json_is_true(json_object_get(value, "deleted"));
    if (str_is_null(out->schema.text) || out->schema.id < 0 || !schema_kind_parse(kind, &out->schema.kind))
        return refuse("a schema without text or id, or of an unknown type", err);
    return read_references(json_object_get(value, "references"), arena, &out->schema, err);
}

/* A mode or level that we do not have counts as none: the strictest reading of either would lock people out.
 */
static Status read_value(const json_t *value, Arena *arena, RegistryRecord *out, Error *err)
{
    switch (out->kind) {
    case RECORD_SCHEMA:
        return read_schema(value, arena, out, err);
    case RECORD_CONFIG:
        compatibility_level_parse(text_of(value, "compatibilityLevel", arena), &out->level);
        return OK;
    case RECORD_MODE:
        registry_mode_parse(text_of(value, "mode", arena), &out->mode);
        return OK;
    case RECORD_DELETE_SUBJECT:
        out->version = number_of(value, "version");
        return OK;
    case RECORD_NOOP:
        out->greatest_id = number_of(value, "maxId");
        return OK;
    default:
        return OK;
    }
}

/* Subjects of a context (":.name:subject") have ids of their own, which are not ours. */
static bool in_context(Str subject) { return str_starts_with(subject, STR_LIT(":.")); }

static Status read_key(const json_t *key, Arena *arena, RegistryRecord *out, Error *err)
{
    Str kind = text_of(key, "keytype", arena);
    if (!json_is_object(key) || str_is_null(kind))
        return refuse("a key without a type", err);
    *out         = (RegistryRecord){.kind = (RegistryRecordKind)find_name(kinds, ARRAY_LEN(kinds), kind)};
    out->subject = text_of(key, "subject", arena);
    out->version = number_of(key, "version");
    if (!str_is_null(out->subject) && in_context(out->subject))
        out->kind = RECORD_OTHER;
    if (out->kind == RECORD_SCHEMA && (str_is_null(out->subject) || out->version <= 0))
        return refuse("a schema's key without subject or version", err);
    if ((out->kind == RECORD_DELETE_SUBJECT || out->kind == RECORD_CLEAR_SUBJECT) &&
        str_is_null(out->subject))
        return refuse("a subject's key without its name", err);
    return OK;
}

/* ptr NULL or JSON's null: none. */
static Status load(Str text, json_t **out, Error *err)
{
    json_error_t why;
    *out = NULL;
    if (str_is_null(text))
        return OK;
    *out = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &why);
    if (*out == NULL)
        return refuse(why.text, err);
    if (json_is_null(*out)) {
        json_decref(*out);
        *out = NULL;
    }
    return OK;
}

Status registry_record_read(Str key, Str value, Arena *arena, RegistryRecord *out, Error *err)
{
    json_t *name = NULL, *what = NULL;
    *out          = (RegistryRecord){.kind = RECORD_OTHER};
    Status status = load(key, &name, err);
    if (status == OK)
        status = read_key(name, arena, out, err);
    if (status == OK)
        status = load(value, &what, err);
    if (status == OK && what != NULL && !json_is_object(what))
        status = refuse("a value that is no object", err);
    if (status == OK && what != NULL)
        status = read_value(what, arena, out, err);
    out->tombstone = what == NULL;
    json_decref(name);
    json_decref(what);
    return status;
}

/* ---- writing ---- */

static void write_subject(Str subject, StrBuf *out)
{
    strbuf_adds(out, ",\"subject\":");
    if (str_is_null(subject))
        strbuf_adds(out, "null");
    else
        json_write_string(subject, out);
}

static void write_key(const RegistryRecord *record, StrBuf *out)
{
    strbuf_addf(out, "{\"keytype\":\"%s\"", kinds[record->kind]);
    if (record->kind != RECORD_NOOP)
        write_subject(record->subject, out);
    if (record->kind == RECORD_SCHEMA)
        strbuf_addf(out, ",\"version\":%d,\"magic\":1}", record->version);
    else
        strbuf_adds(out, ",\"magic\":0}");
}

static void write_references(const RegisteredSchema *schema, StrBuf *out)
{
    strbuf_adds(out, ",\"references\":[");
    for (size_t i = 0; i < schema->reference_count; i++) {
        strbuf_adds(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_write_string(schema->references[i].name, out);
        write_subject(schema->references[i].subject, out);
        strbuf_addf(out, ",\"version\":%d}", schema->references[i].version);
    }
    strbuf_addc(out, ']');
}

static void write_schema(const RegistryRecord *record, StrBuf *out)
{
    const RegisteredSchema *schema = &record->schema;
    strbuf_adds(out, "{\"subject\":");
    json_write_string(record->subject, out);
    strbuf_addf(out, ",\"version\":%d,\"id\":%d", record->version, (int)schema->id);
    if (schema->kind != SCHEMA_AVRO)
        strbuf_addf(out, ",\"schemaType\":\"%s\"", schema_kind_name(schema->kind));
    if (schema->reference_count > 0)
        write_references(schema, out);
    strbuf_adds(out, ",\"schema\":");
    json_write_string(schema->text, out);
    strbuf_addf(out, ",\"deleted\":%s}", record->deleted ? "true" : "false");
}

void registry_record_write(const RegistryRecord *record, StrBuf *key, StrBuf *value)
{
    write_key(record, key);
    if (record->tombstone)
        return;
    switch (record->kind) {
    case RECORD_SCHEMA:
        write_schema(record, value);
        break;
    case RECORD_CONFIG:
        strbuf_addf(value, "{\"compatibilityLevel\":\"%s\"}", levels[record->level]);
        break;
    case RECORD_MODE:
        strbuf_addf(value, "{\"mode\":\"%s\"}", modes[record->mode]);
        break;
    case RECORD_DELETE_SUBJECT:
        strbuf_adds(value, "{\"subject\":");
        json_write_string(record->subject, value);
        strbuf_addf(value, ",\"version\":%d}", record->version);
        break;
    default:
        strbuf_addf(value, "{\"maxId\":%d}", (int)record->greatest_id);
        break;
    }
}
