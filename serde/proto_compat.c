/*
 * proto_compat.c - may messages written by one Protobuf schema be read by another ("Updating A Message
 * Type")?
 *
 * Fields may come and go; a number that both know must mean the same kind of bytes.
 */
#include "core/name_set.h"
#include "serde/proto_sql.h"

typedef struct Pair Pair;
struct Pair {
    const Pair         *up;
    const ProtoMessage *reader, *writer;
    size_t             *budget; /* messages that are used many times multiply */
    int                 depth;
};

enum { MOST_PAIRS = 100000, DEEPEST = 1000 };

/* Kinds that read each other's bytes. */
static int family(ProtoKind kind)
{
    switch (kind) {
    case PROTO_INT32:
    case PROTO_INT64:
    case PROTO_UINT32:
    case PROTO_UINT64:
    case PROTO_BOOL:
    case PROTO_ENUM:
        return PROTO_INT64;
    case PROTO_SINT32:
    case PROTO_SINT64:
        return PROTO_SINT64;
    case PROTO_FIXED32:
    case PROTO_SFIXED32:
        return PROTO_FIXED32;
    case PROTO_FIXED64:
    case PROTO_SFIXED64:
        return PROTO_FIXED64;
    case PROTO_STRING:
    case PROTO_BYTES:
        return PROTO_BYTES;
    default:
        return kind;
    }
}

static int by_number(const void *a, const void *b)
{
    int32_t left = (*(const ProtoField *const *)a)->number, right = (*(const ProtoField *const *)b)->number;
    return (left > right) - (left < right);
}

/* On the heap. */
static const ProtoField **sorted_fields(const ProtoMessage *message)
{
    const ProtoField **fields = mem_calloc(message->count + 1, sizeof(*fields));
    for (size_t i = 0; i < message->count; i++)
        fields[i] = &message->fields[i];
    qsort(fields, message->count, sizeof(*fields), by_number);
    return fields;
}

/* NULL: none has it. */
static const ProtoField *find_number(const ProtoField *const *sorted, size_t count, const ProtoField *field)
{
    const ProtoField *const *found = bsearch(&field, sorted, count, sizeof(*sorted), by_number);
    return found != NULL ? *found : NULL;
}

static Status refuse(const ProtoMessage *message, const ProtoField *field, const char *why, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "%s (at " STR_FMT "." STR_FMT ", number %d)", why,
                     STR_ARG(message->full_name), STR_ARG(field->name), (int)field->number);
}

static Status can_read(const ProtoMessage *reader, const ProtoMessage *writer, const Pair *up, Error *err);

static Status field_can_read(const ProtoMessage *reader, const ProtoField *field, const ProtoField *written,
                             const Pair *up, Error *err)
{
    if (family(field->kind) != family(written->kind))
        return refuse(reader, field, "a field's type was changed", err);
    if (field->repeated != written->repeated && field->kind != PROTO_STRING && field->kind != PROTO_BYTES &&
        field->kind != PROTO_MESSAGE)
        return refuse(reader, field, "a list became a value, or a value a list", err);
    return field->kind == PROTO_MESSAGE ? can_read(field->message, written->message, up, err) : OK;
}

static Status can_read(const ProtoMessage *reader, const ProtoMessage *writer, const Pair *up, Error *err)
{
    Status status = OK;
    Pair   here   = {up, reader, writer, up->budget, up->depth + 1};
    if (++*up->budget > MOST_PAIRS || here.depth > DEEPEST)
        return error_set(err, E_PLAN, NO_POS, "the schemas are too large to compare");
    for (const Pair *at = up; at != NULL; at = at->up)
        if (at->reader == reader && at->writer == writer)
            return OK;
    const ProtoField **fields = sorted_fields(writer);
    for (size_t i = 0; i < reader->count && status == OK; i++) {
        const ProtoField *written = find_number(fields, writer->count, &reader->fields[i]);
        if (written != NULL)
            status = field_can_read(reader, &reader->fields[i], written, &here, err);
    }
    mem_free(fields);
    return status;
}

static const ProtoMessage *find_message(const ProtoFile *file, const NameSet *places, Str name)
{
    const size_t *at = name_set_get(places, name);
    return at != NULL ? &file->messages[*at] : proto_find(file, name);
}

static Status each_can_read(const ProtoFile *reader, const NameSet *places, const ProtoFile *writer,
                            Error *err)
{
    size_t budget = 0;
    for (size_t i = 0; i < writer->count; i++) {
        const ProtoMessage *next = find_message(reader, places, writer->messages[i].full_name);
        if (next == NULL)
            return error_set(err, E_PLAN, NO_POS, "the message " STR_FMT " was removed",
                             STR_ARG(writer->messages[i].full_name));
        TRY(can_read(next, &writer->messages[i], &(Pair){.budget = &budget}, err));
    }
    return OK;
}

Status proto_can_read(const ProtoFile *reader, const ProtoFile *writer, Error *err)
{
    Arena   *arena  = arena_new(0);
    NameSet *places = name_set_new(arena);
    for (size_t i = 0; i < reader->count; i++) {
        bool    added;
        size_t *place = name_set_put(places, reader->messages[i].full_name, &added);
        if (added)
            *place = i;
    }
    Status status = each_can_read(reader, places, writer, err);
    arena_free(arena);
    return status;
}
