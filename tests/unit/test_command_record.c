/* Commands of each version (tests/unit/commands/) are carried out by an engine whose settings are others than
 * when they were made; damaged ones and those of later versions say whose they are, and the others are
 * carried out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planner/nodes/node_sink.h"
#include "planner/nodes/node_source.h"
#include "planner/plan_document.h"
#include "planner/plan_partial.h"
#include "planner/plan_starts.h"
#include "server/cluster/command_record.h"
#include "server/engine/engine.h"
#include "server/statements/statements.h"

typedef struct {
    QueryHost   host; /* first */
    Arena      *arena;
    Log        *log;
    Engine     *engine;
    Properties *properties;
    size_t      started;
    int64_t     offset;
    Error       err;
} Bench;

static Status host_start(QueryHost *self, PlanRef *plan, const QuerySettings *settings, Error *err)
{
    ((Bench *)self)->started++;
    return OK;
}

static Status host_stop(QueryHost *self, Str id, bool forget, Error *err) { return OK; }

/* Everything is set otherwise than when the commands were made. */
static int bench_setup(void **state)
{
    static const char *const changed[][2] = {{"ksql.output.topic.name.prefix", "B_"},
                                             {"ksql.persistence.default.format.key", "JSON"},
                                             {"ksql.persistence.default.format.value", "DELIMITED"},
                                             {"ksql.suppress.enabled", "false"},
                                             {"ksql.lambdas.enabled", "false"},
                                             {"ksql.source.table.materialization.enabled", "false"},
                                             {"ksql.create.or.replace.enabled", "false"}};
    Bench                   *b            = mem_calloc(1, sizeof *b);
    b->host                               = (QueryHost){.start = host_start, .stop = host_stop};
    b->arena                              = arena_new(0);
    b->properties                         = properties_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        properties_set(b->properties, str_c(changed[i][0]), str_c(changed[i][1]));
    *state = b;
    if (log_open_embedded(NULL, clock_system(), &b->log, &b->err) != OK)
        return 1;
    EngineOptions options = {.log             = b->log,
                             .host            = &b->host,
                             .statement_class = statement_class,
                             .clock           = clock_system(),
                             .properties      = b->properties,
                             .service_id      = STR_LIT("test_")};
    return engine_open(&options, &b->engine, &b->err) != OK;
}

static int bench_teardown(void **state)
{
    Bench *b = *state;
    engine_close(b->engine);
    log_close(b->log);
    properties_free(b->properties);
    arena_free(b->arena);
    mem_free(b);
    return 0;
}

static Status apply(Bench *b, Str key, Str value)
{
    LogRecord record = {.key = key, .value = value, .offset = b->offset++};
    return command_record_apply(b->engine, &record, &b->err);
}

/* The lines of a fixture: key, tab, value. */
static size_t read_fixture(Bench *b, const char *version, Str (*out)[2], size_t most)
{
    char   path[300], line[65536];
    size_t count = 0;
    snprintf(path, sizeof path, SLUICE_SOURCE_DIR "/tests/unit/commands/version-%s.txt", version);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL && count < most) {
        char *tab     = strchr(line, '\t');
        out[count][0] = str_dup(b->arena, str_n(line, (size_t)(tab - line)));
        out[count][1] = str_dup(b->arena, str_trim(str_c(tab + 1)));
        count++;
    }
    fclose(file);
    return count;
}

static void apply_fixture(Bench *b, const char *version)
{
    Str    lines[32][2];
    size_t count = read_fixture(b, version, lines, ARRAY_LEN(lines));
    assert_int_equal(count, 12);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(apply(b, lines[i][0], lines[i][1]), OK);
}

static const QueryPlan *plan_of(Bench *b, const char *id)
{
    PlanRef *ref = engine_query_plan(b->engine, str_c(id));
    assert_non_null(ref);
    const QueryPlan *plan = plan_ref_plan(ref);
    plan_unref(ref); /* the engine has its own */
    return plan;
}

