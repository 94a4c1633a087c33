/*
 * doc_plan.c - the plan's document as a whole: see plan_document.h and docs/plan-format.md.
 *
 * The nodes are read in their order, so that inputs are there before who reads them. What follows from the
 * nodes (the result's schema, the list of sources) is not written a second time.
 */
#include "planner/document/doc.h"
#include "planner/nodes/node_source.h"
#include "planner/plan_document.h"
#include "planner/plan_finish.h"
#include "planner/plan_settings.h"

static const NodeClass *const classes[] = {
#define NODE(symbol) &symbol,
#include "planner/nodes.def"
#undef NODE
};

/* ---- writing ---- */

static json_t *json_stores(const PlanNode *node)
{
    json_t *stores = json_array();
    for (size_t i = 0; i < node->store_count; i++) {
        json_t *store = json_object();
        doc_put_text(store, "name", node->stores[i].name);
        doc_put(store, "version", json_integer(node->stores[i].version));
        doc_put(store, "retentionMs", json_integer(node->stores[i].retention_ms));
        json_array_append_new(stores, store);
    }
    return stores;
}

static json_t *json_node(const PlanNode *node)
{
    bool    same = node->input_count > 0 && schema_equal(node->schema, node->inputs[0]->schema);
    json_t *json = json_object(), *inputs = json_array(), *details = json_object();
    for (size_t i = 0; i < node->input_count; i++)
        json_array_append_new(inputs, json_integer(node->inputs[i]->number));
    node->class->write(node, details);
    doc_put(json, "class", json_string_nocheck(node->class->name));
    doc_put_text(json, "step", node->step);
    doc_put(json, "inputs", inputs);
    doc_put(json, "table", json_boolean(node->is_table));
    doc_put(json, "schema", same ? json_null() : doc_json_schema(node->schema));
    doc_put(json, "keyFormat", doc_json_format(&node->key_format));
    doc_put(json, "window", doc_json_window(node->window));
    doc_put(json, "stores", json_stores(node));
    doc_put(json, "details", details);
    return json;
}

static json_t *json_settings(const QueryPlan *plan)
{
    json_t *array = json_array();
    for (size_t i = 0; i < plan->setting_count; i++)
        json_array_append_new(array, json_pack("[o, o, b]", doc_json_text(plan->settings[i].name),
                                               doc_json_text(plan->settings[i].value),
                                               (int)plan->settings[i].overridden));
    return array;
}

/* Left out where there are none: the document is then what earlier versions write and read. */
static void put_starts(json_t *json, const QueryPlan *plan)
{
    json_t *array = json_array();
    for (size_t i = 0; i < plan->start_count; i++) {
        json_t *start = json_object(), *offsets = json_array();
        for (int p = 0; p < plan->starts[i].partitions; p++)
            json_array_append_new(offsets, json_integer(plan->starts[i].offsets[p]));
        doc_put_text(start, "topic", plan->starts[i].topic);
        doc_put(start, "offsets", offsets);
        json_array_append_new(array, start);
    }
    if (plan->start_count > 0)
        doc_put(json, "starts", array);
    else
        json_decref(array);
}

int plan_document_version(const QueryPlan *plan)
{
    int version = 1;
    for (size_t i = 0; plan != NULL && i < plan->node_count; i++)
        if (plan->nodes[i]->class->since > version)
            version = plan->nodes[i]->class->since;
    return version;
}

json_t *plan_to_json(const QueryPlan *plan)
{
    json_t *json = json_object(), *nodes = json_array();
    for (size_t i = 0; i < plan->node_count; i++)
        json_array_append_new(nodes, json_node(plan->nodes[i]));
    doc_put(json, "version", json_integer(plan_document_version(plan)));
    doc_put_text(json, "id", plan->id);
    doc_put_text(json, "statement", plan->statement);
    doc_put(json, "generation", json_integer(plan->generation));
    doc_put(json, "partitions", json_integer(plan->partitions));
    doc_put(json, "settings", json_settings(plan));
    put_starts(json, plan);
    doc_put(json, "nodes", nodes);
    return json;
}

