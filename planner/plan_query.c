/*
 * plan_query.c - whole queries: CREATE ... AS SELECT, INSERT INTO ... SELECT, CREATE SOURCE TABLE, and push
 * queries.
 */
#include <stdlib.h>

#include "parser/parser.h"
#include "planner/inference.h"
#include "planner/pull_rules.h"
#include "planner/canonical.h"
#include "planner/nodes/node_aggregate.h"
#include "planner/nodes/node_project.h"
#include "planner/nodes/node_sink.h"
#include "planner/query_build.h"
#include "planner/source_rules.h"

/* ---- from the analysis to the node below the result ---- */

static Status check_windowed_table(const Analysis *a, Error *err)
{
    for (size_t i = 0; a->persistent && i < a->from_count; i++)
        if (a->from[i].source->is_table && a->from[i].source->window.kind != WINDOWED_NO)
            return error_set(err, E_PLAN, a->from[i].pos,
                             "KSQL does not support persistent queries on windowed tables.");
    return OK;
}

/* The order is SQL's (sql.md 5.2): what WHERE drops does not cross the topic of a GROUP BY. A push query
 * has no projection: it may leave keys out, and build_output computes its select list. */
static Status build_body(Builder *b, PlanNode **out, Error *err)
{
    Analysis *a = b->a;
    PlanNode *node;
    TRY(check_windowed_table(a, err));
    b->keys_are = KEYS_OF_SOURCE;
    if (analysis_is_join(a))
        TRY(build_joins(b, &node, err));
    else
        TRY(build_source_node(b, 0, &node, err));
    TRY(build_where(b, node, &node, err));
    TRY(build_partition_by(b, node, &node, err));
    TRY(build_flatten(b, node, &node, err));
    if (analysis_aggregates(a))
        return build_aggregate(b, node, out, err);
    if (a->persistent)
        return build_projection(b, node, out, err);
    *out = node;
    return OK;
}

/* ---- the sink of CREATE ... AS ---- */

static Status refuse_kind(bool is_table, const AstStatement *statement, Error *err)
{
    return error_set(err, E_PLAN, statement->pos,
                     "Invalid result type. Your SELECT query produces a %s. Please use CREATE %s AS SELECT "
                     "statement instead.",
                     is_table ? "TABLE" : "STREAM", is_table ? "TABLE" : "STREAM");
}

/* Inherited from the leftmost source, never from the body: internal topics may switch to JSON for a key
 * that the source's format cannot hold, and the sink has to refuse such a key instead (sql.md 5.9). */
static Status sink_key_format(const Planner *planner, const WithClause *with, const PlanNode *body,
                              const Source *leftmost, Source *sink, Error *err)
{
    size_t keys = body->schema->key_count;
    if (!str_is_null(with->key_format)) {
        TRY(with_format(with, SIDE_KEY, with->key_format, &sink->key_format, err));
        if (keys == 0 && sink->key_format.format != format_keyless())
            return error_set(err, E_PLAN, NO_POS, "Key format specified for stream without key columns.");
        return OK;
    }
    const FormatClass *format = leftmost->key_format.format;
    Str                name   = str_c(format_name(keys == 0 ? format_keyless() : format));
    if (keys > 0 && format == format_keyless()) {
        Str property = planner->host->property(planner->host, "ksql.persistence.default.format.key");
        name         = str_is_null(property) ? str_c(format_name(format_default_key())) : property;
    }
    TRY(with_format(with, SIDE_KEY, name, &sink->key_format, err));
    format_inherit(&sink->key_format, &leftmost->key_format);
    return OK;
}

static Status sink_formats(const Planner *planner, const WithClause *with, const PlanNode *body,
                           const Source *leftmost, Source *sink, Error *err)
{
    TRY(sink_key_format(planner, with, body, leftmost, sink, err));
    Str value = str_is_null(with->value_format) ? str_c(format_name(leftmost->value_format.format))
                                                : with->value_format;
    TRY(with_format(with, SIDE_VALUE, value, &sink->value_format, err));
    format_inherit(&sink->value_format, &leftmost->value_format);
    name_key_schema(planner->arena, sink);
    return with_wrapping(with, planner->host, &sink->value_format, sink->schema->value_count, err);
}

/* A compacted topic is its table's content: a retention would lose rows. A windowed one keeps at least what
 * the window store does. */
