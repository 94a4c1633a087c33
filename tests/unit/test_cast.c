/*
 * test_cast.c - CAST: the table of sql.md 3.6 and its details.
 */
#include "expr_rows.h"

static const ExprRow numbers[] = {
    {"CAST(B AS INT)", "INTEGER: 705032704"},
    {"CAST(I AS BIGINT)", "BIGINT: 7"},
    {"CAST(I AS DOUBLE)", "DOUBLE: 7.0"},
    {"CAST(I AS DECIMAL(4, 2))", "DECIMAL(4, 2): 7.00"},
    {"CAST(B AS DECIMAL(4, 2))", "DECIMAL(4, 2): error"},
    {"CAST(M AS INT)", "INTEGER: 12"},
    {"CAST(-1.9 AS BIGINT)", "BIGINT: -1"},
    {"CAST(4294967298.5 AS INT)", "INTEGER: 2"},
    {"CAST(M AS DECIMAL(3, 1))", "DECIMAL(3, 1): 12.3"},
    {"CAST(12.35 AS DECIMAL(3, 1))", "DECIMAL(3, 1): 12.4"},
    {"CAST(M AS DECIMAL(2, 1))", "DECIMAL(2, 1): error"},
    {"CAST(M AS DOUBLE)", "DOUBLE: 12.34"},
    {"CAST(D AS INT)", "INTEGER: 2"},
    {"CAST(-2.9e0 AS INT)", "INTEGER: -2"},
    {"CAST(1e300 AS INT)", "INTEGER: 2147483647"},
    {"CAST(-1e300 AS BIGINT)", "BIGINT: -9223372036854775808"},
    {"CAST(NAN AS BIGINT)", "BIGINT: 0"},
    {"CAST(NAN AS DECIMAL(4, 2))", "DECIMAL(4, 2): error"},
    {"CAST(D AS DECIMAL(2, 0))", "DECIMAL(2, 0): 3"},
    {"CAST(NI AS STRING)", "STRING: null"},
    {"CAST(NULL AS INT)", "INTEGER: null"},
};

static const ExprRow from_text[] = {
    {"CAST(' 12 ' AS INT)", "INTEGER: 12"},
    {"CAST('1.0' AS INT)", "INTEGER: error"},
    {"CAST('2147483648' AS INT)", "INTEGER: error"},
    {"CAST('+5' AS BIGINT)", "BIGINT: 5"},
    {"CAST('1e2' AS DOUBLE)", "DOUBLE: 100.0"},
    {"CAST('NaN' AS DOUBLE)", "DOUBLE: error"},
    {"CAST('Infinity' AS DOUBLE)", "DOUBLE: error"},
    {"CAST('1e400' AS DOUBLE)", "DOUBLE: error"},
    {"CAST('1.255' AS DECIMAL(4, 2))", "DECIMAL(4, 2): 1.26"},
    {"CAST('t' AS BOOLEAN)", "BOOLEAN: true"},
    {"CAST('YE' AS BOOLEAN)", "BOOLEAN: true"},
    {"CAST('foo' AS BOOLEAN)", "BOOLEAN: false"},
    {"CAST('yess' AS BOOLEAN)", "BOOLEAN: false"},
    {"CAST('AQI=' AS BYTES) = CAST('AQI=' AS BYTES)", "BOOLEAN: true"},
    {"CAST('!' AS BYTES)", "BYTES: error"},
    {"CAST('2020-01' AS DATE)", "DATE: 2020-01-01"},
    {"CAST('2020' AS TIMESTAMP)", "TIMESTAMP: 2020-01-01T00:00:00.000"},
    {"CAST('2020-01-02T03:04' AS TIMESTAMP)", "TIMESTAMP: 2020-01-02T03:04:00.000"},
    {"CAST('2020-01-02T03:04:05.678+01:00' AS TIMESTAMP)", "TIMESTAMP: 2020-01-02T02:04:05.678"},
    {"CAST('2019-01-01T00:00:00+0445' AS TIMESTAMP)", "TIMESTAMP: 2018-12-31T19:15:00.000"},
    {"CAST('13:45' AS TIME)", "TIME: 13:45"},
    {"CAST('x' AS DATE)", "DATE: error"},
};

