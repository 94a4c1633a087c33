/*
 * test_runtime_replace.c - OR REPLACE of running queries whose tables get more columns: rows are carried
 * over, and neither a restart nor a lost state nor a kill in the middle tells otherwise.
 *
 * On the embedded log, or with SLUICE_TEST_BOOTSTRAP on Kafka.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "runtime_test.h"

/* Plans all statements, then starts what they come to: of a query that was replaced, the last version. So
 * does a server that reads its command log. */
static const QueryPlan *node_replay(Node *n, const char *sql)
{
    AstScript        script;
    const QueryPlan *plans[8];
    size_t           count    = 0;
    QuerySettings    settings = node_settings(n);
    QueryOptions     options  = {.settings = &settings};
    MUST(parse_script(n->arena, str_dup(n->arena, str_c(sql)), &(ParseOptions){0}, &script, &n->err));
    for (size_t i = 0; i < script.count; i++) {
        const QueryPlan *plan = node_statement(n, script.items[i]);
        size_t           at   = 0;
        if (plan == NULL)
            continue;
        while (at < count && !str_equal(plans[at]->id, plan->id))
            at++;
        assert_true(at < ARRAY_LEN(plans));
        plans[at] = plan;
        count += at == count;
    }
    for (size_t i = 0; i < count; i++)
        MUST(runtime_start_query(n->runtime, plans[i], &options, NULL, NULL, &n->err));
    return plans[count - 1];
}

/* ---- what a table holds ---- */

typedef struct {
    StrBuf           text[64]; /* a line per row */
    size_t           count;
    const StoreSpec *spec;
} Dump;

static Status dump_row(void *context, const StateRow *row, Error *err)
{
    Dump *dump = context;
    assert_true(dump->count < ARRAY_LEN(dump->text));
    StrBuf *line = &dump->text[dump->count++];
    strbuf_add(line, row->key);
    for (size_t i = 0; i < dump->spec->value_count; i++) {
        if (value_is_null(row->values[i]))
            strbuf_adds(line, " -");
        else
            strbuf_addf(line, " %lld", (long long)row->values[i].as.i64);
    }
    strbuf_addc(line, '\n');
    return OK;
}

static int compare_lines(const void *a, const void *b) { return str_compare(strbuf_str(a), strbuf_str(b)); }

/* Key and values of all rows, in the order of the keys, in the node's arena; "-" stands for NULL. */
static const char *dump_table(Node *n, const QueryPlan *plan)
{
    Dump         dump = {.count = 0};
    StoreSpec    spec;
    StateReader *reader;
    StoreRange   range = {0};
    int         *partitions;
    size_t       files, *file_of;
    StrBuf       all = {0};
    dump.spec        = &spec;
    MUST(plan_store_spec(plan->materialized, 0, n->arena, &spec, &n->err));
    assert_true(runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &file_of,
                                         &range.partition_count));
    range.partitions         = partitions;
    range.files              = file_of;
    const char *const *paths = runtime_state_files(n->runtime, &files);
    MUST(state_reader_open(paths, runtime_state_shares(n->runtime), files, &reader, &n->err));
    MUST(state_reader_scan(reader, &spec, &range, n->arena, dump_row, &dump, &n->err));
    state_reader_close(reader);
    qsort(dump.text, dump.count, sizeof dump.text[0], compare_lines);
    for (size_t i = 0; i < dump.count; i++) {
        strbuf_add(&all, strbuf_str(&dump.text[i]));
        strbuf_clear(&dump.text[i]);
    }
    char *text = str_to_c(n->arena, strbuf_str(&all));
    strbuf_clear(&all);
    return text;
}

typedef enum { KEEP, LOSE, FEWER_WORKERS } StateFate;

static const StateFate fates[] = {KEEP, LOSE, FEWER_WORKERS, LOSE};

static void restart_with(Node *n, StateFate fate)
{
    char command[300];
    node_stop(n);
    snprintf(command, sizeof command, "rm -rf '%s/state'", n->dir);
    if (fate == LOSE)
        assert_int_equal(system(command), 0);
    n->options.workers = fate == FEWER_WORKERS ? 1 : 2;
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    node_run(n);
}

