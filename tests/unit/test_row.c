/* test_row.c - schemas keep their order; batches grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/row.h"

static Arena *arena;

static const Column columns[] = {
    {{"ROWTIME", 7}, &type_bigint, COLUMN_ROWTIME, {NULL, 0}},
    {{"V", 1}, &type_integer, COLUMN_VALUE, {NULL, 0}},
    {{"H", 1}, &type_bytes, COLUMN_HEADERS, {"k", 1}},
    {{"K", 1}, &type_string, COLUMN_KEY, {NULL, 0}},
    {{"W", 1}, &type_double, COLUMN_VALUE, {NULL, 0}},
};

static void schemas_are_sorted_by_role(void **state)
{
    const Schema *schema = schema_new(arena, columns, ARRAY_LEN(columns));
    StrBuf        out    = {0};
    assert_int_equal(schema->key_count, 1);
    assert_int_equal(schema->value_count, 2);
    assert_int_equal(schema_find(schema, STR_LIT("W")), 2);
    assert_int_equal(schema_find(schema, STR_LIT("ROWTIME")), 4);
    assert_int_equal(schema_find(schema, STR_LIT("w")), -1);
    schema_print(schema, false, &out);
    assert_true(str_equal(strbuf_str(&out),
                          STR_LIT("`K` STRING KEY, `V` INTEGER, `W` DOUBLE, `H` BYTES HEADER('k')")));
    strbuf_clear(&out);
    assert_true(schema_equal(schema, schema_copy(arena, schema)));
    assert_false(schema_equal(schema, schema_new(arena, columns, 4)));
}

static void batches_grow_and_keep_their_rows(void **state)
{
    RecordBatch *batch = batch_new(arena, schema_new(arena, columns, 5), 0);
    for (int i = 0; i < 100; i++) {
        Row *row = batch_add(batch);
        assert_null(row->columns);
        row->timestamp = i;
    }
    for (int i = 0; i < 100; i++)
        batch_share_row(batch, &batch->rows[i]); /* a row of the batch that moves */
    assert_int_equal(batch->count, 200);
    for (int i = 0; i < 200; i++)
        assert_int_equal(batch->rows[i].timestamp, i % 100);
}

static int setup(void **state)
{
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_sorted_by_role),
        cmocka_unit_test(batches_grow_and_keep_their_rows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