static const ExprRow to_text[] = {
    {"CAST(T AS STRING)", "STRING: true"},
    {"CAST(1e10 AS STRING)", "STRING: 1.0E10"},
    {"CAST(D AS STRING)", "STRING: 2.5"},
    {"CAST(M AS STRING)", "STRING: 12.34"},
    {"CAST(I AS STRING)", "STRING: 7"},
    {"CAST(TS AS STRING)", "STRING: 2020-01-01T00:00:00.000"},
    {"CAST(DT AS STRING)", "STRING: 2020-01-01"},
    {"CAST(TM AS STRING)", "STRING: 01:00"},
    {"CAST(A AS STRING)", "STRING: [10, null, 30]"},
    {"CAST(MP AS STRING)", "STRING: {a=1, b=null}"},
    {"CAST(ST AS STRING)", "STRING: Struct{F=5,G=x}"},
};

static const ExprRow collections[] = {
    {"CAST(A AS ARRAY<STRING>)", "ARRAY<STRING>: [10, null, 30]"},
    {"CAST(ARRAY[5000000000] AS ARRAY<INT>)", "ARRAY<INTEGER>: [705032704]"},
    {"CAST(MP AS MAP<STRING, DOUBLE>)", "MAP<STRING, DOUBLE>: {a=1.0, b=null}"},
    {"CAST(MAP('1' := 1, '01' := 2) AS MAP<INT, INT>)", "MAP<INTEGER, INTEGER>: {1=2}"},
    {"CAST(ST AS STRUCT<G STRING, H INT>)", "STRUCT<`G` STRING, `H` INTEGER>: Struct{G=x}"},
    {"CAST(TS AS DATE)", "DATE: 2020-01-01"},
    {"CAST(CAST('1969-12-31T23:00' AS TIMESTAMP) AS DATE)", "DATE: 1969-12-31"},
    {"CAST(CAST('1969-12-31T23:00' AS TIMESTAMP) AS TIME)", "TIME: 23:00"},
    {"CAST(DT AS TIMESTAMP)", "TIMESTAMP: 2020-01-01T00:00:00.000"},
};

static const ExprRow refusals[] = {
    {"CAST(BIN AS STRING)", "E: Cast of BYTES to STRING is not supported"},
    {"CAST(T AS INT)", "E: Cast of BOOLEAN to INTEGER is not supported"},
    {"CAST(S AS ARRAY<INT>)", "E: Cast of STRING to ARRAY<INTEGER> is not supported"},
    {"CAST(TM AS TIMESTAMP)", "E: Cast of TIME to TIMESTAMP is not supported"},
    {"CAST(A AS ARRAY<BOOLEAN>)", "E: Cast of ARRAY<INTEGER> to ARRAY<BOOLEAN> is not supported"},
    {"CAST(I AS NOSUCH)", "E: Cannot resolve unknown type: NOSUCH"},
    {"CAST(I AS DECIMAL(2, 3))", "E: DECIMAL precision must be >= scale: DECIMAL(2,3)"},
};

static void cast_between_numbers(void **state) { BENCH_CHECK(state, numbers); }
static void cast_reads_text(void **state) { BENCH_CHECK(state, from_text); }
static void cast_writes_text(void **state) { BENCH_CHECK(state, to_text); }
static void cast_goes_into_collections(void **state) { BENCH_CHECK(state, collections); }
static void cast_refuses(void **state) { BENCH_CHECK(state, refusals); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cast_between_numbers), cmocka_unit_test(cast_reads_text),
        cmocka_unit_test(cast_writes_text),     cmocka_unit_test(cast_goes_into_collections),
        cmocka_unit_test(cast_refuses),
    };
    return cmocka_run_group_tests(tests, bench_open, bench_close);
}
