/*
 * test_case.h - one case of `sluice test --json`: statements and inputs in, outputs and catalog out, in a fresh in-memory engine.
 */
#ifndef SLUICE_SERVER_TEST_CASE_H
#define SLUICE_SERVER_TEST_CASE_H

#include "server/host_driver.h"

/* What a case runs in. */
typedef struct {
    Clock       clock;
    Log        *log;
    Driver     *driver;
    DriverHost  host;
    Properties *server;
    Engine     *engine;
    Session     session;
    Arena      *arena;
    int         default_partitions;
} TestBench;

Status test_bench_open(TestBench *bench, bool script, Error *err);
void   test_bench_close(TestBench *bench);
/* A topic that exists before a statement names it; nothing when it is there. */
Status test_bench_topic(TestBench *bench, Str topic, int partitions, Error *err);
/* Topics that a CREATE STREAM|TABLE names. */
Status test_bench_statement_topic(TestBench *bench, const AstStatement *statement, Error *err);
/* Some source over the topic, or NULL. */
const Source *test_bench_source(const Catalog *catalog, Str topic, Arena *arena);

/* Runs the case in `line` (one JSON object) and appends the result, one JSON object without a newline. Never fails: what went wrong is in the
 * result. */
void test_case_run(Str line, StrBuf *out);
/* The script of a case; OK when all of it ran. *stage is "assert" when an ASSERT failed. */
Status test_script_run(TestBench *bench, Str script, Str files, const char **stage, Error *err);

#endif