static int64_t sink_retention(const Planner *planner, const WithClause *with, const PlanNode *body,
                              const Source *leftmost, const Source *sink)
{
    if (sink->is_table && sink->window.kind == WINDOWED_NO)
        return -1;
    int64_t retention = with->has_retention ? with->retention_ms
                                            : planner->host->topic_retention(planner->host, leftmost->topic);
    if (body->class == &node_aggregate && retention >= 0 && plan_aggregate(body)->retention_ms > retention)
        retention = plan_aggregate(body)->retention_ms;
    return retention;
}

static void sink_topic(const Planner *planner, const WithClause *with, const Source *leftmost, Source *sink,
                       TopicWish *wish)
{
    int partitions = 0, replicas = 0;
    Str prefix  = planner->host->property(planner->host, "ksql.output.topic.name.prefix");
    sink->topic = with->topic;
    if (str_is_null(sink->topic))
        sink->topic = str_printf(planner->arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(sink->name));
    planner->host->topic(planner->host, leftmost->topic, &partitions, &replicas);
    *wish            = (TopicWish){.name           = sink->topic,
                                   .partitions     = with->partitions > 0 ? with->partitions
                                                     : partitions > 0     ? partitions
                                                                          : leftmost->partitions,
                                   .replicas       = with->replicas > 0 ? with->replicas : replicas,
                                   .retention_ms   = sink->retention_ms,
                                   .cleanup_policy = !sink->is_table                    ? "delete"
                                                     : sink->window.kind == WINDOWED_NO ? "compact"
                                                                                        : "compact,delete"};
    sink->partitions = wish->partitions;
}

/* The state of an aggregate is kept in the value's format in ksqlDB; Sluice keeps its own, but refuses what
 * clients expect to be refused. */
static Status check_intermediate(const PlanNode *body, const Source *sink, Error *err)
{
    if (body->class != &node_aggregate || !format_facts(sink->value_format.format)->flat)
        return OK;
    for (size_t i = 0; i < plan_aggregate(body)->call_count; i++) {
        SqlKind kind = plan_aggregate(body)->calls[i].call->state_type->kind;
        if (kind == T_ARRAY || kind == T_MAP || kind == T_STRUCT)
            return error_set(err, E_PLAN, NO_POS,
                             "One of the functions used in the statement has an intermediate type that the "
                             "value format can not handle. Please "
                             "remove the function or change the format.");
    }
    return OK;
}

static Status describe_sink(const Planner *planner, const AstStatement *statement, const WithClause *with,
                            const Analysis *a, const PlanNode *body, PersistentQuery *query, Error *err)
{
    const Source *leftmost = a->from[0].source;
    Source       *sink     = ARENA_NEW(planner->arena, Source);
    int           slot;
    query->sink     = sink;
    sink->name      = statement->name.text;
    sink->is_table  = statement->is_table;
    sink->derived   = true;
    sink->window    = body->window;
    sink->statement = statement->text;
    sink->schema    = body->schema;
    if (body->is_table != statement->is_table)
        return refuse_kind(body->is_table, statement, err);
    TRY(sink_formats(planner, with, body, leftmost, sink, err));
    TRY(with_timestamp(with, sink->schema, &slot, err));
    sink->timestamp_column = with->timestamp_column;
    sink->timestamp_format = with->timestamp_format;
    sink->retention_ms     = sink_retention(planner, with, body, leftmost, sink);
    if (with->has_retention && sink->is_table && sink->window.kind == WINDOWED_NO)
        return error_set(err, E_PLAN, NO_POS,
                         "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do "
                         "not support retention.");
    sink_topic(planner, with, leftmost, sink, &query->topic);
    if (check_source(sink, err) != OK)
        return error_append(err, "\nStatement: " STR_FMT,
                            STR_ARG(canonical_statement(a, statement, NULL, NULL)));
    TRY(check_sink_schemas(planner, sink, err));
    return check_intermediate(body, sink, err);
}

static Status build_sink(Builder *b, const Source *sink, PlanNode *body, Error *err)
{
    if (!format_facts(sink->value_format.format)->built || !format_facts(sink->key_format.format)->built)
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "Sluice cannot write the formats of " STR_FMT " yet (key %s, value %s)",
                         STR_ARG(sink->name), format_name(sink->key_format.format),
                         format_name(sink->value_format.format));
    PlanNode *node    = builder_node(b, &node_sink, str_to_c(b->arena, sink->name), body, NULL);
    PlanSink *details = ARENA_NEW(b->arena, PlanSink);
    node->key_format  = sink->key_format;
    node->details     = details;
    *details          = (PlanSink){.sink_name        = sink->name,
                                   .topic            = str_dup(b->arena, sink->topic),
                                   .partitions       = sink->partitions,
                                   .value_format     = sink->value_format,
                                   .timestamp_slot   = str_is_null(sink->timestamp_column)
                                                           ? -1
                                                           : schema_find(body->schema, sink->timestamp_column),
                                   .timestamp_format = sink->timestamp_format};
    return OK;
}