/* ---- reading ---- */

static const PlanStore *read_stores(DocReader *r, const DocNode *json, size_t *count)
{
    const DocNode *array  = doc_array(r, json, "stores", count);
    PlanStore     *stores = ARENA_ARRAY(r->arena, PlanStore, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++) {
        const DocNode *store   = doc_item(array, i);
        stores[i].name         = doc_text(r, store, "name");
        stores[i].version      = (int)doc_int(r, store, "version", 1, STORE_VERSION);
        stores[i].retention_ms = doc_int(r, store, "retentionMs", -1, INT64_MAX);
        if (doc_ok(r) && stores[i].name.len == 0)
            doc_fail(r, "a store has no name");
    }
    return stores;
}

static const PlanNode *const *read_inputs(DocReader *r, const DocNode *json, const PlanNode *const *nodes,
                                          PlanNode *node)
{
    const DocNode   *array  = doc_array(r, json, "inputs", &node->input_count);
    const PlanNode **inputs = ARENA_ARRAY(r->arena, const PlanNode *, node->input_count + 1);
    if (doc_ok(r) &&
        (node->input_count < node->class->least_inputs || node->input_count > node->class->most_inputs))
        doc_fail(r, "it has %zu inputs", node->input_count);
    for (size_t i = 0; doc_ok(r) && i < node->input_count; i++) {
        const DocNode *number = doc_item(array, i);
        int64_t        n;
        if (!doc_whole(number, &n) || n < 0 || n >= node->number)
            doc_fail(r, "an input must be a node before this one");
        else
            inputs[i] = nodes[n];
    }
    return inputs;
}

static const NodeClass *read_class(DocReader *r, const DocNode *json)
{
    const char *names[ARRAY_LEN(classes)];
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        names[i] = classes[i]->name;
    return classes[doc_choice(r, json, "class", names, ARRAY_LEN(names))];
}

static const Schema *read_schema(DocReader *r, const DocNode *json, const PlanNode *node)
{
    if (doc_ok(r) && node->input_count > 0 && doc_is_null(doc_member(json, "schema")))
        return node->inputs[0]->schema;
    return doc_schema(r, json, "schema");
}

static const PlanNode *read_node(DocReader *r, const DocNode *json, const PlanNode *const *nodes, int number)
{
    PlanNode *node = ARENA_NEW(r->arena, PlanNode);
    snprintf(r->where, sizeof r->where, "node %d", number);
    node->number = number;
    node->class  = read_class(r, json);
    if (doc_ok(r))
        snprintf(r->where, sizeof r->where, "node %d (%s)", number, node->class->name);
    node->step       = doc_text(r, json, "step");
    node->inputs     = read_inputs(r, json, nodes, node);
    node->is_table   = doc_bool(r, json, "table");
    node->schema     = read_schema(r, json, node);
    node->key_format = doc_format(r, json, "keyFormat");
    node->window     = doc_window(r, json, "window");
    node->stores     = read_stores(r, json, &node->store_count);
    if (doc_ok(r))
        node->details = node->class->read(r, node, doc_field(r, json, "details"));
    return node;
}

static const PlanSetting *read_settings(DocReader *r, const DocNode *json, size_t *count)
{
    const DocNode *array    = doc_array(r, json, "settings", count);
    PlanSetting   *settings = ARENA_ARRAY(r->arena, PlanSetting, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++) {
        const DocNode *pair    = doc_item(array, i);
        settings[i].name       = doc_text_of(r, doc_item(pair, 0));
        settings[i].value      = doc_text_of(r, doc_item(pair, 1));
        settings[i].overridden = doc_is_true(doc_item(pair, 2));
        if (!doc_is_bool(doc_item(pair, 2)))
            doc_fail(r, "a setting does not say whether it was overridden");
        if (str_is_null(settings[i].name) ||
            (i > 0 && str_compare(settings[i - 1].name, settings[i].name) >= 0))
            doc_fail(r, "the settings are not in the order of their names");
    }
    return settings;
}

