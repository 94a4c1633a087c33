/*
 * plan_prune.c - what nobody reads is not decoded: from the root down, each node says which columns (and
 * fields of structs) of its input it needs, until the sources know what is wanted of them.
 *
 * Tables are not pruned: their rows are kept in stores, and a later version of the query (OR REPLACE) may
 * read what this one does not.
 */
#include "planner/query_build.h"

/* What is wanted of a column: nothing, all, or some fields of a struct. Mutable twin of Wanted. */
typedef struct Want Want;
struct Want {
    bool   any, whole;
    Want **fields;
};

typedef struct {
    Arena        *arena;
    const Schema *schema; /* of the input */
    Want         *columns;
} Wants;

static Wants wants_new(Arena *arena, const Schema *schema)
{
    return (Wants){arena, schema, ARENA_ARRAY(arena, Want, schema->count)};
}

static void want_whole(Want *want) { want->any = want->whole = true; }

static void want_path(Arena *arena, Want *want, const SqlType *type, const int *path, size_t depth)
{
    want->any = true;
    if (depth == 0 || type->kind != T_STRUCT) {
        want->whole = true;
        return;
    }
    if (want->fields == NULL)
        want->fields = ARENA_ARRAY(arena, Want *, type->field_count);
    if (want->fields[path[0]] == NULL)
        want->fields[path[0]] = ARENA_NEW(arena, Want);
    want_path(arena, want->fields[path[0]], type->fields[path[0]].type, path + 1, depth - 1);
}

static void note_path(void *context, int slot, const int *path, size_t depth)
{
    Wants *wants = context;
    want_path(wants->arena, &wants->columns[slot], wants->schema->columns[slot].type, path, depth);
}

static void want_exprs(Wants *wants, const Expr *const *exprs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (exprs[i] != NULL)
            expr_visit_paths(exprs[i], note_path, wants);
}

static const Wanted *freeze(Arena *arena, const Want *want, const SqlType *type)
{
    Wanted *wanted = ARENA_NEW(arena, Wanted);
    if (!want->any)
        wanted->none = true;
    else if (!want->whole && want->fields != NULL) {
        const Wanted    **fields = ARENA_ARRAY(arena, const Wanted *, type->field_count);
        static const Want nothing;
        for (size_t i = 0; i < type->field_count; i++)
            fields[i] = freeze(arena, want->fields[i] ? want->fields[i] : &nothing, type->fields[i].type);
        wanted->fields = fields;
    }
    return wanted;
}

static void prune_source(PlanNode *node, const Wants *wants, Arena *arena)
{
    PlanSource *source = &node->u.source;
    if (node->is_table)
        return;
    if (source->timestamp_slot >= 0)
        want_whole(&wants->columns[source->timestamp_slot]);
    const Wanted **wanted = ARENA_ARRAY(arena, const Wanted *, node->schema->count);
    for (size_t i = 0; i < node->schema->count; i++)
        wanted[i] = freeze(arena, &wants->columns[i], node->schema->columns[i].type);
    source->wanted = wanted;
}

static void prune(PlanNode *node, const Wants *of_node, Arena *arena);

static void prune_input(const PlanNode *node, size_t input, const Wants *wants, Arena *arena)
{
    prune((PlanNode *)node->inputs[input], wants, arena);
}

/* Columns of the node that are copies of its input's. */
static void share(Wants *to, const Wants *of_node, size_t from_slot, size_t node_slot)
{
    Want *want = &to->columns[from_slot];
    if (!of_node->columns[node_slot].any)
        return;
    if (want->any)
        want_whole(want); /* two readers: take it all rather than merge paths */
    else
        *want = of_node->columns[node_slot];
}

static void prune_flatten(PlanNode *node, const Wants *of_node, Wants *input, Arena *arena)
{
    const Schema *from   = input->schema;
    size_t        values = from->key_count + from->value_count;
    for (size_t i = 0; i < from->count; i++)
        share(input, of_node, i, i < values ? i : i + node->u.flatten.count);
    want_exprs(input, node->u.flatten.functions, node->u.flatten.count);
}

static void prune_join(PlanNode *node, const Wants *of_node, Arena *arena)
{
    for (size_t side = 0; side < 2; side++) {
        Wants      wants = wants_new(arena, node->inputs[side]->schema);
        const int *slots = side == 0 ? node->u.join.left_slots : node->u.join.right_slots;
        for (size_t i = node->schema->key_count; i < node->schema->count; i++)
            if (slots[i - node->schema->key_count] >= 0)
                share(&wants, of_node, (size_t)slots[i - node->schema->key_count], i);
        for (size_t i = 0; i < wants.schema->key_count; i++)
            want_whole(&wants.columns[i]);
        if (side == 0 && node->u.join.foreign_key != NULL)
            want_exprs(&wants, &node->u.join.foreign_key, 1);
        prune_input(node, side, &wants, arena);
    }
}

static void want_aggregate(const PlanNode *node, Wants *input)
{
    for (size_t i = 0; i < input->schema->key_count; i++)
        want_whole(&input->columns[i]);
    for (size_t i = 0; i < node->u.aggregate.call_count; i++)
        want_exprs(input, node->u.aggregate.calls[i].args, node->u.aggregate.calls[i].arg_count);
}

static void want_rekey(const PlanNode *node, const Wants *of_node, Wants *input)
{
    const PlanRekey *rekey = &node->u.rekey;
    want_exprs(input, rekey->keys, rekey->key_count);
    for (size_t i = rekey->key_count; i < node->schema->count; i++)
        share(input, of_node, (size_t)rekey->value_slots[i - rekey->key_count], i);
}

static void want_same(const Wants *of_node, Wants *input)
{
    for (size_t i = 0; i < input->schema->count; i++)
        share(input, of_node, i, i);
}

static void want_keys(Wants *input)
{
    for (size_t i = 0; i < input->schema->key_count; i++)
        want_whole(&input->columns[i]);
}

static void prune(PlanNode *node, const Wants *of_node, Arena *arena)
{
    if (node->kind == PLAN_SOURCE) {
        prune_source(node, of_node, arena);
        return;
    }
    if (node->kind == PLAN_JOIN) {
        prune_join(node, of_node, arena);
        return;
    }
    Wants input = wants_new(arena, node->inputs[0]->schema);
    switch (node->kind) {
    case PLAN_FILTER:
        want_same(of_node, &input);
        want_exprs(&input, &node->u.filter.condition, 1);
        break;
    case PLAN_PROJECT:
        want_keys(&input);
        want_exprs(&input, node->u.project.values, node->schema->value_count);
        break;
    case PLAN_FLATTEN:
        prune_flatten(node, of_node, &input, arena);
        break;
    case PLAN_REKEY:
        want_rekey(node, of_node, &input);
        break;
    case PLAN_AGGREGATE:
        want_aggregate(node, &input);
        break;
    case PLAN_OUTPUT:
        want_keys(&input);
        want_exprs(&input, node->u.output.values, node->schema->count);
        break;
    default: /* SINK writes all there is */
        for (size_t i = 0; i < input.schema->count; i++)
            want_whole(&input.columns[i]);
        break;
    }
    prune_input(node, 0, &input, arena);
}

void plan_prune(const PlanNode *root, Arena *arena)
{
    Wants wants = wants_new(arena, root->schema);
    for (size_t i = 0; i < root->schema->count; i++)
        want_whole(&wants.columns[i]);
    prune((PlanNode *)root, &wants, arena);
}
