/*
 * select_items.c - what SELECT lists, one item per result column.
 *
 * Names are generated in the order of the list from one generator, seeded with every column name of every
 * source; aliases that were written are not looked at, so a generated name may clash with one: the duplicate
 * check of the result schema tells.
 */
#include "planner/select_items.h"

#include "parser/parser.h"
#include "planner/join_keys.h"
#include "planner/name_generator.h"
#include "planner/source_rules.h"

typedef struct {
    Analysis      *a;
    NameGenerator *names;
    size_t         capacity;
} Expansion;

const AstExpr *select_column(Arena *arena, Str qualifier, Str name, Pos pos)
{
    AstExpr *column        = ARENA_NEW(arena, AstExpr);
    column->kind           = AST_COLUMN;
    column->pos            = pos;
    column->name.text      = name;
    column->name.pos       = pos;
    column->qualifier.text = qualifier;
    column->qualifier.pos  = pos;
    return column;
}

static SelectItem *add_item(Expansion *x)
{
    Analysis *a = x->a;
    if (a->item_count == x->capacity) {
        x->capacity       = x->capacity ? x->capacity * 2 : 32;
        SelectItem *items = ARENA_ARRAY(a->planner->arena, SelectItem, x->capacity);
        if (a->item_count > 0)
            memcpy(items, a->items, a->item_count * sizeof *items);
        a->items = items;
    }
    return &a->items[a->item_count++];
}

static Status add_expr(Expansion *x, const AstExpr *written, Str alias, bool star, Pos pos, Error *err)
{
    BothForms forms;
    TRY(select_both_forms(x->a, written, &forms, err));
    *add_item(x) = (SelectItem){forms.qualified, forms.flat, alias, str_is_null(alias), star, pos};
    return OK;
}

/* ---- stars ---- */

/* A source's column under `*`: prefixed in joins, by its own name otherwise. */
static Status add_star_column(Expansion *x, size_t from, Str name, Pos pos, Error *err)
{
    Analysis *a = x->a;
    return add_expr(x, select_column(a->planner->arena, a->from[from].alias, name, pos),
                    analysis_flat_name(a, from, name), true, pos, err);
}

static Status add_columns(Expansion *x, size_t from, size_t first, size_t count, Pos pos, Error *err)
{
    const Schema *schema = x->a->from[from].source->schema;
    for (size_t i = first; i < first + count; i++)
        TRY(add_star_column(x, from, schema->columns[i].name, pos, err));
    return OK;
}

/* Keys, window bounds, values, headers. */
static Status expand_source(Expansion *x, size_t from, Pos pos, Error *err)
{
    Analysis     *a      = x->a;
    const Source *source = a->from[from].source;
    const Schema *schema = source->schema;
    bool          bounds = source->window.kind != WINDOWED_NO && (!a->persistent || analysis_is_join(a));
    TRY(add_columns(x, from, 0, schema->key_count, pos, err));
    if (bounds) {
        TRY(add_star_column(x, from, STR_LIT("WINDOWSTART"), pos, err));
        TRY(add_star_column(x, from, STR_LIT("WINDOWEND"), pos, err));
    }
    return add_columns(x, from, schema->key_count, schema->count - schema->key_count, pos, err);
}

static bool in_partition_by(const Analysis *a, const AstExpr *column)
{
    for (size_t i = 0; i < a->query->partition_count; i++)
        if (ast_expr_equal(a->partition_by[i].qualified, column))
            return true;
    return false;
}

static Status add_remaining(Expansion *x, size_t from, size_t first, size_t count, Pos pos, Error *err)
{
    Analysis     *a      = x->a;
    const Schema *schema = a->from[from].source->schema;
    for (size_t i = first; i < first + count; i++) {
        const AstExpr *column =
            select_column(a->planner->arena, a->from[from].alias, schema->columns[i].name, pos);
        if (!in_partition_by(a, column))
            TRY(add_star_column(x, from, schema->columns[i].name, pos, err));
    }
    return OK;
}

/* In a join a column that is the new key is named as `*` names columns. */
static Str star_key_name(const Analysis *a, size_t which)
{
    const AstExpr *key = a->partition_by[which].qualified;
    for (size_t from = 0; analysis_is_join(a) && key->kind == AST_COLUMN && from < a->from_count; from++)
        if (str_equal(a->from[from].alias, key->qualifier.text))
            return analysis_flat_name(a, from, key->name.text);
    return a->generated_keys[which];
}

