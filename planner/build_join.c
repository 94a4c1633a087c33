/*
 * build_join.c - joins, left-deep in the order written (sql.md 5.5, runtime.md 4).
 *
 * Both sides come to a join keyed by its condition, in one key format. The join's row has the key, then every
 * other column of both sides under its flat name; which column names the key is chosen by the projection
 * (viable keys), so it is decided before the node is built.
 */
#include "parser/parser.h"
#include "planner/join_keys.h"
#include "planner/join_rules.h"
#include "planner/nodes/node_subscribe.h"
#include "planner/nodes/node_join.h"
#include "planner/query_build.h"

typedef struct {
    Builder      *b;
    JoinCondition on;
    PlanJoinKind  kind;
    PlanNode     *left, *right;
    const Expr   *left_key, *right_key;
} Step;

/* ---- the key's name ---- */

static bool projected(const Analysis *a, const AstExpr *qualified)
{
    for (size_t i = 0; i < a->item_count; i++)
        if (ast_expr_equal(a->items[i].qualified, qualified))
            return true;
    return false;
}

static Str flat_column(const Analysis *a, const AstExpr *qualified)
{
    for (size_t i = 0; i < a->from_count; i++)
        if (str_equal(a->from[i].alias, qualified->qualifier.text))
            return analysis_flat_name(a, i, qualified->name.text);
    return qualified->name.text;
}

/* Of the last join: the first viable key that the projection shows. Of those before: any column that holds
 * the key. */
static Str key_name(const Step *step, bool last)
{
    const Analysis *a = step->b->a;
    if (last) {
        ViableKeys keys;
        join_viable_keys(a, &keys);
        for (size_t i = 0; i < keys.count; i++)
            if (projected(a, keys.items[i]))
                return flat_column(a, keys.items[i]);
        return keys.count > 0 ? flat_column(a, keys.items[0]) : keys.synthetic;
    }
    /* In a full join either side's column may be NULL where the key is not. */
    bool full = step->on.join->kind == JOIN_FULL;
    if (!full && step->on.left.qualified->kind == AST_COLUMN)
        return flat_column(a, step->on.left.qualified);
    if (!full && step->on.right.qualified->kind == AST_COLUMN)
        return flat_column(a, step->on.right.qualified);
    return str_printf(step->b->arena, "KSQL_JOIN_KEY_%zu", step->on.right_from);
}

/* ---- the sides ---- */

/* A single column, referred to as it is. Of several columns the bytes as a whole choose the partition, so
 * equal values of one of them lie anywhere (runtime.md 3.8). */
static bool is_key_of(const PlanNode *side, const Expr *key)
{
    return side->schema->key_count == 1 && key->kind == EXPR_COLUMN && key->slot == 0;
}

/* Keys of both would have the same bytes: a partition is chosen by bytes, and equal keys must meet in one
 * task. With a registry bytes name a schema: equal keys of two topics may have different ids, and so lie in
 * different partitions. Windowed keys are taken as they are all the same: they cannot be repartitioned. */
static bool same_key_format(const PlanNode *side, const FormatSpec *format)
{
    return side->key_format.format == format->format &&
           str_equal(side->key_format.delimiter, format->delimiter) &&
           (!format_facts(side->key_format.format)->registry || side->window.kind != WINDOWED_NO);
}

/* A table that was written again under equal keys is kept again: what comes out of a topic has no rows to
 * look up. */
static PlanNode *keep_table(Step *step, PlanNode *side, const char *which)
{
    Builder      *b      = step->b;
    const Schema *schema = side->schema;
    const Expr  **values = ARENA_ARRAY(b->arena, const Expr *, schema->count);
    for (size_t i = schema->key_count; i < schema->count; i++)
        values[i - schema->key_count] = expr_column(b->arena, (int)i, schema->columns[i].type);
    const char *name = str_to_c(b->arena, str_printf(b->arena, "Join-%zu-%s", step->on.right_from, which));
    PlanNode   *node = build_project_node(b, name, side, schema, values);
    builder_store(b, node, str_printf(b->arena, STR_FMT ".%s", STR_ARG(b->query_id), name), -1);
    return node;
}

