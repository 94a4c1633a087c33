/*
 * fn_lambda.c - TRANSFORM, FILTER, REDUCE. An element that fails in the lambda fails the whole call (functions.md 2.8).
 */
#include "udf/udf.h"

static Status apply(const FnCall *call, size_t lambda, const Value *args, size_t count, Value *out, Error *err)
{
    const FnLambda *self = call->args[lambda].as.ptr;
    return self->invoke(self, args, count, call->arena, out, err);
}

static Status transform_array(const FnCall *call, Value *result, Error *err)
{
    Value list = call->args[0];
    *result    = value_null();
    if (value_is_null(list))
        return OK;
    Value *items = arena_try_alloc(call->arena, (list.len + 1u) * sizeof *items, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < list.len; i++)
        TRY(apply(call, 1, &value_items(list)[i], 1, &items[i], err));
    *result = value_array(items, list.len);
    return OK;
}

/* Keys must differ: sorted by hash, equal keys stand together. */
typedef struct {
    uint64_t hash;
    Value    key;
} HashedKey;

static int hash_compare(const void *a, const void *b)
{
    uint64_t x = ((const HashedKey *)a)->hash, y = ((const HashedKey *)b)->hash;
    return (x > y) - (x < y);
}

static Status refuse_equal_keys(const FnCall *call, const MapEntry *entries, size_t count, Error *err)
{
    const SqlType *type = call->type->key;
    HashedKey     *keys = arena_try_alloc(call->arena, (count + 1) * sizeof *keys, err);
    if (keys == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < count; i++)
        keys[i] = (HashedKey){value_hash(type, entries[i].key), entries[i].key};
    qsort(keys, count, sizeof *keys, hash_compare);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && keys[j].hash == keys[i].hash; j++)
            if (value_equal(type, keys[i].key, keys[j].key))
                return error_set(err, E_DATA, NO_POS, "TRANSFORM: two entries of the new map have the same key");
    return OK;
}

static Status transform_map(const FnCall *call, Value *result, Error *err)
{
    Value map = call->args[0];
    *result   = value_null();
    if (value_is_null(map))
        return OK;
    MapEntry *entries = arena_try_alloc(call->arena, (map.len + 1u) * sizeof *entries, err);
    if (entries == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < map.len; i++) {
        const Value *entry = (const Value *)&value_entries(map)[i]; /* key and value side by side */
        TRY(apply(call, 1, entry, 2, &entries[i].key, err));
        TRY(apply(call, 2, entry, 2, &entries[i].value, err));
        if (value_is_null(entries[i].value))
            return error_set(err, E_DATA, NO_POS, "TRANSFORM: a value of the new map is NULL");
    }
    TRY(refuse_equal_keys(call, entries, map.len, err));
    *result = value_map(entries, map.len);
    return OK;
}

static Status keeps(const FnCall *call, const Value *args, size_t count, bool *keep, Error *err)
{
    Value verdict;
    TRY(apply(call, 1, args, count, &verdict, err));
    if (value_is_null(verdict))
        return error_set(err, E_DATA, NO_POS, "FILTER: the lambda gave NULL");
    *keep = value_bool(verdict);
    return OK;
}

static Status filter_array(const FnCall *call, Value *result, Error *err)
{
    Value  list  = call->args[0];
    size_t count = 0;
    *result      = value_null();
    if (value_is_null(list))
        return OK;
    Value *items = arena_try_alloc(call->arena, (list.len + 1u) * sizeof *items, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < list.len; i++) {
        bool keep;
        TRY(keeps(call, &value_items(list)[i], 1, &keep, err));
        if (keep)
            items[count++] = value_items(list)[i];
    }
    *result = value_array(items, count);
    return OK;
}

static Status filter_map(const FnCall *call, Value *result, Error *err)
{
    Value  map   = call->args[0];
    size_t count = 0;
    *result      = value_null();
    if (value_is_null(map))
        return OK;
    MapEntry *entries = arena_try_alloc(call->arena, (map.len + 1u) * sizeof *entries, err);
    if (entries == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < map.len; i++) {
        bool keep;
        TRY(keeps(call, (const Value *)&value_entries(map)[i], 2, &keep, err));
        if (keep && value_is_null(value_entries(map)[i].value))
            return error_set(err, E_DATA, NO_POS, "FILTER: a kept value is NULL");
        if (keep)
            entries[count++] = value_entries(map)[i];
    }
    *result = value_map(entries, count);
    return OK;
}

static Status reduce(const FnCall *call, Value *result, Error *err)
{
    bool  map        = call->arg_types[0]->kind == T_MAP;
    Value collection = call->args[0], state = call->args[1];
    *result          = state;
    if (value_is_null(state) || value_is_null(collection))
        return OK;
    for (size_t i = 0; i < collection.len; i++) {
        Value args[3] = {state};
        if (map) {
            args[1] = value_entries(collection)[i].key;
            args[2] = value_entries(collection)[i].value;
        } else {
            args[1] = value_items(collection)[i];
        }
        TRY(apply(call, 2, args, map ? 3 : 2, &state, err));
    }
    *result = state;
    return OK;
}

#define TRANSFORM_DOC "Every element through a lambda."
#define FILTER_DOC    "The elements for which a lambda is true."
#define REDUCE_DOC    "All elements folded into one state by a lambda."

const ScalarFn lambda_functions[] = {
    {"transform", "(array ARRAY<T>, lambda LAMBDA(T) -> R) -> ARRAY<R>", 0, transform_array, TRANSFORM_DOC, NULL},
    {"transform", "(map MAP<K, V>, lambda1 LAMBDA(K, V) -> R, lambda2 LAMBDA(K, V) -> S) -> MAP<R, S>", 0, transform_map, TRANSFORM_DOC, NULL},
    {"filter", "(array ARRAY<T>, lambda LAMBDA(T) -> BOOLEAN) -> ARRAY<T>", 0, filter_array, FILTER_DOC, NULL},
    {"filter", "(map MAP<K, V>, lambda LAMBDA(K, V) -> BOOLEAN) -> MAP<K, V>", 0, filter_map, FILTER_DOC, NULL},
    {"reduce", "(array ARRAY<T>, initialState S, lambda LAMBDA(S, T) -> S) -> S", 0, reduce, REDUCE_DOC, NULL},
    {"reduce", "(map MAP<K, V>, initialState S, lambda LAMBDA(S, K, V) -> S) -> S", 0, reduce, REDUCE_DOC, NULL},
    {0},
};
