/*
 * plan_insert.c - INSERT INTO ... VALUES: one row, checked and coerced to the source's columns (sql.md 4.6).
 */
#include "core/suggest.h"
#include "parser/parser.h"
#include "planner/planner.h"
#include "planner/source_rules.h"

typedef struct {
    const Planner      *planner;
    const AstStatement *statement;
    const Source       *source;
    const Column      **columns; /* one per value; NULL: ROWTIME */
    Value              *row;     /* keys, then values */
    InsertRow          *out;
} Insert;

static Status refuse(const Insert *in, Error *err)
{
    return error_prefix(err, "Failed to insert values into '" STR_FMT "'. ",
                        STR_ARG(in->statement->name.text));
}

/* ---- the target ---- */

bool plan_insert_is_off(const Planner *planner)
{
    Str property = planner->host->property(planner->host, "ksql.insert.into.values.enabled");
    return !str_is_null(property) && str_equal_nocase(property, STR_LIT("false"));
}

Status plan_insert_target(const Planner *planner, const AstName *name, const Source **out, Error *err)
{
    if (plan_insert_is_off(planner))
        return error_set(err, E_PLAN, name->pos,
                         "The server has disabled INSERT INTO ... VALUES functionality. To enable it, "
                         "restart your ksqlDB server "
                         "with 'ksql.insert.into.values.enabled'=true");
    const Source *source = catalog_source(planner->catalog, name->text);
    if (source == NULL) {
        error_set(err, E_PLAN, name->pos, "Cannot insert values into an unknown stream/table: `" STR_FMT "`",
                  STR_ARG(name->text));
        catalog_hint(planner->catalog, name->text, err);
        return E_PLAN;
    }
    if (source->read_only)
        return error_set(err, E_PLAN, name->pos, "Cannot insert values into read-only %s: " STR_FMT,
                         source_kind(source->is_table), STR_ARG(name->text));
    if (source->window.kind != WINDOWED_NO)
        return error_set(err, E_PLAN, name->pos, "Cannot insert values into windowed stream/table!");
    *out = source;
    return OK;
}

/* ---- columns ---- */

static bool has_headers(const Schema *schema)
{
    return schema->count > schema->key_count + schema->value_count;
}

static Status refuse_headers(const Insert *in, Error *err)
{
    const Schema *schema = in->source->schema;
    error_set(err, E_PLAN, in->statement->pos, "Cannot insert into HEADER columns: ");
    for (size_t i = schema->key_count + schema->value_count; i < schema->count; i++)
        error_append(err, "%s" STR_FMT, i > schema->key_count + schema->value_count ? ", " : "",
                     STR_ARG(schema->columns[i].name));
    return refuse(in, err);
}

