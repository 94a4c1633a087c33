/*
 * entity.c - what the server answers to statements, as tables: a row of `listings` for each kind of list, a
 * function for what is more than a list, and the JSON itself for kinds that we do not know.
 */
#include "core/clock.h"
#include "core/value.h"
#include "core/width.h"
#include "shell/grid.h"
#include "shell/session.h"

enum { LISTING_COLUMNS = 6 };

typedef struct {
    const char *type, *list; /* @type, field with the list */
    struct {
        const char *heading, *field;
    } columns[LISTING_COLUMNS];
} Listing;

static const Listing listings[] = {
    {"grants",
     "grants",
     {{"Grantee Type", "granteeType"}, {"Grantee", "grantee"}, {"On", "on"}, {"Privileges", ",privileges"}}},
    {"streams",
     "streams",
     {{"Stream Name", "name"},
      {"Kafka Topic", "topic"},
      {"Key Format", "keyFormat"},
      {"Value Format", "valueFormat"},
      {"Windowed", "isWindowed"}}},
    {"tables",
     "tables",
     {{"Table Name", "name"},
      {"Kafka Topic", "topic"},
      {"Key Format", "keyFormat"},
      {"Value Format", "valueFormat"},
      {"Windowed", "isWindowed"}}},
    {"kafka_topics",
     "topics",
     {{"Kafka Topic", "name"}, {"Partitions", "#replicaInfo"}, {"Partition Replicas", "^replicaInfo"}}},
    {"kafka_topics_extended",
     "topics",
     {{"Kafka Topic", "name"},
      {"Partitions", "#replicaInfo"},
      {"Partition Replicas", "^replicaInfo"},
      {"Consumers", "consumerCount"},
      {"ConsumerGroups", "consumerGroupCount"}}},
    {"queries",
     "queries",
     {{"Query ID", "id"},
      {"Query Type", "queryType"},
      {"Status", "=statusCount"},
      {"Sink Name", ",sinks"},
      {"Sink Kafka Topic", ",sinkKafkaTopics"},
      {"Query String", "queryString"}}},
    {"function_names", "functions", {{"Function Name", "name"}, {"Category", "category"}, {"Type", "type"}}},
    {"variables", "variables", {{"Variable Name", "name"}, {"Value", "value"}}},
    {"connector_list",
     "connectors",
     {{"Connector Name", "name"}, {"Type", "!type"}, {"Class", "className"}, {"Status", "state"}}},
    {"connector_plugins_list",
     "connectorsPlugins",
     {{"Class", "className"}, {"Type", "!type"}, {"Version", "version"}}},
};

