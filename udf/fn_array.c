/*
 * fn_array.c - ARRAY functions. Arrays are immutable: a result is a new array that shares its elements with
 * the arguments.
 *
 * The set functions compare every element with those kept so far through a small open-addressing table, so
 * that long arrays do not cost the square of their length.
 */
#include "core/decimal.h"
#include "udf/udf.h"

enum { MAX_SERIES = 1000000 };

static Value *new_items(const FnCall *call, size_t count, Error *err)
{
    size_t size;
    if (!size_multiply(count + 1, sizeof(Value), &size) || count > UINT32_MAX) {
        error_set(err, E_LIMIT, NO_POS, "an array of %zu elements is too long", count);
        return NULL;
    }
    return arena_try_alloc(call->arena, size, err);
}

static Status fn_array_concat(const FnCall *call, Value *result, Error *err)
{
    Value a = call->args[0], b = call->args[1];
    if (value_is_null(a) || value_is_null(b)) {
        *result = value_is_null(a) ? b : a;
        return OK;
    }
    Value *items = new_items(call, (size_t)a.len + b.len, err);
    if (items == NULL)
        return E_LIMIT;
    if (a.len > 0)
        memcpy(items, value_items(a), a.len * sizeof *items);
    if (b.len > 0)
        memcpy(items + a.len, value_items(b), b.len * sizeof *items);
    *result = value_array(items, (size_t)a.len + b.len);
    return OK;
}

static Status fn_array_contains(const FnCall *call, Value *result, Error *err)
{
    Value list = call->args[0];
    *result    = value_from_bool(false);
    if (value_is_null(list))
        return OK;
    for (size_t i = 0; i < list.len && !result->as.i64; i++)
        result->as.i64 = value_equal(call->arg_types[0]->element, value_items(list)[i], call->args[1]);
    return OK;
}

static Status fn_array_length(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_int(call->args[0].len);
    return OK;
}

static Status fn_array_remove(const FnCall *call, Value *result, Error *err)
{
    Value  list  = call->args[0];
    size_t count = 0;
    *result      = value_null();
    if (value_is_null(list))
        return OK;
    Value *items = new_items(call, list.len, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < list.len; i++)
        if (!value_equal(call->type->element, value_items(list)[i], call->args[1]))
            items[count++] = value_items(list)[i];
    *result = value_array(items, count);
    return OK;
}

/* ---- sets ---- */

typedef struct {
    const SqlType *type;
    const Value  **slots; /* NULL: free */
    size_t         mask;
} ValueSet;

static Status set_init(ValueSet *set, const SqlType *type, size_t room, Arena *arena, Error *err)
{
    size_t slots = 8;
    while (slots < room * 2)
        slots *= 2;
    set->type  = type;
    set->mask  = slots - 1;
    set->slots = arena_try_alloc(arena, slots * sizeof *set->slots, err);
    if (set->slots == NULL)
        return E_LIMIT;
    memset(set->slots, 0, slots * sizeof *set->slots);
    return OK;
}

static const Value **set_slot(const ValueSet *set, const Value *value)
{
    size_t at = (size_t)value_hash(set->type, *value) & set->mask;
    while (set->slots[at] != NULL && !value_equal(set->type, *set->slots[at], *value))
        at = (at + 1) & set->mask;
    return &set->slots[at];
}

/* False when it is there already. */
static bool set_add(ValueSet *set, const Value *value)
{
    const Value **slot = set_slot(set, value);
    if (*slot != NULL)
        return false;
    *slot = value;
    return true;
}

typedef enum { KEEP_ALL, KEEP_IN_FILTER, KEEP_NOT_IN_FILTER } Keep;

/* The distinct elements of `lists`, in order, of which the filter's are kept or dropped. */
static Status distinct_of(const FnCall *call, const Value *lists, size_t count, const Value *filter,
                          Keep keep, Value *result, Error *err)
{
    const SqlType *element = call->type->element;
    ValueSet       seen, filtered;
    size_t         total = 0, kept = 0;
    for (size_t i = 0; i < count; i++)
        total += lists[i].len;
    TRY(set_init(&seen, element, total, call->arena, err));
    if (keep != KEEP_ALL) {
        TRY(set_init(&filtered, element, filter->len, call->arena, err));
        for (size_t i = 0; i < filter->len; i++)
            set_add(&filtered, &value_items(*filter)[i]);
    }
    Value *items = new_items(call, total, err);
    if (items == NULL)
        return E_LIMIT;
    for (size_t l = 0; l < count; l++) {
        for (size_t i = 0; i < lists[l].len; i++) {
            const Value *item = &value_items(lists[l])[i];
            if (keep != KEEP_ALL && (*set_slot(&filtered, item) != NULL) != (keep == KEEP_IN_FILTER))
                continue;
            if (set_add(&seen, item))
                items[kept++] = *item;
        }
    }
    *result = value_array(items, kept);
    return OK;
}

