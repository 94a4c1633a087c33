/*
 * pull_constraint.c - what each disjunct of a pull query's WHERE says about the key and the windows.
 *
 * All disjuncts bind every key column by `=`: look-ups of those keys. One disjunct with an inequality on a
 * single text key: a range. Anything else: a scan of the table, which a server may have switched off; then
 * the first thing that needs one is refused with its reason. The condition itself is evaluated on each row
 * all the same, so what is found here only has to be wide enough.
 */
#include "planner/pull_constraint.h"

#include "parser/parser.h"
#include "planner/pull_disjuncts.h"
#include "planner/pull_rules.h"
#include "planner/typer_run.h"

typedef struct {
    const Planner *planner;
    const Typer   *typer;
    PullPlan      *plan;
    bool           scans, ranges; /* switched on */
    bool           windowed;
    bool   needs_scan; /* ksqlDB would scan: what is wrong with a key's value is nobody's concern then */
    Error *err;
} Finder;

/* column OP other, whichever side the column was written on. */
typedef struct {
    const AstExpr *leaf, *other;
    const Column  *column;
    size_t         slot;
    AstOp          op;
} Comparison;

/* ---- refusals ---- */

static const char where_help[]  = "Pull queries require a WHERE clause that:\n - includes a key equality "
                                  "expression, e.g. `SELECT * FROM X WHERE "
                                  "<key-column> = Y;`.\n - in the case of a multi-column key, is a "
                                  "conjunction of equality expressions that cover all "
                                  "key columns.\n - to support range expressions, e.g. `SELECT * FROM X WHERE "
                                  "<key-column> < Y;`, range scans need to be "
                                  "enabled by setting `ksql.query.pull.range.scan.enabled=true`";
static const char window_help[] = "\n - (optionally) limits the time bounds of the windowed table.\n\t "
                                  "Bounds on [`WINDOWSTART`, `WINDOWEND`] are "
                                  "supported\n\t Supported operators are [EQUAL, GREATER_THAN, "
                                  "GREATER_THAN_OR_EQUAL, LESS_THAN, LESS_THAN_OR_EQUAL]";
static const char scan_help[]   = "\nIf more flexible queries are needed, table scans can be enabled by "
                                  "setting ksql.query.pull.table.scan.enabled=true.";

static SL_PRINTF(3, 4) Status refuse(const Finder *finder, Pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(finder->err, E_PLAN, pos, format, args);
    va_end(args);
    return error_append(finder->err, ". %s%s%s%s", where_help, finder->windowed ? window_help : "", scan_help,
                        pull_help_text);
}