/* ---- the plan ---- */

static Str query_statement(const Analysis *a, const AstStatement *statement, const Source *sink,
                           const TopicWish *topic)
{
    return str_printf(a->planner->arena, STR_FMT ";",
                      STR_ARG(canonical_statement(a, statement, sink, topic)));
}

static void name_sources(const Analysis *a, PersistentQuery *query)
{
    Str *names = ARENA_ARRAY(a->planner->arena, Str, a->from_count);
    for (size_t i = 0; i < a->from_count; i++)
        names[i] = a->from[i].source->name;
    query->source_names = names;
    query->source_count = a->from_count;
}

/* ---- CREATE ... AS ---- */

static Status check_replaced(const Planner *planner, const AstStatement *statement, PersistentQuery *query,
                             Error *err)
{
    const Source *old     = catalog_source(planner->catalog, statement->name.text);
    query->replaced_query = STR_NULL;
    if (old == NULL || !statement->or_replace)
        return OK;
    TRY(check_source_upgrade(old, query->sink, err));
    query->replaced_query = str_is_null(old->query_id) ? STR_NULL : str_dup(planner->arena, old->query_id);
    return OK;
}

/* A query that reads what it writes would never come to an end of its input. */
static Status check_own_source(const Analysis *a, Str sink, Error *err)
{
    for (size_t i = 0; i < a->from_count; i++)
        if (str_equal(a->from[i].source->name, sink))
            return error_set(err, E_PLAN, a->from[i].pos,
                             "Source name '" STR_FMT "' should not be referenced itself.", STR_ARG(sink));
    return OK;
}

/* That the TIMESTAMP column exists is told before what the select list lacks; its type is known only later.
 */
static Status check_timestamp_column(const Analysis *a, const WithClause *with, Error *err)
{
    if (str_is_null(with->timestamp_column))
        return OK;
    for (size_t i = 0; i < a->item_count; i++)
        if (str_equal(a->items[i].alias, with->timestamp_column))
            return OK;
    return with_refuse_timestamp(with, err);
}

/* The id of the query that OR REPLACE takes the place of; else a new one. State, positions and topics are
 * found by it: under another the replacement would start from nothing. */
static Str created_query_id(const Planner *planner, const AstStatement *statement)
{
    const Source *old = statement->or_replace ? catalog_source(planner->catalog, statement->name.text) : NULL;
    if (old != NULL && !str_is_null(old->query_id))
        return str_dup(planner->arena, old->query_id);
    return str_printf(planner->arena, "%s_" STR_FMT "_%lld", statement->is_table ? "CTAS" : "CSAS",
                      STR_ARG(str_upper(planner->arena, statement->name.text)),
                      (long long)planner->query_number);
}

static Status plan_create_as(const Planner *planner, const AstStatement *statement, PersistentQuery *query,
                             Error *err)
{
    WithClause with;
    Builder    b = {.arena = planner->arena};
    PlanNode  *body;
    TRY(check_source_name(&statement->name, err));
    TRY(with_parse(planner->arena, statement, WITH_CREATE_AS, &with, err));
    TRY(check_name_free(planner->catalog, statement, err));
    TRY(analyze_query(planner, statement->query, true, statement->name.text,
                      statement->is_table ? "CREATE TABLE AS SELECT" : "CREATE STREAM AS SELECT", &b.a, err));
    TRY(check_own_source(b.a, statement->name.text, err));
    TRY(check_timestamp_column(b.a, &with, err));
    /* Before the nodes: builders make store names of it. */
    b.query_id = created_query_id(planner, statement);
    TRY(build_body(&b, &body, err));
    TRY(describe_sink(planner, statement, &with, b.a, body, query, err));
    /* Of OR REPLACE only the sinks are compared here; the engine has the old plan (plan_check_upgrade). */
    TRY(check_replaced(planner, statement, query, err));
    TRY(build_sink(&b, query->sink, body, err));
    name_sources(b.a, query);
    query->plan            = plan_finish(&b, query_statement(b.a, statement, query->sink, &query->topic));
    query->kind            = body->is_table ? QUERY_PERSISTENT_TABLE : QUERY_PERSISTENT_STREAM;
    query->sink->query_id  = query->plan->id;
    query->sink->made_from = query->source_names;
    query->sink->made_from_count = query->source_count;
    return OK;
}

