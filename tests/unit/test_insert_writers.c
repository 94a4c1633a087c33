/*
 * test_insert_writers.c - inserts that are under way at once have a writer each: none waits for the disk of
 * another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "core/clock.h"
#include "log/log.h"
#include "server/node/insert_writers.h"

typedef struct {
    char directory[64];
    Log *log;
} Place;

static int set_up(void **state)
{
    Place *place = mem_calloc(1, sizeof *place);
    char   path[80];
    Error  err;
    snprintf(place->directory, sizeof place->directory, "/tmp/sluice-writers-XXXXXX");
    if (mkdtemp(place->directory) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/log.db", place->directory);
    *state = place;
    return log_open_embedded(path, clock_system(), &place->log, &err) != OK ||
           log_topic_create(place->log, STR_LIT("t"), 4, 1, NULL, 0, &err) != OK;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"log.db", "log.db-wal", "log.db-shm"};
    Place                   *place   = *state;
    char                     path[80];
    log_close(place->log);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", place->directory, files[i]);
        unlink(path);
    }
    rmdir(place->directory);
    mem_free(place);
    return 0;
}

static void one_is_enough_for_one(void **state)
{
    const Place   *place   = *state;
    InsertWriters *writers = insert_writers_new(place->log);
    LogWriter     *first, *again;
    Error          err;
    assert_int_equal(insert_writers_take(writers, &first, &err), OK);
    insert_writers_give(writers, first);
    assert_int_equal(insert_writers_take(writers, &again, &err), OK);
    assert_ptr_equal(again, first);
    insert_writers_give(writers, again);
    insert_writers_free(writers);
}

static void each_has_its_own(void **state)
{
    const Place   *place   = *state;
    InsertWriters *writers = insert_writers_new(place->log);
    LogWriter     *taken[INSERT_WRITERS_MAX];
    Error          err;
    for (int i = 0; i < INSERT_WRITERS_MAX; i++) {
        assert_int_equal(insert_writers_take(writers, &taken[i], &err), OK);
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(taken[i], taken[j]);
    }
    for (int i = 0; i < INSERT_WRITERS_MAX; i++)
        insert_writers_give(writers, taken[i]);
    insert_writers_free(writers);
}

enum { CLIENTS = 3 * INSERT_WRITERS_MAX, INSERTS = 50 };

static void *insert_some(void *context)
{
    InsertWriters *writers = context;
    LogRecord      record  = {.timestamp = 1, .value = STR_LIT("v")};
    for (int i = 0; i < INSERTS; i++) {
        LogWriter *writer;
        Error      err;
        if (insert_writers_take(writers, &writer, &err) != OK)
            return writers;
        Status status = log_append_sync(writer, STR_LIT("t"), i % 4, &record, STR_NULL, NULL, &err);
        insert_writers_give(writers, writer);
        if (status != OK)
            return writers;
    }
    return NULL;
}

/* More than there are writers: they wait for each other, and all are served. */
static void many_share_them(void **state)
{
    const Place   *place   = *state;
    InsertWriters *writers = insert_writers_new(place->log);
    pthread_t      threads[CLIENTS];
    int64_t        first, next, sum = 0;
    Error          err;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, insert_some, writers), 0);
    for (int i = 0; i < CLIENTS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    for (int partition = 0; partition < 4; partition++) {
        assert_int_equal(log_offsets(place->log, STR_LIT("t"), partition, &first, &next, &err), OK);
        sum += next - first;
    }
    assert_int_equal(sum, CLIENTS * INSERTS);
    insert_writers_free(writers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_is_enough_for_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_share_them, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
