/*
 * join_row.c - see join_row.h.
 */
#include "executor/dataflow/join_row.h"

static Value value_of(const JoinSide *side, int slot)
{
    if (side->keys == NULL)
        return value_null();
    return (size_t)slot < side->key_count ? side->keys[slot] : side->values[(size_t)slot - side->key_count];
}

Value *join_row(const PlanNode *join, const Value *key, const JoinSide *left, const JoinSide *right,
                Arena *arena)
{
    const PlanJoin *plan = plan_join(join);
    size_t          keys = join->schema->key_count, count = join->schema->count;
    Value          *out = arena_alloc(arena, count * sizeof *out);
    memcpy(out, key, keys * sizeof *out);
    for (size_t i = keys; i < count; i++) {
        int left_slot = plan->left_slots[i - keys], right_slot = plan->right_slots[i - keys];
        out[i] = left_slot >= 0    ? value_of(left, left_slot)
                 : right_slot >= 0 ? value_of(right, right_slot)
                                   : value_null();
    }
    return out;
}
