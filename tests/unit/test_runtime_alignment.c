/*
 * test_runtime_alignment.c - queries over what was there before: joins of streams whose keys change on the
 * way.
 *
 * One side goes through a repartition topic, the other does not, and windows are short. Whoever is first,
 * each record finds its partner, for none is taken before older ones that are still on their way.
 */
#include "runtime_compare.h"

enum { ROWS = 6000, NAMES = 97, APART_MS = 100 };

static const char sources[] =
    "CREATE STREAM L (K STRING KEY, ID INT, J STRING) WITH (KAFKA_TOPIC='$left', VALUE_FORMAT='JSON');"
    "CREATE STREAM R (K STRING KEY, ID INT, J STRING) WITH (KAFKA_TOPIC='$right', VALUE_FORMAT='JSON');";

/* Each left row has one partner, 50 ms later; the next of that key is ten seconds away. */
static void feed_both(Node *n)
{
    LogWriter *writer = node_writer(n);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < ROWS; i++) {
            char key[16], value[64];
            snprintf(key, sizeof key, side == 0 ? "k%d" : "j%d", side == 0 ? i % 50 : i % NAMES);
            snprintf(value, sizeof value, "{\"ID\":%d,\"J\":\"j%d\"}", i, i % NAMES);
            node_send(n, writer, topic_of(n, side == 0 ? "left" : "right"), key, value,
                      10000 + i * APART_MS + side * APART_MS / 2);
        }
    node_flush(n, writer);
    log_writer_close(writer);
}

static const struct {
    const char *name, *sql;
    int         partitions;
    bool        before; /* the records are there before the query */
} cases[] = {
    {"inner",
     "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT L.J AS J, L.ID AS A, R.ID AS B FROM L JOIN R"
     " WITHIN 1 SECONDS GRACE PERIOD 0 SECONDS ON L.J = R.K;",
     1, true},
    {"left",
     "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT L.J AS J, L.ID AS A, R.ID AS B FROM L LEFT JOIN R"
     " WITHIN 1 SECONDS GRACE PERIOD 0 SECONDS ON L.J = R.K;",
     1, true},
    {"right",
     "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT R.K AS J, L.ID AS A, R.ID AS B FROM L RIGHT JOIN R"
     " WITHIN 1 SECONDS GRACE PERIOD 0 SECONDS ON L.J = R.K;",
     1, true},
    {"both sides",
     "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT ROWKEY AS J, L.ID AS A, R.ID AS B FROM L FULL "
     "OUTER "
     "JOIN R"
     " WITHIN 1 SECONDS GRACE PERIOD 0 SECONDS ON L.J = R.J;",
     1, true},
    {"as it comes",
     "CREATE STREAM O WITH (KAFKA_TOPIC='$out') AS SELECT L.J AS J, L.ID AS A, R.ID AS B FROM L LEFT JOIN R"
     " WITHIN 1 HOURS GRACE PERIOD 0 SECONDS ON L.J = R.K;",
     2, false},
};

/* Each left row once, with its partner. */
static void check(Node *n, const char *name, bool once)
{
    StrBuf got   = {0};
    char  *seen  = mem_calloc(ROWS, 1);
    size_t wrong = 0, missing = 0;
    node_read(n, topic_of(n, "out"), &got);
    for (size_t at = 0; at < got.len;) {
        char  line[256], *field, *end;
        char *newline = memchr(got.ptr + at, '\n', got.len - at);
        snprintf(line, sizeof line, "%.*s", (int)(newline - got.ptr - (ptrdiff_t)at), got.ptr + at);
        at        = (size_t)(newline - got.ptr) + 1;
        field     = strstr(line, "\"A\":");
        long left = field == NULL ? -1 : strtol(field + 4, &end, 10), right = -1;
        if (left >= 0 && strncmp(end, ",\"B\":", 5) == 0)
            right = strtol(end + 5, &field, 10);
        bool whole = left >= 0 && left < ROWS && right >= 0 && field != end + 5;
        if (!whole || (once && (left != right || seen[left])))
            wrong++;
        else
            seen[left] = 1;
    }
    for (int i = 0; i < ROWS; i++)
        missing += !seen[i];
    if (wrong > 0 || missing > 0)
        fail_msg("%s: %zu rows are wrong, %zu are missing", name, wrong, missing);
    strbuf_clear(&got);
    mem_free(seen);
}

static void no_record_is_taken_too_early(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[16];
        snprintf(name, sizeof name, "align%zu", i);
        Node *n                       = fresh(name);
        n->options.exactly_once       = i % 2 == 0;
        n->options.commit_interval_ms = 100;
        node_topic_make(n, topic_of(n, "left"), cases[i].partitions);
        node_topic_make(n, topic_of(n, "right"), cases[i].partitions);
        if (cases[i].before)
            feed_both(n);
        node_run(n);
        node_sql(n, sql_of(n, sources));
        node_sql(n, sql_of(n, cases[i].sql));
        if (!cases[i].before)
            feed_both(n);
        node_wait_idle(n, 60);
        check(n, cases[i].name, cases[i].before);
        node_free(n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_record_is_taken_too_early)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
