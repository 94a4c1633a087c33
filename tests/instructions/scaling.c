/*
 * scaling.c - what a request costs as it grows: `scaling NAME N` under callgrind takes a request with N parts
 * apart, as far as the server would before it does anything; `scaling` alone lists the requests, each with
 * its N.
 *
 * A request may have 16 MB, and whoever sends it pays for a moment of the network, so none of these may cost
 * more than in proportion (scaling.py). Whether the answer is a refusal is of no interest.
 */
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "core/value.h"
#include "parser/parser.h"
#include "planner/planner.h"
#include "serde/registry_memory.h"
#include "serde/schema_text.h"

/* ---- a planner over one stream, whose columns are C0 to C99 ---- */

static Str no_property(const PlannerHost *self, const char *name) { return STR_NULL; }

static bool any_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    *partitions = *replicas = 1;
    return true;
}

static int64_t no_retention(const PlannerHost *self, Str topic) { return -1; }

static const PlannerHost host = {no_property, any_topic, no_retention};

static void plan_one(Planner *planner, Catalog *catalog, AstStatement *statement)
{
    Error            err;
    Source          *source;
    TopicWish        topic;
    QueryPlan       *plan = NULL;
    PersistentQuery *query;
    PullPlan        *pull;
    InsertRow       *row;
    switch (statement->kind) {
    case STMT_CREATE_SOURCE:
        if (plan_create_source(planner, statement, &source, &topic, &plan, &err) == OK)
            catalog_put_source(catalog, source);
        break;
    case STMT_CREATE_AS:
    case STMT_INSERT_INTO:
        (void)!plan_persistent_query(planner, statement, &query, &err);
        break;
    case STMT_QUERY:
        if (plan_pull_query(planner, statement, &pull, &err) != OK)
            (void)!plan_push_query(planner, statement, STR_LIT("q"), &plan, &err);
        break;
    case STMT_INSERT_VALUES:
        (void)!plan_insert_values(planner, statement, &row, &err);
        break;
    case STMT_ALTER_SOURCE:
        (void)!plan_alter_source(planner, statement, &source, &err);
        break;
    default:
        break;
    }
}

static void run_sql(Str text)
{
    Arena     *arena   = arena_new(0);
    Catalog   *catalog = catalog_new();
    Clock      clock;
    Functions *functions = functions_open();
    Planner    planner;
    AstScript  script;
    Error      err;
    clock_init_virtual(&clock, 0, 1);
    planner = (Planner){.catalog    = catalog,
                        .functions  = functions,
                        .host       = &host,
                        .clock      = &clock,
                        .arena      = arena,
                        .service_id = STR_LIT("x_")};
    CALLGRIND_TOGGLE_COLLECT;
    if (parse_script(arena, text, &(ParseOptions){0}, &script, &err) == OK)
        for (size_t i = 0; i < script.count; i++)
            plan_one(&planner, catalog, script.items[i]);
    CALLGRIND_TOGGLE_COLLECT;
    functions_close(functions);
    catalog_free(catalog);
    arena_free(arena);
}

/* ---- requests ---- */

/* `first`, then N times `part`, in which every % is the number of it, and between them `between`; `last`. */
typedef struct {
    const char *name;
    int         n;
    const char *first, *part, *between, *last;
} Request;

#define STREAM                                                                                               \
    "CREATE STREAM s (k STRING KEY, a INT, b STRING, c ARRAY<INT>, d MAP<STRING, INT>, e STRUCT<x INT>) "    \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');"
#define AS "CREATE STREAM o AS SELECT k, "
#define FROM " AS x FROM s;"
#define WHERE "CREATE STREAM o AS SELECT * FROM s WHERE "
#define WITH ") WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');"