/* A preserved side's rows come out padded although their key is NULL (runtime.md 4.5), so only those of the
 * other side may be dropped before the topic. Names count the joins: each stage of an n-way join needs
 * topics and stores of its own. */
static Status rekey_side(Step *step, int which, const FormatSpec *format, Error *err)
{
    static const char *const names[]   = {"left", "right"};
    Builder                 *b         = step->b;
    PlanNode               **side      = which == 0 ? &step->left : &step->right;
    bool                     table     = (*side)->is_table; /* then its key stays, whatever names it */
    const Expr              *key       = which == 0 ? step->left_key : step->right_key;
    const AstExpr           *flat      = which == 0 ? step->on.left.flat : step->on.right.flat;
    AstJoinKind              kind      = step->on.join->kind;
    bool                     preserved = kind == JOIN_FULL || kind == (which == 0 ? JOIN_LEFT : JOIN_RIGHT);
    bool                    *keep      = ARENA_ARRAY(b->arena, bool, (*side)->schema->count);
    const Expr             **keys      = ARENA_ARRAY(b->arena, const Expr *, 1);
    Str                     *column    = ARENA_ARRAY(b->arena, Str, 1);
    const char              *suffix    = str_to_c(
                        b->arena, str_printf(b->arena, "Join-%zu-%s-repartition", step->on.right_from, names[which]));
    memset(keep, true, (*side)->schema->count);
    if (table)
        key = expr_column(b->arena, 0, (*side)->schema->columns[0].type);
    if (key->kind == EXPR_COLUMN)
        keep[key->slot] = false;
    keys[0]        = key;
    column[0]      = table                      ? (*side)->schema->columns[0].name
                     : flat->kind == AST_COLUMN ? flat->name.text
                                                : str_printf(b->arena, "KSQL_JOIN_%s", names[which]);
    RekeySpec spec = {.keys          = keys,
                      .names         = column,
                      .count         = 1,
                      .keep          = keep,
                      .drop_null_key = !preserved,
                      .topic_suffix  = suffix,
                      .step          = suffix,
                      .key_format    = format};
    TRY(build_rekey(b, *side, &spec, side, err));
    if (table)
        *side = keep_table(step, *side, names[which]);
    return OK;
}

/* The left side's format, unless that is repartitioned anyway and the right one is not. Keys whose bytes
 * differ from topic to topic come together in a format where they do not. */
static void join_format(const Step *step, bool left_ready, bool right_ready, FormatSpec *out)
{
    const PlanNode *from = left_ready || !right_ready ? step->left : step->right;
    if (from->key_format.format == NULL || from->key_format.format == format_keyless())
        from = from == step->left ? step->right : step->left;
    Column key = {STR_LIT("ROWKEY"), step->left_key->type, COLUMN_KEY, STR_NULL};
    rekey_format(step->b->a->planner, &from->key_format, &key, 1, out);
    if (format_facts(out->format)->registry && from->window.kind == WINDOWED_NO)
        *out = (FormatSpec){.format = format_any_key()};
}

/* Both sides come keyed by the condition, in one format. Streams are repartitioned for either; tables only
 * for the format. */
static Status bring_together(Step *step, Error *err)
{
    FormatSpec format;
    if (step->kind ==
        PLAN_JOIN_FOREIGN_KEY) { /* the messages take the right table's format, where they can */
        if (!format_facts(step->right->key_format.format)->registry)
            return OK;
        format = (FormatSpec){.format = format_any_key()};
        return rekey_side(step, 1, &format, err);
    }
    bool left_ready  = is_key_of(step->left, step->left_key),
         right_ready = is_key_of(step->right, step->right_key);
    if (step->left->is_table) /* its key, under whatever name */
        left_ready = true;
    join_format(step, left_ready, right_ready, &format);
    if (!left_ready || !same_key_format(step->left, &format))
        TRY(rekey_side(step, 0, &format, err));
    if (!right_ready || !same_key_format(step->right, &format))
        TRY(rekey_side(step, 1, &format, err));
    return OK;
}

