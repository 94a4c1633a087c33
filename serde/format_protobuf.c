/*
 * format_protobuf.c - PROTOBUF: registered schemas, a message's place in its text, the message.
 *
 * A text may hold several messages; a record says which it is by the way to it: the message's index on the
 * top level, then among those nested in it. The first message of all, which nearly every record is, is one
 * byte.
 */
#include "serde/connect.h"
#include "serde/format_protobuf.h"
#include "serde/framed.h"
#include "serde/proto_codec.h"

enum { DEEPEST_MESSAGE = 32 };

static Status print(const SerdeSpec *spec, StrBuf *out, Error *err)
{
    Str name = spec->format.full_schema_name;
    return proto_print(spec->columns, spec->count, str_is_null(name) ? STR_LIT("ConnectDefault1") : name,
                       spec->format.nullable_representation, out, err);
}

/* What stands directly in an ARRAY and is repeated itself: Protobuf has no field for that, and a schema that
 * repeats only once would lose a level. NULL: nothing. In the values of a MAP it can be: their message, the
 * entry, has a field for them. */
static const char *nested_repeated(const SqlType *type)
{
    switch (type->kind) {
    case T_ARRAY:
        if (type->element->kind == T_ARRAY || type->element->kind == T_MAP)
            return type->element->kind == T_ARRAY ? "an ARRAY" : "a MAP";
        return nested_repeated(type->element);
    case T_MAP:
        return nested_repeated(type->element);
    case T_STRUCT:
        for (size_t i = 0; i < type->field_count; i++) {
            const char *nested = nested_repeated(type->fields[i].type);
            if (nested != NULL)
                return nested;
        }
        return NULL;
    default:
        return NULL;
    }
}

Status protobuf_check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err)
{
    TRY(columns_check_map_keys(columns, count,
                               "PROTOBUF format only supports MAP types with STRING keys. "
                               "See https://github.com/confluentinc/ksql/issues/6177.",
                               err));
    for (size_t i = 0; i < count; i++) {
        const char *nested = nested_repeated(columns[i].type);
        if (nested != NULL)
            return error_set(err, E_PLAN, NO_POS,
                             "PROTOBUF format does not support %s directly in an ARRAY, column: `" STR_FMT
                             "`. A STRUCT between the two holds it",
                             nested, STR_ARG(columns[i].name));
    }
    StrBuf    text   = {0};
    SerdeSpec spec   = {.format = {.format = format}, .side = side, .columns = columns, .count = count};
    Status    status = print(&spec, &text, err); /* names that Protobuf does not have */
    strbuf_clear(&text);
    return status;
}

static Status parse(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena,
                    const ProtoFile **out, Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return proto_parse(schema->text, references, count, arena, out, err);
}

static Status no_message(Str name, Error *err)
{
    if (str_is_null(name))
        return error_set(err, E_PLAN, NO_POS, "The Protobuf schema has no message");
    return error_set(err, E_PLAN, NO_POS, "The Protobuf schema has no message " STR_FMT, STR_ARG(name));
}

/* ---- columns ---- */

static Status refuse_many(const ProtoFile *file, int side, Error *err)
{
    const char *title = side == SIDE_KEY ? "Key" : "Value", *word = side == SIDE_KEY ? "KEY" : "VALUE";
    error_set(err, E_PLAN, NO_POS, "%s schema has multiple schema definitions. \n\n", title);
    for (size_t i = 0; i < file->count; i++)
        error_append(err, "- " STR_FMT "\n", STR_ARG(file->messages[i].full_name));
    error_append(err, "\nPlease specify a schema full name in the WITH clause using %s_SCHEMA_FULL_NAME",
                 word);
    return E_PLAN;
}

static Status infer(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err)
{
    const ProtoFile *file;
    Str              name = question->format->full_schema_name;
    *count                = 0;
    *out                  = NULL;
    if (parse(question->schema, question->registry, arena, &file, err) != OK)
        return err->code == E_DATA ? err->code = E_PLAN : err->code;
    if (file->count > 1 && str_is_null(name))
        return refuse_many(file, question->side, err);
    const ProtoMessage *message = proto_find(file, name);
    if (message == NULL)
        return no_message(name, err);
    const SqlType *type = proto_to_sql(message, question->upper, arena);
    *count              = type != NULL ? type->field_count : 0;
    *out                = ARENA_ARRAY(arena, Column, *count + 1);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (Column){.name = type->fields[i].name, .type = type->fields[i].type};
    return OK;
}

/* ---- reading ---- */

typedef struct {
    int64_t            path[DEEPEST_MESSAGE];
    size_t             length;
    const ProtoReader *reader;
} Known;

/* The messages of a text that records have named so far. Belongs to one decoder. */
typedef struct {
    const ProtoFile *file;
    SerdeSpec        spec;
    Arena           *arena;
    Known           *known;
    size_t           count, capacity;
} Messages;

static Status reader(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    Messages *self = ARENA_NEW(arena, Messages);
    self->spec     = *spec;
    self->arena    = arena;
    *plan          = self;
    return parse(schema, spec->registry, arena, &self->file, err);
}

static bool take_index(Str *from, int64_t *out)
{
    uint64_t n;
    if (!proto_take_varint(from, &n))
        return false;
    *out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
    return true;
}

static Status take_path(Str *payload, Known *out, Error *err)
{
    int64_t count;
    bool    fine = take_index(payload, &count) && count >= 0 && count <= DEEPEST_MESSAGE;
    *out         = (Known){.length = 1}; /* a count of none: the first message */
    if (fine && count > 0)
        out->length = (size_t)count;
    for (int64_t i = 0; fine && i < count; i++)
        fine = take_index(payload, &out->path[i]);
    return fine ? OK : error_set(err, E_DATA, NO_POS, "The payload's message indexes are wrong");
}

