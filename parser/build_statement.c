/*
 * build_statement.c - nodes of queries and statements, and the rules that hold while they are built
 * (sql.md 6.1, "AST build").
 */
#include "parser/parse_state.h"

/* ---- queries ---- */

AstSelectItem *build_item(ParseState *state, AstSelectKind kind, Pos pos, AstExpr *expr)
{
    AstSelectItem *item = ARENA_NEW(state->arena, AstSelectItem);
    item->kind          = kind;
    item->pos           = pos;
    item->expr          = expr;
    return item;
}

AstSource build_source(ParseState *state, AstName name, AstName alias)
{
    build_add_name(&state->source_names, name);
    build_add_name(&state->source_names, alias);
    return (AstSource){name, alias};
}

/* Joins are collected behind the query (see build_query) as pointers in a Vec of their own. */
typedef struct {
    AstQuery query; /* first, so that a pointer to it converts */
    Vec      joins;
} Relation;

AstQuery *build_relation(ParseState *state, AstSource from)
{
    Relation *relation    = ARENA_NEW(state->arena, Relation);
    relation->query.from  = from;
    relation->joins.arena = state->arena;
    return &relation->query;
}

AstJoin *build_within(ParseState *state, const AstSpan *before, const AstSpan *after, const AstSpan *grace)
{
    AstJoin *join = ARENA_NEW(state->arena, AstJoin);
    if (before != NULL) {
        join->has_within = true;
        join->before     = *before;
        join->after      = *after;
    }
    if (grace != NULL) {
        join->has_grace = true;
        join->grace     = *grace;
    }
    return join;
}

void build_add_join(ParseState *state, AstQuery *query, AstJoinKind kind, AstSource source, AstJoin *within,
                    Pos pos, AstExpr *on)
{
    within->kind   = kind;
    within->source = source;
    within->pos    = pos;
    within->on     = on;
    vec_add(&((Relation *)query)->joins, within);
}

AstQuery *build_query(ParseState *state, const Token *select, AstQuery *relation, Vec *items)
{
    const Vec *joins     = &((Relation *)relation)->joins;
    state->select        = *select;
    relation->pos        = select->pos;
    relation->joins      = ARENA_ARRAY(state->arena, AstJoin, joins->count);
    relation->join_count = joins->count;
    for (size_t i = 0; i < joins->count; i++)
        relation->joins[i] = *(const AstJoin *)joins->items[i];
    relation->items      = ARENA_ARRAY(state->arena, AstSelectItem, items->count);
    relation->item_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        relation->items[i] = *(const AstSelectItem *)items->items[i];
    return relation;
}

Vec *build_keys(ParseState *state, Pos pos, const char *clause, Vec *keys)
{
    if (keys->count == 0)
        parse_note_prepare(state, pos, "%s requires at least one expression", clause);
    return keys;
}

void build_set_keys(AstQuery *query, Vec *group_by, Vec *partition_by)
{
    if (group_by != NULL) {
        query->has_group_by = true;
        query->group_by     = (const AstExpr **)group_by->items;
        query->group_count  = group_by->count;
    }
    if (partition_by != NULL) {
        query->has_partition_by = true;
        query->partition_by     = (const AstExpr **)partition_by->items;
        query->partition_count  = partition_by->count;
    }
}

void build_set_limit(ParseState *state, AstQuery *query, const Token *limit)
{
    if (limit->id == 0)
        return;
    query->has_limit = true;
    query->limit     = build_integer(state, limit, "LIMIT");
}

/* ---- statements ---- */

/* Until the statement is complete (build_script_add), text.len holds where it starts in the source. */
AstStatement *build_statement(ParseState *state, AstStatementKind kind, const Token *first)
{
    AstStatement *statement = ARENA_NEW(state->arena, AstStatement);
    statement->kind         = kind;
    statement->pos          = first->pos;
    statement->text.len     = first->at;
    return statement;
}

AstStatement *build_query_statement(ParseState *state, AstQuery *query)
{
    AstStatement *statement = build_statement(state, STMT_QUERY, &state->select);
    statement->query        = query;
    return statement;
}

AstStatement *build_named(ParseState *state, AstStatementKind kind, const Token *first, AstName name)
{
    AstStatement *statement = build_statement(state, kind, first);
    statement->name         = name;
    return statement;
}

AstStatement *build_show(ParseState *state, const Token *first, AstShowKind show, bool extended)
{
    AstStatement *statement = build_statement(state, STMT_SHOW, first);
    statement->show         = show;
    statement->extended     = extended;
    return statement;
}

AstStatement *build_setting(ParseState *state, AstStatementKind kind, const Token *first, const Token *key,
                            const Token *value)
{
    AstStatement *statement = build_statement(state, kind, first);
    if (key != NULL)
        statement->key = key->id == TK_STRING ? build_contents(state, key) : key->text;
    if (value != NULL)
        statement->value = build_contents(state, value);
    return statement;
}

