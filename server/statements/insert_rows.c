/*
 * insert_rows.c - see insert_rows.h.
 *
 * A JSON value becomes the expression that a person would write for it, guided by the column's type where
 * JSON says less than SQL: an object is a STRUCT or a MAP.
 */
#include "server/statements/insert_rows.h"

#include "core/privilege.h"
#include "core/value.h"
#include "server/engine/access.h"
#include "server/engine/own_topics.h"

static Status to_expr(const json_t *json, const SqlType *type, Arena *arena, AstExpr **out, Error *err);

static AstExpr *expr_new(AstExprKind kind, Arena *arena)
{
    AstExpr *expr = ARENA_NEW(arena, AstExpr);
    expr->kind    = kind;
    expr->depth   = 1;
    return expr;
}

static AstExpr *text_expr(AstExprKind kind, Str text, Arena *arena)
{
    AstExpr *expr = expr_new(kind, arena);
    expr->text    = text;
    return expr;
}

static Str text_of(const json_t *json) { return str_n(json_string_value(json), json_string_length(json)); }

/* Room for `count` operands. */
static AstExpr *list_expr(AstExprKind kind, size_t count, Arena *arena)
{
    AstExpr *expr  = expr_new(kind, arena);
    expr->operands = ARENA_ARRAY(arena, const AstExpr *, count + 1);
    return expr;
}

/* The column's type bounds how deep it gets. */
static void add_operand(AstExpr *expr, AstExpr *operand)
{
    expr->operands[expr->count++] = operand;
    if (expr->depth <= operand->depth)
        expr->depth = operand->depth + 1;
}

static Status array_expr(const json_t *json, const SqlType *type, Arena *arena, AstExpr **out, Error *err)
{
    json_t  *item;
    size_t   i;
    AstExpr *operand;
    *out = list_expr(AST_ARRAY_OF, json_array_size(json), arena);
    json_array_foreach(json, i, item)
    {
        TRY(to_expr(item, type->element, arena, &operand, err));
        add_operand(*out, operand);
    }
    return OK;
}

static Status map_expr(const json_t *json, const SqlType *type, Arena *arena, AstExpr **out, Error *err)
{
    const char *name;
    json_t     *item;
    AstExpr    *operand;
    *out = list_expr(AST_MAP_OF, 2 * json_object_size(json), arena);
    json_object_foreach((json_t *)json, name, item)
    {
        TRY(to_expr(item, type->element, arena, &operand, err));
        add_operand(*out, text_expr(AST_STRING, str_dup(arena, str_c(name)), arena));
        add_operand(*out, operand);
    }
    return OK;
}

Str insert_fold_name(Str name, Arena *arena)
{
    bool quoted =
        name.len >= 2 && (name.ptr[0] == '`' || name.ptr[0] == '"') && name.ptr[name.len - 1] == name.ptr[0];
    return quoted ? str_dup(arena, str_n(name.ptr + 1, name.len - 2)) : str_upper(arena, name);
}

/* NULL: the object has no such field. */
static const json_t *field_of(const json_t *object, Str column, Arena *arena)
{
    const char *name;
    json_t     *item;
    json_object_foreach((json_t *)object, name, item)
    {
        if (str_equal(insert_fold_name(str_c(name), arena), column))
            return item;
    }
    return NULL;
}

/* All fields: what is missing is NULL. */
static Status struct_expr(const json_t *json, const SqlType *type, Arena *arena, AstExpr **out, Error *err)
{
    AstExpr *operand;
    *out               = list_expr(AST_STRUCT_OF, type->field_count, arena);
    (*out)->names      = ARENA_ARRAY(arena, AstName, type->field_count);
    (*out)->name_count = type->field_count;
    for (size_t i = 0; i < type->field_count; i++) {
        TRY(to_expr(field_of(json, type->fields[i].name, arena), type->fields[i].type, arena, &operand, err));
        (*out)->names[i] = (AstName){type->fields[i].name, true, NO_POS};
        add_operand(*out, operand);
    }
    return OK;
}

static AstExpr *real_expr(double number, Arena *arena)
{
    AstExpr *expr = expr_new(AST_DOUBLE, arena);
    expr->number  = number;
    return expr;
}

/* JSON has one kind of number; a DECIMAL column wants digits. */
static AstExpr *decimal_expr(double number, const SqlType *type, Arena *arena)
{
    return text_expr(AST_DECIMAL, str_printf(arena, "%.*f", (int)type->scale, number), arena);
}

static AstExpr *integer_expr(AstExprKind kind, int64_t number, Arena *arena)
{
    AstExpr *expr = expr_new(kind, arena);
    expr->integer = number;
    return expr;
}