/* ---- INSERT INTO ... SELECT ---- */

/* INSERT INTO does not coerce (sql.md 3.7): only a DECIMAL that loses no digit on either side of the point
 * may be widened. */
static bool assignable(const SqlType *from, const SqlType *to)
{
    if (from->kind == T_DECIMAL && to->kind == T_DECIMAL)
        return from->scale <= to->scale && from->precision - from->scale <= to->precision - to->scale;
    return type_equal(from, to);
}

/* A number that was written as such becomes whatever DECIMAL the target has. */
static bool is_decimal_literal(const PlanNode *body, size_t column, const SqlType *to)
{
    if (body->class != &node_project || column < body->schema->key_count || to->kind != T_DECIMAL)
        return false;
    const Expr *value = plan_project(body)->values[column - body->schema->key_count];
    return value->kind == EXPR_CONST && type_is_numeric(value->type);
}

static bool same_columns(const PlanNode *body, const Schema *sink)
{
    const Schema *result = body->schema;
    if (result->key_count != sink->key_count || result->value_count != sink->value_count)
        return false;
    for (size_t i = 0; i < result->key_count + result->value_count; i++) {
        const SqlType *to = sink->columns[i].type;
        if (!str_equal(result->columns[i].name, sink->columns[i].name) ||
            !(assignable(result->columns[i].type, to) || is_decimal_literal(body, i, to)))
            return false;
    }
    return true;
}

/* No table: between several writers there is no order, so which row of a key is the last would be left to
 * chance. */
static Status check_target(const Planner *planner, const AstStatement *statement, const Source **out,
                           Error *err)
{
    const AstName *name   = &statement->name;
    const Source  *target = catalog_source(planner->catalog, name->text);
    if (target == NULL) {
        error_set(err, E_PLAN, name->pos,
                  "Exception while preparing statement: Line: %u, Col: %u: Source `" STR_FMT
                  "` does not exist.",
                  name->pos.line, name->pos.col, STR_ARG(name->text));
        catalog_hint(planner->catalog, name->text, err);
        return E_PLAN;
    }
    if (target->is_table)
        return error_set(err, E_PLAN, name->pos,
                         "INSERT INTO can only be used to insert into a stream. " STR_FMT " is a table.",
                         STR_ARG(name->text));
    if (target->schema->count > target->schema->key_count + target->schema->value_count)
        return error_set(err, E_PLAN, name->pos,
                         "Cannot insert into " STR_FMT " because it has header columns", STR_ARG(name->text));
    if (target->read_only)
        return error_set(err, E_PLAN, name->pos, "Cannot insert into read-only stream: " STR_FMT,
                         STR_ARG(name->text));
    *out = source_copy(planner->arena, target);
    return OK;
}

static Status check_insert_schema(const PlanNode *body, const Source *target, Error *err)
{
    if (body->is_table)
        return error_set(err, E_PLAN, NO_POS,
                         "Incompatible data sink and query result. Data sink (" STR_FMT
                         ") type is KSTREAM but select query result is KTABLE.",
                         STR_ARG(target->name));
    if (same_columns(body, target->schema))
        return OK;
    StrBuf result = {0}, sink = {0};
    schema_print(body->schema, false, &result);
    schema_print(target->schema, false, &sink);
    error_set(err, E_PLAN, NO_POS,
              "Incompatible schema between results and sink.\nResult schema is " STR_FMT
              "\nSink schema is " STR_FMT,
              STR_ARG(strbuf_str(&result)), STR_ARG(strbuf_str(&sink)));
    strbuf_clear(&result);
    strbuf_clear(&sink);
    return E_PLAN;
}

/* A narrower DECIMAL is widened on its way into the sink, a literal is made one (sql.md 3.7). */
static PlanNode *widen_decimals(Builder *b, PlanNode *body, const Source *target)
{
    const Schema *from = body->schema, *to = target->schema;
    const Expr  **values = ARENA_ARRAY(b->arena, const Expr *, from->value_count);
    bool          any    = false;
    for (size_t i = 0; i < from->value_count; i++) {
        int            slot = (int)(from->key_count + i);
        const SqlType *want = to->columns[slot].type;
        values[i]           = expr_column(b->arena, slot, from->columns[slot].type);
        if (!type_equal(from->columns[slot].type, want)) {
            values[i] = expr_cast(b->arena, values[i], want);
            any       = true;
        }
    }
    if (!any)
        return body;
    return build_project_node(b, "Widen", body, schema_copy(b->arena, to), values);
}