AstStatement *build_explain(ParseState *state, const Token *first, AstStatement *explained)
{
    AstStatement *statement = build_statement(state, STMT_EXPLAIN, first);
    statement->explained    = explained;
    unsigned depth          = 1;
    for (const AstStatement *inner = explained; inner != NULL && depth <= AST_MAX_DEPTH;
         inner                     = inner->explained)
        depth++;
    if (depth > AST_MAX_DEPTH)
        parse_too_deep(state);
    return statement;
}

AstStatement *build_explain_as(ParseState *state, AstStatement *statement, AstName option, AstName form)
{
    if (!str_equal_nocase(option.text, STR_LIT("FORMAT")))
        parse_note(state, option.pos,
                   "EXPLAIN takes (FORMAT TEXT), (FORMAT JSON) or (FORMAT DOT), not (" STR_FMT ")",
                   STR_ARG(option.text));
    statement->form = form;
    return statement;
}

AstStatement *build_grant(ParseState *state, AstStatementKind what, const Token *first, unsigned privileges,
                          AstName object, const AstName *kind, AstName grantee)
{
    AstStatement *statement = build_named(state, what, first, object);
    statement->all          = str_is_null(object.text);
    statement->privileges   = privileges;
    statement->grantee      = grantee;
    statement->to_user      = kind != NULL && str_equal_nocase(kind->text, STR_LIT("USER"));
    if (kind != NULL && !statement->to_user && !str_equal_nocase(kind->text, STR_LIT("ROLE")))
        parse_note(state, kind->pos, "Privileges are a ROLE's or a USER's, not a " STR_FMT "'s",
                   STR_ARG(kind->text));
    return statement;
}

AstProperty *build_property(ParseState *state, AstName name, AstExpr *value)
{
    AstProperty *property = ARENA_NEW(state->arena, AstProperty);
    property->name        = name;
    property->value       = value;
    return property;
}

static void set_properties(ParseState *state, AstStatement *statement, Vec *properties, bool fold)
{
    if (properties == NULL)
        return;
    statement->property_count = properties->count;
    statement->properties     = ARENA_ARRAY(state->arena, AstProperty, properties->count);
    for (size_t i = 0; i < properties->count; i++) {
        AstProperty *property = &statement->properties[i];
        *property             = *(const AstProperty *)properties->items[i];
        if (fold)
            property->name.text = str_upper(state->arena, property->name.text);
    }
}

void build_set_properties(ParseState *state, AstStatement *statement, Vec *properties)
{
    set_properties(state, statement, properties, true);
}

AstStatement *build_connector(ParseState *state, const Token *first, bool if_not_exists, AstName name,
                              Vec *properties)
{
    AstStatement *statement  = build_named(state, STMT_CREATE_CONNECTOR, first, name);
    statement->if_not_exists = if_not_exists;
    set_properties(state, statement, properties, false); /* Connect's own keys: `connector.class` */
    return statement;
}

AstElement *build_element(ParseState *state, AstElementKind kind, AstName name, AstType *type,
                          const Token *header_key)
{
    AstElement *element = ARENA_NEW(state->arena, AstElement);
    element->kind       = kind;
    element->name       = name;
    element->type       = type;
    if (header_key != NULL)
        element->header_key = build_contents(state, header_key);
    return element;
}

void build_set_elements(ParseState *state, AstStatement *statement, Vec *elements)
{
    if (elements == NULL)
        return;
    statement->element_count = elements->count;
    statement->elements      = ARENA_ARRAY(state->arena, AstElement, elements->count);
    for (size_t i = 0; i < elements->count; i++)
        statement->elements[i] = *(const AstElement *)elements->items[i];
}

/* Tables have PRIMARY KEYs, streams have KEYs. */
static void check_key(ParseState *state, const AstStatement *statement, const AstElement *element)
{
    if (element->kind != (statement->is_table ? ELEMENT_KEY : ELEMENT_PRIMARY_KEY))
        return;
    Pos pos = element->name.pos;
    parse_note(state, pos,
               "Line: %u, Col: %u: Column `" STR_FMT "` is a '%s' column: please use '%s' for %s.\n"
               "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
               "Streams have KEYs, which have no uniqueness or NON NULL constraints.",
               pos.line, pos.col, STR_ARG(element->name.text), statement->is_table ? "KEY" : "PRIMARY KEY",
               statement->is_table ? "PRIMARY KEY" : "KEY", statement->is_table ? "tables" : "streams");
}