static void read_start(DocReader *r, const DocNode *json, PlanStart *out)
{
    size_t         count, p = 0;
    const DocNode *array   = doc_array(r, json, "offsets", &count);
    int64_t       *offsets = ARENA_ARRAY(r->arena, int64_t, count + 1);
    for (const DocNode *at = doc_first(array); doc_ok(r) && at != NULL; at = doc_next(at), p++)
        if (!doc_whole(at, &offsets[p]) || offsets[p] < 0)
            doc_fail(r, "a start must be an offset");
    *out = (PlanStart){doc_text(r, json, "topic"), offsets, (int)count};
}

static const PlanStart *read_starts(DocReader *r, const DocNode *json, size_t *count)
{
    *count = 0;
    if (doc_member(json, "starts") == NULL)
        return NULL;
    const DocNode *array  = doc_array(r, json, "starts", count);
    PlanStart     *starts = ARENA_ARRAY(r->arena, PlanStart, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++)
        read_start(r, doc_item(array, i), &starts[i]);
    return starts;
}

/* Functions are bound with what was set when the statement was accepted. */
typedef struct {
    FnConfig         base;
    const QueryPlan *plan;
} PlanConfig;

static Str config_get(const FnConfig *self, Str key)
{
    return plan_setting(((const PlanConfig *)self)->plan, key);
}

/* Every node but the last is read by one behind it, and the last is what a query can end in. */
static void check_graph(DocReader *r, const PlanNode *const *nodes, size_t count)
{
    bool *read = ARENA_ARRAY(r->arena, bool, count + 1);
    for (size_t i = 0; i < count; i++)
        for (size_t input = 0; input < nodes[i]->input_count; input++)
            read[nodes[i]->inputs[input]->number] = true;
    for (size_t i = 0; doc_ok(r) && i + 1 < count; i++)
        if (!read[i])
            doc_fail(r, "nobody reads node %zu", i);
    const PlanNode *root = nodes[count - 1];
    if (doc_ok(r) && !root->class->leaves && !(root->class->reads_topic && count == 1))
        doc_fail(r, "it ends in a %s", root->class->name);
}

static void read_plan(DocReader *r, const DocNode *json, QueryPlan *plan)
{
    PlanConfig       config = {{config_get}, plan};
    size_t           count;
    const DocNode   *array = doc_array(r, json, "nodes", &count);
    const PlanNode **nodes = ARENA_ARRAY(r->arena, const PlanNode *, count + 1);
    plan->id               = doc_text(r, json, "id");
    plan->statement        = doc_text(r, json, "statement");
    plan->generation       = doc_int(r, json, "generation", 0, INT64_MAX);
    plan->settings         = read_settings(r, json, &plan->setting_count);
    plan->starts           = read_starts(r, json, &plan->start_count);
    int partitions         = (int)doc_int(r, json, "partitions", 0, INT32_MAX);
    r->config              = &config.base;
    if (doc_ok(r) && count == 0)
        doc_fail(r, "it has no nodes");
    for (size_t i = 0; doc_ok(r) && i < count; i++)
        nodes[i] = read_node(r, doc_item(array, i), nodes, (int)i);
    r->where[0] = '\0';
    if (doc_ok(r))
        check_graph(r, nodes, count);
    if (!doc_ok(r))
        return;
    plan->nodes      = nodes;
    plan->node_count = count;
    plan_derive(plan, r->arena);
    plan->partitions = partitions;
}

/* E_UNSUPPORTED: a later version's. */
static Status check_version(const DocNode *json, const char *what, Error *err)
{
    int64_t version;
    if (!doc_whole(doc_member(json, "version"), &version) || version < 1)
        return error_set(err, E_PLAN, NO_POS, "The %s is damaged: \"version\" is missing", what);
    if (version > PLAN_VERSION)
        return error_set(
            err, E_UNSUPPORTED, NO_POS,
            "The %s was written by a later version of Sluice (it is of version %lld, this one reads "
            "up to %d)",
            what, (long long)version, PLAN_VERSION);
    return OK;
}