/* ---- the node ---- */

/* Behind the key: all columns of both sides but the one that is the key, as plain values. Each has a slot on
 * the side that it is of and -1 on the other: a missing side makes all of its columns NULL. */
static void join_schema(Step *step, Str key, PlanNode *node, PlanJoin *join)
{
    Builder *b        = step->b;
    size_t   most     = step->left->schema->count + step->right->schema->count;
    Column  *columns  = ARENA_ARRAY(b->arena, Column, most + step->left->schema->key_count + 1);
    int     *slots[2] = {ARENA_ARRAY(b->arena, int, most), ARENA_ARRAY(b->arena, int, most)};
    size_t   count = 0, behind = 0;
    bool     foreign = step->kind == PLAN_JOIN_FOREIGN_KEY;
    int before = (int)step->left->schema->key_count + SUBSCRIBE_COLUMNS; /* of an answer's right columns */
    if (foreign)
        for (; count < step->left->schema->key_count; count++)
            columns[count] = step->left->schema->columns[count];
    else
        columns[count++] = (Column){key, step->left_key->type, COLUMN_KEY, STR_NULL};
    for (int side = 0; side < 2; side++) {
        const Schema *from = (side == 0 ? step->left : step->right)->schema;
        for (size_t i = foreign && side == 0 ? from->key_count : 0; i < from->count; i++) {
            if (str_equal(from->columns[i].name, foreign ? STR_LIT(FOREIGN_JOIN_VERSION) : key))
                continue;
            columns[count]          = from->columns[i];
            columns[count].role     = COLUMN_VALUE;
            slots[side][behind]     = (int)i + (foreign && side == 1 ? before : 0);
            slots[1 - side][behind] = -1;
            count++;
            behind++;
        }
    }
    node->schema      = schema_new(b->arena, columns, count);
    join->left_slots  = slots[0];
    join->right_slots = slots[1];
}

/* Without GRACE it is that of Kafka Streams' old JoinWindows, 24 h - 2 * before, also where `after`
 * differs. That GRACE was written is kept apart: only then do unmatched rows wait for the end of the
 * window. */
static Status set_within(const AstJoin *join, PlanJoin *out, Error *err)
{
    if (!join->has_within)
        return OK;
    TRY(ast_span_ms(&join->before, &out->before_ms, err));
    TRY(ast_span_ms(&join->after, &out->after_ms, err));
    out->has_grace = join->has_grace;
    int64_t day    = 24 * 60 * 60 * 1000;
    out->grace_ms  = out->before_ms > day / 2 ? 0 : day - 2 * out->before_ms;
    return join->has_grace ? ast_span_ms(&join->grace, &out->grace_ms, err) : OK;
}

/* A row may be matched until it is older than the newest of its side by the window and the grace. */
static int64_t buffer_retention(const PlanJoin *join)
{
    int64_t sum = join->before_ms;
    if (__builtin_add_overflow(sum, join->after_ms, &sum) ||
        __builtin_add_overflow(sum, join->grace_ms, &sum))
        return INT64_MAX;
    return sum > 0 ? sum - 1 : 0;
}

/* The order is the contract with plan_join_pending_store: buffers are stores 0 and 1. Waiting rows are
 * taken out when they are told, so they have no retention, which could lose one untold. */
static void keep_streams(Step *step, PlanNode *node, const PlanJoin *join)
{
    static const char *const sides[] = {"left", "right"};
    Builder                 *b       = step->b;
    for (int side = 0; side < 2; side++)
        builder_store(b, node,
                      str_printf(b->arena, STR_FMT ".Join-%zu-%s", STR_ARG(b->query_id), step->on.right_from,
                                 sides[side]),
                      buffer_retention(join));
    for (int side = 0; side < 2; side++)
        if (plan_join_pending_store(join, side) >= 0)
            builder_store(b, node,
                          str_printf(b->arena, STR_FMT ".Join-%zu-%s-waiting", STR_ARG(b->query_id),
                                     step->on.right_from, sides[side]),
                          -1);
}

