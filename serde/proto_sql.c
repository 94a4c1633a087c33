/*
 * proto_sql.c - what a Protobuf message is in SQL, as Connect's translation has it.
 */
#include "serde/proto_sql.h"

typedef struct Within Within;
struct Within {
    const Within       *up;
    const ProtoMessage *message;
};

/* Messages that are used many times multiply. */
enum { MOST_MESSAGES = 10000 };

typedef struct {
    bool   upper;
    Arena *arena;
    size_t messages;
} Inference;

static const SqlType *infer_message(Inference *in, const ProtoMessage *message, const Within *up);

static const ProtoMessage *find_below(const ProtoMessage *messages, size_t count, Str name, int depth)
{
    for (size_t i = 0; i < count && depth < 100; i++) {
        if (str_equal(messages[i].full_name, name))
            return &messages[i];
        const ProtoMessage *found = find_below(messages[i].nested, messages[i].nested_count, name, depth + 1);
        if (found != NULL)
            return found;
    }
    return NULL;
}

const ProtoMessage *proto_find(const ProtoFile *file, Str name)
{
    if (str_is_null(name))
        return file->count > 0 ? &file->messages[0] : NULL;
    return find_below(file->messages, file->count, name, 0);
}

static const SqlType *infer_special(const ProtoField *field, const ProtoMessage *message, Arena *arena)
{
    switch (message->special) {
    case SPECIAL_WRAPPER:
        return message->count > 0 ? proto_scalar(&message->fields[0], arena) : NULL;
    case SPECIAL_TIMESTAMP:
        return &type_timestamp;
    case SPECIAL_DATE:
        return &type_date;
    case SPECIAL_TIME:
        return &type_time;
    default: /* a Decimal that does not say how wide it is is as wide as Connect allows */
        return field->precision > 0 ? type_decimal_unchecked(arena, field->precision, field->scale)
                                    : type_decimal_unchecked(arena, 64, field->scale);
    }
}

const SqlType *proto_scalar(const ProtoField *field, Arena *arena)
{
    switch (field->kind) {
    case PROTO_BOOL:
        return &type_boolean;
    case PROTO_INT32:
    case PROTO_SINT32:
    case PROTO_SFIXED32:
        return &type_integer;
    case PROTO_DOUBLE:
    case PROTO_FLOAT:
        return &type_double;
    case PROTO_STRING:
    case PROTO_ENUM:
        return &type_string;
    case PROTO_BYTES:
        return &type_bytes;
    case PROTO_GROUP:
        return NULL;
    case PROTO_MESSAGE:
        return field->message->special != SPECIAL_NONE ? infer_special(field, field->message, arena) : NULL;
    default:
        return &type_bigint;
    }
}

Str proto_oneof_name(const ProtoMessage *message, size_t oneof, Arena *arena)
{
    return str_printf(arena, STR_FMT "_%zu", STR_ARG(message->oneofs[oneof]), oneof);
}

static const SqlType *infer_one(Inference *in, const ProtoField *field, const Within *up)
{
    if (field->kind != PROTO_MESSAGE || field->message->special != SPECIAL_NONE)
        return proto_scalar(field, in->arena);
    return infer_message(in, field->message, up);
}

static const SqlType *infer_field(Inference *in, const ProtoField *field, const Within *up)
{
    if (field->map) {
        const SqlType *value = infer_one(in, &field->message->fields[1], up);
        if (value != NULL && field->message->fields[1].repeated)
            value = type_array(in->arena, value);
        return value != NULL ? type_map(in->arena, &type_string, value) : NULL;
    }
    const SqlType *type = infer_one(in, field, up);
    return type != NULL && field->repeated ? type_array(in->arena, type) : type;
}

static Str name_for(Inference *in, Str name)
{
    return in->upper ? str_upper(in->arena, name) : str_dup(in->arena, name);
}

static const SqlType *infer_oneof(Inference *in, const ProtoMessage *message, size_t oneof, const Within *up)
{
    SqlField *fields = ARENA_ARRAY(in->arena, SqlField, message->count + 1);
    size_t    count  = 0;
    for (size_t i = 0; i < message->count; i++) {
        const SqlType *type =
            message->fields[i].oneof == (int)oneof ? infer_field(in, &message->fields[i], up) : NULL;
        if (type != NULL)
            fields[count++] = (SqlField){name_for(in, message->fields[i].name), type};
    }
    return count > 0 ? type_struct(in->arena, fields, count) : NULL;
}

static const SqlType *infer_message(Inference *in, const ProtoMessage *message, const Within *up)
{
    Within    here   = {up, message};
    SqlField *fields = ARENA_ARRAY(in->arena, SqlField, message->count + message->oneof_count + 1);
    size_t    count  = 0;
    if (++in->messages > MOST_MESSAGES)
        return NULL;
    for (const Within *at = up; at != NULL; at = at->up)
        if (at->message == message)
            return NULL; /* a message within itself */
    for (size_t i = 0; i < message->oneof_count; i++) {
        const SqlType *type = infer_oneof(in, message, i, &here);
        if (type != NULL)
            fields[count++] = (SqlField){name_for(in, proto_oneof_name(message, i, in->arena)), type};
    }
    for (size_t i = 0; i < message->count; i++) {
        const SqlType *type =
            message->fields[i].oneof < 0 ? infer_field(in, &message->fields[i], &here) : NULL;
        if (type != NULL)
            fields[count++] = (SqlField){name_for(in, message->fields[i].name), type};
    }
    return count > 0 ? type_struct(in->arena, fields, count) : NULL;
}

const SqlType *proto_to_sql(const ProtoMessage *message, bool upper, Arena *arena)
{
    Inference in = {upper, arena, 0};
    return infer_message(&in, message, NULL);
}