Status plan_from_json(const DocNode *json, const Functions *functions, Arena *arena, QueryPlan **out,
                      Error *err)
{
    QueryPlan *plan = ARENA_NEW(arena, QueryPlan);
    DocReader  r    = {.arena = arena, .functions = functions, .err = err};
    TRY(check_version(json, "plan", err));
    read_plan(&r, json, plan);
    if (r.status != OK)
        return error_prefix(err, "The plan cannot be read: ");
    *out = plan;
    return OK;
}

/* ---- sources ---- */

static json_t *json_names(const Str *names, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, doc_json_text(names[i]));
    return array;
}

json_t *source_to_json(const Source *source)
{
    json_t *json = json_object();
    doc_put(json, "version", json_integer(plan_document_version(NULL)));
    doc_put_text(json, "name", source->name);
    doc_put(json, "table", json_boolean(source->is_table));
    doc_put(json, "readOnly", json_boolean(source->read_only));
    doc_put(json, "derived", json_boolean(source->derived));
    doc_put(json, "schema", doc_json_schema(source->schema));
    doc_put_text(json, "topic", source->topic);
    doc_put(json, "partitions", json_integer(source->partitions));
    doc_put(json, "keyFormat", doc_json_format(&source->key_format));
    doc_put(json, "valueFormat", doc_json_format(&source->value_format));
    doc_put(json, "window", doc_json_window(source->window));
    doc_put_text(json, "timestampColumn", source->timestamp_column);
    doc_put_text(json, "timestampFormat", source->timestamp_format);
    doc_put_text(json, "statement", source->statement);
    doc_put_text(json, "queryId", source->query_id);
    doc_put(json, "madeFrom", json_names(source->made_from, source->made_from_count));
    doc_put(json, "retentionMs", json_integer(source->retention_ms));
    return json;
}

static const Str *read_names(DocReader *r, const DocNode *json, const char *name, size_t *count)
{
    const DocNode *array = doc_array(r, json, name, count);
    Str           *names = ARENA_ARRAY(r->arena, Str, *count + 1);
    for (size_t i = 0; doc_ok(r) && i < *count; i++) {
        const DocNode *text = doc_item(array, i);
        if (!doc_is_text(text))
            doc_fail(r, "\"%s\" must hold names", name);
        names[i] = str_dup(r->arena, doc_string(text));
    }
    return names;
}

Status source_from_json(const DocNode *json, Arena *arena, Source **out, Error *err)
{
    Source   *source = ARENA_NEW(arena, Source);
    DocReader r      = {.arena = arena, .err = err};
    TRY(check_version(json, "definition", err));
    source->name             = doc_text(&r, json, "name");
    source->is_table         = doc_bool(&r, json, "table");
    source->read_only        = doc_bool(&r, json, "readOnly");
    source->derived          = doc_bool(&r, json, "derived");
    source->schema           = doc_schema(&r, json, "schema");
    source->topic            = doc_text(&r, json, "topic");
    source->partitions       = (int)doc_int(&r, json, "partitions", 0, INT32_MAX);
    source->key_format       = doc_format(&r, json, "keyFormat");
    source->value_format     = doc_format(&r, json, "valueFormat");
    source->window           = doc_window(&r, json, "window");
    source->timestamp_column = doc_text_or_null(&r, json, "timestampColumn");
    source->timestamp_format = doc_text_or_null(&r, json, "timestampFormat");
    source->statement        = doc_text(&r, json, "statement");
    source->query_id         = doc_text_or_null(&r, json, "queryId");
    source->made_from        = read_names(&r, json, "madeFrom", &source->made_from_count);
    source->retention_ms     = doc_int(&r, json, "retentionMs", INT64_MIN, INT64_MAX);
    if (doc_ok(&r) && (source->key_format.format == NULL || source->value_format.format == NULL))
        doc_fail(&r, "a source has formats");
    if (r.status != OK)
        return error_prefix(err, "The definition of a source cannot be read: ");
    *out = source;
    return OK;
}