static const Request requests[] = {
    {"columns", 800, "CREATE STREAM t (", "c% INT", ", ", WITH},
    {"same_columns", 800, "CREATE STREAM t (", "c INT", ", ", WITH},
    {"header_columns", 800, "CREATE STREAM t (", "c% BYTES HEADER('h%')", ", ", WITH},
    {"struct_fields", 800, "CREATE STREAM t (c STRUCT<", "f% INT", ", ", ">" WITH},
    {"added_columns", 800, STREAM "ALTER STREAM s ", "ADD COLUMN c% INT", ", ", ";"},
    {"with_properties", 800, "CREATE STREAM t (k INT) WITH (", "p%='x'", ", ", ");"},
    {"statements", 400, STREAM, "CREATE STREAM t% (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');", "",
     ""},
    {"select_list", 800, STREAM AS, "a + % AS x%", ", ", " FROM s;"},
    {"select_unnamed", 800, STREAM AS, "a + %", ", ", " FROM s;"},
    {"joins", 10, STREAM "CREATE STREAM o AS SELECT s.k FROM s ", "JOIN s AS j% WITHIN 1 HOUR ON s.k = j%.k",
     " ", ";"},
    {"partition_by", 300, STREAM "CREATE STREAM o AS SELECT * FROM s PARTITION BY ", "a + %", ", ", ";"},
    {"select_stars", 200, STREAM AS, "s.*", ", ", " FROM s;"},
    {"and_chain", 20, STREAM WHERE, "a <> %", " AND ", ";"},
    {"or_chain", 20, STREAM WHERE, "a = %", " OR ", ";"},
    {"or_keys", 20,
     STREAM "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k; SELECT * FROM t WHERE ", "k = '%'",
     " OR ", ";"},
    {"in_list", 800, STREAM WHERE "a IN (", "%", ", ", ");"},
    {"in_texts", 800, STREAM WHERE "b IN (", "'%'", ", ", ");"},
    {"case_branches", 800, STREAM AS "CASE ", "WHEN a = % THEN '%'", " ", " END" FROM},
    {"plus_chain", 20, STREAM AS, "a", " + ", FROM},
    {"text_chain", 20, STREAM AS, "b", " + ", FROM},
    {"arguments", 800, STREAM AS "CONCAT(", "b", ", ", ")" FROM},
    {"coalesce", 800, STREAM AS "COALESCE(", "a", ", ", ")" FROM},
    {"array", 800, STREAM AS "ARRAY[", "%", ", ", "]" FROM},
    {"map", 800, STREAM AS "MAP(", "'%' := %", ", ", ")" FROM},
    {"struct", 800, STREAM AS "STRUCT(", "f% := %", ", ", ")" FROM},
    /* Beyond the number of keys that there may be. */
    {"group_by", 300, STREAM "CREATE TABLE o AS SELECT COUNT(*) AS n FROM s GROUP BY ", "a + %", ", ", ";"},
    {"aggregates", 400, STREAM "CREATE TABLE o AS SELECT k, ", "SUM(a + %) AS x%", ", ",
     " FROM s GROUP BY k;"},
    {"having", 20, STREAM "CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM s GROUP BY k HAVING ", "SUM(a) > %",
     " AND ", ";"},
    {"insert_columns", 800, STREAM "INSERT INTO s (", "c%", ", ", ") VALUES (1);"},
    {"insert_values", 800, STREAM "INSERT INTO s VALUES (", "%", ", ", ");"},
    {"parentheses", 90, STREAM AS, "(", "", "a"},
    {"not_chain", 90, STREAM WHERE, "NOT ", "", "true;"},
    {"minus_chain", 90, STREAM AS, "- ", "", "a" FROM},
    {"nested_types", 30, "CREATE STREAM t (c ", "ARRAY<", "", "INT"},
    {"nested_calls", 30, STREAM AS, "ABS(", "", "a"},
    {"subscripts", 90, STREAM AS "c", "[1]", "", FROM},
    {"dereferences", 90, STREAM AS "e", "->x", "", FROM},
    {"casts", 30, STREAM AS, "CAST(", "", "a"},
    {"comments", 2000, STREAM, "-- %\n", "", ""},
    {"blanks", 4000, STREAM, " \n", "", ""},
    {"semicolons", 2000, STREAM, ";", " ", ""},
    {"quotes", 4000, STREAM WHERE "b = '", "''", "", "';"},
    {"long_name", 4000, STREAM AS, "x", "", " FROM s;"},
    {"long_number", 2000, STREAM AS, "9", "", FROM},
    {"long_fraction", 2000, STREAM AS "0.", "9", "", FROM},
    {"unknown_names", 400, STREAM AS, "nobody%", " + ", FROM},
    {"unclosed", 2000, STREAM WHERE "b = ", "'", "x", ""},
    {"nonsense", 2000, "", "% ", "", ";"},
};

