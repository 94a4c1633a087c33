/*
 * complete_words.h - the words that completion knows without a server. For complete.c alone.
 */
#ifndef SLUICE_SHELL_COMPLETE_WORDS_H
#define SLUICE_SHELL_COMPLETE_WORDS_H

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

/* What follows one or two words, and nothing else does; with a first word: beside what the rows of statements
 * say. */
static const struct {
    const char       *behind;
    const char *const items[14];
} followers[] = {
    {"CREATE", {"OR REPLACE", "SOURCE", NULL}},
    {"OR REPLACE", {"SOURCE", "STREAM", "TABLE", "FUNCTION", NULL}},
    {"CREATE SOURCE", {"CONNECTOR", "STREAM", "TABLE", NULL}},
    {"CREATE SINK", {"CONNECTOR", NULL}},
    {"ASSERT", {"NOT EXISTS", NULL}},
    {"SHOW", {"ALL TOPICS", "CONNECTOR PLUGINS", "SINK CONNECTORS", "SOURCE CONNECTORS", NULL}},
    {"LIST", {"ALL TOPICS", "CONNECTOR PLUGINS", "SINK CONNECTORS", "SOURCE CONNECTORS", NULL}},
    {"EMIT", {"CHANGES", "FINAL", NULL}},
    {"WINDOW", {"HOPPING", "SESSION", "TUMBLING", NULL}},
    {"GROUP", {"BY", NULL}},
    {"PARTITION", {"BY", NULL}},
    {"RUN", {"SCRIPT", NULL}},
    {"SET", {"CLI", NULL}},
    {"SET CLI", {"COLUMN-WIDTH", "WRAP", NULL}},
    {"OUTPUT", {"CSV", "JSON", "JSONL", "MARKDOWN", "TABULAR", "TSV", "VERTICAL", NULL}},
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
