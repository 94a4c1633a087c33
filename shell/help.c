/*
 * help.c - the commands, the keys and the statements, and the syntax of each with an example.
 */
#include "shell/session.h"

static const char commands_text[] =
    "Commands (no ; needed):\n"
    "  help [STATEMENT]           this list; the syntax of a statement\n"
    "  exit, quit, \\q             leave (also Ctrl-D)\n"
    "  clear                      clear the screen\n"
    "  history                    what was entered\n"
    "  output [FORM]              tabular, json, jsonl, csv, tsv, vertical, markdown\n"
    "  set cli WRAP on|off        wrap long values instead of cutting them\n"
    "  set cli COLUMN-WIDTH n     fixed column width; 0: by the data\n"
    "  server [URL]               show or change the server\n"
    "  request-pipelining [on|off]\n"
    "  run script 'FILE', \\i FILE run the statements of a file\n"
    "  spool 'FILE' | off         write a copy of the session\n"
    "  version                    of this shell\n"
    "  \\d [NAME] \\ds \\dt \\dT \\dq \\df  describe; streams, tables, topics, queries, functions\n"
    "  \\x [on|off|auto]           one column a line\n"
    "  \\timing  \\o [FILE]  \\pset null 'TEXT'  \\pset pager on|off\n"
    "  \\g [FILE]  \\e             the last statement again, into a file; in an editor ($VISUAL, $EDITOR)\n"
    "  \\watch [SECONDS [TIMES]]  again and again, with what changed; Ctrl-C ends it\n"
    "  \\set ON_ERROR_STOP off     go on after an error in a script;  \\set VERBOSE on: causes of errors\n"
    "Kept in the session: SET 'p'='v'; UNSET 'p'; DEFINE v='x'; UNDEFINE v; SHOW VARIABLES; SHOW "
    "PROPERTIES;\n"
    "Keys: Ctrl-C stops what runs or drops the line, Ctrl-R searches the history, Ctrl-L clears, Tab "
    "completes.\n"
    "Statements (help STATEMENT tells more):\n ";

typedef struct {
    const char *name, *syntax, *example;
} Topic;

static const Topic topics[] = {
    {"CREATE STREAM",
     "CREATE [OR REPLACE] [SOURCE] STREAM [IF NOT EXISTS] name (column TYPE [KEY | HEADERS], ...) WITH "
     "(property = value, ...);\n"
     "CREATE [OR REPLACE] STREAM name [WITH (...)] AS SELECT ... EMIT CHANGES;",
     "CREATE STREAM views (listing STRING KEY, user STRING) WITH (kafka_topic='views', value_format='JSON', "
     "partitions=1);"},
    {"CREATE TABLE",
     "CREATE [OR REPLACE] [SOURCE] TABLE [IF NOT EXISTS] name (column TYPE [PRIMARY KEY], ...) WITH "
     "(property = value, ...);\n"
     "CREATE [OR REPLACE] TABLE name [WITH (...)] AS SELECT ... GROUP BY ... EMIT CHANGES;",
     "CREATE TABLE views_per_hour AS SELECT listing, COUNT(*) AS views FROM views WINDOW TUMBLING (SIZE 1 "
     "HOUR) GROUP BY listing EMIT CHANGES;"},
    {"CREATE TYPE", "CREATE TYPE [IF NOT EXISTS] name AS TYPE;",
     "CREATE TYPE address AS STRUCT<street STRING, town STRING>;"},
    {"SELECT",
     "SELECT expression [AS name], ... FROM source [WINDOW ...] [[LEFT|FULL OUTER|INNER] JOIN source [WITHIN "
     "...] ON ...]\n"
     "  [WHERE ...] [GROUP BY ...] [HAVING ...] [EMIT CHANGES | EMIT FINAL] [LIMIT n];",
     "SELECT * FROM views_per_hour WHERE listing = 'L-1';  -- without EMIT: the state now"},
    {"INSERT",
     "INSERT INTO name [(column, ...)] VALUES (value, ...);\nINSERT INTO name SELECT ... EMIT CHANGES;",
     "INSERT INTO views (listing, user) VALUES ('L-1', 'ann');"},
    {"PRINT", "PRINT 'topic' [FROM BEGINNING] [INTERVAL n] [LIMIT n];",
     "PRINT 'views' FROM BEGINNING LIMIT 3;"},
    {"DROP", "DROP STREAM | TABLE [IF EXISTS] name [DELETE TOPIC];\nDROP TYPE [IF EXISTS] name;",
     "DROP STREAM IF EXISTS views DELETE TOPIC;"},
    {"ALTER", "ALTER STREAM | TABLE name ADD COLUMN column TYPE, ...;",
     "ALTER STREAM views ADD COLUMN device STRING;"},
    {"SHOW",
     "SHOW | LIST STREAMS | TABLES | [ALL] TOPICS | QUERIES | FUNCTIONS | TYPES | PROPERTIES | VARIABLES "
     "[EXTENDED];",
     "SHOW QUERIES;"},
    {"DESCRIBE", "DESCRIBE name [EXTENDED];\nDESCRIBE FUNCTION name;", "DESCRIBE views EXTENDED;"},
    {"EXPLAIN", "EXPLAIN SELECT ... | query_id;", "EXPLAIN CTAS_VIEWS_PER_HOUR_1;"},
    {"TERMINATE", "TERMINATE query_id | ALL;", "TERMINATE CTAS_VIEWS_PER_HOUR_1;"},
    {"PAUSE", "PAUSE query_id | ALL;", "PAUSE ALL;"},
    {"RESUME", "RESUME query_id | ALL;", "RESUME ALL;"},
    {"ASSERT",
     "ASSERT [NOT EXISTS] TOPIC name [WITH (partitions = n)] [TIMEOUT n SECONDS];\nASSERT [NOT EXISTS] "
     "SCHEMA SUBJECT 'subject' [ID n];",
     "ASSERT TOPIC views TIMEOUT 5 SECONDS;"},
    {"SET", "SET 'property' = 'value';", "SET 'auto.offset.reset' = 'earliest';"},
    {"DEFINE", "DEFINE name = 'value';   -- used as ${name}", "DEFINE topic = 'views';"},
};

static Str without_semicolon(Str text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == ';')
        text = str_trim(str_n(text.ptr, text.len - 1));
    return text;
}

void shell_print_help(Out *out, Str topic)
{
    bool found = false;
    topic      = without_semicolon(topic);
    if (topic.len == 0) {
        out_printf(out, "%s", commands_text);
        for (size_t i = 0; i < ARRAY_LEN(topics); i++)
            out_printf(out, " %s%s", topics[i].name, i + 1 < ARRAY_LEN(topics) ? "," : "\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        Str name = str_c(topics[i].name);
        if (topic.len > name.len || !str_equal_nocase(topic, str_n(name.ptr, topic.len)))
            continue;
        out_printf(out, "%s%s\nExample: %s\n", found ? "\n" : "", topics[i].syntax, topics[i].example);
        found = true;
    }
    if (!found)
        out_printf(out, "There is no help on " STR_FMT "; `help` lists what there is\n", STR_ARG(topic));
}