static Status refuse_type(const char *what, const SqlType *type, Error *err)
{
    StrBuf text = {0};
    type_print(type, &text);
    error_set(err, E_DATA, NO_POS, "Can't coerce a field of type %s into type " STR_FMT, what,
              STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_DATA;
}

static Status to_expr(const json_t *json, const SqlType *type, Arena *arena, AstExpr **out, Error *err)
{
    if (json == NULL || json_is_null(json))
        *out = expr_new(AST_NULL, arena);
    else if (json_is_boolean(json))
        *out = integer_expr(AST_BOOLEAN, json_is_true(json), arena);
    else if (json_is_integer(json) && type->kind == T_DOUBLE)
        *out = real_expr((double)json_integer_value(json), arena);
    else if (json_is_integer(json))
        *out = integer_expr(AST_INTEGER, json_integer_value(json), arena);
    else if (json_is_real(json) && type->kind == T_DECIMAL)
        *out = decimal_expr(json_real_value(json), type, arena);
    else if (json_is_real(json))
        *out = real_expr(json_real_value(json), arena);
    else if (json_is_string(json))
        *out = text_expr(AST_STRING, str_dup(arena, text_of(json)), arena);
    else if (json_is_array(json))
        return type->kind == T_ARRAY ? array_expr(json, type, arena, out, err)
                                     : refuse_type("an array", type, err);
    else if (type->kind == T_MAP)
        return map_expr(json, type, arena, out, err);
    else
        return type->kind == T_STRUCT ? struct_expr(json, type, arena, out, err)
                                      : refuse_type("an object", type, err);
    return OK;
}

/* ---- under the engine's lock ---- */

typedef struct {
    AstName       target;
    bool          switched_off;
    const json_t *row;
    LogRecord    *record;
    Str          *topic;
} Insertion;

static Status check_target(Execution *x, void *context, Error *err)
{
    Insertion    *insertion = context;
    Planner       planner   = execution_planner(x, x->arena);
    const Source *source;
    Access        who = access_of(x);
    TRY(access_check_source(&who, PRIVILEGE_INSERT, insertion->target.text, err));
    insertion->switched_off = plan_insert_is_off(&planner);
    TRY(plan_insert_target(&planner, &insertion->target, &source, err));
    return refuse_own_topic(x->session->overrides, source->topic, "insert values into", NO_POS, err);
}

Status insert_check_target(Engine *engine, Session *session, Str target, Arena *arena, bool *switched_off,
                           Error *err)
{
    Insertion insertion = {.target = {target, true, NO_POS}};
    Status    status    = execution_do(engine, session, arena, check_target, &insertion, err);
    *switched_off       = insertion.switched_off;
    return status;
}

/* The columns that the row names. A key column of a table has to be among them. */
static Status make_statement(const Source *source, const json_t *row, Arena *arena, AstStatement *out,
                             Error *err)
{
    const Schema *schema = source->schema;
    size_t        count  = schema->key_count + schema->value_count;
    out->columns         = ARENA_ARRAY(arena, AstName, count);
    out->values          = ARENA_ARRAY(arena, const AstExpr *, count);
    for (size_t i = 0; i < count; i++) {
        AstExpr      *value;
        const Column *column = &schema->columns[i];
        const json_t *field  = field_of(row, column->name, arena);
        if (field == NULL && source->is_table && i < schema->key_count)
            return error_set(err, E_DATA, NO_POS, "Key field must be specified: " STR_FMT,
                             STR_ARG(column->name));
        if (field == NULL)
            continue;
        TRY(to_expr(field, column->type, arena, &value, err));
        out->values[out->value_count++]   = value;
        out->columns[out->column_count++] = (AstName){column->name, true, NO_POS};
    }
    return out->value_count > 0 ? OK : error_set(err, E_DATA, NO_POS, "The row has no value for any column");
}

static Status read_row(Execution *x, void *context, Error *err)
{
    Insertion    *insertion = context;
    Planner       planner   = execution_planner(x, x->arena);
    AstStatement *statement = ARENA_NEW(x->arena, AstStatement);
    const Source *source;
    statement->kind = STMT_INSERT_VALUES;
    statement->name = insertion->target;
    Access who      = access_of(x);
    TRY(access_check(&who, statement, err)); /* it may have been taken away since the stream began */
    TRY(plan_insert_target(&planner, &insertion->target, &source, err));
    TRY(make_statement(source, insertion->row, x->arena, statement, err));
    return insert_make_record(x, statement, insertion->record, insertion->topic, err);
}

Status insert_read_row(Engine *engine, Session *session, Str target, const json_t *row, Arena *arena,
                       LogRecord *out, Str *topic, Error *err)
{
    Insertion insertion = {.target = {target, true, NO_POS}, .row = row, .record = out, .topic = topic};
    return execution_do(engine, session, arena, read_row, &insertion, err);
}
