/*
 * avro_infer.c - what an Avro schema is in SQL: columns that nobody declared, and the types that values are
 * read as before they are converted to what was declared.
 */
#include "serde/avro_schema.h"

bool avro_is_entries(const AvroType *type)
{
    return type->kind == AVRO_ARRAY && type->element->kind == AVRO_RECORD && type->element->entry;
}

/* The types that are being looked at, from the root down: one that comes again is within itself. */
typedef struct Within Within;
struct Within {
    const Within   *up;
    const AvroType *type;
};

/* Types that are used many times multiply. */
enum { MOST_TYPES = 10000 };

typedef struct {
    bool   upper;
    Arena *arena;
    size_t types;
} Inference;

static const SqlType *infer(Inference *in, const AvroType *type, const Within *up);

static Str name_for(Inference *in, Str name)
{
    return in->upper ? str_upper(in->arena, name) : str_dup(in->arena, name);
}

static const SqlType *infer_record(Inference *in, const AvroType *type, const Within *up)
{
    SqlField *fields = ARENA_ARRAY(in->arena, SqlField, type->count + 1);
    size_t    count  = 0;
    for (size_t i = 0; i < type->count; i++) {
        const SqlType *field = infer(in, type->fields[i].type, up);
        if (field != NULL)
            fields[count++] = (SqlField){name_for(in, type->fields[i].name), field};
    }
    return count > 0 ? type_struct(in->arena, fields, count) : NULL;
}

/* Connect calls a branch by its type: of named types the name without namespace. */
static Str branch_name(const AvroType *type)
{
    static const char *const names[] = {"null",  "boolean", "int",   "long", "float", "double",
                                        "bytes", "string",  "fixed", "enum", "array", "map"};
    Str                      name    = type->name;
    if (str_is_null(name))
        return str_c(names[type->kind]);
    while (memchr(name.ptr, '.', name.len) != NULL)
        name = str_n(name.ptr + 1, name.len - 1);
    return name;
}

/* With null: optional. Of several others: a STRUCT, of which one field is set. */
static const SqlType *infer_union(Inference *in, const AvroType *type, const Within *up)
{
    SqlField *fields = ARENA_ARRAY(in->arena, SqlField, type->count + 1);
    size_t    count = 0, others = 0;
    for (size_t i = 0; i < type->count; i++) {
        const AvroType *branch = type->branches[i];
        if (branch->kind == AVRO_NULL)
            continue;
        others++;
        const SqlType *field = infer(in, branch, up);
        if (field != NULL)
            fields[count++] = (SqlField){name_for(in, branch_name(branch)), field};
    }
    if (count == 0)
        return NULL;
    return others == 1 ? fields[0].type : type_struct(in->arena, fields, count);
}

static const SqlType *infer_array(Inference *in, const AvroType *type, const Within *up)
{
    if (avro_is_entries(type)) {
        const SqlType *value = infer(in, type->element->fields[1].type, up);
        return value != NULL ? type_map(in->arena, &type_string, value) : NULL;
    }
    const SqlType *element = infer(in, type->element, up);
    return element != NULL ? type_array(in->arena, element) : NULL;
}

static const SqlType *infer_container(Inference *in, const AvroType *type, const Within *up)
{
    const SqlType *value;
    switch (type->kind) {
    case AVRO_RECORD:
        return infer_record(in, type, up);
    case AVRO_UNION:
        return infer_union(in, type, up);
    case AVRO_MAP:
        value = infer(in, type->element, up);
        return value != NULL ? type_map(in->arena, &type_string, value) : NULL;
    default:
        return infer_array(in, type, up);
    }
}

static const SqlType *infer(Inference *in, const AvroType *type, const Within *up)
{
    switch (type->kind) {
    case AVRO_NULL:
        return NULL;
    case AVRO_BOOLEAN:
        return &type_boolean;
    case AVRO_INT:
        return type->logical == LOGICAL_DATE   ? &type_date
               : type->logical == LOGICAL_TIME ? &type_time
                                               : &type_integer;
    case AVRO_LONG:
        return type->logical == LOGICAL_TIMESTAMP ? &type_timestamp : &type_bigint;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return &type_double;
    case AVRO_BYTES:
    case AVRO_FIXED:
        return type->logical == LOGICAL_DECIMAL
                   ? type_decimal_unchecked(in->arena, type->precision, type->scale)
                   : &type_bytes;
    case AVRO_STRING:
    case AVRO_ENUM:
        return &type_string;
    default:
        break;
    }
    if (++in->types > MOST_TYPES)
        return NULL;
    for (const Within *at = up; at != NULL; at = at->up)
        if (at->type == type)
            return NULL;
    return infer_container(in, type, &(Within){up, type});
}

const SqlType *avro_to_sql(const AvroType *type, bool upper, Arena *arena)
{
    Inference in = {upper, arena, 0};
    return infer(&in, type, NULL);
}