static Status fn_array_distinct(const FnCall *call, Value *result, Error *err)
{
    return distinct_of(call, call->args, 1, NULL, KEEP_ALL, result, err);
}

static Status fn_array_union(const FnCall *call, Value *result, Error *err)
{
    return distinct_of(call, call->args, 2, NULL, KEEP_ALL, result, err);
}

static Status fn_array_except(const FnCall *call, Value *result, Error *err)
{
    return distinct_of(call, call->args, 1, &call->args[1], KEEP_NOT_IN_FILTER, result, err);
}

static Status fn_array_intersect(const FnCall *call, Value *result, Error *err)
{
    return distinct_of(call, call->args, 1, &call->args[1], KEEP_IN_FILTER, result, err);
}

/* ---- order ---- */

static Status ensure_ordered(const SqlType *element, const char *name, Error *err)
{
    if (element->kind != T_ARRAY && element->kind != T_MAP && element->kind != T_STRUCT)
        return OK;
    return error_set(err, E_DATA, NO_POS, "%s: elements of type %s have no order", name,
                     type_kind_name(element->kind));
}

static Status extreme(const FnCall *call, const char *name, int sign, Value *result, Error *err)
{
    Value list = call->args[0];
    *result    = value_null();
    TRY(ensure_ordered(call->type, name, err));
    for (size_t i = 0; i < list.len; i++) {
        Value v = value_items(list)[i];
        if (!value_is_null(v) && (value_is_null(*result) || sign * value_compare(call->type, v, *result) > 0))
            *result = v;
    }
    return OK;
}

static Status fn_array_max(const FnCall *call, Value *result, Error *err)
{
    return extreme(call, "ARRAY_MAX", 1, result, err);
}

static Status fn_array_min(const FnCall *call, Value *result, Error *err)
{
    return extreme(call, "ARRAY_MIN", -1, result, err);
}

typedef struct {
    const SqlType *type;
    int            sign;
} SortOrder;

static int sort_compare(const void *a, const void *b, void *context)
{
    const SortOrder *order = context;
    const Value     *x = a, *y = b;
    if (value_is_null(*x) || value_is_null(*y))
        return value_is_null(*x) - value_is_null(*y); /* last in both directions */
    return order->sign * value_compare(order->type, *x, *y);
}

static int sort_direction(Str word)
{
    if (str_equal_nocase(word, STR_LIT("ASC")) || str_equal_nocase(word, STR_LIT("ASCENDING")))
        return 1;
    return str_equal_nocase(word, STR_LIT("DESC")) || str_equal_nocase(word, STR_LIT("DESCENDING")) ? -1 : 0;
}

static Status fn_array_sort(const FnCall *call, Value *result, Error *err)
{
    Value     list  = call->args[0];
    SortOrder order = {call->type->element,
                       call->count == 2 ? sort_direction(str_trim(value_str(call->args[1]))) : 1};
    *result         = value_null();
    if (order.sign == 0)
        return OK;
    TRY(ensure_ordered(order.type, "ARRAY_SORT", err));
    Value *items = new_items(call, list.len, err);
    if (items == NULL)
        return E_LIMIT;
    if (list.len > 0)
        memcpy(items, value_items(list), list.len * sizeof *items);
    qsort_r(items, list.len, sizeof *items, sort_compare, &order);
    *result = value_array(items, list.len);
    return OK;
}

/* ---- the rest ---- */

static Status fn_array_join(const FnCall *call, Value *result, Error *err)
{
    const SqlType *element = call->arg_types[0]->element;
    Value          list    = call->args[0];
    Str            between = call->count == 1               ? STR_LIT(",")
                             : value_is_null(call->args[1]) ? STR_LIT("")
                                                            : value_str(call->args[1]);
    StrBuf         text    = {0};
    *result                = value_null();
    if (value_is_null(list))
        return OK;
    if (element->kind > T_STRING && list.len > 0)
        return error_set(err, E_DATA, NO_POS,
                         "error: hit element of type %s which is currently not supported",
                         type_kind_name(element->kind));
    for (size_t i = 0; i < list.len; i++) {
        if (i > 0)
            strbuf_add(&text, between);
        if (element->kind == T_DECIMAL && !value_is_null(value_items(list)[i]))
            decimal_print_scientific(value_items(list)[i], &text);
        else
            value_print(element, value_items(list)[i], &text);
    }
    *result = value_from_str(str_dup(call->arena, strbuf_str(&text)));
    strbuf_clear(&text);
    return OK;
}

