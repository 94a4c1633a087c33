/*
 * test_runtime_standby.c - which copies may be read: those that are near enough to their changelogs, as far
 * as that is known, and none that is on its way.
 *
 * One node has all slots of the embedded log, so what a standby's worker would publish is published here.
 * Standbys at work: tests/integration/standby_test.py.
 */
#include "executor/runtime/query.h"
#include "executor/runtime/registry.h"
#include "executor/runtime/runtime_core.h"
#include "runtime_test.h"

enum { PARTITIONS = 2 };

typedef struct {
    Node         *n;
    RunningQuery *query;
    QuerySub     *sub;
} Fixture;

static Fixture begin(const char *name)
{
    Fixture f = {.n = fresh(name)};
    Node   *n = f.n;
    node_topic_make(n, topic_of(n, "in"), PARTITIONS);
    node_run(n);
    const QueryPlan *plan =
        node_sql(n, sql_of(n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, COUNT(*) AS N "
                                     "FROM S GROUP BY K;"));
    node_wait_idle(n, 30);
    f.query = registry_hold(n->runtime, plan->id);
    for (size_t s = 0; s < f.query->sub_count; s++)
        if (f.query->subs[s].has_materialized)
            f.sub = &f.query->subs[s];
    assert_non_null(f.sub);
    return f;
}

static void end(Fixture *f)
{
    query_unref(f->query);
    node_free(f->n);
}

/* As a standby that is at `position`; `age_s` ago its topic ended at `end_offset`. */
static void publish(Fixture *f, int partition, int64_t position, int64_t end_offset, int age_s)
{
    TaskView *view = &f->sub->views[partition];
    view_enter(view, 0, TASK_FOLLOWING, true);
    atomic_store(&view->changelogs[f->sub->table_store], position);
    atomic_store(&view->table_end, end_offset);
    atomic_store(&view->table_end_us, runtime_now_us(f->n->runtime) - age_s * 1000000LL);
    atomic_store(&view->readable, true);
}

static size_t readable(Fixture *f, int64_t max_lag)
{
    int   *partitions;
    size_t count, *files;
    assert_true(runtime_standby_partitions(f->n->runtime, f->query->plan->id, max_lag, f->n->arena,
                                           &partitions, &files, &count));
    return count;
}

static void beyond_the_limit_it_is_left_out(void **state)
{
    Fixture f  = begin("limit");
    Str     id = f.query->plan->id;
    publish(&f, 0, 90, 100, 0);
    publish(&f, 1, 100, 100, 0);
    assert_int_equal(runtime_standby_lag(f.n->runtime, id, 0), 10);
    assert_int_equal(runtime_standby_lag(f.n->runtime, id, 1), 0);
    assert_int_equal(readable(&f, INT64_MAX), 2);
    assert_int_equal(readable(&f, 10), 2);
    assert_int_equal(readable(&f, 9), 1);
    assert_int_equal(readable(&f, 0), 1);
    end(&f);
}

static void what_is_not_known_is_read_without_a_limit_only(void **state)
{
    Fixture f = begin("unknown");
    publish(&f, 0, 100, 100, 60);
    publish(&f, 1, 100, 100, 0);
    assert_int_equal(runtime_standby_lag(f.n->runtime, f.query->plan->id, 0), -1);
    assert_int_equal(readable(&f, INT64_MAX), 2);
    assert_int_equal(readable(&f, 1000000), 1);
    end(&f);
}

static void copies_and_the_nodes_own_are_told_apart(void **state)
{
    Fixture f = begin("apart");
    int    *partitions;
    size_t  count, *files;
    publish(&f, 0, 100, 100, 0);
    assert_int_equal(view_state(&f.sub->views[0]), TASK_ABSENT); /* for all who do not ask for standbys */
    assert_true(
        runtime_owned_partitions(f.n->runtime, f.query->plan->id, f.n->arena, &partitions, &files, &count));
    assert_int_equal(count, 1);
    assert_int_equal(partitions[0], 1);
    assert_int_equal(readable(&f, 0), 1);
    view_enter(&f.sub->views[0], 0, TASK_OPENING, true); /* opened again: not before it has caught up */
    assert_int_equal(readable(&f, INT64_MAX), 0);
    end(&f);
}

/* What the directory says of others may be older than the slots that the node was given. The ranks are those
 * of half of the slots, so that by their blocks the other worker would stand by. */
static void nobody_stands_by_for_the_nodes_own_slots(void **state)
{
    enum { TABLE_PARTITIONS = 12, MANY = 64, WAIT_US = 300000 };
    Node            *n           = fresh("own");
    int              ranks[MANY] = {0}, *partitions;
    size_t           count, *files;
    QuerySettings    settings;
    const QueryPlan *plan;
    node_topic_make(n, topic_of(n, "in"), TABLE_PARTITIONS);
    node_run(n);
    while (!runtime_is_ready(n->runtime))
        usleep(1000);
    int slots = runtime_slot_count(n->runtime);
    assert_true(slots <= MANY);
    for (int s = slots / 2; s < slots; s++)
        ranks[s] = 1;
    runtime_stand_by(n->runtime, ranks, slots);
    usleep(WAIT_US);
    settings                  = node_settings(n);
    settings.standby_replicas = 1;
    assert_int_equal(node_plans(n,
                                sql_of(n, STREAM "CREATE TABLE T WITH (KAFKA_TOPIC='$out') AS SELECT K, "
                                                 "COUNT(*) AS N FROM S GROUP BY K;"),
                                &plan, 1),
                     1);
    MUST(runtime_start_query(n->runtime, plan, &(QueryOptions){.settings = &settings}, NULL, NULL, &n->err));
    usleep(WAIT_US);
    node_wait_idle(n, 30);
    assert_true(runtime_owned_partitions(n->runtime, plan->id, n->arena, &partitions, &files, &count));
    assert_int_equal(count, TABLE_PARTITIONS);
    assert_true(
        runtime_standby_partitions(n->runtime, plan->id, INT64_MAX, n->arena, &partitions, &files, &count));
    assert_int_equal(count, 0);
    node_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beyond_the_limit_it_is_left_out),
        cmocka_unit_test(what_is_not_known_is_read_without_a_limit_only),
        cmocka_unit_test(copies_and_the_nodes_own_are_told_apart),
        cmocka_unit_test(nobody_stands_by_for_the_nodes_own_slots),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
