/*
 * test_runtime_damage.c - a node whose state files are damaged gives what one gives that nobody touched.
 *
 * The node is stopped, its files are damaged at one kind of place, it runs again and gets more input; at the
 * end its output is held against that of a calm node. The same with damage under a node that runs, met by the
 * worker, by a checkpoint or by nobody.
 */
#include <glob.h>

#include "runtime_compare.h"
#include "state_damage.h"

enum { NAMES = 400, ROUND_RECORDS = 2000, GROUPS = 9 };

static const char sql[] =
    "CREATE STREAM S (K STRING KEY, V INT, D DOUBLE) WITH (KAFKA_TOPIC='$in', VALUE_FORMAT='JSON');"
    "CREATE TABLE D (K STRING PRIMARY KEY, X INT) WITH (KAFKA_TOPIC='$dim', VALUE_FORMAT='JSON');"
    "CREATE STREAM J WITH (KAFKA_TOPIC='$joined') AS SELECT S.K, V, X FROM S JOIN D ON S.K = D.K;"
    "CREATE TABLE W WITH (KAFKA_TOPIC='$windows') AS SELECT K, COUNT(*) AS N, SUM(D) AS T, MIN(D) AS L FROM S"
    " WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY K;"
    "CREATE TABLE G WITH (KAFKA_TOPIC='$groups') AS SELECT V, COUNT(*) AS N FROM S GROUP BY V;";

static const char *const outputs[] = {"joined", "windows", "groups"};

static void feed_round(Node *n, int round)
{
    LogWriter *writer = node_writer(n);
    char       key[16], value[64];
    for (int i = 0; i < NAMES; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"X\":%d}", round * 100 + i);
        node_send(n, writer, topic_of(n, "dim"), key, value, 10000 * round);
    }
    node_flush(n, writer);
    for (int i = 0; i < ROUND_RECORDS; i++) {
        snprintf(key, sizeof key, "k%d", i % NAMES);
        snprintf(value, sizeof value, "{\"V\":%d,\"D\":%d.5}", i % GROUPS, i);
        node_send(n, writer, topic_of(n, "in"), key, value, 10000 * round + 1 + i);
    }
    node_flush(n, writer);
    log_writer_close(writer);
}

static Node *start(const char *dir, const char *service)
{
    Node *n                = node_new(dir, service);
    n->options.cache_bytes = 0;
    node_topic_make(n, topic_of(n, "in"), 2);
    node_topic_make(n, topic_of(n, "dim"), 2);
    node_run(n);
    node_sql(n, sql_of(n, sql));
    return n;
}

/* ---- the damages ---- */

static void each_file(Node *n, void (*damage)(const char *path))
{
    for (int i = 0; i < 2; i++)
        damage(str_to_c(n->arena, str_printf(n->arena, "%s/state/worker-%d.db", n->dir, i)));
}

static void nothing(const char *path) {}

static void header(const char *path) { damage_page(path, 0, DAMAGE_RUBBISH); }

static void middle(const char *path)
{
    int64_t pages = damage_pages(path);
    for (int64_t i = 1; i < pages; i += 2)
        damage_page(path, i, (Damage)(i / 2 % DAMAGE_KINDS));
}

static void all_but_the_first(const char *path)
{
    int64_t pages = damage_pages(path);
    for (int64_t i = 1; i < pages; i++)
        damage_page(path, i, DAMAGE_ZEROS);
}

static void cut(const char *path)
{
    assert_int_equal(truncate(path, damage_pages(path) / 2 * DAMAGE_PAGE + 100), 0);
}

static void text_instead(const char *path)
{
    FILE *file = fopen(path, "w");
    fputs("this is no database", file);
    fclose(file);
}

static void gone(const char *path) { unlink(path); }

static void later_version(const char *path)
{
    unsigned char none[8] = {0};
    int           file    = open(path, O_RDWR);
    assert_int_equal(pwrite(file, "\0\0\0\143", 4, 60), 4);
    assert_int_equal(pwrite(file, none, sizeof none, DAMAGE_PAGE - (int)sizeof none), sizeof none);
    close(file);
}

static const struct {
    const char *name;
    void (*damage)(const char *path);
    const char *kept; /* a file is set aside, with this in its name; NULL: none */
} damages[] = {
    {"header", header, "damaged"},
    {"middle", middle, "damaged"},
    {"most", all_but_the_first, "damaged"},
    {"cut", cut, "damaged"},
    {"text", text_instead, "damaged"},
    {"gone", gone, NULL},
    {"version", later_version, "version-99"},
};

static size_t set_aside(Node *n, const char *mark)
{
    glob_t found;
    glob(str_to_c(n->arena, str_printf(n->arena, "%s/state/*.db.%s-*", n->dir, mark)), 0, NULL, &found);
    size_t count = found.gl_pathc;
    globfree(&found);
    return count;
}

static void compare(Node *calm, Node *n, const char *what)
{
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        WrittenTopic expected = written_read(calm, outputs[i]), got = written_read(n, outputs[i]);
        assert_true(expected.count > 0);
        assert_same_topic(&expected, &got, SAME_SEQUENCES, outputs[i], what);
        written_clear(&expected);
        written_clear(&got);
    }
}

/* Two rounds; in between the node is stopped and its files are damaged. */
static Node *disturbed(const char *name, void (*damage)(const char *path))
{
    char  dir[256], service[64];
    Node *n = fresh(name);
    snprintf(dir, sizeof dir, "%s", n->dir);
    snprintf(service, sizeof service, "%s", n->service);
    node_free(n);
    n = start(dir, service);
    feed_round(n, 0);
    node_wait_idle(n, 60);
    node_free(n);
    each_file(n = start(dir, service), nothing);
    node_free(n); /* everything is in the file now, nothing in the WAL */
    n = node_new(dir, service);
    each_file(n, damage);
    node_free(n);
    n = start(dir, service);
    feed_round(n, 1);
    node_wait_idle(n, 60);
    return n;
}

static void between_two_starts(void **state)
{
    Node *calm = disturbed("calm", nothing);
    assert_int_equal(set_aside(calm, "*"), 0);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        Node *n = disturbed(damages[i].name, damages[i].damage);
        if (damages[i].kept != NULL)
            assert_true(set_aside(n, damages[i].kept) > 0);
        compare(calm, n, damages[i].name);
        node_free(n);
    }
    node_free(calm);
}

/* Under a node that runs. It may have all it needs in memory; if not, it notices. */
static void while_it_runs(void **state)
{
    void (*const all[])(const char *) = {header, gone};
    Node *calm                        = disturbed("calm2", nothing);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char name[16];
        snprintf(name, sizeof name, "live%zu", i);
        Node *n = fresh(name);
        char  dir[256], service[64];
        snprintf(dir, sizeof dir, "%s", n->dir);
        snprintf(service, sizeof service, "%s", n->service);
        node_free(n);
        n = start(dir, service);
        feed_round(n, 0);
        node_wait_idle(n, 60);
        sleep(1); /* a checkpoint has written pages to the file */
        each_file(n, all[i]);
        feed_round(n, 1);
        sleep(1);
        node_wait_idle(n, 60);
        compare(calm, n, name);
        node_free(n);
    }
    node_free(calm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_two_starts),
        cmocka_unit_test(while_it_runs),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