static const ProtoMessage *walk(const ProtoFile *file, const Known *path)
{
    const ProtoMessage *messages = file->messages, *found = NULL;
    size_t              count = file->count;
    for (size_t i = 0; i < path->length; i++) {
        if (path->path[i] < 0 || (uint64_t)path->path[i] >= count)
            return NULL;
        found    = &messages[path->path[i]];
        messages = found->nested;
        count    = found->nested_count;
    }
    return found;
}

static Status find_reader(Messages *self, Known *path, Error *err)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->known[i].length == path->length &&
            memcmp(self->known[i].path, path->path, path->length * sizeof *path->path) == 0) {
            path->reader = self->known[i].reader;
            return OK;
        }
    const ProtoMessage *message = walk(self->file, path);
    if (message == NULL)
        return error_set(err, E_DATA, NO_POS, "The payload names a message that its schema does not have");
    TRY(proto_reader_new(message, &self->spec, self->arena, &path->reader, err));
    if (self->count == self->capacity) { /* as many as the schema has messages, at most */
        Known *wider = ARENA_ARRAY(self->arena, Known, self->capacity ? self->capacity * 2 : 2);
        if (self->count > 0)
            memcpy(wider, self->known, self->count * sizeof *wider);
        self->capacity = self->capacity ? self->capacity * 2 : 2;
        self->known    = wider;
    }
    self->known[self->count++] = *path;
    return OK;
}

static Status read(void *plan, Str payload, Arena *arena, Value *out, Error *err)
{
    Messages *self = plan;
    Known     path;
    if (payload.len > 0 && payload.ptr[0] == 0 && self->count > 0 && self->known[0].length == 1 &&
        self->known[0].path[0] == 0)
        return proto_read(self->known[0].reader, str_n(payload.ptr + 1, payload.len - 1), arena, out, err);
    TRY(take_path(&payload, &path, err));
    TRY(find_reader(self, &path, err));
    return proto_read(path.reader, payload, arena, out, err);
}

/* ---- writing ---- */

typedef struct {
    const ProtoWriter *writer;
    Str                indexes;
} Message;

/* The way to a message, depth first. */
static bool find_path(const ProtoMessage *messages, size_t count, const ProtoMessage *wanted, int64_t *path,
                      size_t *length)
{
    size_t here = *length;
    for (size_t i = 0; i < count && here < DEEPEST_MESSAGE; i++) {
        path[here] = (int64_t)i;
        *length    = here + 1;
        if (&messages[i] == wanted ||
            find_path(messages[i].nested, messages[i].nested_count, wanted, path, length))
            return true;
    }
    *length = here;
    return false;
}

static void put_index(int64_t n, StrBuf *out)
{
    proto_put_varint(((uint64_t)n << 1) ^ (uint64_t)(n >> 63), out);
}

static Status writer(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err)
{
    Message         *self = ARENA_NEW(arena, Message);
    const ProtoFile *file;
    int64_t          path[DEEPEST_MESSAGE];
    size_t           length  = 0;
    StrBuf           indexes = {0};
    TRY(parse(schema, spec->registry, arena, &file, err));
    const ProtoMessage *message = proto_find(file, spec->format.full_schema_name);
    if (message == NULL || !find_path(file->messages, file->count, message, path, &length))
        return no_message(spec->format.full_schema_name, err);
    if (length == 1 && path[0] == 0) {
        put_index(0, &indexes);
    } else {
        put_index((int64_t)length, &indexes);
        for (size_t i = 0; i < length; i++)
            put_index(path[i], &indexes);
    }
    self->indexes = str_dup(arena, strbuf_str(&indexes));
    strbuf_clear(&indexes);
    *plan = self;
    return proto_writer_new(message, spec, arena, &self->writer, err);
}

static Status write(const void *plan, const Value *values, StrBuf *out, Error *err)
{
    const Message *self = plan;
    strbuf_add(out, self->indexes);
    return proto_write(self->writer, values, out, err);
}

static Status can_follow(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Arena *arena, Error *err)
{
    const ProtoFile *reads, *wrote;
    TRY(parse(next, registry, arena, &reads, err));
    TRY(parse(old, registry, arena, &wrote, err));
    return proto_can_read(reads, wrote, err);
}

static Status canonical(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err)
{
    ResolvedReference *references;
    size_t             count;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    return proto_canonical(schema->text, references, count, arena, out, err);
}

static Status serialized(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                         Error *err)
{
    ResolvedReference *references;
    size_t             count;
    Str                bytes;
    TRY(registry_resolve(registry, schema, arena, &references, &count, err));
    TRY(proto_serialized(schema->text, references, count, arena, &bytes, err));
    *out = base64_encode(arena, bytes);
    return OK;
}

static const SchemaClass schemas = {.kind       = SCHEMA_PROTOBUF,
                                    .print      = print,
                                    .infer      = infer,
                                    .can_follow = can_follow,
                                    .canonical  = canonical,
                                    .serialized = serialized,
                                    .reader     = reader,
                                    .read       = read,
                                    .writer     = writer,
                                    .write      = write};

const FormatClass format_protobuf = {
    .name         = "PROTOBUF",
    .facts        = {.payload                 = PAYLOAD_RECORD,
                     .built                   = true,
                     .wraps                   = true,
                     .infers                  = true,
                     .registry                = true,
                     .named                   = true,
                     .nullable_representation = true,
                     .inherits_name           = true},
    .schemas      = &schemas,
    .check        = protobuf_check,
    .open_decoder = framed_open_decoder,
    .open_encoder = framed_open_encoder,
};