static Status plan_insert_into(const Planner *planner, const AstStatement *statement, PersistentQuery *query,
                               Error *err)
{
    WithClause    with;
    Builder       b = {.arena = planner->arena};
    PlanNode     *body;
    const Source *target = NULL;
    TRY(with_parse(planner->arena, statement, WITH_INSERT, &with, err));
    TRY(check_target(planner, statement, &target, err));
    TRY(analyze_query(planner, statement->query, true, target->name, "INSERT INTO", &b.a, err));
    TRY(check_own_source(b.a, target->name, err));
    if (!str_is_null(with.query_id) && catalog_query(planner->catalog, with.query_id) != NULL)
        return error_set(err, E_PLAN, statement->pos, "Query ID '" STR_FMT "' already exists.",
                         STR_ARG(with.query_id));
    b.query_id = !str_is_null(with.query_id)
                     ? with.query_id
                     : str_printf(planner->arena, "INSERTQUERY_%lld", (long long)planner->query_number);
    TRY(build_body(&b, &body, err));
    TRY(check_insert_schema(body, target, err));
    body         = widen_decimals(&b, body, target);
    query->sink  = ARENA_NEW(planner->arena, Source);
    *query->sink = *target;
    TRY(build_sink(&b, query->sink, body, err));
    name_sources(b.a, query);
    query->plan  = plan_finish(&b, query_statement(b.a, statement, NULL, NULL));
    query->topic = (TopicWish){.name = STR_LIT("")};
    query->kind  = QUERY_INSERT;
    return OK;
}

Status plan_persistent_query(const Planner *planner, const AstStatement *statement, PersistentQuery **out,
                             Error *err)
{
    *out = ARENA_NEW(planner->arena, PersistentQuery);
    if (statement->kind == STMT_INSERT_INTO)
        return plan_insert_into(planner, statement, *out, err);
    return plan_create_as(planner, statement, *out, err);
}

/* ---- CREATE SOURCE TABLE ---- */

Status query_build_source_table(const Planner *planner, const Source *source, QueryPlan **out, Error *err)
{
    /* There is no SELECT to analyse: the source alone, which is all that build_source_node asks for. */
    Analysis a = {
        .planner    = planner,
        .from_count = 1,
        .typer = {.catalog = planner->catalog, .functions = planner->functions, .arena = planner->arena}};
    FromItem  from = {source->name, source, NO_POS};
    Builder   b    = {.a = &a, .arena = planner->arena, .materialize = true};
    PlanNode *node;
    a.from     = &from;
    b.query_id = str_printf(planner->arena, "CST_" STR_FMT "_%lld", STR_ARG(source->name),
                            (long long)planner->query_number);
    TRY(build_source_node(&b, 0, &node, err));
    *out = plan_finish(&b, source->statement);
    return OK;
}

/* ---- push queries ---- */

Status plan_push_query(const Planner *planner, const AstStatement *statement, Str query_id, QueryPlan **out,
                       Error *err)
{
    Builder   b = {.arena = planner->arena, .query_id = str_dup(planner->arena, query_id)};
    PlanNode *body, *root;
    TRY(analyze_query(planner, statement->query, false, STR_NULL, "SELECT", &b.a, err));
    if (statement->query->emit == EMIT_NONE)
        TRY(pull_check_stream_query(b.a, err));
    TRY(build_body(&b, &body, err));
    TRY(build_output(&b, body, &root, err));
    *out = plan_finish(&b, statement->text);
    return OK;
}

Status plan_classify(const Planner *planner, const AstStatement *statement, TransientKind *out, Error *err)
{
    const AstQuery *query  = statement->query;
    const Source   *source = catalog_source(planner->catalog, query->from.name.text);
    if (source == NULL) {
        error_set(err, E_PLAN, query->from.name.pos,
                  "Exception while preparing statement: " STR_FMT " does not exist.",
                  STR_ARG(query->from.name.text));
        catalog_hint(planner->catalog, query->from.name.text, err);
        return E_PLAN;
    }
    *out = query->emit != EMIT_NONE ? QUERY_PUSH : source->is_table ? QUERY_PULL_TABLE : QUERY_PULL_STREAM;
    return OK;
}