static void send_ones(Node *n, int from, int to)
{
    LogWriter *writer = node_writer(n);
    for (int k = from; k < to; k++) {
        char key[16];
        snprintf(key, sizeof key, "k%02d", k);
        node_send(n, writer, topic_of(n, "in"), key, "{\"V\":1}", 10);
    }
    node_flush(n, writer);
    log_writer_close(writer);
}

/* ---- an aggregate ---- */

#define SUMS(version, columns)                                                                               \
    version " TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, SUM(V) AS TOTAL" columns " FROM S GROUP BY K;"

static void rows_are_carried_over(void **state)
{
    Node       *n         = fresh("carry");
    const char *statement = sql_of(n, SUMS("CREATE OR REPLACE", ", SUM(V) * 10 AS TEN"));
    const char *both = sql_of(n, STREAM SUMS("CREATE", "") SUMS("CREATE OR REPLACE", ", SUM(V) * 10 AS TEN"));
    node_topic_make(n, topic_of(n, "in"), 4);
    node_run(n);
    const QueryPlan *old = node_sql(n, sql_of(n, STREAM SUMS("CREATE", "")));
    send_ones(n, 0, 6);
    node_wait_idle(n, 20);
    assert_string_equal(dump_table(n, old), "k00 1\nk01 1\nk02 1\nk03 1\nk04 1\nk05 1\n");
    const QueryPlan *plan = node_sql(n, statement);
    assert_true(str_equal(old->id, plan->id));
    node_wait_idle(n, 20);
    assert_string_equal(dump_table(n, plan), "k00 1 -\nk01 1 -\nk02 1 -\nk03 1 -\nk04 1 -\nk05 1 -\n");
    send_ones(n, 3, 8);
    node_wait_idle(n, 20);
    const char *expected = "k00 1 -\nk01 1 -\nk02 1 -\nk03 2 20\nk04 2 20\nk05 2 20\nk06 1 10\nk07 1 10\n";
    assert_string_equal(dump_table(n, plan), expected);
    for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
        restart_with(n, fates[i]);
        plan = node_replay(n, both);
        node_wait_idle(n, 20);
        assert_string_equal(dump_table(n, plan), expected);
    }
    send_ones(n, 0, 1);
    node_wait_idle(n, 20);
    assert_true(str_starts_with(str_c(dump_table(n, plan)), STR_LIT("k00 2 20\nk01 1 -\n")));
    node_free(n);
}

/* The new version finds the state file as the old one left it: the process ended in between. */
static void replaced_while_it_was_down(void **state)
{
    Node *n = fresh("down");
    node_topic_make(n, topic_of(n, "in"), 2);
    node_run(n);
    node_sql(n, sql_of(n, STREAM SUMS("CREATE", "")));
    send_ones(n, 0, 3);
    node_wait_idle(n, 20);
    restart_with(n, KEEP);
    const QueryPlan *plan = node_replay(
        n, sql_of(n, STREAM SUMS("CREATE", "") SUMS("CREATE OR REPLACE", ", SUM(V) * 10 AS TEN")));
    send_ones(n, 2, 4);
    node_wait_idle(n, 20);
    assert_string_equal(dump_table(n, plan), "k00 1 -\nk01 1 -\nk02 2 20\nk03 1 10\n");
    node_free(n);
}

/* ---- another query under the same names ---- */

/* The query was dropped and made anew, with other columns, while the node was away. */
static void wait_for_error(Node *n, const QueryPlan *plan, const char *text)
{
    QueryStatus status = {0};
    for (int i = 0; i < 500; i++) {
        MUST(runtime_query_status(n->runtime, plan->id, n->arena, &status, &n->err));
        if (status.state == RUN_ERROR && status.error_count > 0)
            break;
        usleep(20000);
    }
    assert_int_equal(status.state, RUN_ERROR);
    assert_true(str_find(status.errors[status.error_count - 1].message, str_c(text), 0) >= 0);
}

