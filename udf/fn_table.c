/*
 * fn_table.c - table functions: EXPLODE and CUBE_EXPLODE. What they answer is an array; each element becomes
 * a row.
 */
#include "udf/udf.h"

static Status fn_explode(const FnCall *call, Value *result, Error *err)
{
    *result = value_is_null(call->args[0]) ? value_array(NULL, 0) : call->args[0];
    return OK;
}

enum { MAX_CUBE = 20 };

/* Every combination of keeping and dropping the elements that are not NULL; the last of them is the lowest
 * bit. */
static Status fn_cube_explode(const FnCall *call, Value *result, Error *err)
{
    Value  list  = call->args[0];
    size_t width = list.len, varied = 0;
    size_t at[MAX_CUBE];
    *result = value_array(NULL, 0);
    if (value_is_null(list))
        return OK;
    if (width > MAX_CUBE)
        return error_set(err, E_DATA, NO_POS, "cube_explode: too many columns (%zu); max is %d", width,
                         MAX_CUBE);
    for (size_t i = 0; i < width; i++)
        if (!value_is_null(value_items(list)[i]))
            at[varied++] = i;
    size_t count = (size_t)1 << varied;
    Value *rows  = arena_try_alloc(call->arena, count * sizeof *rows, err);
    Value *cells =
        rows != NULL ? arena_try_alloc(call->arena, (count * width + 1) * sizeof *cells, err) : NULL;
    if (cells == NULL)
        return E_LIMIT;
    for (size_t mask = 0; mask < count; mask++) {
        Value *row = cells + mask * width;
        for (size_t i = 0; i < width; i++)
            row[i] = value_null();
        for (size_t i = 0; i < varied; i++)
            if (mask >> (varied - 1 - i) & 1)
                row[at[i]] = value_items(list)[at[i]];
        rows[mask] = value_array(row, width);
    }
    *result = value_array(rows, count);
    return OK;
}

const TableFn table_functions[] = {
    {"explode", "(input ARRAY<DECIMAL>) -> DECIMAL", 0, fn_explode, "A row for each element.", NULL},
    {"explode", "(list ARRAY<T>) -> T", 0, fn_explode, "A row for each element.", NULL},
    {"cube_explode", "(columns ARRAY<T>) -> ARRAY<T>", 0, fn_cube_explode,
     "A row for each combination of elements and NULLs.", NULL},
    {0},
};
