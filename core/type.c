/*
 * type.c - building, comparing and printing SQL types.
 *
 * Recursion follows the type tree, whose depth the parser and the readers of foreign schemas bound.
 */
#include "core/type.h"

const SqlType type_boolean = {.kind = T_BOOLEAN}, type_integer = {.kind = T_INTEGER},
              type_bigint = {.kind = T_BIGINT}, type_double = {.kind = T_DOUBLE},
              type_string = {.kind = T_STRING}, type_bytes = {.kind = T_BYTES}, type_time = {.kind = T_TIME},
              type_date = {.kind = T_DATE}, type_timestamp = {.kind = T_TIMESTAMP},
              type_null = {.kind = T_NULL}, type_unit = {.kind = T_UNIT};

/* The shared constant of a kind, NULL for kinds that have parts. */
static const SqlType *kind_constant(SqlKind kind)
{
    static const SqlType *const constants[] = {
        [T_BOOLEAN] = &type_boolean, [T_INTEGER] = &type_integer, [T_BIGINT] = &type_bigint,
        [T_DOUBLE] = &type_double,   [T_STRING] = &type_string,   [T_BYTES] = &type_bytes,
        [T_TIME] = &type_time,       [T_DATE] = &type_date,       [T_TIMESTAMP] = &type_timestamp,
        [T_NULL] = &type_null,       [T_UNIT] = &type_unit,       [T_LAMBDA] = NULL,
    };
    return constants[kind];
}

const SqlType *type_array(Arena *arena, const SqlType *element)
{
    SqlType *type = ARENA_NEW(arena, SqlType);
    type->kind    = T_ARRAY;
    type->element = element;
    return type;
}

const SqlType *type_map(Arena *arena, const SqlType *key, const SqlType *value)
{
    SqlType *type = ARENA_NEW(arena, SqlType);
    type->kind    = T_MAP;
    type->key     = key;
    type->element = value;
    return type;
}

