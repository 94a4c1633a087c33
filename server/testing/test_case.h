/*
 * test_case.h - one case of `sluice test --json`: statements and inputs in, outputs and catalog out, in a
 * fresh in-memory engine.
 */
#ifndef SLUICE_SERVER_TESTING_TEST_CASE_H
#define SLUICE_SERVER_TESTING_TEST_CASE_H

#include "server/testing/host_driver.h"

/* What a case runs in. */
typedef struct {
    Clock           clock;
    Log            *log;
    Driver         *driver;
    SchemaRegistry *registry;
    DriverHost      host;
    Properties     *server;
    Engine         *engine;
    Session         session;
    Arena          *arena;
    int             default_partitions;
    const char     *state_folder; /* NULL: state is in memory */
} TestBench;

/* Never mind whether it succeeds: test_bench_close follows. */
Status test_bench_open(TestBench *bench, bool script, DriverRestart restart, Error *err);
void   test_bench_close(TestBench *bench);
/* A topic that exists before a statement names it; nothing when it is there. */
Status test_bench_topic(TestBench *bench, Str topic, int partitions, Error *err);
/* Topics that a CREATE STREAM|TABLE names. */
Status test_bench_statement_topic(TestBench *bench, const AstStatement *statement, Error *err);
/* Some source over the topic, or NULL. */
const Source *test_bench_source(const Catalog *catalog, Str topic, Arena *arena);

/* Runs the case in `line` (one JSON object) and appends the result, one JSON object without a newline. Never
 * fails: what went wrong is in the result. With a restart between every two records the result is the same.
 */
void test_case_run(Str line, DriverRestart restart, StrBuf *out);

/* ---- scripts with assertions (test_script.c) ---- */

/* Text of a file that RUN SCRIPT names, in `arena`. */
typedef Status (*TestFileReader)(void *context, Str path, Arena *arena, Str *out, Error *err);

/* One script: how far the topics have been read. Lives in the bench's arena. */
typedef struct TestScript TestScript;

TestScript *test_script_new(TestBench *bench, TestFileReader read_file, void *context);
/* Runs the statements of `text`; positions in errors count from its start. */
Status test_script_run(TestScript *script, Str text, Error *err);
/* After a failure: it was an ASSERT that failed. */
bool test_script_asserted(const TestScript *script);
/* After a failure: the statement that failed was the last of its text. */
bool test_script_at_end(const TestScript *script);
/* E_DATA when a topic that an ASSERT looked at, or the topic of the source `name` (unless STR_NULL), holds a
 * record that no ASSERT has read. */
Status test_script_check_read(TestScript *script, Str name, Error *err);

#endif
