/*
 * planner.h - from statements to plans: names, types, logical plan, rewrites, physical plan.
 *
 * Everything a plan needs from the catalog is copied into the plan's arena: it stays valid when sources are
 * dropped. The planner changes nothing; it answers what has to be created, and the server creates it.
 */
#ifndef SLUICE_PLANNER_PLANNER_H
#define SLUICE_PLANNER_PLANNER_H

#include "planner/plan.h"
#include "planner/pull_plan.h"
#include "planner/typer.h"

/* What the planner asks of the world. */
typedef struct PlannerHost PlannerHost;
struct PlannerHost {
    /* Effective value of a property (request overrides before server properties), or STR_NULL. */
    Str (*property)(const PlannerHost *self, const char *name);
    /* Partition and replica counts of a topic; false when it does not exist. */
    bool (*topic)(const PlannerHost *self, Str topic, int *partitions, int *replicas);
    /* retention.ms of a topic; -1 when unknown or unlimited. */
    int64_t (*topic_retention)(const PlannerHost *self, Str topic);
};

typedef struct {
    const Catalog     *catalog;
    const Functions   *functions;
    const PlannerHost *host;
    SchemaRegistry    *registry; /* of columns that nobody declared; NULL: there is none */
    Clock             *clock;
    Arena             *arena;        /* of the result */
    int64_t            query_number; /* n of a generated query id */
    Str                service_id;
} Planner;

/* A topic that has to exist before the source does. */
typedef struct {
    Str         name;
    int         partitions, replicas; /* <= 0: not said */
    int64_t     retention_ms;         /* -1: not said */
    const char *cleanup_policy;       /* "delete", "compact", "compact,delete" */
    bool        must_exist;           /* CREATE without PARTITIONS: refuse when it is missing */
} TopicWish;

/* CREATE STREAM|TABLE name (columns) WITH (...): the source to add, the topic to find or create; for CREATE
 * SOURCE TABLE also the query that materialises it (*query, else NULL). Clashes of names are checked; IF NOT
 * EXISTS: E_EXISTS with the warning's text. OR REPLACE: sql.md 4.1.5. */
Status plan_create_source(const Planner *planner, const AstStatement *statement, Source **source,
                          TopicWish *topic, QueryPlan **query, Error *err);

/* CREATE ... AS SELECT, INSERT INTO ... SELECT. INSERT: *sink is the existing target, topic->name is empty.
 * `replaced` (or NULL): id of the query that OR REPLACE takes the place of, whose plan is `old_plan`. */
typedef struct {
    QueryPlan *plan;
    Source    *sink;
    TopicWish  topic;
    QueryKind  kind;
    const Str *source_names;
    size_t     source_count;
    Str        replaced_query; /* ptr NULL: none */
} PersistentQuery;
Status plan_persistent_query(const Planner *planner, const AstStatement *statement, PersistentQuery **out,
                             Error *err);
/* May `new_plan` take over the state and positions of `old_plan` (sql.md 5.11)? E_PLAN with the reason. */
Status plan_check_upgrade(const QueryPlan *old_plan, const QueryPlan *new_plan, Error *err);

/* SELECT ... EMIT CHANGES; also a pull query on a stream (the caller bounds it by end offsets). */
Status plan_push_query(const Planner *planner, const AstStatement *statement, Str query_id, QueryPlan **out,
                       Error *err);

/* PRINT: the records of a topic as they are, in the columns RECORD_* (plan.h), for push_query_start. All in
 * `arena`; cannot fail. */
const QueryPlan *plan_records(Arena *arena, Str id, Str statement, Str topic, int partitions);

/* SELECT without EMIT from a table. */
Status plan_pull_query(const Planner *planner, const AstStatement *statement, PullPlan **out, Error *err);

/* Is the query push, pull on a table, or pull on a stream (rest.md 3)? E_PLAN for an unknown source. */
typedef enum { QUERY_PUSH, QUERY_PULL_TABLE, QUERY_PULL_STREAM } TransientKind;
Status plan_classify(const Planner *planner, const AstStatement *statement, TransientKind *out, Error *err);

/* ALTER STREAM|TABLE: the source as it will be. */
Status plan_alter_source(const Planner *planner, const AstStatement *statement, Source **out, Error *err);

/* INSERT INTO ... VALUES: one record's key and value columns and its timestamp. Null key columns mean a null
 * key. */
typedef struct {
    const Source *source;
    const Value  *keys, *values;
    bool          has_timestamp;
    int64_t       timestamp;
} InsertRow;
Status plan_insert_values(const Planner *planner, const AstStatement *statement, InsertRow **out, Error *err);
/* The source that rows may be inserted into, of the catalog; E_PLAN for one that takes none. */
Status plan_insert_target(const Planner *planner, const AstName *name, const Source **out, Error *err);
bool   plan_insert_is_off(const Planner *planner); /* ksql.insert.into.values.enabled */

#endif
