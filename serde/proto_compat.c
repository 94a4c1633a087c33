/*
 * proto_compat.c - may messages written by one Protobuf schema be read by another ("Updating A Message
 * Type")?
 *
 * Fields may come and go; a number that both know must mean the same kind of bytes.
 */
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

static const ProtoField *find_number(const ProtoMessage *message, int32_t number)
{
    for (size_t i = 0; i < message->count; i++)
        if (message->fields[i].number == number)
            return &message->fields[i];
    return NULL;
}

static Status refuse(const ProtoMessage *message, const ProtoField *field, const char *why, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "%s (at " STR_FMT "." STR_FMT ", number %d)", why,
                     STR_ARG(message->full_name), STR_ARG(field->name), (int)field->number);
}

static Status can_read(const ProtoMessage *reader, const ProtoMessage *writer, const Pair *up, Error *err)
{
    Pair here = {up, reader, writer, up->budget, up->depth + 1};
    if (++*up->budget > MOST_PAIRS || here.depth > DEEPEST)
        return error_set(err, E_PLAN, NO_POS, "the schemas are too large to compare");
    for (const Pair *at = up; at != NULL; at = at->up)
        if (at->reader == reader && at->writer == writer)
            return OK;
    for (size_t i = 0; i < reader->count; i++) {
        const ProtoField *field = &reader->fields[i], *written = find_number(writer, field->number);
        if (written == NULL)
            continue;
        if (family(field->kind) != family(written->kind))
            return refuse(reader, field, "a field's type was changed", err);
        if (field->repeated != written->repeated && field->kind != PROTO_STRING &&
            field->kind != PROTO_BYTES && field->kind != PROTO_MESSAGE)
            return refuse(reader, field, "a list became a value, or a value a list", err);
        if (field->kind == PROTO_MESSAGE)
            TRY(can_read(field->message, written->message, &here, err));
    }
    return OK;
}

Status proto_can_read(const ProtoFile *reader, const ProtoFile *writer, Error *err)
{
    size_t budget = 0;
    for (size_t i = 0; i < writer->count; i++) {
        const ProtoMessage *next = proto_find(reader, writer->messages[i].full_name);
        if (next == NULL)
            return error_set(err, E_PLAN, NO_POS, "the message " STR_FMT " was removed",
                             STR_ARG(writer->messages[i].full_name));
        TRY(can_read(next, &writer->messages[i], &(Pair){.budget = &budget}, err));
    }
    return OK;
}
