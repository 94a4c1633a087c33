/*
 * test_file.h - golden files: SQL scripts with assertions, several tests in a file (`sluice test FILE...`).
 *
 *   CREATE STREAM a (...) WITH (...);        -- what stands before the first test runs at the start of every
 * test
 *   --@test: name of the test                -- a fresh engine: empty topics, nothing kept from the test
 * before INSERT INTO a ...; ASSERT VALUES b ...;  -- statements, as `run-ksql-test` takes them (sql.md 4.9)
 *   --@test: a refusal
 *   --@expected.error: syntax                -- the last statement fails; syntax, plan, unsupported, data or
 * assert; any other text: any error
 *   --@expected.message: Line: 3, Col: 8     -- and says this; several of them: all of these
 *   --@expected.empty: B                     -- nobody ever wrote to the topic of B
 *
 * Positions in messages count from the line after `--@test:`, so that tests can move. A test that asserts a
 * record of a topic must assert all of them: a record left over is a failure. Without any `--@test:` the file
 * is one test. Nothing is shared, so files may run side by side.
 */
#ifndef SLUICE_SERVER_TESTING_TEST_FILE_H
#define SLUICE_SERVER_TESTING_TEST_FILE_H

#include "executor/dataflow/driver.h"

typedef struct {
    size_t passed, failed;
} TestTally;

/* Runs the tests of the file at `path` and appends a line for each: `ok - path: name`, or `not ok - path:
 * name` with lines below it that say where and why. A file that cannot be read, or whose directives make no
 * sense, is one failure. With a restart between every two records the results are the same. */
void test_file_run(Str path, DriverRestart restart, TestTally *tally, StrBuf *out);

#endif