static Status fn_generate_series(const FnCall *call, Value *result, Error *err)
{
    int64_t from = call->args[0].as.i64, to = call->args[1].as.i64;
    int64_t step = call->count == 3 ? call->args[2].as.i64 : to > from ? 1 : -1;
    if (step == 0)
        return error_set(err, E_DATA, NO_POS, "GENERATE_SERIES step cannot be zero");
    if ((from < to && step < 0) || (from > to && step > 0))
        return error_set(err, E_DATA, NO_POS, "GENERATE_SERIES step has wrong sign");
    uint64_t distance = from < to ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
    uint64_t count    = distance / (step < 0 ? -(uint64_t)step : (uint64_t)step) + 1;
    if (count == 0 || count > MAX_SERIES)
        return error_set(err, E_DATA, NO_POS, "GENERATE_SERIES: more than %d elements", MAX_SERIES);
    Value *items = new_items(call, (size_t)count, err);
    if (items == NULL)
        return E_LIMIT;
    for (uint64_t i = 0; i < count; i++)
        items[i] = value_from_int((int64_t)((uint64_t)from + i * (uint64_t)step));
    *result = value_array(items, (size_t)count);
    return OK;
}

static Status fn_slice(const FnCall *call, Value *result, Error *err)
{
    Value list = call->args[0];
    *result    = value_null();
    if (value_is_null(list))
        return OK;
    int64_t from = value_is_null(call->args[1]) ? 1 : call->args[1].as.i64;
    int64_t to   = value_is_null(call->args[2]) ? (int64_t)list.len : call->args[2].as.i64;
    if (from >= 1 && to <= (int64_t)list.len && from <= to + 1)
        *result = value_array(value_items(list) + (from - 1), (size_t)(to - from + 1));
    return OK;
}

#define N0 FN_NULL_IF_ANY_NULL
#define JOIN_DOC "The elements' texts with a delimiter between them."
#define SORT_DOC "The elements in order, NULLs last."
#define GEN_DOC "The numbers from start to end, both included."

const ScalarFn array_functions[] = {
    {"array_concat", "(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", 0, fn_array_concat,
     "All elements of both arrays.", NULL},
    {"ARRAY_CONTAINS", "(array ARRAY<T>, val T) -> BOOLEAN", 0, fn_array_contains,
     "Whether the value is an element.", NULL},
    {"array_distinct", "(array ARRAY<T>) -> ARRAY<T>", N0, fn_array_distinct,
     "The elements without repetitions.", NULL},
    {"array_except", "(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", N0, fn_array_except,
     "The distinct elements of the first array that the second lacks.", NULL},
    {"array_intersect", "(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", N0, fn_array_intersect,
     "The distinct elements of the first array that the second has.", NULL},
    {"array_union", "(left ARRAY<T>, right ARRAY<T>) -> ARRAY<T>", N0, fn_array_union,
     "The distinct elements of both arrays.", NULL},
    {"ARRAY_JOIN", "(array ARRAY<T>) -> STRING", 0, fn_array_join, JOIN_DOC, NULL},
    {"ARRAY_JOIN", "(array ARRAY<T>, delimiter STRING) -> STRING", 0, fn_array_join, JOIN_DOC, NULL},
    {"ARRAY_LENGTH", "(array ARRAY<T>) -> INT", N0, fn_array_length, "How many elements there are.", NULL},
    {"array_max", "(array ARRAY<T>) -> T", N0, fn_array_max, "The highest element; NULLs are ignored.", NULL},
    {"array_min", "(array ARRAY<T>) -> T", N0, fn_array_min, "The lowest element; NULLs are ignored.", NULL},
    {"array_remove", "(array ARRAY<T>, element T) -> ARRAY<T>", 0, fn_array_remove,
     "The array without the elements equal to a value.", NULL},
    {"array_sort", "(array ARRAY<T>) -> ARRAY<T>", N0, fn_array_sort, SORT_DOC, NULL},
    {"array_sort", "(array ARRAY<T>, direction STRING) -> ARRAY<T>", N0, fn_array_sort, SORT_DOC, NULL},
    {"GENERATE_SERIES", "(start INT, end INT) -> ARRAY<INT>", FN_ERROR_IF_NULL, fn_generate_series, GEN_DOC,
     NULL},
    {"GENERATE_SERIES", "(start INT, end INT, step INT) -> ARRAY<INT>", FN_ERROR_IF_NULL, fn_generate_series,
     GEN_DOC, NULL},
    {"GENERATE_SERIES", "(start BIGINT, end BIGINT) -> ARRAY<BIGINT>", FN_ERROR_IF_NULL, fn_generate_series,
     GEN_DOC, NULL},
    {"GENERATE_SERIES", "(start BIGINT, end BIGINT, step INT) -> ARRAY<BIGINT>", FN_ERROR_IF_NULL,
     fn_generate_series, GEN_DOC, NULL},
    {"slice", "(in ARRAY<T>, from INT, to INT) -> ARRAY<T>", 0, fn_slice,
     "The elements from one position to another, both included.", NULL},
    {0},
};