static void expect_statuses(Bench *b, size_t wanted)
{
    json_t     *statuses = engine_command_statuses(b->engine), *status;
    const char *id;
    size_t      good = 0;
    json_object_foreach(statuses, id, status) good +=
        strcmp(json_string_value(json_object_get(status, "status")), "SUCCESS") == 0;
    assert_int_equal(good, wanted);
    json_decref(statuses);
}

/* What was decided then is what runs, whatever is set now. */
static void commands_with_plans_decide_nothing(void **state)
{
    Bench *b = *state;
    apply_fixture(b, "19");
    assert_int_equal(b->started, 8); /* C twice: it was replaced */
    expect_statuses(b, 10);          /* of ids: C's and J's commands share one each */
    assert_true(str_equal(plan_sink_of(plan_of(b, "CTAS_C_4"))->topic, STR_LIT("C")));
    assert_true(str_equal(plan_source(plan_of(b, "CSAS_X_8")->sources[0])->topic, STR_LIT("s")));
    assert_int_equal(plan_of(b, "CTAS_C_4")->generation, 4); /* OR REPLACE, command 10, keeps it */
    assert_int_equal(plan_of(b, "CTAS_H_5")->partitions, 2);
    Catalog      *catalog = engine_catalog(b->engine);
    const Source *s       = catalog_source(catalog, STR_LIT("S"));
    assert_true(s != NULL && schema_find(s->schema, STR_LIT("E")) >= 0); /* ALTER */
    assert_string_equal(format_name(s->key_format.format), "KAFKA");
    assert_non_null(catalog_type(catalog, STR_LIT("ADDRESS")));
    assert_non_null(catalog_source(catalog, STR_LIT("ST")));
    catalog_free(catalog);
}