/* A text that lives as long as the plan, for messages. */
static const char *text_of(const Finder *finder, const AstExpr *expr)
{
    StrBuf buf = {0};
    ast_print_expr(expr, &buf);
    const char *text = str_to_c(finder->planner->arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

/* The key columns: "`A` STRING KEY, `B` INTEGER KEY", or only the names of those seen. */
static const char *key_text(const Finder *finder, const bool *seen)
{
    const Schema *schema = finder->plan->schema;
    StrBuf        buf    = {0};
    for (size_t i = 0; i < schema->key_count; i++) {
        if (seen != NULL && !seen[i])
            continue;
        strbuf_addf(&buf, "%s`" STR_FMT "`", buf.len > 0 ? ", " : "", STR_ARG(schema->columns[i].name));
        if (seen != NULL)
            continue;
        strbuf_addc(&buf, ' ');
        type_print(schema->columns[i].type, &buf);
        strbuf_adds(&buf, " KEY");
    }
    const char *text = str_to_c(finder->planner->arena, strbuf_str(&buf));
    strbuf_clear(&buf);
    return text;
}

/* ---- one comparison ---- */

static AstOp mirrored(AstOp op)
{
    switch (op) {
    case OP_LESS:
        return OP_GREATER;
    case OP_LESS_EQUAL:
        return OP_GREATER_EQUAL;
    case OP_GREATER:
        return OP_LESS;
    case OP_GREATER_EQUAL:
        return OP_LESS_EQUAL;
    default:
        return op;
    }
}

/* False: neither side is a column. */
static bool read_comparison(const PullPlan *plan, const AstExpr *leaf, Comparison *out)
{
    bool           left   = leaf->operands[0]->kind == AST_COLUMN;
    const AstExpr *column = leaf->operands[left ? 0 : 1];
    int            slot   = column->kind == AST_COLUMN ? schema_find(plan->schema, column->name.text) : -1;
    if (leaf->kind != AST_BINARY || slot < 0)
        return false;
    *out = (Comparison){.leaf   = leaf,
                        .other  = leaf->operands[left ? 1 : 0],
                        .column = &plan->schema->columns[slot],
                        .slot   = (size_t)slot,
                        .op     = left ? leaf->op : mirrored(leaf->op)};
    return true;
}

static bool is_key(const Finder *finder, const Comparison *c)
{
    return c->slot < finder->plan->schema->key_count;
}
static bool is_bound(const Comparison *c)
{
    return c->column->role == COLUMN_WINDOWSTART || c->column->role == COLUMN_WINDOWEND;
}
static bool is_inequality(AstOp op) { return op >= OP_LESS && op <= OP_GREATER_EQUAL; }

static const char *op_name(AstOp op) { return typer_comparison_name(EXPR_EQUAL + (op - OP_EQUAL)); }

/* Without columns, so that it has a value before any row is read. */
static bool is_resolvable(const Finder *finder, const AstExpr *expr)
{
    const Expr *typed;
    Error       ignored;
    return type_expression(finder->typer, expr, &scope_empty, &typed, &ignored) == OK;
}

static Status key_value(const Finder *finder, const Comparison *c, Value *out)
{
    TRY(evaluate_key(finder->typer, c->other, c->column, finder->planner->clock, out, finder->err));
    if (value_is_null(*out))
        return error_set(finder->err, E_PLAN, c->other->pos, "Primary key columns can not be NULL: %s",
                         text_of(finder, c->leaf));
    return OK;
}

/* A window bound as milliseconds; false when it is no number and no datetime. */
static bool bound_value(const Finder *finder, const Comparison *c, int64_t *ms)
{
    Value value;
    Error ignored;
    if (c->other->kind == AST_STRING)
        return timestamp_parse(str_trim(c->other->text), ms);
    if (evaluate_key(finder->typer, c->other, c->column, finder->planner->clock, &value, &ignored) != OK ||
        value_is_null(value))
        return false;
    *ms = value_int(value);
    return true;
}

/* ---- the rules for one disjunct ---- */

typedef struct {
    bool *keys; /* which key columns have been seen */
    bool  keyed;
} Seen;

static Status check_bound(const Finder *finder, const Comparison *c)
{
    int64_t ms;
    if (c->op != OP_EQUAL && !is_inequality(c->op))
        return refuse(finder, c->leaf->pos, "Unsupported `" STR_FMT "` bounds: %s", STR_ARG(c->column->name),
                      op_name(c->op));
    if (!bound_value(finder, c, &ms))
        return refuse(finder, c->other->pos,
                      "Window bounds must resolve to an INT, BIGINT, or STRING containing a datetime");
    return OK;
}

/* What is wrong with a comparison with a key column when rows are to be found by it; NULL: nothing. */
static const char *key_mistake(const Finder *finder, const Comparison *c, const Seen *seen)
{
    if (c->op != OP_EQUAL && !is_inequality(c->op))
        return str_to_c(finder->planner->arena,
                        str_printf(finder->planner->arena,
                                   "Bound on key columns '[%s]' must currently be '='",
                                   key_text(finder, NULL)));
    if (!is_resolvable(finder, c->other))
        return "A comparison must be between a key column and a resolvable expression";
    if (seen->keys[c->slot])
        return "A comparison condition on the key column cannot be combined with other comparisons such as "
               "an IN predicate";
    return NULL;
}

static Status check_like(Finder *finder, const AstExpr *leaf, Seen *seen, const char **mistake)
{
    const AstExpr *value = leaf->operands[0];
    int slot = value->kind == AST_COLUMN ? schema_find(finder->plan->schema, value->name.text) : -1;
    if (slot >= 0 && finder->plan->schema->columns[slot].type->kind != T_STRING)
        return error_set(
            finder->err, E_PLAN, value->pos,
            "The column type for Like condition must be VARCHAR. The column type is " STR_FMT,
            STR_ARG(type_text(finder->planner->arena, finder->plan->schema->columns[slot].type)));
    if (slot < 0 || leaf->operands[1]->kind != AST_STRING)
        *mistake = "Like condition must be between strings";
    else if (slot < (int)finder->plan->schema->key_count)
        seen->keys[slot] = seen->keyed = true;
    return OK;
}

static Status check_leaf(Finder *finder, const AstExpr *leaf, Seen *seen)
{
    Comparison  c;
    const char *mistake = NULL;
    if (leaf->kind == AST_LIKE) {
        TRY(check_like(finder, leaf, seen, &mistake));
    } else if (!read_comparison(finder->plan, leaf, &c)) {
        mistake = "A comparison must directly reference a key column";
    } else if (is_bound(&c)) {
        return check_bound(finder, &c);
    } else if (is_key(finder, &c)) {
        mistake            = key_mistake(finder, &c, seen);
        seen->keys[c.slot] = seen->keyed = true;
    }
    finder->needs_scan |= mistake != NULL;
    return mistake == NULL || finder->scans ? OK : refuse(finder, leaf->pos, "%s", mistake);
}

static Status check_disjunct(Finder *finder, const Disjunct *disjunct)
{
    size_t keys = finder->plan->schema->key_count, count = 0;
    Seen   seen = {ARENA_ARRAY(finder->planner->arena, bool, keys), false};
    StrBuf text = {0};
    for (size_t i = 0; i < keys; i++)
        seen.keys[i] = false;
    for (size_t i = 0; i < disjunct->count; i++)
        TRY(check_leaf(finder, disjunct->leaves[i], &seen));
    for (size_t i = 0; i < keys; i++)
        count += seen.keys[i];
    finder->needs_scan |= count < keys || !seen.keyed;
    if (finder->scans || (seen.keyed && count == keys))
        return OK;
    Pos pos = disjunct->leaves[0]->pos;
    if (seen.keyed)
        return refuse(
            finder, pos,
            "Multi-column sources must specify every key in the WHERE clause. Specified: [%s] Expected: [%s]",
            key_text(finder, seen.keys), key_text(finder, NULL));
    disjunct_print(disjunct, &text);
    Status status = refuse(finder, pos, "WHERE clause missing key column for disjunct: " STR_FMT,
                           STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return status;
}

/* ---- look-ups ---- */

/* The key that a disjunct binds completely by `=`; *bound: it does. The first binding of a column counts. */
static Status read_key(const Finder *finder, const Disjunct *disjunct, Value *key, bool *bound)
{
    size_t keys = finder->plan->schema->key_count, count = 0;
    for (size_t i = 0; i < keys; i++)
        key[i] = value_null();
    *bound = false;
    for (size_t i = 0; i < disjunct->count; i++) {
        Comparison c;
        if (!read_comparison(finder->plan, disjunct->leaves[i], &c) || c.op != OP_EQUAL ||
            !is_key(finder, &c) || !value_is_null(key[c.slot]) || !is_resolvable(finder, c.other))
            continue;
        TRY(key_value(finder, &c, &key[c.slot]));
        count++;
    }
    *bound = keys > 0 && count == keys;
    return OK;
}

static bool same_key(const Schema *schema, const Value *a, const Value *b)
{
    for (size_t i = 0; i < schema->key_count; i++)
        if (!value_equal(schema->columns[i].type, a[i], b[i]))
            return false;
    return true;
}

/* The same key twice is asked for once. */
static size_t without_duplicates(const Schema *schema, const Value **keys, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t j = 0; j < kept && !seen; j++)
            seen = same_key(schema, keys[j], keys[i]);
        if (!seen)
            keys[kept++] = keys[i];
    }
    return kept;
}

static Status find_lookups(const Finder *finder, const Disjuncts *all)
{
    PullPlan     *plan = finder->plan;
    const Value **keys = ARENA_ARRAY(finder->planner->arena, const Value *, all->count);
    for (size_t i = 0; i < all->count; i++) {
        bool   bound;
        Value *key    = ARENA_ARRAY(finder->planner->arena, Value, plan->schema->key_count);
        Status status = read_key(finder, &all->items[i], key, &bound);
        if (status != OK)
            return finder->needs_scan ? OK : status;
        if (!bound)
            return OK;
        keys[i] = key;
    }
    plan->access       = PULL_LOOKUP;
    plan->keys         = keys;
    plan->lookup_count = without_duplicates(plan->schema, keys, all->count);
    return OK;
}

/* ---- ranges ---- */

static bool has_ranges(const Finder *finder)
{
    const Schema *schema = finder->plan->schema;
    if (!finder->ranges || finder->windowed || schema->key_count != 1)
        return false;
    return schema->columns[0].type->kind == T_STRING || schema->columns[0].type->kind == T_BYTES;
}

static Status find_range(const Finder *finder, const Disjunct *disjunct)
{
    PullPlan *plan = finder->plan;
    for (size_t i = 0; i < disjunct->count; i++) {
        Comparison c;
        Value      value;
        if (!read_comparison(plan, disjunct->leaves[i], &c) || !is_key(finder, &c) || !is_inequality(c.op) ||
            !is_resolvable(finder, c.other))
            continue;
        Status status = key_value(finder, &c, &value);
        if (status != OK)
            return finder->needs_scan ? OK : status;
        if (c.op == OP_GREATER || c.op == OP_GREATER_EQUAL) {
            plan->has_low       = true;
            plan->low_inclusive = c.op == OP_GREATER_EQUAL;
            plan->low           = value;
        } else {
            plan->has_high       = true;
            plan->high_inclusive = c.op == OP_LESS_EQUAL;
            plan->high           = value;
        }
    }
    if (plan->has_low || plan->has_high)
        plan->access = PULL_RANGE;
    return OK;
}

/* ---- window bounds ---- */

/* Of one bound column within a disjunct: how often it is bound from where. */
typedef struct {
    const AstExpr *equal;
    int            equals, lowers, uppers;
} BoundCount;

static Status check_bound_counts(const Finder *finder, Str column, const BoundCount *count)
{
    if (count->equals > 1 || (count->equals == 1 && count->lowers + count->uppers > 0))
        return refuse(finder, count->equal->pos, "`%s` cannot be combined with other `" STR_FMT "` bounds",
                      text_of(finder, count->equal), STR_ARG(column));
    if (count->lowers > 1 || count->uppers > 1)
        return refuse(finder, NO_POS, "Duplicate `" STR_FMT "` bounds on: %s", STR_ARG(column),
                      op_name(count->lowers > 1 ? OP_GREATER : OP_LESS));
    return OK;
}

static Status check_bounds(const Finder *finder, const Disjunct *disjunct)
{
    BoundCount counts[2] = {{0}};
    for (size_t i = 0; i < disjunct->count; i++) {
        Comparison c;
        if (!read_comparison(finder->plan, disjunct->leaves[i], &c) || !is_bound(&c))
            continue;
        BoundCount *count = &counts[c.column->role == COLUMN_WINDOWEND];
        count->equals += c.op == OP_EQUAL;
        count->lowers += c.op == OP_GREATER || c.op == OP_GREATER_EQUAL;
        count->uppers += c.op == OP_LESS || c.op == OP_LESS_EQUAL;
        if (c.op == OP_EQUAL)
            count->equal = c.leaf;
    }
    TRY(check_bound_counts(finder, STR_LIT("WINDOWSTART"), &counts[0]));
    return check_bound_counts(finder, STR_LIT("WINDOWEND"), &counts[1]);
}

static void narrow(bool *has_from, int64_t *from, bool *has_to, int64_t *to, AstOp op, int64_t value)
{
    bool lower = op == OP_EQUAL || op == OP_GREATER || op == OP_GREATER_EQUAL;
    bool upper = op == OP_EQUAL || op == OP_LESS || op == OP_LESS_EQUAL;
    if (lower) {
        int64_t bound = op == OP_GREATER && value < INT64_MAX ? value + 1 : value;
        *from         = !*has_from || bound > *from ? bound : *from;
        *has_from     = true;
    }
    if (upper) {
        int64_t bound = op == OP_LESS && value > INT64_MIN ? value - 1 : value;
        *to           = !*has_to || bound < *to ? bound : *to;
        *has_to       = true;
    }
}

static void find_window_bounds(const Finder *finder, const Disjunct *disjunct)
{
    PullPlan *plan = finder->plan;
    for (size_t i = 0; i < disjunct->count; i++) {
        Comparison c;
        int64_t    ms;
        if (!read_comparison(plan, disjunct->leaves[i], &c) || !is_bound(&c) || !bound_value(finder, &c, &ms))
            continue;
        if (c.column->role == COLUMN_WINDOWSTART)
            narrow(&plan->has_start_from, &plan->start_from, &plan->has_start_to, &plan->start_to, c.op, ms);
        else
            narrow(&plan->has_end_from, &plan->end_from, &plan->has_end_to, &plan->end_to, c.op, ms);
    }
}

/* ---- all of it ---- */

static Status find_by_condition(Finder *finder, const Disjuncts *all)
{
    for (size_t i = 0; i < all->count; i++)
        TRY(check_disjunct(finder, &all->items[i]));
    for (size_t i = 0; i < all->count && !finder->needs_scan && finder->windowed; i++)
        TRY(check_bounds(finder, &all->items[i]));
    TRY(find_lookups(finder, all));
    if (all->count != 1)
        return OK;
    find_window_bounds(finder, &all->items[0]);
    if (finder->plan->access == PULL_LOOKUP || !has_ranges(finder))
        return OK;
    return find_range(finder, &all->items[0]);
}

Status pull_find_access(const Planner *planner, const Typer *typer, const AstExpr *where, PullPlan *plan,
                        Error *err)
{
    Finder finder = {.planner  = planner,
                     .typer    = typer,
                     .plan     = plan,
                     .scans    = !pull_is_off(planner, "ksql.query.pull.table.scan.enabled"),
                     .ranges   = !pull_is_off(planner, "ksql.query.pull.range.scan.enabled"),
                     .windowed = plan->table->window.kind != WINDOWED_NO,
                     .err      = err};
    plan->access  = PULL_SCAN;
    if (where != NULL) {
        Disjuncts all = pull_split(planner->arena, where);
        if (!all.too_many)
            TRY(find_by_condition(&finder, &all));
    } else if (!finder.scans)
        return refuse(&finder, NO_POS, "Missing WHERE clause");
    if (plan->access == PULL_SCAN && !finder.scans)
        return error_set(err, E_PLAN, where->pos,
                         "Query requires table scan to be enabled. Table scans can be enabled by setting "
                         "ksql.query.pull.table.scan.enabled=true");
    if (plan->access != PULL_LOOKUP && plan->table->window.kind == WINDOWED_SESSION)
        return error_set(err, E_PLAN, NO_POS, "Table scan unsupported on session tables");
    return OK;
}