/* Without a list: all keys, then all values. */
static Status all_columns(Insert *in, Error *err)
{
    const AstStatement *statement = in->statement;
    const Schema       *schema    = in->source->schema;
    if (has_headers(schema))
        return refuse_headers(in, err);
    if (statement->value_count == schema->count) {
        for (size_t i = 0; i < schema->count; i++)
            in->columns[i] = &schema->columns[i];
        return OK;
    }
    StrBuf text = {0};
    for (size_t i = 0; i < statement->value_count; i++) {
        strbuf_adds(&text, i ? ", " : "");
        ast_print_expr(statement->values[i], &text);
    }
    error_set(err, E_PLAN, statement->pos, "Expected a value for each column. Expected Columns: [");
    for (size_t i = 0; i < schema->count; i++)
        error_append(err, "%s" STR_FMT, i ? ", " : "", STR_ARG(schema->columns[i].name));
    error_append(err, "]. Got [" STR_FMT "]", STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return refuse(in, err);
}

static void suggest_column(const Schema *schema, Str name, Arena *arena, Error *err)
{
    Str *names = ARENA_ARRAY(arena, Str, schema->count);
    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->columns[i].name;
    error_suggest(err, name, names, schema->count);
}

static Status listed_column(Insert *in, size_t i, Error *err)
{
    const AstName *name = &in->statement->columns[i];
    if (str_equal(name->text, STR_LIT("ROWTIME"))) {
        in->columns[i] = NULL;
        return OK;
    }
    if (is_reserved_column(name->text)) {
        error_set(err, E_PLAN, name->pos, "Inserting into column `" STR_FMT "` is not allowed.",
                  STR_ARG(name->text));
        return refuse(in, err);
    }
    int at = schema_find(in->source->schema, name->text);
    if (at < 0) {
        error_set(err, E_PLAN, name->pos, "Column name `" STR_FMT "` does not exist.", STR_ARG(name->text));
        suggest_column(in->source->schema, name->text, in->planner->arena, err);
        return refuse(in, err);
    }
    in->columns[i] = &in->source->schema->columns[at];
    for (size_t j = 0; j < i; j++) {
        if (in->columns[j] == in->columns[i]) {
            error_set(err, E_PLAN, name->pos, "Duplicate column names: `" STR_FMT "`", STR_ARG(name->text));
            return refuse(in, err);
        }
    }
    if (in->columns[i]->role == COLUMN_HEADERS) {
        error_set(err, E_PLAN, name->pos, "Cannot insert into HEADER columns: " STR_FMT, STR_ARG(name->text));
        return refuse(in, err);
    }
    return OK;
}

static Status check_primary_keys(Insert *in, Error *err)
{
    const Schema *schema  = in->source->schema;
    StrBuf        missing = {0};
    for (size_t key = 0; key < schema->key_count; key++) {
        bool given = false;
        for (size_t i = 0; i < in->statement->column_count; i++)
            given |= in->columns[i] == &schema->columns[key];
        if (!given)
            strbuf_addf(&missing, "%s`" STR_FMT "`", missing.len ? ", " : "",
                        STR_ARG(schema->columns[key].name));
    }
    Status status = OK;
    if (missing.len > 0) {
        error_set(err, E_PLAN, in->statement->pos,
                  "Value for primary key column(s) " STR_FMT " is required for tables",
                  STR_ARG(strbuf_str(&missing)));
        status = refuse(in, err);
    }
    strbuf_clear(&missing);
    return status;
}

static Status find_columns(Insert *in, Error *err)
{
    const AstStatement *statement = in->statement;
    size_t              most =
        statement->value_count > statement->column_count ? statement->value_count : statement->column_count;
    in->columns = ARENA_ARRAY(in->planner->arena, const Column *, most);
    if (statement->columns == NULL)
        return all_columns(in, err);
    if (statement->column_count != statement->value_count)
        return error_set(err, E_PLAN, statement->pos,
                         "Failed to prepare statement: Expected number columns and values to match: %zu, %zu",
                         statement->column_count, statement->value_count);
    for (size_t i = 0; i < statement->column_count; i++)
        TRY(listed_column(in, i, err));
    return in->source->is_table ? check_primary_keys(in, err) : OK;
}

/* ---- values ---- */

static const AstExpr *find_column_reference(const AstExpr *expr)
{
    if (expr->kind == AST_COLUMN)
        return expr;
    if (expr->kind == AST_LAMBDA)
        return NULL; /* its parameters look like columns; others are refused when it is typed */
    for (size_t i = 0; i < expr->count; i++) {
        const AstExpr *found = find_column_reference(expr->operands[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static Status set_value(Insert *in, size_t i, const Typer *typer, Error *err)
{
    const AstExpr *ast    = in->statement->values[i];
    const Column  *column = in->columns[i];
    const AstExpr *wrong  = find_column_reference(ast);
    if (wrong != NULL) {
        StrBuf text = {0};
        ast_print_expr(wrong, &text);
        error_set(err, E_PLAN, wrong->pos, "Unsupported column reference in insert value: " STR_FMT,
                  STR_ARG(strbuf_str(&text)));
        strbuf_clear(&text);
        return refuse(in, err);
    }
    Value value;
    Str   name = column ? column->name : STR_LIT("ROWTIME");
    if (evaluate_constant(typer, ast, column ? column->type : &type_bigint, name, in->planner->clock, &value,
                          err) != OK)
        return refuse(in, err);
    if (column != NULL) {
        in->row[column - in->source->schema->columns] = value;
    } else if (!value_is_null(value)) {
        in->out->has_timestamp = true;
        in->out->timestamp     = value_int(value);
    }
    return OK;
}

Status plan_insert_values(const Planner *planner, const AstStatement *statement, InsertRow **out, Error *err)
{
    Insert in = {.planner = planner, .statement = statement, .out = ARENA_NEW(planner->arena, InsertRow)};
    LambdaBudget lambdas = {0};
    Typer        typer   = {.catalog   = planner->catalog,
                            .functions = planner->functions,
                            .arena     = planner->arena,
                            .lambdas   = &lambdas};
    TRY(plan_insert_target(planner, &statement->name, &in.source, err));
    in.source = source_copy(planner->arena, in.source); /* a registry may be waited for without the lock */
    TRY(find_columns(&in, err));
    const Schema *schema = in.source->schema;
    in.row               = ARENA_ARRAY(planner->arena, Value, schema->count);
    for (size_t i = 0; i < schema->count; i++)
        /* Missing columns are NULL. A row of NULLs is still a row and no tombstone: deletions cannot be
         * inserted. */
        in.row[i] = value_null();
    for (size_t i = 0; i < statement->value_count; i++)
        TRY(set_value(&in, i, &typer, err));
    if (in.out->has_timestamp && in.out->timestamp < 0) {
        error_set(err, E_PLAN, statement->pos,
                  "Invalid timestamp: %lld. Timestamp should always be non-negative or null.",
                  (long long)in.out->timestamp);
        return refuse(&in, err);
    }
    in.out->source = in.source;
    in.out->keys   = in.row;
    in.out->values = in.row + schema->key_count;
    *out           = in.out;
    return OK;
}