static Status join_node(Step *step, Str key, PlanNode **out, Error *err)
{
    static const PlanJoinType types[] = {PLAN_INNER, PLAN_LEFT, PLAN_RIGHT, PLAN_FULL};
    Builder                  *b       = step->b;
    PlanJoin                 *details = ARENA_NEW(b->arena, PlanJoin);
    PlanNode                 *right   = step->right;
    bool                      foreign = step->kind == PLAN_JOIN_FOREIGN_KEY;
    *details                          = (PlanJoin){.kind = step->kind, .type = types[step->on.join->kind]};
    details->foreign_key              = foreign ? step->left_key : NULL;
    if (foreign)
        right = build_foreign_join(b, step->left, step->right, step->left_key, details->type,
                                   &details->version_slot);
    PlanNode *node = builder_node(b, &node_join, "Join", step->left, right);
    node->details  = details;
    node->is_table = step->left->is_table;
    join_schema(step, key, node, details);
    TRY(set_within(step->on.join, details, err));
    if (foreign)
        builder_store(b, node, str_printf(b->arena, STR_FMT ".ForeignKeyJoin", STR_ARG(b->query_id)), -1);
    if (step->kind == PLAN_JOIN_STREAM_STREAM)
        keep_streams(step, node, details);
    *out = node;
    return OK;
}

/* Of a join of tables any source's key is the table's: all of them hold it. */
static bool is_primary_key(const Step *step)
{
    const Analysis *a      = step->b->a;
    const Schema   *source = a->from[step->on.left_from].source->schema;
    const AstExpr  *on     = step->on.left.qualified;
    if (step->on.right_from == 1 || !step->left->is_table)
        return is_key_of(step->left, step->left_key);
    return source->key_count == 1 && on->kind == AST_COLUMN &&
           str_equal(on->name.text, source->columns[0].name);
}

static Status build_step(Builder *b, size_t join, PlanNode *left, PlanNode **out, Error *err)
{
    Step step = {.b = b, .left = left};
    TRY(join_condition(b->a, join, &step.on, err));
    TRY(join_kind(b->a, &step.on, left->is_table, &step.kind, err));
    TRY(build_source_node(b, join + 1, &step.right, err));
    TRY(builder_type(b, "Left Join Expression", step.on.left.flat, step.left->schema, &step.left_key, err));
    TRY(builder_type(b, "Right Join Expression", step.on.right.flat, step.right->schema, &step.right_key,
                     err));
    TRY(join_table_keys(b->a, &step.on, is_primary_key(&step), is_key_of(step.right, step.right_key),
                        &step.kind, err));
    /* No coercion: in KAFKA's key format 1 as INTEGER and 1 as BIGINT have different bytes, hence
     * partitions, and would never meet. */
    TRY(join_types(&step.on, step.kind, step.left_key->type, step.right_key->type, err));
    TRY(join_windows(b->a, &step.on, step.left, step.right, err));
    /* The source topics are compared, even if a side is repartitioned (ksqlDB's rule). Foreign-key messages
     * find their way through topics. */
    if (step.kind != PLAN_JOIN_FOREIGN_KEY)
        TRY(join_partitions(b->a, &step.on, err));
    TRY(bring_together(&step, err));
    bool last   = join + 1 == b->a->query->join_count;
    Str  key    = key_name(&step, last);
    b->keys_are = step.kind == PLAN_JOIN_FOREIGN_KEY ? KEYS_FOREIGN_JOIN : KEYS_JOIN;
    b->join_key = key;
    return join_node(&step, key, out, err);
}

Status build_joins(Builder *b, PlanNode **out, Error *err)
{
    PlanNode *node;
    TRY(build_source_node(b, 0, &node, err));
    for (size_t join = 0; join < b->a->query->join_count; join++)
        TRY(build_step(b, join, node, &node, err));
    *out = node;
    return OK;
}