/* The first plans of version 2 of the document (docs/plan-format.md). */
static void partial_results_stay_what_they_are(void **state)
{
    Bench *b = *state;
    Str    lines[8][2];
    properties_set(b->properties, STR_LIT("ksql.streams.cache.max.bytes.buffering"), STR_LIT("0"));
    assert_int_equal(read_fixture(b, "19-partial", lines, ARRAY_LEN(lines)), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(apply(b, lines[i][0], lines[i][1]), OK);
    assert_int_equal(b->started, 1);
    assert_int_equal(plan_document_version(plan_of(b, "CTAS_PARTS_1")), 2);
    assert_int_equal(plan_partials(plan_of(b, "CTAS_PARTS_1")), PARTIALS_UNNAMED);
}

/* The first plan that says where it begins. Those of before say nothing of it, and begin as they did. */
static void where_a_query_begins_is_kept(void **state)
{
    Bench *b = *state;
    Str    lines[8][2];
    assert_int_equal(read_fixture(b, "19-starts", lines, ARRAY_LEN(lines)), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(apply(b, lines[i][0], lines[i][1]), OK);
    const QueryPlan *plan = plan_of(b, "CTAS_STARTS_1");
    assert_int_equal(plan_start_of(plan, STR_LIT("starts_s"), 0), 2);
    assert_int_equal(plan_start_of(plan, STR_LIT("starts_s"), 1), 3);
    assert_int_equal(plan_start_of(plan, STR_LIT("starts_s"), 2), 0); /* added since: all of it */
    assert_int_equal(plan_start_of(plan, STR_LIT("starts"), 0), -1);
    json_t *json    = plan_to_json(plan);
    char   *written = json_dumps(json, JSON_COMPACT);
    assert_true(str_find(lines[1][1], str_c(written), 0) >= 0);
    free(written); /* jansson's */
    json_decref(json);
    apply_fixture(b, "19");
    assert_int_equal(plan_of(b, "CTAS_C_4")->start_count, 0);
}

/* Version 18 has texts alone: planned with what is set now, as that version did. */
static void commands_without_plans_are_planned_from_text(void **state)
{
    Bench *b = *state;
    properties_set(b->properties, STR_LIT("ksql.source.table.materialization.enabled"), STR_LIT("true"));
    properties_set(b->properties, STR_LIT("ksql.lambdas.enabled"), STR_LIT("true"));
    apply_fixture(b, "18");
    assert_int_equal(b->started, 8);
    assert_int_equal(plan_of(b, "CTAS_C_4")->generation, 4);
    assert_true(str_equal(plan_sink_of(plan_of(b, "CTAS_C_4"))->topic, STR_LIT("B_C")));
}

static char *changed(Bench *b, Str text, const char *from, const char *to)
{
    ptrdiff_t at = str_find(text, str_c(from), 0);
    assert_true(at >= 0);
    return str_to_c(b->arena,
                    str_printf(b->arena, STR_FMT "%s" STR_FMT, (int)at, text.ptr, to,
                               (int)(text.len - (size_t)at - strlen(from)), text.ptr + at + strlen(from)));
}

/* Its query is listed with the reason, and everything else is there. */
static void a_damaged_plan_is_one_querys_trouble(void **state)
{
    Bench *b = *state;
    Str    lines[32][2];
    size_t count = read_fixture(b, "19", lines, ARRAY_LEN(lines));
    for (size_t i = 0; i < count; i++) {
        Str value = lines[i][1];
        if (str_find(lines[i][0], STR_LIT("`H`"), 0) >= 0)
            value = str_c(changed(b, value, "\"advanceMs\":600000", "\"advanceMs\":600001"));
        assert_int_equal(apply(b, lines[i][0], value), OK);
    }
    assert_int_equal(b->started, 7);
    Catalog          *catalog = engine_catalog(b->engine);
    const QueryEntry *query   = catalog_query(catalog, STR_LIT("CTAS_H_5"));
    assert_non_null(query);
    assert_true(str_find(query->failure, STR_LIT("The plan is damaged: its checksum is another"), 0) >= 0);
    assert_non_null(catalog_source(catalog, STR_LIT("H"))); /* it can be dropped */
    catalog_free(catalog);
    json_t     *statuses = engine_command_statuses(b->engine);
    const char *said =
        json_string_value(json_object_get(json_object_get(statuses, "table/`H`/create"), "message"));
    assert_non_null(said);
    assert_non_null(strstr(said, "query CTAS_H_5 does not run, and what it has stored is left as it is"));
    json_decref(statuses);
}

static void a_later_plan_names_its_version(void **state)
{
    Bench *b = *state;
    Str    lines[32][2];
    read_fixture(b, "19", lines, ARRAY_LEN(lines));
    assert_int_equal(apply(b, lines[1][0], lines[1][1]), OK);
    assert_int_equal(
        apply(b, lines[4][0],
              str_c(changed(b, lines[4][1], "\"plan\":{\"version\":1,", "\"plan\":{\"version\":3,"))),
        E_UNSUPPORTED);
    assert_non_null(strstr(b->err.message, "written by a later version of Sluice"));
    assert_non_null(strstr(b->err.message, "CTAS_C_4"));
    assert_int_equal(
        apply(b, lines[4][0], str_c(changed(b, lines[4][1], "\"version\":19", "\"version\":20"))),
        E_UNSUPPORTED);
    assert_int_equal(b->started, 0);
}

static void what_is_no_command_is_left_out(void **state)
{
    static const char *const values[] = {
        "",
        "{",
        "[]",
        "{\"statement\":5}",
        "{\"statement\":\"CREATE\",\"streamsProperties\":{}}",
        "{\"statement\":\"CREATE STREAM X (A INT) WITH (KAFKA_TOPIC='x', "
        "VALUE_FORMAT='JSON');\",\"streamsProperties\":{},\"plan\":7,\"version\":19}"};
    Bench *b = *state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_int_equal(apply(b, STR_LIT("\"stream/`X`/create\""), str_c(values[i])), OK);
    Catalog *catalog = engine_catalog(b->engine);
    assert_null(catalog_source(catalog, STR_LIT("X"))); /* a plan that is none is not planned from text */
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(partial_results_stay_what_they_are, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(where_a_query_begins_is_kept, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(commands_with_plans_decide_nothing, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(commands_without_plans_are_planned_from_text, bench_setup,
                                        bench_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_plan_is_one_querys_trouble, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(a_later_plan_names_its_version, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_command_is_left_out, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
