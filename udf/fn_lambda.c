/*
 * fn_lambda.c - TRANSFORM, FILTER, REDUCE. An element that fails in the lambda fails the whole call
 * (functions.md 2.8).
 *
 * An entry of a map is its key and its value side by side, so that both kinds of collection are rows of
 * Values: of width 1 or 2.
 */
#include "udf/udf.h"

_Static_assert(sizeof(MapEntry) == 2 * sizeof(Value), "key and value stand side by side");

static size_t width_of(const FnCall *call) { return call->arg_types[0]->kind == T_MAP ? 2 : 1; }

static const Value *element_of(Value collection, size_t i, size_t width)
{
    return (const Value *)collection.as.ptr + i * width;
}

/* Room for as many elements as the collection of the first argument has. */
static Value *new_elements(const FnCall *call, Error *err)
{
    return arena_try_alloc(call->arena, ((size_t)call->args[0].len + 1) * width_of(call) * sizeof(Value),
                           err);
}

static Value collection_of(const Value *elements, size_t count, size_t width)
{
    return width == 2 ? value_map((const MapEntry *)(const void *)elements, count)
                      : value_array(elements, count);
}

static Status apply(const FnCall *call, size_t lambda, const Value *args, size_t count, Value *out,
                    Error *err)
{
    const FnLambda *self = call->args[lambda].as.ptr;
    return self->invoke(self, args, count, call->arena, out, err);
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
                return error_set(err, E_DATA, NO_POS,
                                 "TRANSFORM: two entries of the new map have the same key");
    return OK;
}

/* One lambda for each Value of an element; a map's may not give NULL values or equal keys. */
static Status transform(const FnCall *call, Value *result, Error *err)
{
    Value  from  = call->args[0];
    size_t width = width_of(call);
    *result      = value_null();
    if (value_is_null(from))
        return OK;
    Value *to = new_elements(call, err);
    if (to == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < from.len; i++) {
        for (size_t part = 0; part < width; part++)
            TRY(apply(call, 1 + part, element_of(from, i, width), width, &to[i * width + part], err));
        if (width == 2 && value_is_null(to[i * width + 1]))
            return error_set(err, E_DATA, NO_POS, "TRANSFORM: a value of the new map is NULL");
    }
    *result = collection_of(to, from.len, width);
    return width == 2 ? refuse_equal_keys(call, value_entries(*result), from.len, err) : OK;
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

static Status filter(const FnCall *call, Value *result, Error *err)
{
    Value  from  = call->args[0];
    size_t width = width_of(call), count = 0;
    *result = value_null();
    if (value_is_null(from))
        return OK;
    Value *to = new_elements(call, err);
    if (to == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < from.len; i++) {
        const Value *element = element_of(from, i, width);
        bool         keep    = false;
        TRY(keeps(call, element, width, &keep, err));
        if (!keep)
            continue;
        if (width == 2 && value_is_null(element[1]))
            return error_set(err, E_DATA, NO_POS, "FILTER: a kept value is NULL");
        memcpy(&to[count++ * width], element, width * sizeof *element);
    }
    *result = collection_of(to, count, width);
    return OK;
}

static Status reduce(const FnCall *call, Value *result, Error *err)
{
    Value  collection = call->args[0];
    size_t width      = width_of(call);
    Value  args[3]    = {call->args[1]};
    *result           = args[0];
    if (value_is_null(args[0]) || value_is_null(collection))
        return OK;
    for (size_t i = 0; i < collection.len; i++) {
        memcpy(&args[1], element_of(collection, i, width), width * sizeof *args);
        TRY(apply(call, 2, args, 1 + width, &args[0], err));
    }
    *result = args[0];
    return OK;
}

#define TRANSFORM_DOC "Every element through a lambda."
#define FILTER_DOC "The elements for which a lambda is true."
#define REDUCE_DOC "All elements folded into one state by a lambda."

const ScalarFn lambda_functions[] = {
    {"transform", "(array ARRAY<T>, lambda LAMBDA(T) -> R) -> ARRAY<R>", 0, transform, TRANSFORM_DOC, NULL},
    {"transform", "(map MAP<K, V>, lambda1 LAMBDA(K, V) -> R, lambda2 LAMBDA(K, V) -> S) -> MAP<R, S>", 0,
     transform, TRANSFORM_DOC, NULL},
    {"filter", "(array ARRAY<T>, lambda LAMBDA(T) -> BOOLEAN) -> ARRAY<T>", 0, filter, FILTER_DOC, NULL},
    {"filter", "(map MAP<K, V>, lambda LAMBDA(K, V) -> BOOLEAN) -> MAP<K, V>", 0, filter, FILTER_DOC, NULL},
    {"reduce", "(array ARRAY<T>, initialState S, lambda LAMBDA(S, T) -> S) -> S", 0, reduce, REDUCE_DOC,
     NULL},
    {"reduce", "(map MAP<K, V>, initialState S, lambda LAMBDA(S, K, V) -> S) -> S", 0, reduce, REDUCE_DOC,
     NULL},
    {0},
};