const SqlType *type_struct(Arena *arena, const SqlField *fields, size_t count)
{
    SqlType  *type = ARENA_NEW(arena, SqlType);
    SqlField *copy = ARENA_ARRAY(arena, SqlField, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = fields[i];
    type->kind        = T_STRUCT;
    type->fields      = copy;
    type->field_count = count;
    return type;
}

Status type_decimal(Arena *arena, int precision, int scale, const SqlType **out, Error *err)
{
    const char *rule = precision < 1       ? "precision must be >= 1"
                       : scale < 0         ? "scale must be >= 0"
                       : precision < scale ? "precision must be >= scale"
                                           : NULL;
    if (rule != NULL)
        return error_set(err, E_PLAN, NO_POS, "DECIMAL %s: DECIMAL(%d,%d)", rule, precision, scale);
    *out = type_decimal_unchecked(arena, precision, scale);
    return OK;
}

const SqlType *type_decimal_unchecked(Arena *arena, int precision, int scale)
{
    SqlType *type   = ARENA_NEW(arena, SqlType);
    type->kind      = T_DECIMAL;
    type->precision = precision;
    type->scale     = scale;
    return type;
}

static bool fields_equal(const SqlType *a, const SqlType *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!str_equal(a->fields[i].name, b->fields[i].name) ||
            !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

bool type_equal(const SqlType *a, const SqlType *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case T_DECIMAL:
        return a->precision == b->precision && a->scale == b->scale;
    case T_ARRAY:
        return type_equal(a->element, b->element);
    case T_MAP:
        return type_equal(a->key, b->key) && type_equal(a->element, b->element);
    case T_STRUCT:
        return fields_equal(a, b);
    case T_LAMBDA:
        return a->field_count == b->field_count;
    default:
        return true;
    }
}

const SqlType *type_copy(Arena *arena, const SqlType *type)
{
    const SqlType *constant = kind_constant(type->kind);
    if (constant != NULL)
        return constant;
    SqlType *copy = ARENA_NEW(arena, SqlType);
    *copy         = *type;
    if (type->key != NULL)
        copy->key = type_copy(arena, type->key);
    if (type->element != NULL)
        copy->element = type_copy(arena, type->element);
    if (type->fields != NULL) {
        SqlField *fields = ARENA_ARRAY(arena, SqlField, type->field_count);
        for (size_t i = 0; i < type->field_count; i++)
            fields[i] =
                (SqlField){str_dup(arena, type->fields[i].name), type_copy(arena, type->fields[i].type)};
        copy->fields = fields;
    }
    return copy;
}

bool type_is_numeric(const SqlType *type)
{
    return type->kind == T_INTEGER || type->kind == T_BIGINT || type->kind == T_DECIMAL ||
           type->kind == T_DOUBLE;
}

bool type_contains_map(const SqlType *type)
{
    if (type->kind == T_MAP)
        return true;
    if (type->kind == T_ARRAY)
        return type_contains_map(type->element);
    if (type->kind == T_STRUCT)
        for (size_t i = 0; i < type->field_count; i++)
            if (type_contains_map(type->fields[i].type))
                return true;
    return false;
}

int type_field(const SqlType *type, Str name)
{
    if (type->kind != T_STRUCT)
        return -1;
    for (size_t i = 0; i < type->field_count; i++)
        if (str_equal(type->fields[i].name, name))
            return (int)i;
    return -1;
}

const char *type_kind_name(SqlKind kind)
{
    static const char *const names[] = {
        [T_BOOLEAN] = "BOOLEAN",     [T_INTEGER] = "INTEGER", [T_BIGINT] = "BIGINT",
        [T_DECIMAL] = "DECIMAL",     [T_DOUBLE] = "DOUBLE",   [T_STRING] = "STRING",
        [T_BYTES] = "BYTES",         [T_TIME] = "TIME",       [T_DATE] = "DATE",
        [T_TIMESTAMP] = "TIMESTAMP", [T_ARRAY] = "ARRAY",     [T_MAP] = "MAP",
        [T_STRUCT] = "STRUCT",       [T_NULL] = "null",       [T_UNIT] = "INTERVAL UNIT",
        [T_LAMBDA] = "LAMBDA",
    };
    return names[kind];
}

static void struct_print(const SqlType *type, StrBuf *out)
{
    strbuf_adds(out, "STRUCT<");
    for (size_t i = 0; i < type->field_count; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        strbuf_addc(out, '`');
        strbuf_add(out, type->fields[i].name);
        strbuf_adds(out, "` ");
        type_print(type->fields[i].type, out);
    }
    /* An empty one as ksqlDB prints it, with a blank: "<>" is an operator of the dialect. */
    strbuf_adds(out, type->field_count == 0 ? " >" : ">");
}

void type_print(const SqlType *type, StrBuf *out)
{
    switch (type->kind) {
    case T_DECIMAL:
        strbuf_addf(out, "DECIMAL(%d, %d)", type->precision, type->scale);
        break;
    case T_ARRAY:
        strbuf_adds(out, "ARRAY<");
        type_print(type->element, out);
        strbuf_addc(out, '>');
        break;
    case T_MAP:
        strbuf_adds(out, "MAP<");
        type_print(type->key, out);
        strbuf_adds(out, ", ");
        type_print(type->element, out);
        strbuf_addc(out, '>');
        break;
    case T_STRUCT:
        struct_print(type, out);
        break;
    default:
        strbuf_adds(out, type_kind_name(type->kind));
    }
}

Str type_text(Arena *arena, const SqlType *type)
{
    StrBuf buf = {0};
    type_print(type, &buf);
    Str text = str_dup(arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

const SqlType *type_primitive(Str name)
{
    static const struct {
        Str            name;
        const SqlType *type;
    } primitives[] = {
        {{"BOOLEAN", 7}, &type_boolean}, {{"INT", 3}, &type_integer},         {{"INTEGER", 7}, &type_integer},
        {{"BIGINT", 6}, &type_bigint},   {{"DOUBLE", 6}, &type_double},       {{"STRING", 6}, &type_string},
        {{"VARCHAR", 7}, &type_string},  {{"BYTES", 5}, &type_bytes},         {{"TIME", 4}, &type_time},
        {{"DATE", 4}, &type_date},       {{"TIMESTAMP", 9}, &type_timestamp},
    };
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        if (str_equal_nocase(primitives[i].name, name))
            return primitives[i].type;
    return NULL;
}
