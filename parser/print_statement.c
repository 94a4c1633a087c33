/*
 * print_statement.c - the canonical text of statements, and the same with secrets masked (sql.md 1.5): the
 * values of an INSERT and the properties of a connector, except its class, may be passwords and must not
 * reach a log.
 */
#include "core/privilege.h"
#include "core/statements.h"
#include "parser/lexer.h"
#include "parser/print.h"

static const char *const show_words[] = {
    [SHOW_PROPERTIES]        = "PROPERTIES",
    [SHOW_TOPICS]            = "TOPICS",
    [SHOW_STREAMS]           = "STREAMS",
    [SHOW_TABLES]            = "TABLES",
    [SHOW_FUNCTIONS]         = "FUNCTIONS",
    [SHOW_CONNECTORS]        = "CONNECTORS",
    [SHOW_CONNECTOR_PLUGINS] = "CONNECTOR PLUGINS",
    [SHOW_TYPES]             = "TYPES",
    [SHOW_VARIABLES]         = "VARIABLES",
    [SHOW_QUERIES]           = "QUERIES",
    [SHOW_GRANTS]            = "GRANTS",
};

static void add(Printer *printer, bool wanted, const char *text)
{
    if (wanted)
        strbuf_adds(printer->out, text);
}

static const char *kind_word(const AstStatement *statement)
{
    return statement->is_table ? "TABLE" : "STREAM";
}

/* The words of its row, which has no alternatives. */
static void print_verb(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "%s ", statement_texts[statement->kind].words);
}

/* Topics and subjects are not folded: bare when they are one token, else a string. */
static void print_resource(Printer *printer, Str name)
{
    if (lexer_is_identifier(name) && lexer_classify(name, NULL) == WORD_PLAIN)
        strbuf_add(printer->out, name);
    else
        print_string(printer, name);
}

static void print_property_name(Printer *printer, Str name)
{
    StrBuf quoted = {0};
    ast_print_name(name, &quoted);
    if (quoted.len > 0 && quoted.ptr[0] != '`')
        strbuf_add(printer->out, name);
    else
        print_string(printer, name);
    strbuf_clear(&quoted);
}

static void print_properties(Printer *printer, const AstStatement *statement)
{
    bool connector = statement->kind == STMT_CREATE_CONNECTOR;
    if (statement->property_count == 0)
        return;
    strbuf_adds(printer->out, " WITH (");
    for (size_t i = 0; i < statement->property_count; i++) {
        const AstProperty *property = &statement->properties[i];
        add(printer, i > 0, ", ");
        print_property_name(printer, property->name.text);
        strbuf_addc(printer->out, '=');
        if (printer->mask && connector && !str_equal_nocase(property->name.text, STR_LIT("connector.class")))
            strbuf_adds(printer->out, "'[string]'");
        else
            print_expr(printer, property->value);
    }
    strbuf_addc(printer->out, ')');
}

static void print_element(Printer *printer, const AstElement *element)
{
    print_name(printer, element->name.text);
    strbuf_addc(printer->out, ' ');
    print_type(printer, element->type);
    switch (element->kind) {
    case ELEMENT_VALUE:
        break;
    case ELEMENT_KEY:
        strbuf_adds(printer->out, " KEY");
        break;
    case ELEMENT_PRIMARY_KEY:
        strbuf_adds(printer->out, " PRIMARY KEY");
        break;
    case ELEMENT_HEADERS:
        strbuf_adds(printer->out, " HEADERS");
        break;
    case ELEMENT_HEADER:
        strbuf_adds(printer->out, " HEADER(");
        print_string(printer, element->header_key);
        strbuf_addc(printer->out, ')');
        break;
    }
}

static void print_elements(Printer *printer, const AstStatement *statement)
{
    if (statement->element_count == 0)
        return;
    strbuf_adds(printer->out, " (");
    for (size_t i = 0; i < statement->element_count; i++) {
        add(printer, i > 0, ", ");
        print_element(printer, &statement->elements[i]);
    }
    strbuf_addc(printer->out, ')');
}

static void print_create(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, "CREATE ");
    add(printer, statement->or_replace, "OR REPLACE ");
    add(printer, statement->source_keyword, "SOURCE ");
    strbuf_addf(printer->out, "%s ", kind_word(statement));
    add(printer, statement->if_not_exists, "IF NOT EXISTS ");
    print_name(printer, statement->name.text);
    print_elements(printer, statement);
    print_properties(printer, statement);
    if (statement->kind == STMT_CREATE_AS) {
        strbuf_adds(printer->out, " AS ");
        print_query(printer, statement->query);
    }
}

