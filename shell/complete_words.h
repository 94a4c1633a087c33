/*
 * complete_words.h - what completion knows without a server: words, and what may follow which. For complete.c
 * alone.
 */
#ifndef SLUICE_SHELL_COMPLETE_WORDS_H
#define SLUICE_SHELL_COMPLETE_WORDS_H

/* Kinds of what may stand at the cursor. */
enum {
    WANT_STATEMENT = 1 << 0,
    WANT_STREAM    = 1 << 1,
    WANT_TABLE     = 1 << 2,
    WANT_SOURCE    = WANT_STREAM | WANT_TABLE,
    WANT_TOPIC     = 1 << 3,
    WANT_QUERY     = 1 << 4,
    WANT_COLUMN    = 1 << 5,
    WANT_CALL      = 1 << 6,  /* a function, with its parenthesis */
    WANT_FUNCTION  = 1 << 7,  /* its name */
    WANT_TYPE      = 1 << 8,  /* of a column */
    WANT_TYPE_NAME = 1 << 9,  /* one that was created */
    WANT_PROPERTY  = 1 << 10, /* of SET */
    WANT_KEYWORD   = 1 << 11, /* inside a query */
    WANT_OPTION    = 1 << 12, /* of WITH */
    WANT_FORMAT    = 1 << 13,
    WANT_BOOLEAN   = 1 << 14,
    WANT_FILE      = 1 << 15,
    WANT_COMMAND   = 1 << 16, /* backslash commands */
    WANT_CONNECTOR = 1 << 17,
    WANT_PRIVILEGE = 1 << 18,
    WANT_LITERAL   = 1 << 19, /* NULL, TRUE, FALSE */
};

/* The shell's own; what begins a statement: core/statements.h. */
static const char *const commands[] = {
#define SHELL_COMMAND(words, function, sql, arguments, help) words,
#include "shell/commands.def"
#undef SHELL_COMMAND
};

static const char *const keywords[] = {
    "ADVANCE BY",
    "AND",
    "AS",
    "BETWEEN",
    "CASE",
    "CAST(",
    "CHANGES",
    "DAYS",
    "ELSE",
    "EMIT CHANGES",
    "EMIT FINAL",
    "END",
    "FROM",
    "FULL OUTER JOIN",
    "GRACE PERIOD",
    "GROUP BY",
    "HAVING",
    "HOURS",
    "IN",
    "INNER JOIN",
    "IS NOT NULL",
    "IS NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "MINUTES",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "PARTITION BY",
    "RETENTION",
    "RIGHT JOIN",
    "SECONDS",
    "THEN",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW HOPPING",
    "WINDOW SESSION",
    "WINDOW TUMBLING",
    "WITH",
    "WITHIN",
};

/* Words of the language that are offered behind others alone, or not at all. */
static const char *const more_keywords[] = {
    "ALL",    "ALTER",    "BEGINNING", "BY",        "CONNECTOR",    "EXISTS",  "EXTENDED",  "FALSE",
    "FINAL",  "FULL",     "FUNCTION",  "FUNCTIONS", "HEADERS",      "IF",      "INTERVAL",  "INTO",
    "KEY",    "LANGUAGE", "LEFT",      "LIMIT",     "MILLISECONDS", "MINUTE",  "HOUR",      "DAY",
    "SECOND", "OR",       "OUTER",     "PRIMARY",   "PROPERTIES",   "QUERIES", "REPLACE",   "RETURNS",
    "RIGHT",  "SCHEMA",   "SIZE",      "SOURCE",    "SINK",         "STREAM",  "STREAMS",   "TABLE",
    "TABLES", "TOPIC",    "TOPICS",    "TRUE",      "TYPE",         "TYPES",   "VARIABLES",
};

