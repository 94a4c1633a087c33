/*
 * typer_type.c - names of types to types: primitives first, then custom types (sql.md 2.3, 3.1).
 */
#include "core/suggest.h"
#include "planner/typer.h"

static Status resolve_fields(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out,
                             Error *err)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, ast->field_count + 1);
    NameSet  *known  = name_set_new(arena);
    for (size_t i = 0; i < ast->field_count; i++) {
        fields[i].name = ast->fields[i].name.text;
        TRY(resolve_type(catalog, ast->fields[i].type, arena, &fields[i].type, err));
        bool    added;
        size_t *first = name_set_put(known, fields[i].name, &added);
        if (!added)
            return error_set(err, E_PLAN, ast->fields[i].name.pos,
                             "Duplicate field names found in STRUCT: '`" STR_FMT "` " STR_FMT
                             "' and '`" STR_FMT "` " STR_FMT "'",
                             STR_ARG(fields[*first].name), STR_ARG(type_text(arena, fields[*first].type)),
                             STR_ARG(fields[i].name), STR_ARG(type_text(arena, fields[i].type)));
        *first = i;
    }
    *out = type_struct(arena, fields, ast->field_count);
    return OK;
}

static Status refuse_unknown(const Catalog *catalog, const AstType *ast, Arena *arena, Error *err)
{
    static const char *const primitives[] = {"BOOLEAN", "INT",       "INTEGER", "BIGINT", "DOUBLE",
                                             "DECIMAL", "STRING",    "VARCHAR", "BYTES",  "TIME",
                                             "DATE",    "TIMESTAMP", "ARRAY",   "MAP",    "STRUCT"};
    CustomType              *custom       = NULL;
    size_t                   count        = 0;
    if (catalog != NULL)
        catalog_types(catalog, arena, &custom, &count);
    Str *names = ARENA_ARRAY(arena, Str, ARRAY_LEN(primitives) + count);
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        names[i] = str_c(primitives[i]);
    for (size_t i = 0; i < count; i++)
        names[ARRAY_LEN(primitives) + i] = custom[i].name;
    error_set(err, E_PLAN, ast->pos, "Cannot resolve unknown type: " STR_FMT, STR_ARG(ast->name));
    for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
        if (str_equal(names[i], ast->name)) /* ARRAY without its <...> */
            return error_append(err, "\nIt takes the types of its parts: " STR_FMT "<...>",
                                STR_ARG(ast->name));
    error_suggest(err, ast->name, names, ARRAY_LEN(primitives) + count);
    return E_PLAN;
}

static Status resolve_name(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out,
                           Error *err)
{
    const SqlType *custom;
    /* Primitives first: a custom type must not change what INT means in statements written before it. */
    if ((*out = type_primitive(ast->name)) != NULL)
        return OK;
    custom = catalog != NULL ? catalog_type(catalog, ast->name) : NULL;
    if (custom == NULL)
        return refuse_unknown(catalog, ast, arena, err);
    /* A copy: DROP TYPE takes the catalog's away while the query that used it lives on. */
    *out = type_copy(arena, custom);
    return OK;
}

Status resolve_type(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out, Error *err)
{
    const SqlType *key, *element;
    switch (ast->kind) {
    case AST_TYPE_NAMED:
        return resolve_name(catalog, ast, arena, out, err);
    case AST_TYPE_DECIMAL:
        /* Refused before the narrowing to int below: a precision of 4294967297 would
         * else pass as 1. */
        if (ast->precision > INT32_MAX || ast->scale > INT16_MAX)
            return error_set(err, E_PLAN, ast->pos,
                             "DECIMAL precision or scale is too large: DECIMAL(%lld,%lld)",
                             (long long)ast->precision, (long long)ast->scale);
        return type_decimal(arena, (int)ast->precision, (int)ast->scale, out, err);
    case AST_TYPE_ARRAY:
        TRY(resolve_type(catalog, ast->element, arena, &element, err));
        *out = type_array(arena, element);
        return OK;
    case AST_TYPE_MAP:
        TRY(resolve_type(catalog, ast->key, arena, &key, err));
        TRY(resolve_type(catalog, ast->element, arena, &element, err));
        *out = type_map(arena, key, element);
        return OK;
    case AST_TYPE_STRUCT:
        return resolve_fields(catalog, ast, arena, out, err);
    }
    return error_set(err, E_PLAN, ast->pos, "Unknown kind of type");
}