static void add_part(StrBuf *out, const char *part, int number)
{
    for (; *part != '\0'; part++)
        if (*part == '%')
            strbuf_addf(out, "%d", number);
        else
            strbuf_addc(out, *part);
}

/* From number `from` on, in steps of `step`. */
static void write_numbered(const char *first, const char *part, const char *between, const char *last, int n,
                           int from, int step, StrBuf *out)
{
    strbuf_adds(out, first);
    for (int i = 0; i < n; i++) {
        strbuf_adds(out, i > 0 ? between : "");
        add_part(out, part, from + i * step);
    }
    strbuf_adds(out, last);
}

static void write_parts(const char *first, const char *part, const char *between, const char *last, int n,
                        StrBuf *out)
{
    write_numbered(first, part, between, last, n, 0, 1, out);
}

/* ---- schemas that clients register ---- */

static const struct {
    const char *name;
    int         n;
    SchemaKind  kind;
    const char *first, *part, *between, *last;
} schemas[] = {
    {"avro_symbols", 800, SCHEMA_AVRO, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[", "\"S%\"", ",",
     "]}"},
    {"avro_fields", 400, SCHEMA_AVRO, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[",
     "{\"name\":\"f%\",\"type\":\"int\"}", ",", "]}"},
    {"avro_types", 400, SCHEMA_AVRO, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[",
     "{\"name\":\"f%\",\"type\":{\"type\":\"fixed\",\"name\":\"t%\",\"size\":4}}", ",", "]}"},
    {"avro_union", 400, SCHEMA_AVRO, "[", "{\"type\":\"fixed\",\"name\":\"t%\",\"size\":4}", ",", "]"},
    {"json_properties", 400, SCHEMA_JSON, "{\"type\":\"object\",\"properties\":{",
     "\"p%\":{\"type\":\"string\"}", ",", "}}"},
    {"json_enum", 800, SCHEMA_JSON, "{\"enum\":[", "\"S%\"", ",", "]}"},
    {"proto_fields", 400, SCHEMA_PROTOBUF, "syntax = \"proto3\"; message M {", "int32 f% = 1%;", " ", "}"},
    {"proto_messages", 200, SCHEMA_PROTOBUF, "syntax = \"proto3\"; ", "message M% { int32 f = 1; }", " ", ""},
    {"proto_enum", 400, SCHEMA_PROTOBUF, "syntax = \"proto3\"; enum E { Z = 0; ", "S% = 1%;", " ", "}"},
};

static void run_schema(SchemaKind kind, Str text)
{
    Arena           *arena    = arena_new(0);
    SchemaRegistry  *registry = registry_memory_new();
    RegisteredSchema schema   = {.kind = kind, .text = text};
    Str              canonical;
    Error            err;
    CALLGRIND_TOGGLE_COLLECT;
    Status status = schema_canonical(&schema, registry, arena, &canonical, &err);
    CALLGRIND_TOGGLE_COLLECT;
    if (status != OK) /* these are all good ones */
        exit(2);
    registry_close(registry);
    arena_free(arena);
}

/* The parts of the next version come in the opposite order, which costs most where they are looked for one
 * after the other; `fresh`: it has others, with numbers that the one before it lacks. */
static const struct {
    const char *name;
    int         n;
    SchemaKind  kind;
    bool        fresh;
    const char *first, *part, *between, *last;
} successors[] = {
    {"avro_next_fields", 400, SCHEMA_AVRO, false, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[",
     "{\"name\":\"f%\",\"type\":\"int\"}", ",", "]}"},
    {"avro_new_fields", 400, SCHEMA_AVRO, true, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[",
     "{\"name\":\"f%\",\"type\":\"int\",\"aliases\":[\"g%\"],\"default\":0}", ",", "]}"},
    {"avro_next_symbols", 800, SCHEMA_AVRO, false, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[",
     "\"S%\"", ",", "]}"},
    {"json_next_properties", 400, SCHEMA_JSON, false, "{\"type\":\"object\",\"properties\":{",
     "\"p%\":{\"type\":\"string\"}", ",", "}}"},
    {"json_next_enum", 400, SCHEMA_JSON, false, "{\"enum\":[", "\"S%\"", ",", "]}"},
    {"json_next_required", 400, SCHEMA_JSON, false, "{\"type\":\"object\",\"required\":[", "\"p%\"", ",",
     "]}"},
    {"proto_next_fields", 400, SCHEMA_PROTOBUF, false, "syntax = \"proto3\"; message M {", "int32 f% = 1%;",
     " ", "}"},
    {"proto_next_messages", 200, SCHEMA_PROTOBUF, false, "syntax = \"proto3\"; ",
     "message M% { int32 f = 1; }", " ", ""},
};

static void run_successor(size_t at, int n)
{
    SchemaRegistry *registry = registry_memory_new();
    StrBuf          old = {0}, next = {0};
    Error           ignored;
    bool            fresh = successors[at].fresh;
    write_parts(successors[at].first, successors[at].part, successors[at].between, successors[at].last, n,
                &old);
    write_numbered(successors[at].first, successors[at].part, successors[at].between, successors[at].last, n,
                   fresh ? 2 * n : n - 1, fresh ? 1 : -1, &next);
    RegisteredSchema before = {.kind = successors[at].kind, .text = strbuf_str(&old)},
                     after  = {.kind = successors[at].kind, .text = strbuf_str(&next)};
    CALLGRIND_TOGGLE_COLLECT;
    Status status = schema_can_follow(&after, &before, registry, &ignored);
    CALLGRIND_TOGGLE_COLLECT;
    if (status != OK) /* all of them can */
        exit(2);
    registry_close(registry);
    strbuf_clear(&old);
    strbuf_clear(&next);
}

/* ---- which ---- */

static void list(void)
{
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        printf("%s %d\n", requests[i].name, requests[i].n);
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        printf("%s %d\n", schemas[i].name, schemas[i].n);
    for (size_t i = 0; i < ARRAY_LEN(successors); i++)
        printf("%s %d\n", successors[i].name, successors[i].n);
}

int main(int argc, char **argv)
{
    StrBuf text = {0};
    if (argc != 3) {
        list();
        return 0;
    }
    int n = atoi(argv[2]);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        const Request *request = &requests[i];
        if (strcmp(request->name, argv[1]) != 0)
            continue;
        write_parts(request->first, request->part, request->between, request->last, n, &text);
        run_sql(strbuf_str(&text));
    }
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
        if (strcmp(schemas[i].name, argv[1]) == 0) {
            write_parts(schemas[i].first, schemas[i].part, schemas[i].between, schemas[i].last, n, &text);
            run_schema(schemas[i].kind, strbuf_str(&text));
        }
    bool found = text.len > 0;
    for (size_t i = 0; i < ARRAY_LEN(successors) && !found; i++)
        if ((found = strcmp(successors[i].name, argv[1]) == 0))
            run_successor(i, n);
    strbuf_clear(&text);
    return found ? 0 : 1;
}