static const char *const types[] = {"ARRAY<",   "BIGINT",  "BOOLEAN", "BYTES",     "DATE",
                                    "DECIMAL(", "DOUBLE",  "INT",     "INTEGER",   "MAP<",
                                    "STRING",   "STRUCT<", "TIME",    "TIMESTAMP", "VARCHAR"};

static const char *const options[] = {
    "FORMAT",
    "KAFKA_TOPIC",
    "KEY_DELIMITER",
    "KEY_FORMAT",
    "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
    "KEY_SCHEMA_FULL_NAME",
    "KEY_SCHEMA_ID",
    "PARTITIONS",
    "REPLICAS",
    "RETENTION_MS",
    "TIMESTAMP",
    "TIMESTAMP_FORMAT",
    "VALUE_AVRO_SCHEMA_FULL_NAME",
    "VALUE_DELIMITER",
    "VALUE_FORMAT",
    "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
    "VALUE_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_ID",
    "WINDOW_SIZE",
    "WINDOW_TYPE",
    "WRAP_SINGLE_VALUE",
};

static const char *const formats[] = {"AVRO",  "DELIMITED", "JSON",     "JSON_SR",
                                      "KAFKA", "NONE",      "PROTOBUF", "PROTOBUF_NOSR"};

static const char *const booleans[] = {"false", "true"};

static const char *const literals[] = {"FALSE", "NULL", "TRUE"};

/* Values of properties (by the end of their names) and of options that take one of a few. */
static const struct {
    const char       *name;
    const char *const items[4];
} values[] = {
    {"AUTO.OFFSET.RESET", {"earliest", "latest", NULL}},
    {"PROCESSING.GUARANTEE", {"at_least_once", "exactly_once_v2", NULL}},
    {"WINDOW_TYPE", {"HOPPING", "SESSION", "TUMBLING", NULL}},
    {"_DELIMITER", {"SPACE", "TAB", NULL}},
};

/* What stands behind these words (scan_ends), the first row that fits: kinds, and words of its own. A row
 * with neither: a new name, which nobody knows yet. */