#define COUNTS                                                                                               \
    "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, COUNT(*) + 4 AS N, MAX(V) AS M FROM S GROUP BY "  \
    "K;"

/* A query of the same identity whose stores, or topics, are others than what is there stops, and its state
 * stays what it was. */
static void what_does_not_fit_stops_and_stays(void **state)
{
    Node *n = fresh("misfit");
    node_topic_make(n, topic_of(n, "in"), 4);
    node_topic_make(n, topic_of(n, "other"), 4);
    node_run(n);
    const QueryPlan *plan = node_sql(n, sql_of(n, STREAM SUMS("CREATE", "")));
    send_ones(n, 0, 3);
    node_wait_idle(n, 20);
    const char *before = dump_table(n, plan);
    restart_with(n, KEEP);
    wait_for_error(n, node_sql(n, sql_of(n, STREAM COUNTS)),
                   "does not fit its plan: State store T exists with other columns");
    restart_with(n, KEEP);
    wait_for_error(n,
                   node_sql(n, sql_of(n, "CREATE STREAM S (K STRING KEY, V INT) WITH (KAFKA_TOPIC='$other', "
                                         "VALUE_FORMAT='JSON');" SUMS("CREATE", ""))),
                   "does not fit its plan: it has read another topic");
    restart_with(n, KEEP);
    plan = node_sql(n, sql_of(n, STREAM SUMS("CREATE", "")));
    send_ones(n, 0, 3);
    node_wait_idle(n, 20);
    assert_string_equal(before, "k00 1\nk01 1\nk02 1\n");
    assert_string_equal(dump_table(n, plan), "k00 2\nk01 2\nk02 2\n");
    node_free(n);
}

static void leftovers_make_room(void **state)
{
    Node *n = fresh("leftover");
    node_topic_make(n, topic_of(n, "in"), 4);
    node_run(n);
    const QueryPlan *plan = node_sql(n, sql_of(n, STREAM SUMS("CREATE", "")));
    send_ones(n, 0, 3);
    node_wait_idle(n, 20);
    Str changelog = topology_changelog_topic(str_c(n->service), plan->id, plan->materialized, 0, n->arena);
    node_stop(n);
    MUST(log_topic_delete(n->log, changelog, &n->err));
    restart_with(n, KEEP);
    n->generation = 1; /* it was dropped, and another made */
    plan          = node_sql(n, sql_of(n, STREAM COUNTS));
    node_wait_idle(n, 20);
    assert_string_equal(dump_table(n, plan), "k00 5 1\nk01 5 1\nk02 5 1\n");
    node_free(n);
}

/* ---- a table of a table: its source has no changelog ---- */

static void a_source_tables_new_column_is_read_from_its_topic(void **state)
{
#define TABLE_1 "CREATE TABLE D (K STRING PRIMARY KEY, W INT) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"
#define TABLE_2                                                                                              \
    "CREATE OR REPLACE TABLE D (K STRING PRIMARY KEY, W INT, X INT)"                                         \
    " WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"
#define COPY_1 "CREATE TABLE C WITH (KAFKA_TOPIC='$out') AS SELECT K, W FROM D;"
#define COPY_2 "CREATE OR REPLACE TABLE C WITH (KAFKA_TOPIC='$out') AS SELECT K, W, X FROM D WHERE X > 5;"
    Node *n = fresh("source");
    node_topic_make(n, topic_of(n, "in"), 1);
    node_run(n);
    LogWriter       *writer = node_writer(n);
    const QueryPlan *plan   = node_sql(n, sql_of(n, TABLE_1 COPY_1));
    const char      *topic  = topic_of(n, "in");
    node_send(n, writer, topic, "a", "{\"W\":1,\"X\":10}", 10);
    node_send(n, writer, topic, "b", "{\"W\":2,\"X\":10}", 10);
    node_send(n, writer, topic, "c", "{\"W\":3,\"X\":1}", 10);
    node_flush(n, writer);
    node_wait_idle(n, 20);
    assert_topic(n, "out", "a {\"W\":1}\nb {\"W\":2}\nc {\"W\":3}\n");
    plan = node_sql(n, sql_of(n, TABLE_2 COPY_2));
    node_wait_idle(n, 20);
    assert_string_equal(dump_table(n, plan), "a 1 -\nb 2 -\nc 3 -\n");
    for (size_t i = 0; i <= ARRAY_LEN(fates); i++) {
        char expected[64];
        node_send(n, writer, topic, "b", "{\"W\":2,\"X\":3}", 20); /* leaves, for the old X was 10 */
        node_flush(n, writer);
        node_wait_idle(n, 20);
        node_send(n, writer, topic, "b", "{\"W\":2,\"X\":10}", 20); /* and comes back */
        node_flush(n, writer);
        node_wait_idle(n, 20);
        assert_int_equal(count_lines(n, "out"), 3 + 2 * (i + 1));
        snprintf(expected, sizeof expected, "a 1 -\nb 2 10\nc 3 -\n");
        assert_string_equal(dump_table(n, plan), expected);
        if (i == ARRAY_LEN(fates))
            break;
        restart_with(n, fates[i]);
        plan = node_replay(n, sql_of(n, TABLE_1 COPY_1 TABLE_2 COPY_2));
    }
    log_writer_close(writer);
    node_free(n);
}

