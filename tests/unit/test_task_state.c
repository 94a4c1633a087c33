/*
 * test_task_state.c - the table of a task's life: what it must hold, and that the README prints the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/str.h"
#include "executor/runtime/task_state.h"

static void print_events(StrBuf *out, TaskState from, TaskState to)
{
    bool any = false;
    for (int e = 0; e < TASK_EVENT_COUNT; e++) {
        if (task_state_next(from, (TaskEvent)e) != (int)to)
            continue;
        strbuf_addf(out, "%s%s", any ? ", " : "", task_event_name((TaskEvent)e));
        any = true;
    }
    if (any)
        strbuf_addf(out, " -> %s", task_state_name(to));
}

/* As in the README: per state what it is, and the events that lead away from it. */
static void print_table(StrBuf *out)
{
    strbuf_adds(out, "| state | the task | events |\n| --- | --- | --- |\n");
    for (int from = 0; from < TASK_STATE_COUNT; from++) {
        const char *between = "";
        strbuf_addf(out, "| %s | %s | ", task_state_name((TaskState)from), task_state_text((TaskState)from));
        for (int to = 0; to < TASK_STATE_COUNT; to++) {
            StrBuf events = {0};
            print_events(&events, (TaskState)from, (TaskState)to);
            if (events.len > 0) {
                strbuf_addf(out, "%s" STR_FMT, between, STR_ARG(strbuf_str(&events)));
                between = "; ";
            }
            strbuf_clear(&events);
        }
        strbuf_adds(out, " |\n");
    }
    strbuf_adds(out, "\n| event | what happened |\n| --- | --- |\n");
    for (int e = 0; e < TASK_EVENT_COUNT; e++)
        strbuf_addf(out, "| %s | %s |\n", task_event_name((TaskEvent)e), task_event_text((TaskEvent)e));
}

static void the_readme_prints_the_table(void **state)
{
    StrBuf table = {0}, readme = {0};
    char   buffer[4096];
    FILE  *file = fopen(SLUICE_SOURCE_DIR "/executor/README.md", "r");
    assert_non_null(file);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0;)
        strbuf_add(&readme, str_n(buffer, got));
    fclose(file);
    print_table(&table);
    bool same = str_find(strbuf_str(&readme), strbuf_str(&table), 0) >= 0;
    if (!same)
        fprintf(stderr, "executor/README.md should have:\n" STR_FMT, STR_ARG(strbuf_str(&table)));
    assert_true(same);
    strbuf_clear(&table);
    strbuf_clear(&readme);
}

static void every_state_is_reached_and_left(void **state)
{
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        int in = s == TASK_ABSENT, out = 0;
        for (int from = 0; from < TASK_STATE_COUNT; from++)
            for (int e = 0; e < TASK_EVENT_COUNT; e++)
                in += from != s && task_state_next((TaskState)from, (TaskEvent)e) == s;
        for (int e = 0; e < TASK_EVENT_COUNT; e++)
            out += task_state_next((TaskState)s, (TaskEvent)e) >= 0 &&
                   task_state_next((TaskState)s, (TaskEvent)e) != s;
        if (in == 0 || out == 0)
            fail_msg("%s is never %s", task_state_name((TaskState)s), in == 0 ? "reached" : "left");
    }
}

/* Whatever a task does, it can fail; and neither a failure nor a wait leads anywhere but to another try. */
static void what_fails_or_waits_is_tried_again(void **state)
{
    for (int s = TASK_OPENING; s < TASK_STATE_COUNT; s++)
        assert_int_equal(task_state_next((TaskState)s, EVENT_FAILED), TASK_FAILED);
    assert_int_equal(task_state_next(TASK_FAILED, EVENT_RETRIED), TASK_OPENING);
    for (int s = 0; s < TASK_STATE_COUNT; s++) {
        int waits = task_state_next((TaskState)s, EVENT_MUST_WAIT);
        if (waits < 0)
            continue;
        assert_true(task_state_is_waiting((TaskState)waits));
        /* what has positions keeps them, what has not is opened */
        assert_int_equal(task_state_next((TaskState)waits, EVENT_WAIT_OVER),
                         task_state_is_live((TaskState)s) ? TASK_RUNNING : TASK_OPENING);
    }
}

/* Only what was opened and restored takes records. */
static void nothing_runs_unopened(void **state)
{
    assert_int_equal(task_state_next(TASK_OPENING, EVENT_RESTORED), -1);
    assert_int_equal(task_state_next(TASK_FAILED, EVENT_WAIT_OVER), -1);
    assert_int_equal(task_state_next(TASK_WAITING_TO_OPEN, EVENT_RESTORED), -1);
    assert_int_equal(task_state_next(TASK_RUNNING, EVENT_OPENED), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_readme_prints_the_table),
        cmocka_unit_test(every_state_is_reached_and_left),
        cmocka_unit_test(what_fails_or_waits_is_tried_again),
        cmocka_unit_test(nothing_runs_unopened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