static void print_alter(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "ALTER %s ", kind_word(statement));
    print_name(printer, statement->name.text);
    for (size_t i = 0; i < statement->element_count; i++) {
        strbuf_adds(printer->out, i > 0 ? ", ADD COLUMN " : " ADD COLUMN ");
        print_element(printer, &statement->elements[i]);
    }
}

static void print_columns(Printer *printer, const AstStatement *statement)
{
    if (statement->columns == NULL)
        return;
    strbuf_adds(printer->out, " (");
    print_names(printer, statement->columns, statement->column_count);
    strbuf_addc(printer->out, ')');
}

static void print_values(Printer *printer, const AstStatement *statement, const char *verb, const char *word)
{
    strbuf_adds(printer->out, verb);
    print_name(printer, statement->name.text);
    print_columns(printer, statement);
    strbuf_addf(printer->out, " %s (", word);
    for (size_t i = 0; i < statement->value_count; i++) {
        add(printer, i > 0, ", ");
        if (printer->mask)
            strbuf_adds(printer->out, "'[value]'");
        else
            print_expr(printer, statement->values[i]);
    }
    strbuf_addc(printer->out, ')');
}

static void print_connector(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "CREATE %s CONNECTOR ", statement->connector_sink ? "SINK" : "SOURCE");
    add(printer, statement->if_not_exists, "IF NOT EXISTS ");
    print_name(printer, statement->name.text);
    print_properties(printer, statement);
}

static void print_show(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, "SHOW ");
    add(printer, statement->all, "ALL ");
    add(printer, statement->connector_source, "SOURCE ");
    add(printer, statement->connector_sink, "SINK ");
    strbuf_adds(printer->out, show_words[statement->show]);
    add(printer, statement->extended, " EXTENDED");
}

static void print_topic(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, "PRINT ");
    print_resource(printer, statement->name.text);
    add(printer, statement->from_beginning, " FROM BEGINNING");
    if (statement->has_interval)
        strbuf_addf(printer->out, " INTERVAL %lld", (long long)statement->interval);
    if (statement->has_limit)
        strbuf_addf(printer->out, " LIMIT %lld", (long long)statement->limit);
}

static void print_assert(Printer *printer, const AstStatement *statement)
{
    add(printer, true, statement->not_exists ? "ASSERT NOT EXISTS " : "ASSERT ");
    if (statement->kind == STMT_ASSERT_TOPIC) {
        strbuf_adds(printer->out, "TOPIC ");
        print_resource(printer, statement->name.text);
        print_properties(printer, statement);
    } else {
        strbuf_adds(printer->out, "SCHEMA");
        if (statement->has_subject) {
            strbuf_adds(printer->out, " SUBJECT ");
            print_resource(printer, statement->name.text);
        }
        if (statement->has_id) {
            strbuf_adds(printer->out, " ID ");
            print_expr(printer, statement->id);
        }
    }
    if (statement->has_timeout) {
        strbuf_adds(printer->out, " TIMEOUT ");
        print_span(printer, &statement->timeout);
    }
}

/* VERB 'key'='value' with either part missing. */
static void print_setting(Printer *printer, const AstStatement *statement)
{
    bool variable = statement->kind == STMT_DEFINE || statement->kind == STMT_UNDEFINE;
    print_verb(printer, statement);
    if (variable)
        strbuf_add(printer->out, statement->key);
    else if (!str_is_null(statement->key))
        print_string(printer, statement->key);
    if (str_is_null(statement->value))
        return;
    add(printer, !str_is_null(statement->key), variable ? " = " : "=");
    print_string(printer, statement->value);
}

static void print_named(Printer *printer, const AstStatement *statement)
{
    add(printer, statement->if_exists, "IF EXISTS ");
    if (statement->all)
        strbuf_adds(printer->out, "ALL");
    else
        print_name(printer, statement->name.text);
    add(printer, statement->extended, " EXTENDED");
    add(printer, statement->delete_topic, " DELETE TOPIC");
}

/* VERB [IF EXISTS] name ... for statements that are little more than a name. */
static void print_about(Printer *printer, const AstStatement *statement)
{
    print_verb(printer, statement);
    print_named(printer, statement);
}

/* GRANT ... TO, REVOKE ... FROM. */
static void print_grant(Printer *printer, const AstStatement *statement)
{
    print_verb(printer, statement);
    privileges_print(statement->privileges, printer->out);
    strbuf_adds(printer->out, " ON ");
    print_named(printer, statement);
    strbuf_adds(printer->out, statement->kind == STMT_GRANT ? " TO " : " FROM ");
    add(printer, statement->to_user, "USER ");
    print_resource(printer, statement->grantee.text);
}