/* ---- kill -9 ---- */

enum { VERSIONS = 8, TABLE_KEYS = 12 };

/* All statements up to that version: each has a column more. */
static const char *versions_up_to(Node *n, int last)
{
    StrBuf text = {0};
    strbuf_adds(&text, STREAM);
    for (int v = 0; v <= last; v++) {
        strbuf_addf(&text, "%s TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, SUM(V) AS TOTAL",
                    v == 0 ? "CREATE" : "CREATE OR REPLACE");
        for (int c = 1; c <= v; c++)
            strbuf_addf(&text, ", SUM(V) * %d AS C%d", 10 * c, c);
        strbuf_adds(&text, " FROM S GROUP BY K;");
    }
    const char *sql = sql_of(n, str_to_c(n->arena, strbuf_str(&text)));
    strbuf_clear(&text);
    return sql;
}

/* Only the last of the statements. */
static const char *version_alone(Node *n, int version)
{
    const char *all = versions_up_to(n, version), *at = all;
    for (const char *next = all; (next = strstr(next + 1, "CREATE")) != NULL;)
        at = next;
    return at;
}

static void child_replaces(const char *dir, const char *service, int version, useconds_t after_us)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody behind */
    Node *n                       = node_new(dir, service);
    n->options.commit_interval_ms = 20;
    node_run(n);
    node_replay(n, versions_up_to(n, version));
    usleep(after_us);
    node_sql(n, version_alone(n, version + 1));
    for (;;)
        usleep(100000);
}

static void killed_while_replaced(void **state)
{
    Node *n = fresh("killed");
    char  dir[256], service[64];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_topic_make(n, topic_of(n, "in"), 3);
    for (int v = 0; v < VERSIONS; v++) {
        send_ones(n, v, TABLE_KEYS); /* key k is fed for the last time before version k is there */
        node_free(n);
        pid_t child = fork();
        if (child == 0)
            child_replaces(dir, service, v, (useconds_t)(30000 + v * 7919 % 40 * 2000));
        usleep((useconds_t)(30000 + v * 6007 % 60 * (on_kafka() ? 40000 : 2000)));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        n = node_new(dir, service);
    }
    node_run(n);
    const QueryPlan *plan = node_replay(n, versions_up_to(n, VERSIONS));
    node_wait_idle(n, 60);
    send_ones(n, VERSIONS, TABLE_KEYS);
    node_wait_idle(n, 60);
    const char *table = dump_table(n, plan);
    const char *line  = table;
    for (int k = 0; k < TABLE_KEYS; k++) {
        char expected[128];
        int  total = (k < VERSIONS ? k + 1 : VERSIONS + 1);
        int  len   = snprintf(expected, sizeof expected, "k%02d %d", k, total);
        for (int c = 1; k >= VERSIONS && c <= VERSIONS; c++)
            len += snprintf(expected + len, sizeof expected - (size_t)len, " %d", 10 * c * total);
        assert_memory_equal(line, expected, (size_t)len);
        line = strchr(line, '\n') + 1;
    }
    node_stop(n);
    catalog_free(n->catalog);
    n->catalog      = catalog_new();
    n->query_number = 0;
    assert_int_equal(system(str_to_c(n->arena, str_printf(n->arena, "rm -rf '%s/state'", n->dir))), 0);
    node_run(n);
    plan = node_replay(n, versions_up_to(n, VERSIONS));
    node_wait_idle(n, 60);
    assert_string_equal(dump_table(n, plan), table);
    node_free(n);
}

