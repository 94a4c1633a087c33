/* Records whose schema cannot be fetched are neither bad nor lost: they wait, and are read once the registry
 * answers. */
#include "executor/dataflow/source_decoder.h"
#include "registry_rows.h"

typedef struct {
    SchemaRegistry  base;
    SchemaRegistry *behind;
    bool            away;
} ShyRegistry;

static Status shy_by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    ShyRegistry *self = (ShyRegistry *)base;
    if (self->away)
        return error_set(err, E_WAIT, NO_POS, "it does not answer");
    return self->behind->by_id(self->behind, id, arena, out, err);
}

static void records_wait_for_their_schema(void **state)
{
    RegistryRows   r;
    SourceDecoder *decoder;
    SourceRows     rows;
    Clock          clock;
    clock_init_virtual(&clock, 0, 1);
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A INT");
    registry_rows_add(&r,
                      "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"A\",\"type\":\"int\"}]}");
    ShyRegistry shy       = {.base = {.by_id = shy_by_id}, .behind = r.registry, .away = true};
    SourceSpec  spec      = {.topic          = STR_LIT("T"),
                             .declared       = schema_new(r.rows.arena, r.rows.columns, 1),
                             .key_format     = {.format = format_keyless()},
                             .value_format   = r.rows.spec.format,
                             .timestamp_slot = -1};
    LogRecord   records[] = {{.value = from_hex(r.rows.arena, "00 00000001 0e"), .key = STR_NULL},
                             {.value = from_hex(r.rows.arena, "01 00000001 0e"), .key = STR_NULL},
                             {.value = from_hex(r.rows.arena, "00 00000009 0e"), .key = STR_NULL}};
    assert_int_equal(source_decoder_open(&spec, &clock, NULL, &shy.base, r.rows.arena, &decoder, &r.rows.err),
                     OK);
    source_decoder_read(decoder, 0, records, 3, r.rows.arena, &rows);
    assert_true(rows.waits);
    assert_int_equal(rows.faults[0]->kind, FAULT_REGISTRY);
    assert_int_equal(rows.faults[1]->kind, FAULT_VALUE); /* no registry makes that one good */
    shy.away = false;
    source_decoder_read(decoder, 0, records, 3, r.rows.arena, &rows);
    assert_false(rows.waits);
    assert_null(rows.faults[0]);
    assert_int_equal(value_int(rows.rows[0].columns[0]), 7);
    assert_int_equal(rows.faults[2]->kind, FAULT_VALUE); /* it answers: there is no such schema */
    source_decoder_close(decoder);
    registry_rows_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_wait_for_their_schema)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