static const struct {
    const char       *behind;
    unsigned          wants;
    const char *const items[12];
} followers[] = {
    {"^CREATE", 0, {"OR REPLACE", "SOURCE", NULL}},
    {"^CREATE OR", 0, {"REPLACE", NULL}},
    {"^CREATE OR REPLACE", 0, {"AGGREGATE FUNCTION", "FUNCTION", "SOURCE", "STREAM", "TABLE", NULL}},
    {"^CREATE OR REPLACE SOURCE", 0, {"STREAM", "TABLE", NULL}},
    {"^CREATE SOURCE", 0, {"CONNECTOR", "STREAM", "TABLE", NULL}},
    {"^CREATE SINK", 0, {"CONNECTOR", NULL}},
    {"^CREATE TYPE * AS", WANT_TYPE, {NULL}},
    {"^CREATE TYPE *", 0, {"AS", NULL}},
    {"^CREATE STREAM", 0, {NULL}},
    {"^CREATE TABLE", 0, {NULL}},
    {"^CREATE TYPE", 0, {NULL}},
    {"^CREATE FUNCTION", 0, {NULL}},
    {"^DROP STREAM", WANT_STREAM, {"IF EXISTS", NULL}},
    {"^DROP TABLE", WANT_TABLE, {"IF EXISTS", NULL}},
    {"^DROP TYPE", WANT_TYPE_NAME, {"IF EXISTS", NULL}},
    {"^DROP FUNCTION", WANT_FUNCTION, {"IF EXISTS", NULL}},
    {"^DROP CONNECTOR", WANT_CONNECTOR, {"IF EXISTS", NULL}},
    {"^DROP * IF", 0, {"EXISTS", NULL}},
    {"^DROP STREAM IF EXISTS", WANT_STREAM, {NULL}},
    {"^DROP TABLE IF EXISTS", WANT_TABLE, {NULL}},
    {"^DROP TYPE IF EXISTS", WANT_TYPE_NAME, {NULL}},
    {"^DROP FUNCTION IF EXISTS", WANT_FUNCTION, {NULL}},
    {"^DROP CONNECTOR IF EXISTS", WANT_CONNECTOR, {NULL}},
    {"^DROP STREAM *", 0, {"DELETE TOPIC", NULL}},
    {"^DROP TABLE *", 0, {"DELETE TOPIC", NULL}},
    {"^DROP * IF EXISTS *", 0, {"DELETE TOPIC", NULL}},
    {"DELETE", 0, {"TOPIC", NULL}},
    {"^ALTER STREAM", WANT_STREAM, {NULL}},
    {"^ALTER TABLE", WANT_TABLE, {NULL}},
    {"^ALTER SYSTEM", WANT_PROPERTY, {NULL}},
    {"^ALTER * * ADD", 0, {"COLUMN", NULL}},
    {"^ALTER * * ADD COLUMN *", WANT_TYPE, {NULL}},
    {"^ALTER * * ADD COLUMN", 0, {NULL}},
    {"^ALTER STREAM *", 0, {"ADD COLUMN", NULL}},
    {"^ALTER TABLE *", 0, {"ADD COLUMN", NULL}},
    {"^DESCRIBE", WANT_SOURCE, {"CONNECTOR", "FUNCTION", "STREAMS", "TABLES", NULL}},
    {"^DESCRIBE FUNCTION", WANT_FUNCTION, {NULL}},
    {"^DESCRIBE CONNECTOR", WANT_CONNECTOR, {NULL}},
    {"^DESCRIBE *", 0, {"EXTENDED", NULL}},
    {"^\\D", WANT_SOURCE, {NULL}},
    {"^EXPLAIN", WANT_QUERY | WANT_STATEMENT, {"ANALYZE QUERY", NULL}},
    {"^EXPLAIN ANALYZE", 0, {"QUERY", NULL}},
    {"^EXPLAIN ANALYZE QUERY", WANT_QUERY, {NULL}},
    {"^TERMINATE", WANT_QUERY, {"ALL", NULL}},
    {"^PAUSE", WANT_QUERY, {"ALL", NULL}},
    {"^RESUME", WANT_QUERY, {"ALL", NULL}},
    {"^PRINT", WANT_TOPIC, {NULL}},
    {"^PRINT * FROM", 0, {"BEGINNING", NULL}},
    {"^PRINT * *", 0, {NULL}},
    {"^PRINT *", 0, {"FROM BEGINNING", "INTERVAL", "LIMIT", NULL}},
    {"^ASSERT", 0, {"NOT EXISTS", NULL}},
    {"^ASSERT NOT", 0, {"EXISTS", NULL}},
    {"^ASSERT NOT EXISTS", 0, {"SCHEMA", "TOPIC", NULL}},
    {"^ASSERT TOPIC", WANT_TOPIC, {NULL}},
    {"^ASSERT NOT EXISTS TOPIC", WANT_TOPIC, {NULL}},
    {"^SHOW", 0, {"ALL TOPICS", "CONNECTOR PLUGINS", "SINK CONNECTORS", "SOURCE CONNECTORS", NULL}},
    {"^LIST", 0, {"ALL TOPICS", "CONNECTOR PLUGINS", "SINK CONNECTORS", "SOURCE CONNECTORS", NULL}},
    {"^SHOW ALL", 0, {"TOPICS", NULL}},
    {"^LIST ALL", 0, {"TOPICS", NULL}},
    {"^SHOW STREAMS", 0, {"EXTENDED", NULL}},
    {"^SHOW TABLES", 0, {"EXTENDED", NULL}},
    {"^SHOW QUERIES", 0, {"EXTENDED", NULL}},
    {"^SHOW TOPICS", 0, {"EXTENDED", NULL}},
    {"^INSERT INTO", WANT_SOURCE, {NULL}},
    {"^INSERT INTO *", 0, {"SELECT", "VALUES", NULL}},
    {"^GRANT", WANT_PRIVILEGE, {"ALL", NULL}},
    {"^REVOKE", WANT_PRIVILEGE, {"ALL", NULL}},
    {"^SET CLI", 0, {"COLUMN-WIDTH", "WRAP", NULL}},
    {"^SET CLI WRAP", 0, {"OFF", "ON", NULL}},
    {"^SET", WANT_PROPERTY, {"CLI", NULL}},
    {"^UNSET", WANT_PROPERTY, {NULL}},
    {"^RUN", 0, {"SCRIPT", NULL}},
    {"^RUN SCRIPT", WANT_FILE, {NULL}},
    {"^\\I", WANT_FILE, {NULL}},
    {"^\\O", WANT_FILE, {NULL}},
    {"^\\G", WANT_FILE, {NULL}},
    {"^SPOOL", WANT_FILE, {"OFF", NULL}},
    {"^HELP", WANT_STATEMENT, {NULL}},
    {"^\\H", WANT_STATEMENT, {NULL}},
    {"^OUTPUT", 0, {"CSV", "JSON", "JSONL", "MARKDOWN", "TABULAR", "TSV", "VERTICAL", NULL}},
    {"^REQUEST_PIPELINING", 0, {"OFF", "ON", NULL}},
    {"^\\X", 0, {"AUTO", "OFF", "ON", NULL}},
    {"^\\TIMING", 0, {"OFF", "ON", NULL}},
    {"^\\SET", 0, {"ON_ERROR_STOP", "VERBOSE", NULL}},
    {"^\\SET *", 0, {"OFF", "ON", NULL}},
    {"^\\PSET", 0, {"COLOR", "FORMAT", "NULL", "PAGER", NULL}},
    {"^\\PSET FORMAT", 0, {"CSV", "JSON", "JSONL", "MARKDOWN", "TABULAR", "TSV", "VERTICAL", NULL}},
    {"^\\PSET PAGER", 0, {"OFF", "ON", NULL}},
    {"^\\PSET COLOR", 0, {"OFF", "ON", NULL}},
    {"FROM", WANT_SOURCE, {NULL}},
    {"JOIN", WANT_SOURCE, {NULL}},
    {"EMIT", 0, {"CHANGES", "FINAL", NULL}},
    {"WINDOW", 0, {"HOPPING", "SESSION", "TUMBLING", NULL}},
    {"GROUP", 0, {"BY", NULL}},
    {"PARTITION", 0, {"BY", NULL}},
    {"IS NOT", 0, {"NULL", NULL}},
    {"IS", 0, {"NOT NULL", "NULL", NULL}},
    {"FULL OUTER", 0, {"JOIN", NULL}},
    {"LEFT OUTER", 0, {"JOIN", NULL}},
    {"RIGHT OUTER", 0, {"JOIN", NULL}},
    {"INNER", 0, {"JOIN", NULL}},
    {"FULL", 0, {"JOIN", "OUTER JOIN", NULL}},
    {"GRACE", 0, {"PERIOD", NULL}},
    {"ADVANCE", 0, {"BY", NULL}},
};

/* ksqlDB's short words grow into skeletons. */
static const struct {
    const char *word, *skeleton;
} skeletons[] = {
    {"cs", "CREATE STREAM s (k STRING KEY) WITH (KAFKA_TOPIC='', VALUE_FORMAT='');"},
    {"ct", "CREATE TABLE t (k STRING PRIMARY KEY) WITH (KAFKA_TOPIC='', VALUE_FORMAT='');"},
    {"csas", "CREATE STREAM s AS SELECT * FROM  EMIT CHANGES;"},
    {"ctas", "CREATE TABLE t AS SELECT FROM  GROUP BY  EMIT CHANGES;"},
    {"ii", "INSERT INTO s () VALUES ();"},
};

#endif