/* `*` after PARTITION BY: the new keys, what is left of the values, then the old keys. */
static Status expand_repartitioned(Expansion *x, Pos pos, Error *err)
{
    static const char *const pseudo[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET"};
    Analysis                *a        = x->a;
    for (size_t i = 0; i < a->query->partition_count; i++) {
        const AstExpr *key = a->partition_by[i].qualified;
        if (key->kind != AST_NULL)
            TRY(add_expr(x, key, star_key_name(a, i), true, pos, err));
    }
    for (size_t from = 0; from < a->from_count; from++) {
        const Schema *schema = a->from[from].source->schema;
        TRY(add_remaining(x, from, schema->key_count, schema->count - schema->key_count, pos, err));
        for (size_t i = 0; analysis_is_join(a) && i < ARRAY_LEN(pseudo); i++)
            TRY(add_star_column(x, from, str_c(pseudo[i]), pos, err));
        if (analysis_is_join(a))
            TRY(add_remaining(x, from, 0, schema->key_count, pos, err));
    }
    return analysis_is_join(a) ? OK : add_remaining(x, 0, 0, a->from[0].source->schema->key_count, pos, err);
}

static Status expand_star(Expansion *x, Pos pos, Error *err)
{
    Analysis *a = x->a;
    a->has_star = true;
    if (a->query->has_partition_by)
        return expand_repartitioned(x, pos, err);
    if (analysis_is_join(a)) {
        ViableKeys keys;
        join_viable_keys(a, &keys);
        if (!str_is_null(keys.synthetic))
            TRY(add_expr(x, select_column(a->planner->arena, STR_NULL, keys.synthetic, pos), keys.synthetic,
                         true, pos, err));
    }
    for (size_t from = 0; from < a->from_count; from++)
        TRY(expand_source(x, from, pos, err));
    return OK;
}

static Status expand_source_star(Expansion *x, const AstSelectItem *item, Error *err)
{
    for (size_t from = 0; from < x->a->from_count; from++)
        if (str_equal(x->a->from[from].alias, item->source.text) ||
            str_equal(x->a->from[from].source->name, item->source.text))
            return expand_source(x, from, item->pos, err);
    return error_set(err, E_PLAN, item->pos,
                     "Failed to prepare statement: '" STR_FMT "' is not a valid stream/table name or alias.",
                     STR_ARG(item->source.text));
}

/* The type of a column or a chain of `->` under it (sql.md 3.8, `s->*`). */
static Status struct_type(Expansion *x, const AstExpr *qualified, const SqlType **out, Error *err)
{
    Analysis *a = x->a;
    if (qualified->kind == AST_COLUMN) {
        for (size_t i = 0; i < a->from_count; i++) {
            int at = str_equal(a->from[i].alias, qualified->qualifier.text)
                         ? schema_find(a->from[i].source->schema, qualified->name.text)
                         : -1;
            if (at < 0)
                continue;
            *out = a->from[i].source->schema->columns[at].type;
            if ((*out)->kind != T_STRUCT)
                return error_set(err, E_PLAN, qualified->pos, "Column " STR_FMT " is not a STRUCT type.",
                                 STR_ARG(qualified->name.text));
            return OK;
        }
        return error_set(err, E_PLAN, qualified->pos,
                         "Line: %u, Col: %u: SELECT column '" STR_FMT "' cannot be resolved.",
                         qualified->pos.line, qualified->pos.col, STR_ARG(qualified->name.text));
    }
    if (qualified->kind != AST_FIELD)
        return error_set(err, E_PLAN, qualified->pos,
                         "Only a column or a field of a STRUCT can be followed by ->*");
    TRY(struct_type(x, qualified->operands[0], out, err));
    int field = type_field(*out, qualified->name.text);
    if (field < 0)
        return error_set(err, E_PLAN, qualified->pos, "Field " STR_FMT " was not found on STRUCT.",
                         STR_ARG(qualified->name.text));
    *out = (*out)->fields[field].type;
    if ((*out)->kind != T_STRUCT)
        return error_set(err, E_PLAN, qualified->pos, "Field " STR_FMT " is not a STRUCT type.",
                         STR_ARG(qualified->name.text));
    return OK;
}

static Status expand_struct_star(Expansion *x, const AstSelectItem *item, Error *err)
{
    BothForms      base;
    const SqlType *type;
    TRY(select_both_forms(x->a, item->expr, &base, err));
    TRY(struct_type(x, base.qualified, &type, err));
    for (size_t i = 0; i < type->field_count; i++) {
        AstExpr *field     = ARENA_NEW(x->a->planner->arena, AstExpr);
        field->kind        = AST_FIELD;
        field->pos         = item->pos;
        field->name.text   = type->fields[i].name;
        field->operands    = ARENA_ARRAY(x->a->planner->arena, const AstExpr *, 1);
        field->operands[0] = item->expr;
        field->count       = 1;
        TRY(add_expr(x, field, type->fields[i].name, false, item->pos, err));
    }
    return OK;
}

/* ---- names ---- */

/* A column that occurs in several sources of a join, or is a pseudo column there, is prefixed. */
static bool clashes(const Analysis *a, Str name)
{
    size_t found = 0;
    for (size_t i = 0; i < a->from_count; i++)
        found += schema_find(a->from[i].source->schema, name) >= 0;
    return found > 1 || is_reserved_column(name);
}

static Str column_alias(const Analysis *a, const AstExpr *qualified)
{
    if (!analysis_is_join(a) || str_is_null(qualified->qualifier.text) || !clashes(a, qualified->name.text))
        return qualified->name.text;
    return str_printf(a->planner->arena, STR_FMT "_" STR_FMT, STR_ARG(qualified->qualifier.text),
                      STR_ARG(qualified->name.text));
}

static Str generate_alias(Expansion *x, const AstExpr *qualified)
{
    if (qualified->kind == AST_COLUMN)
        return column_alias(x->a, qualified);
    if (qualified->kind == AST_FIELD)
        return name_generator_next(x->names, qualified->name.text);
    return name_generator_next(x->names, STR_LIT("KSQL_COL"));
}

static void seed_names(Expansion *x)
{
    const Analysis *a = x->a;
    for (size_t i = 0; i < a->from_count; i++) {
        const Schema *schema = a->from[i].source->schema;
        for (size_t c = 0; c < schema->count; c++)
            name_generator_reserve(x->names, schema->columns[c].name);
    }
}

/* The alias of an item that is that expression, written before the generated ones are known; or STR_NULL. */
static Str written_alias(const Analysis *a, const AstExpr *written)
{
    for (size_t i = 0; i < a->query->item_count; i++) {
        const AstSelectItem *item = &a->query->items[i];
        if (item->kind == SELECT_EXPR && !str_is_null(item->alias.text) &&
            ast_expr_equal(item->expr, written))
            return item->alias.text;
    }
    return STR_NULL;
}

/* Names of GROUP BY and PARTITION BY keys that no item of the select list names; only PARTITION BY's are
 * needed before `*` is expanded. */
static void name_partition_keys(Expansion *x)
{
    Analysis *a = x->a;
    a->generated_keys =
        ARENA_ARRAY(a->planner->arena, Str, a->query->partition_count + a->query->group_count);
    for (size_t i = 0; i < a->query->partition_count; i++) {
        bool is_column       = a->partition_by[i].qualified->kind == AST_COLUMN; /* has a name of its own */
        Str  alias           = is_column ? STR_NULL : written_alias(a, a->query->partition_by[i]);
        a->generated_keys[i] = !str_is_null(alias) ? alias : generate_alias(x, a->partition_by[i].qualified);
    }
}

static void name_group_keys(Expansion *x)
{
    Analysis *a = x->a;
    for (size_t g = 0; g < a->query->group_count; g++) {
        Str *name = &a->generated_keys[a->query->partition_count + g];
        for (size_t i = 0; i < a->item_count && str_is_null(*name); i++)
            if (ast_expr_equal(a->items[i].qualified, a->group_by[g].qualified))
                *name = a->items[i].alias;
        if (str_is_null(*name))
            *name = generate_alias(x, a->group_by[g].qualified);
    }
}

static bool is_partition_key(const Analysis *a, const AstExpr *qualified, size_t *which)
{
    for (*which = 0; *which < a->query->partition_count; ++*which)
        if (ast_expr_equal(a->partition_by[*which].qualified, qualified))
            return true;
    return false;
}

/* `*` makes the key of PARTITION BY ROWTIME a column of that name; nobody could write it. */
static bool is_starred_key(const Analysis *a, const SelectItem *item)
{
    size_t which;
    return item->from_star && is_partition_key(a, item->qualified, &which);
}

/* `l.ROWTIME AS ROWTIME` says no more than `l.ROWTIME`. */
static bool repeats_name(const SelectItem *item)
{
    return item->qualified->kind == AST_COLUMN && str_equal_nocase(item->qualified->name.text, item->alias);
}

static Status check_aliases(const Analysis *a, Error *err)
{
    for (size_t i = 0; i < a->item_count; i++) {
        const SelectItem *item = &a->items[i];
        if (!item->generated && !item->from_star && !repeats_name(item) &&
            is_reserved_column(str_upper(a->planner->arena, item->alias)))
            return error_set(err, E_PLAN, item->pos,
                             "`" STR_FMT
                             "` is a reserved column name. You cannot use it as an alias for a column.",
                             STR_ARG(item->alias));
        if (a->persistent && is_reserved_column(item->alias) && !is_starred_key(a, item))
            return error_set(err, E_PLAN, item->pos,
                             "Reserved column name in select: `" STR_FMT
                             "`. Please remove or alias the column.",
                             STR_ARG(item->alias));
    }
    return OK;
}

Status select_items_expand(Analysis *a, Error *err)
{
    Expansion x = {a, name_generator_new(a->planner->arena), 0};
    seed_names(&x);
    name_partition_keys(&x);
    for (size_t i = 0; i < a->query->item_count; i++) {
        const AstSelectItem *item = &a->query->items[i];
        switch (item->kind) {
        case SELECT_STAR:
            TRY(expand_star(&x, item->pos, err));
            break;
        case SELECT_SOURCE_STAR:
            TRY(expand_source_star(&x, item, err));
            break;
        case SELECT_STRUCT_STAR:
            TRY(expand_struct_star(&x, item, err));
            break;
        case SELECT_EXPR:
            TRY(add_expr(&x, item->expr, item->alias.text, false, item->pos, err));
            break;
        }
    }
    for (size_t i = 0; i < a->item_count; i++) {
        size_t key;
        if (!a->items[i].generated)
            continue;
        bool is_key       = is_partition_key(a, a->items[i].qualified, &key);
        a->items[i].alias = is_key ? a->generated_keys[key] : generate_alias(&x, a->items[i].qualified);
    }
    name_group_keys(&x);
    return check_aliases(a, err);
}