/* ---- two nodes ---- */

/* Runs the first version until there is a topic "go", then the second. */
static void child_follows(const char *dir, const char *service)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that failed leaves nobody behind */
    Node *n                       = node_new(dir, service);
    n->options.commit_interval_ms = 20;
    n->options.node_id            = STR_LIT("the-other");
    node_run(n);
    node_sql(n, versions_up_to(n, 0));
    TopicInfo info;
    while (log_topic_info(n->log, str_c(topic_of(n, "go")), &info, NULL) != OK)
        usleep(20000);
    node_sql(n, version_alone(n, 1));
    for (;;)
        usleep(100000);
}

static size_t count_with(Node *n, const char *topic, Str part)
{
    StrBuf got   = {0};
    size_t count = 0;
    node_read(n, topic_of(n, topic), &got);
    for (ptrdiff_t at = str_find(strbuf_str(&got), part, 0); at >= 0;
         at           = str_find(strbuf_str(&got), part, (size_t)at + 1))
        count++;
    strbuf_clear(&got);
    return count;
}

static size_t owned_partitions(Node *n, const QueryPlan *plan)
{
    int   *partitions;
    size_t count = 0, *files;
    runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &files, &count);
    return count;
}

/* Each replaces for its own partitions; who takes over finds records of both versions. */
static void every_node_replaces_for_its_partitions(void **state)
{
    if (!on_kafka())
        skip(); /* the embedded log belongs to one process */
    Node *n = fresh("nodes");
    char  dir[256], other[280], service[64];
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(other, sizeof other, "%s-b", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    mkdir(other, 0777);
    node_topic_make(n, topic_of(n, "in"), 4);
    node_topic_make(n, topic_of(n, "out"), 4);
    node_free(n);
    pid_t child = fork();
    if (child == 0)
        child_follows(other, service);
    n = node_new(dir, service);
    node_run(n);
    node_sql(n, versions_up_to(n, 0));
    send_ones(n, 0, 12);
    for (int i = 0; i < 600 && count_lines(n, "out") < 12; i++)
        usleep(100000);
    node_topic_make(n, topic_of(n, "go"), 1);
    const QueryPlan *plan = node_sql(n, version_alone(n, 1));
    usleep(500000);
    send_ones(n, 6, 12);
    for (int i = 0; i < 600 && count_with(n, "out", STR_LIT("\"TOTAL\":2,")) < 6; i++)
        usleep(100000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    send_ones(n, 9, 12);
    for (int i = 0; i < 600 && owned_partitions(n, plan) < 4; i++)
        usleep(100000);
    node_wait_idle(n, 60);
    assert_string_equal(dump_table(n, plan),
                        "k00 1 -\nk01 1 -\nk02 1 -\nk03 1 -\nk04 1 -\nk05 1 -\nk06 2 20\nk07 2 20\nk08 2 20\n"
                        "k09 3 30\nk10 3 30\nk11 3 30\n");
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_carried_over),
        cmocka_unit_test(replaced_while_it_was_down),
        cmocka_unit_test(what_does_not_fit_stops_and_stays),
        cmocka_unit_test(leftovers_make_room),
        cmocka_unit_test(a_source_tables_new_column_is_read_from_its_topic),
        cmocka_unit_test(killed_while_replaced),
        cmocka_unit_test(every_node_replaces_for_its_partitions),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