static void print_statement(Printer *printer, const AstStatement *statement);

static void print_explain(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, statement->analyze ? "EXPLAIN ANALYZE QUERY " : "EXPLAIN ");
    if (!str_is_null(statement->form.text)) {
        strbuf_adds(printer->out, "(FORMAT ");
        print_name(printer, statement->form.text);
        strbuf_adds(printer->out, ") ");
    }
    if (statement->explained != NULL)
        print_statement(printer, statement->explained);
    else
        print_name(printer, statement->name.text);
}

static void print_insert_into(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, "INSERT INTO ");
    print_name(printer, statement->name.text);
    print_properties(printer, statement);
    strbuf_addc(printer->out, ' ');
    print_query(printer, statement->query);
}

static void print_create_type(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, "CREATE TYPE ");
    add(printer, statement->if_not_exists, "IF NOT EXISTS ");
    print_name(printer, statement->name.text);
    strbuf_adds(printer->out, " AS ");
    print_type(printer, statement->type);
}

static void print_returns(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, " RETURNS ");
    if (statement->function != FUNCTION_TABLE) {
        print_type(printer, statement->type);
        return;
    }
    strbuf_adds(printer->out, "TABLE (");
    for (size_t i = 0; i < statement->type->field_count; i++) {
        add(printer, i > 0, ", ");
        print_name(printer, statement->type->fields[i].name.text);
        strbuf_addc(printer->out, ' ');
        print_type(printer, statement->type->fields[i].type);
    }
    strbuf_addc(printer->out, ')');
}

static void print_create_function(Printer *printer, const AstStatement *statement)
{
    strbuf_adds(printer->out, statement->or_replace ? "CREATE OR REPLACE " : "CREATE ");
    add(printer, statement->function == FUNCTION_AGGREGATE, "AGGREGATE ");
    strbuf_adds(printer->out, "FUNCTION ");
    print_name(printer, statement->name.text);
    if (statement->element_count == 0)
        strbuf_adds(printer->out, " ()");
    print_elements(printer, statement);
    print_returns(printer, statement);
    if (statement->state != NULL) {
        strbuf_adds(printer->out, " STATE ");
        print_type(printer, statement->state);
    }
    strbuf_adds(printer->out, " LANGUAGE ");
    print_name(printer, statement->key);
    add(printer, (statement->promises & PROMISE_DETERMINISTIC) != 0, " DETERMINISTIC");
    add(printer, (statement->promises & PROMISE_STRICT) != 0, " STRICT");
    strbuf_addf(printer->out, " AS $$" STR_FMT "$$", STR_ARG(statement->value));
}

static void print_assert_source(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "ASSERT %s ", kind_word(statement));
    print_name(printer, statement->name.text);
    print_elements(printer, statement);
    print_properties(printer, statement);
}

static void print_describe_sources(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "DESCRIBE %sS", kind_word(statement));
    add(printer, statement->extended, " EXTENDED");
}

static void print_bare_query(Printer *printer, const AstStatement *statement)
{
    print_query(printer, statement->query);
}

static void print_insert_values(Printer *printer, const AstStatement *statement)
{
    print_values(printer, statement, "INSERT INTO ", "VALUES");
}

static void print_assert_values(Printer *printer, const AstStatement *statement)
{
    print_values(printer, statement, "ASSERT VALUES ", "VALUES");
}

static void print_assert_null(Printer *printer, const AstStatement *statement)
{
    print_values(printer, statement, "ASSERT NULL VALUES ", "KEY");
}

static void print_drop_source(Printer *printer, const AstStatement *statement)
{
    strbuf_addf(printer->out, "DROP %s ", kind_word(statement));
    print_named(printer, statement);
}

static void (*const printers[])(Printer *printer, const AstStatement *statement) = {
#define STATEMENT(kind, words, handler, changes, print, syntax, example) [kind] = print,
#define STATEMENT_ELSEWHERE(kind, words, place, print, syntax, example) [kind] = print,
#include "core/statements.def"
#undef STATEMENT
#undef STATEMENT_ELSEWHERE
};

static void print_statement(Printer *printer, const AstStatement *statement)
{
    printers[statement->kind](printer, statement);
}

void ast_print_statement(const AstStatement *statement, StrBuf *out)
{
    Printer printer = {.out = out};
    print_statement(&printer, statement);
    strbuf_addc(out, ';');
}

void ast_print_masked(const AstStatement *statement, StrBuf *out)
{
    Printer printer = {.out = out, .mask = true};
    print_statement(&printer, statement);
    strbuf_addc(out, ';');
}
