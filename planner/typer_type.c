/*
 * typer_type.c - names of types to types: primitives first, then custom types (sql.md 2.3, 3.1).
 */
#include "planner/typer.h"

static Status resolve_fields(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out, Error *err)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, ast->field_count + 1);
    for (size_t i = 0; i < ast->field_count; i++) {
        fields[i].name = ast->fields[i].name.text;
        TRY(resolve_type(catalog, ast->fields[i].type, arena, &fields[i].type, err));
        for (size_t j = 0; j < i; j++)
            if (str_equal(fields[j].name, fields[i].name))
                return error_set(err, E_PLAN, ast->fields[i].name.pos,
                                 "Duplicate field names found in STRUCT: '`" STR_FMT "` " STR_FMT "' and '`" STR_FMT "` " STR_FMT "'",
                                 STR_ARG(fields[j].name), STR_ARG(type_text(arena, fields[j].type)), STR_ARG(fields[i].name),
                                 STR_ARG(type_text(arena, fields[i].type)));
    }
    *out = type_struct(arena, fields, ast->field_count);
    return OK;
}

static Status resolve_name(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out, Error *err)
{
    const SqlType *custom;
    if ((*out = type_primitive(ast->name)) != NULL)
        return OK;
    custom = catalog != NULL ? catalog_type(catalog, ast->name) : NULL;
    if (custom == NULL)
        return error_set(err, E_PLAN, ast->pos, "Cannot resolve unknown type: " STR_FMT, STR_ARG(ast->name));
    *out = type_copy(arena, custom);
    return OK;
}

Status resolve_type(const Catalog *catalog, const AstType *ast, Arena *arena, const SqlType **out, Error *err)
{
    const SqlType *key, *element;
    switch (ast->kind) {
    case AST_TYPE_NAMED: return resolve_name(catalog, ast, arena, out, err);
    case AST_TYPE_DECIMAL:
        if (ast->precision > INT32_MAX || ast->scale > INT16_MAX)
            return error_set(err, E_PLAN, ast->pos, "DECIMAL precision or scale is too large: DECIMAL(%lld,%lld)",
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
    case AST_TYPE_STRUCT: return resolve_fields(catalog, ast, arena, out, err);
    }
    return error_set(err, E_PLAN, ast->pos, "Unknown kind of type");
}
