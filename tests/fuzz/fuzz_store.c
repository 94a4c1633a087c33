/*
 * fuzz_store.c - changelog records of anybody: what is applied must come back as the same bytes. The first
 * byte says how long the key is.
 */
#include <stdint.h>
#include <stdlib.h>

#include "state/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const SqlField fields[]  = {{{"A", 1}, &type_bigint}, {{"B", 1}, &type_string}};
static const SqlType  decimal   = {.kind = T_DECIMAL, .precision = 40, .scale = 2};
static const SqlType  record    = {.kind = T_STRUCT, .fields = fields, .field_count = 2};
static const SqlType  list      = {.kind = T_ARRAY, .element = &record};
static const SqlType  map       = {.kind = T_MAP, .key = &type_string, .element = &decimal};
static const Column   columns[] = {
      {{"K", 1}, &type_string, COLUMN_KEY, {0}}, {{"L", 1}, &list, COLUMN_VALUE, {0}},
      {{"M", 1}, &map, COLUMN_VALUE, {0}},       {{"D", 1}, &type_double, COLUMN_VALUE, {0}},
      {{"T", 1}, &type_date, COLUMN_VALUE, {0}}, {{"X", 1}, &decimal, COLUMN_VALUE, {0}}};

static void apply_and_read(StateFile *file, Arena *arena, Str key, Str value)
{
    Error     err;
    Store    *store;
    StoreRows rows, again;
    Str       key_back, value_back;
    StoreSpec spec = {STR_LIT("S"), STORE_SESSION, columns, 1, columns + 1, 4, columns + 5, 1, -1};
    if (store_open(file, &spec, 0, &store, &err) != OK || store_apply(store, key, value, &err) != OK)
        return;
    if (state_file_commit(file, &err) != OK || store_find_all(store, arena, &rows, &err) != OK ||
        rows.count != 1)
        abort();
    store_encode(store, rows.rows[0], arena, &key_back, &value_back);
    if (!str_equal(key, key_back) || store_clear(store, &err) != OK ||
        store_apply(store, key_back, value_back, &err) != OK ||
        store_find_all(store, arena, &again, &err) != OK || again.count != 1)
        abort();
    Str third;
    store_encode(store, again.rows[0], arena, &key_back, &third);
    if (!str_equal(value_back, third))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StateFile *file;
    Error      err;
    if (size == 0 || (size_t)data[0] + 1 > size || state_file_open(NULL, &file, &err) != OK)
        return 0;
    Arena *arena = arena_new(0);
    Str    key   = str_n((const char *)data + 1, data[0]);
    apply_and_read(file, arena, key, str_n(key.ptr + key.len, size - 1 - key.len));
    arena_free(arena);
    state_file_close(file);
    return 0;
}