void build_set_source(ParseState *state, AstStatement *statement, Vec *elements, Vec *properties)
{
    build_set_elements(state, statement, elements);
    for (size_t i = 0; i < statement->element_count; i++)
        check_key(state, statement, &statement->elements[i]);
    build_set_properties(state, statement, properties);
}

FunctionBody build_function_body(AstName language, unsigned promises, const Token *text)
{
    return (FunctionBody){language, promises, str_n(text->text.ptr + 2, text->text.len - 4)};
}

void build_set_function(ParseState *state, AstStatement *statement, AstFunctionKind kind, AstName name,
                        Vec *parameters, AstType *result, const FunctionBody *body)
{
    statement->kind     = STMT_CREATE_FUNCTION;
    statement->function = kind;
    statement->name     = name;
    statement->type     = result;
    statement->key      = body->language.text;
    statement->value    = body->text;
    statement->promises = body->promises;
    build_set_elements(state, statement, parameters);
    if (statement->source_keyword)
        parse_note(state, statement->pos, "A function is no SOURCE: CREATE [OR REPLACE] FUNCTION");
    for (size_t i = 0; i < statement->element_count; i++)
        if (statement->elements[i].kind != ELEMENT_VALUE)
            parse_note(state, statement->elements[i].name.pos,
                       "A function's parameter has a name and a type");
    if (kind != FUNCTION_SCALAR && (body->promises & PROMISE_DETERMINISTIC))
        parse_note(state, name.pos,
                   "DETERMINISTIC is for functions of one row, whose calls of constants are computed once; "
                   "an aggregate or table function is called for each row");
}

void build_set_query(ParseState *state, AstStatement *statement, const Token *as, Vec *properties,
                     AstQuery *query)
{
    if (statement->source_keyword) {
        parse_refuse_token(state, as); /* CREATE SOURCE STREAM x ends here */
        return;
    }
    statement->kind = STMT_CREATE_AS;
    build_set_properties(state, statement, properties);
    statement->query = query;
}

void build_set_values(ParseState *state, AstStatement *statement, Vec *columns, Vec *values)
{
    statement->value_count = values->count;
    statement->values      = (const AstExpr **)values->items;
    if (columns == NULL)
        return;
    statement->columns      = build_take_names(columns);
    statement->column_count = columns->count;
    if (columns->count != values->count)
        parse_note_prepare(state, statement->pos, "Expected number columns and values to match: %zu, %zu",
                           columns->count, values->count);
}

void build_set_print(ParseState *state, AstStatement *statement, const Token *interval, const Token *limit)
{
    if (interval->id != 0) {
        statement->has_interval = true;
        statement->interval     = build_integer(state, interval, "INTERVAL");
    }
    if (limit->id != 0) {
        statement->has_limit = true;
        statement->limit     = build_integer(state, limit, "LIMIT");
    }
}

void build_set_schema(ParseState *state, AstStatement *statement, AstName subject, AstExpr *id)
{
    statement->kind        = STMT_ASSERT_SCHEMA;
    statement->name        = subject;
    statement->has_subject = !str_is_null(subject.text);
    statement->has_id      = id != NULL;
    statement->id          = id;
    if (!statement->has_subject && !statement->has_id)
        parse_note_prepare(state, statement->pos,
                           "ASSERT SCHEMA statements much include a subject name or an id");
    if (id != NULL && id->kind != AST_INTEGER)
        parse_note_prepare(state, id->pos, "ID must be an integer");
}

void build_set_timeout(AstStatement *statement, const AstSpan *timeout)
{
    if (timeout == NULL)
        return;
    statement->has_timeout = true;
    statement->timeout     = *timeout;
}

/* The qualifier of every reference must name something in FROM, whatever else is wrong with it (sql.md 2.4).
 */
static void check_qualifiers(ParseState *state)
{
    for (size_t i = 0; i < state->qualifiers.count; i++) {
        const AstName *qualifier = state->qualifiers.items[i];
        bool           known     = false;
        for (size_t j = 0; j < state->source_names.count && !known; j++)
            known = str_equal(((const AstName *)state->source_names.items[j])->text, qualifier->text);
        if (!known) {
            parse_note_prepare(state, qualifier->pos,
                               "'" STR_FMT "' is not a valid stream/table name or alias.",
                               STR_ARG(qualifier->text));
            return;
        }
    }
}

/* A statement is complete: its text runs from its first token to the semicolon. */
void build_script_add(ParseState *state, AstStatement *statement, const Token *semicolon)
{
    check_qualifiers(state);
    state->qualifiers.count   = 0;
    state->source_names.count = 0;
    size_t end                = semicolon->at + semicolon->text.len;
    for (AstStatement *inner = statement; inner != NULL; inner = inner->explained)
        inner->text = str_trim(variables_edited(state, inner->text.len, end));
    state->edits.count = 0;
    vec_add(&state->statements, statement);
}