/* Elements of an array, one by one, joined by commas. */
static Str join(Arena *arena, JsonText array, bool first_only)
{
    StrBuf   out  = {0};
    JsonIter iter = jtext_iter(array);
    JsonText value;
    while (jtext_next(&iter, NULL, &value)) {
        strbuf_adds(&out, out.len > 0 ? ", " : "");
        strbuf_add(&out, jtext_text(arena, value));
        if (first_only)
            break;
    }
    Str text = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

/* {"RUNNING": 2, "ERROR": 1} as RUNNING:2,ERROR:1; of one node the state alone. */
static Str count_states(Arena *arena, JsonText counts)
{
    StrBuf   out  = {0};
    JsonIter iter = jtext_iter(counts);
    JsonText value;
    Str      name, one = STR_NULL;
    size_t   states = 0;
    while (jtext_next(&iter, &name, &value)) {
        Str number = jtext_text(arena, value);
        one        = str_equal(number, STR_LIT("1")) ? name : STR_NULL;
        strbuf_addf(&out, "%s" STR_FMT ":" STR_FMT, states++ > 0 ? "," : "", STR_ARG(name), STR_ARG(number));
    }
    Str text = str_dup(arena, states == 1 && !str_is_null(one) ? one : strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

/* A field by its path: `#f` counts an array, `^f` is its first element, `,f` joins its elements, `!f` is in
 * upper case, `=f` counts states, and "" is the item itself. */
static Str listing_field(Arena *arena, JsonText item, const char *field)
{
    switch (field[0]) {
    case '#':
        return str_printf(arena, "%zu", jtext_count(jtext_get(item, field + 1)));
    case '^':
        return join(arena, jtext_get(item, field + 1), true);
    case ',':
        return join(arena, jtext_get(item, field + 1), false);
    case '!':
        return str_upper(arena, jtext_field(arena, item, field + 1));
    case '=':
        return count_states(arena, jtext_get(item, field + 1));
    case '\0':
        return jtext_text(arena, item);
    default:
        return jtext_field(arena, item, field);
    }
}

/* All else in listings are names. */
static bool is_long_text(const char *field)
{
    return strcmp(field, "queryString") == 0 || strcmp(field, "className") == 0;
}

void shell_end_listing(Shell *shell, Grid *grid)
{
    Clock *clock = clock_system();
    size_t rows  = grid_rows(grid);
    grid_close(grid);
    if (shell->interactive && shell->out.terminal && !shell->display.quiet)
        out_printf(&shell->out, "%zu row%s, %.0f ms\n", rows, rows == 1 ? "" : "s",
                   (double)(clock->monotonic_us(clock) - shell->asked_us) / 1000);
}

static void print_listing(Shell *shell, const Listing *listing, JsonText entity, Arena *arena)
{
    GridColumn columns[LISTING_COLUMNS];
    size_t     count = 0;
    JsonIter   iter  = jtext_iter(jtext_get(entity, listing->list));
    JsonText   item;
    for (; count < LISTING_COLUMNS && listing->columns[count].heading != NULL; count++)
        columns[count] = (GridColumn){.heading = str_c(listing->columns[count].heading),
                                      .right   = listing->columns[count].field[0] == '#',
                                      .whole   = !is_long_text(listing->columns[count].field)};
    Grid *grid = grid_open(&shell->out, &shell->display, columns, count, false, false);
    while (jtext_next(&iter, NULL, &item)) {
        GridCell cells[LISTING_COLUMNS] = {0};
        for (size_t i = 0; i < count; i++)
            cells[i].text = listing_field(arena, item, listing->columns[i].field);
        grid_add(grid, cells);
    }
    shell_end_listing(shell, grid);
}

/* ---- types and fields ---- */

/* A schema object as SQL; depth bounds what strangers may nest. */
static void add_type(StrBuf *out, Arena *arena, JsonText schema, int depth)
{
    Str      type = jtext_field(arena, schema, "type"), name;
    JsonText field;
    JsonText parameters = jtext_get(schema, "parameters");
    strbuf_add(out, type);
    if (depth > 50)
        return;
    if (str_equal(type, STR_LIT("DECIMAL")) && parameters.kind == JTEXT_OBJECT)
        strbuf_addf(out, "(" STR_FMT ", " STR_FMT ")", STR_ARG(jtext_field(arena, parameters, "precision")),
                    STR_ARG(jtext_field(arena, parameters, "scale")));
    if (str_equal(type, STR_LIT("ARRAY")) || str_equal(type, STR_LIT("MAP"))) {
        strbuf_adds(out, type.len == 3 ? "<STRING, " : "<");
        add_type(out, arena, jtext_get(schema, "memberSchema"), depth + 1);
        strbuf_addc(out, '>');
    } else if (str_equal(type, STR_LIT("STRUCT"))) {
        JsonIter iter  = jtext_iter(jtext_get(schema, "fields"));
        bool     first = true;
        strbuf_addc(out, '<');
        for (; jtext_next(&iter, NULL, &field); first = false) {
            name = jtext_field(arena, field, "name");
            strbuf_addf(out, "%s" STR_FMT " ", first ? "" : ", ", STR_ARG(name));
            add_type(out, arena, jtext_get(field, "schema"), depth + 1);
        }
        strbuf_addc(out, '>');
    }
}

static Str field_type(Arena *arena, JsonText field, bool table, bool windowed)
{
    StrBuf out  = {0};
    Str    role = jtext_field(arena, field, "type"), header = jtext_field(arena, field, "headerKey");
    add_type(&out, arena, jtext_get(field, "schema"), 0);
    if (str_equal(role, STR_LIT("KEY")))
        strbuf_adds(&out, table ? " (primary key)" : " (key)");
    else if (str_equal(role, STR_LIT("HEADER")) && header.len > 0)
        strbuf_addf(&out, " (header('" STR_FMT "'))", STR_ARG(header));
    else if (str_equal(role, STR_LIT("HEADER")))
        strbuf_adds(&out, " (headers)");
    if (str_equal(role, STR_LIT("KEY")) && windowed)
        strbuf_adds(&out, " (window)");
    Str text = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

static void print_fields(Shell *shell, JsonText description, bool table, Arena *arena)
{
    static const GridColumn columns[] = {{.heading = {"Field", 5}, .whole = true}, {.heading = {"Type", 4}}};
    JsonIter                iter      = jtext_iter(jtext_get(description, "fields"));
    JsonText                field;
    bool                    windowed = jtext_get(description, "windowType").kind == JTEXT_STRING;
    Grid                   *grid     = grid_open(&shell->out, &shell->display, columns, 2, false, false);
    while (jtext_next(&iter, NULL, &field)) {
        GridCell cells[2] = {{.text = jtext_field(arena, field, "name")},
                             {.text = field_type(arena, field, table, windowed)}};
        grid_add(grid, cells);
    }
    grid_close(grid);
}

/* Lines `Label : value` for the fields that hold something. */
typedef struct {
    const char *label, *field;
} Label;

static void print_labels(Shell *shell, JsonText object, const Label *labels, size_t count, Arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        Str value = listing_field(arena, object, labels[i].field);
        if (value.len > 0)
            out_printf(&shell->out, "%-20s : " STR_FMT "\n", labels[i].label, STR_ARG(value));
    }
}

static void print_queries(Shell *shell, JsonText queries, const char *title, Arena *arena)
{
    JsonIter iter = jtext_iter(queries);
    JsonText query;
    if (jtext_count(queries) == 0)
        return;
    out_printf(&shell->out, "\n%s\n", title);
    while (jtext_next(&iter, NULL, &query))
        out_printf(&shell->out, "  " STR_FMT " (" STR_FMT ") : " STR_FMT "\n",
                   STR_ARG(jtext_field(arena, query, "id")), STR_ARG(jtext_field(arena, query, "state")),
                   STR_ARG(jtext_field(arena, query, "queryString")));
}

static void print_source(Shell *shell, JsonText source, Arena *arena)
{
    static const Label extended[] = {
        {"Type", "type"},
        {"Timestamp field", "timestamp"},
        {"Key format", "keyFormat"},
        {"Value format", "valueFormat"},
        {"Kafka topic", "topic"},
        {"Partitions", "partitions"},
        {"Replication", "replication"},
        {"Statement", "statement"},
        {"Statistics", "statistics"},
        {"Errors", "errorStats"},
    };
    bool table = str_equal(jtext_field(arena, source, "type"), STR_LIT("TABLE"));
    bool tsv   = display_form(&shell->display, &shell->out) != FORM_TABULAR;
    if (!tsv)
        out_printf(&shell->out, "\n%-20s : " STR_FMT "\n", "Name",
                   STR_ARG(jtext_field(arena, source, "name")));
    if (jtext_is_true(jtext_get(source, "extended")))
        print_labels(shell, source, extended, ARRAY_LEN(extended), arena);
    print_fields(shell, source, table, arena);
    if (tsv)
        return;
    print_queries(shell, jtext_get(source, "readQueries"), "Queries that read from this source", arena);
    print_queries(shell, jtext_get(source, "writeQueries"), "Queries that write to this source", arena);
}

static void print_source_description(Shell *shell, JsonText entity, Arena *arena)
{
    print_source(shell, jtext_get(entity, "sourceDescription"), arena);
}

static void print_source_descriptions(Shell *shell, JsonText entity, Arena *arena)
{
    JsonIter iter = jtext_iter(jtext_get(entity, "sourceDescriptions"));
    JsonText source;
    while (jtext_next(&iter, NULL, &source))
        print_source(shell, source, arena);
}

/* The last errors of a query, the newest below, as `2026-01-31T12:00:00.000 SYSTEM: what happened`. One that
 * the query never ran for has no time. */
static void print_errors(Shell *shell, JsonText errors, Arena *arena)
{
    enum { LAST = 3 };
    size_t   count = jtext_count(errors), at = 0;
    JsonIter iter = jtext_iter(errors);
    JsonText error;
    for (; jtext_next(&iter, NULL, &error); at++) {
        char    time[40] = "";
        int64_t ms       = 0;
        if (at + LAST < count)
            continue;
        if (int64_parse(jtext_field(arena, error, "timestamp"), &ms) && ms > 0)
            timestamp_print(ms, time);
        out_printf(&shell->out, "%-20s : %s%s" STR_FMT ": " STR_FMT "\n", "Error", time,
                   time[0] != '\0' ? " UTC " : "", STR_ARG(jtext_field(arena, error, "type")),
                   STR_ARG(width_clean(arena, str_trim(jtext_field(arena, error, "errorMessage")))));
    }
    if (count > LAST)
        out_printf(&shell->out, "%-20s : %zu more before these\n", "Errors", count - LAST);
}

static void print_query(Shell *shell, JsonText query, Arena *arena)
{
    static const Label labels[] = {{"ID", "id"},
                                   {"Query type", "queryType"},
                                   {"Status", "state"},
                                   {"SQL", "statementText"},
                                   {"Sources", ",sources"},
                                   {"Sinks", ",sinks"}};
    print_labels(shell, query, labels, ARRAY_LEN(labels), arena);
    print_errors(shell, jtext_get(query, "queryErrors"), arena);
    print_fields(shell, query, false, arena);
    Str plan = jtext_field(arena, query, "executionPlan"), topology = jtext_field(arena, query, "topology");
    if (plan.len > 0)
        out_printf(&shell->out, "\nExecution plan\n--------------\n" STR_FMT "\n", STR_ARG(plan));
    if (topology.len > 0)
        out_printf(&shell->out, "\nTopology\n--------\n" STR_FMT "\n", STR_ARG(topology));
}

static void print_query_description(Shell *shell, JsonText entity, Arena *arena)
{
    print_query(shell, jtext_get(entity, "queryDescription"), arena);
}

static void print_query_descriptions(Shell *shell, JsonText entity, Arena *arena)
{
    JsonIter iter = jtext_iter(jtext_get(entity, "queryDescriptions"));
    JsonText query;
    while (jtext_next(&iter, NULL, &query))
        print_query(shell, query, arena);
}

/* ---- the rest ---- */

static void print_function(Shell *shell, JsonText entity, Arena *arena)
{
    static const Label labels[] = {{"Name", "name"},
                                   {"Author", "author"},
                                   {"Version", "version"},
                                   {"Overview", "description"},
                                   {"Type", "type"}};
    JsonIter           iter     = jtext_iter(jtext_get(entity, "functions"));
    JsonText           variant, argument;
    print_labels(shell, entity, labels, ARRAY_LEN(labels), arena);
    out_printf(&shell->out, "Variations           :\n");
    while (jtext_next(&iter, NULL, &variant)) {
        JsonIter arguments = jtext_iter(jtext_get(variant, "arguments"));
        out_printf(&shell->out, "\n  " STR_FMT "(", STR_ARG(jtext_field(arena, entity, "name")));
        for (bool first = true; jtext_next(&arguments, NULL, &argument); first = false)
            out_printf(&shell->out, "%s" STR_FMT " " STR_FMT "%s", first ? "" : ", ",
                       STR_ARG(jtext_field(arena, argument, "name")),
                       STR_ARG(jtext_field(arena, argument, "type")),
                       jtext_is_true(jtext_get(argument, "isVariadic")) ? "..." : "");
        out_printf(&shell->out, ") -> " STR_FMT "\n", STR_ARG(jtext_field(arena, variant, "returnType")));
        Str about = jtext_field(arena, variant, "description");
        if (about.len > 0)
            out_printf(&shell->out, "  " STR_FMT "\n", STR_ARG(about));
    }
}

static void print_types(Shell *shell, JsonText entity, Arena *arena)
{
    static const GridColumn columns[] = {{.heading = {"Type Name", 9}, .whole = true},
                                         {.heading = {"Schema", 6}}};
    JsonIter                iter      = jtext_iter(jtext_get(entity, "types"));
    JsonText                schema;
    Str                     name = STR_NULL;
    Grid                   *grid = grid_open(&shell->out, &shell->display, columns, 2, false, false);
    while (jtext_next(&iter, &name, &schema)) {
        StrBuf text = {0};
        add_type(&text, arena, schema, 0);
        GridCell cells[2] = {{.text = name}, {.text = strbuf_str(&text)}};
        grid_add(grid, cells);
        strbuf_clear(&text);
    }
    shell_end_listing(shell, grid);
}

/* What this session has SET stands beside what the server says. */
static void print_properties(Shell *shell, JsonText entity, Arena *arena)
{
    static const GridColumn columns[] = {{.heading = {"Property", 8}, .whole = true},
                                         {.heading = {"Scope", 5}},
                                         {.heading = {"Override", 8}},
                                         {.heading = {"Effective Value", 15}}};
    JsonIter                iter      = jtext_iter(jtext_get(entity, "properties"));
    JsonText                property;
    Grid                   *grid = grid_open(&shell->out, &shell->display, columns, 4, false, false);
    while (jtext_next(&iter, NULL, &property)) {
        Str         name = jtext_field(arena, property, "name"), prefix = STR_LIT("ksql.streams.");
        const char *local = pairs_get(&shell->properties, name);
        if (local == NULL && str_starts_with(name, prefix))
            local = pairs_get(&shell->properties, str_n(name.ptr + prefix.len, name.len - prefix.len));
        GridCell cells[4] = {{.text = name},
                             {.text = jtext_field(arena, property, "scope")},
                             {.text = local != NULL ? STR_LIT("SESSION") : STR_LIT("")},
                             {.text = local != NULL ? str_c(local) : jtext_field(arena, property, "value")}};
        grid_add(grid, cells);
    }
    shell_end_listing(shell, grid);
}

/* ---- connectors ---- */

static void print_connector(Shell *shell, JsonText entity, Arena *arena)
{
    static const Label   labels[] = {{"Name", "name"}, {"Type", "type"}};
    static const Label   inner[]  = {{"State", "state"}, {"WorkerId", "worker_id"}, {"Trace", "trace"}};
    static const Listing parts[]  = {
         {"", "tasks", {{"Task ID", "id"}, {"State", "state"}, {"Error Trace", "trace"}}},
         {"", "sources", {{"KSQL Source Name", "name"}, {"Kafka Topic", "topic"}, {"Type", "type"}}},
         {"", "topics", {{"Related Topics", ""}}},
    };
    JsonText status = jtext_get(entity, "status");
    print_labels(shell, status, labels, 1, arena);
    out_printf(&shell->out, "%-20s : " STR_FMT "\n", "Class",
               STR_ARG(jtext_field(arena, entity, "connectorClass")));
    print_labels(shell, status, labels + 1, 1, arena);
    print_labels(shell, jtext_get(status, "connector"), inner, ARRAY_LEN(inner), arena);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        JsonText holder = i == 0 ? status : entity;
        if (jtext_count(jtext_get(holder, parts[i].list)) == 0)
            continue;
        out_printf(&shell->out, "\n");
        print_listing(shell, &parts[i], holder, arena);
    }
}

static void print_message(Shell *shell, Str message)
{
    if (!shell->display.quiet)
        out_printf(&shell->out, STR_FMT "\n", STR_ARG(message));
}

static void print_status(Shell *shell, JsonText entity, Arena *arena)
{
    print_message(shell, jtext_text(arena, jtext_get2(entity, "commandStatus", "message")));
}

static void print_plain_message(Shell *shell, JsonText entity, Arena *arena)
{
    print_message(shell, jtext_field(arena, entity, "message"));
}

static void print_terminated(Shell *shell, JsonText entity, Arena *arena)
{
    print_message(shell, jtext_is_true(jtext_get(entity, "wasTerminated"))
                             ? STR_LIT("Query terminated.")
                             : STR_LIT("The query was not running."));
}

static const char *asserted(JsonText entity)
{
    return jtext_is_true(jtext_get(entity, "exists")) ? " exists" : " does not exist";
}

static void print_asserted_topic(Shell *shell, JsonText entity, Arena *arena)
{
    Str topic = jtext_field(arena, entity, "topicName");
    out_printf(&shell->out, "Topic " STR_FMT "%s\n", STR_ARG(topic), asserted(entity));
}

/* A schema is known by its subject, its id or both, and called as errors call it. */
static void print_asserted_schema(Shell *shell, JsonText entity, Arena *arena)
{
    Str subject = jtext_field(arena, entity, "subject"), id = jtext_field(arena, entity, "id");
    out_printf(&shell->out, "Schema");
    if (subject.len > 0)
        out_printf(&shell->out, " " STR_FMT, STR_ARG(subject));
    if (id.len > 0)
        out_printf(&shell->out, " id " STR_FMT, STR_ARG(id));
    out_printf(&shell->out, "%s\n", asserted(entity));
}

static void print_created_connector(Shell *shell, JsonText entity, Arena *arena)
{
    Str name = jtext_text(arena, jtext_get2(entity, "info", "name"));
    print_message(shell, str_printf(arena, "Created connector " STR_FMT, STR_ARG(name)));
}

static void print_dropped_connector(Shell *shell, JsonText entity, Arena *arena)
{
    Str name = jtext_field(arena, entity, "connectorName");
    print_message(shell, str_printf(arena, "Dropped connector \"" STR_FMT "\"", STR_ARG(name)));
}

static const struct {
    const char *type;
    void (*print)(Shell *shell, JsonText entity, Arena *arena);
} printers[] = {
    {"connector_info", print_created_connector},
    {"drop_connector", print_dropped_connector},
    {"connector_description", print_connector},
    {"currentStatus", print_status},
    {"warning_entity", print_plain_message},
    {"terminate_query", print_terminated},
    {"sourceDescription", print_source_description},
    {"source_descriptions", print_source_descriptions},
    {"queryDescription", print_query_description},
    {"query_descriptions", print_query_descriptions},
    {"describe_function", print_function},
    {"type_list", print_types},
    {"properties", print_properties},
    {"assert_topic", print_asserted_topic},
    {"assert_schema", print_asserted_schema},
};

static void print_warnings(Shell *shell, JsonText entity, Arena *arena)
{
    JsonIter iter = jtext_iter(jtext_get(entity, "warnings"));
    JsonText warning;
    while (jtext_next(&iter, NULL, &warning))
        out_error(&shell->out, "WARNING: " STR_FMT, STR_ARG(jtext_field(arena, warning, "message")));
}

static void print_json(Shell *shell, JsonText entity, bool pretty)
{
    StrBuf text = {0};
    if (pretty)
        jtext_pretty(&text, entity);
    else
        strbuf_add(&text, entity.raw);
    strbuf_addc(&text, '\n');
    out_write(&shell->out, strbuf_str(&text));
    strbuf_clear(&text);
}

static void print_by_type(Shell *shell, JsonText entity, Arena *arena)
{
    Str type = jtext_field(arena, entity, "@type");
    for (size_t i = 0; i < ARRAY_LEN(listings); i++)
        if (str_equal(type, str_c(listings[i].type))) {
            print_listing(shell, &listings[i], entity, arena);
            return;
        }
    for (size_t i = 0; i < ARRAY_LEN(printers); i++)
        if (str_equal(type, str_c(printers[i].type))) {
            printers[i].print(shell, entity, arena);
            return;
        }
    print_json(shell, entity, true);
}

void shell_print_entity(Shell *shell, JsonText entity)
{
    Arena *arena = arena_new(SIZE_MAX);
    Form   form  = display_form(&shell->display, &shell->out);
    print_warnings(shell, entity, arena);
    if (form == FORM_JSON || form == FORM_JSONL)
        print_json(shell, entity, form == FORM_JSON);
    else
        print_by_type(shell, entity, arena);
    arena_free(arena);
}
