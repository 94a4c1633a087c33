/*
 * stmt_drop.c - DROP and ALTER of streams and tables (sql.md 4.2, 4.3).
 */
#include "server/engine/access.h"
#include "server/engine/creation.h"
#include "server/engine/own_topics.h"
#include "server/statements/statements.h"

static bool reads(const QueryEntry *query, Str source)
{
    for (size_t i = 0; i < query->source_count; i++)
        if (str_equal(query->sources[i], source))
            return true;
    return false;
}

/* Names, "A, B"; of those that who asks may not see, their number. */
typedef struct {
    StrBuf text;
    size_t count, unseen;
} Names;

static void names_add(Names *names, bool visible, Str name)
{
    if (visible)
        strbuf_addf(&names->text, "%s" STR_FMT, names->text.len > 0 ? ", " : "", STR_ARG(name));
    names->unseen += !visible;
    names->count++;
}

static Str names_end(Names *names)
{
    if (names->unseen > 0)
        strbuf_addf(&names->text, "%s%zu that you may not see", names->text.len > 0 ? ", " : "",
                    names->unseen);
    return strbuf_str(&names->text);
}

static Status check_sources(Execution *x, const Source *source, Error *err)
{
    const Source **sources;
    size_t         count;
    Names          names = {0};
    Access         who   = access_of(x);
    catalog_sources(x->catalog, x->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < sources[i]->made_from_count; j++)
            if (str_equal(sources[i]->made_from[j], source->name)) {
                names_add(&names, access_sees(&who, sources[i]->name), sources[i]->name);
                break;
            }
    Status status = OK;
    Str    told   = names_end(&names);
    if (names.count > 0)
        status = error_set(err, E_PLAN, NO_POS,
                           "Cannot drop " STR_FMT
                           ".\nThe following streams and/or tables read from this source: [" STR_FMT
                           "].\nYou need to drop them before dropping " STR_FMT ".",
                           STR_ARG(source->name), STR_ARG(told), STR_ARG(source->name));
    strbuf_clear(&names.text);
    return status;
}

static Status check_queries(Execution *x, const Source *source, Error *err)
{
    const QueryEntry **queries;
    size_t             count;
    Names              readers = {0}, writers = {0};
    Access             who = access_of(x);
    catalog_queries(x->catalog, x->arena, &queries, &count);
    for (size_t i = 0; i < count; i++) {
        bool own = str_equal(queries[i]->id, source->query_id), seen = access_sees_query(&who, queries[i]);
        if (!own && reads(queries[i], source->name))
            names_add(&readers, seen, queries[i]->id);
        if (!own && str_equal(queries[i]->sink, source->name))
            names_add(&writers, seen, queries[i]->id);
    }
    Status status  = OK;
    Str    reading = names_end(&readers), writing = names_end(&writers);
    if (readers.count + writers.count > 0)
        status = error_set(err, E_PLAN, NO_POS,
                           "Cannot drop " STR_FMT ".\nThe following queries read from this source: [" STR_FMT
                           "].\nThe following queries write into this source: [" STR_FMT
                           "].\nYou need to terminate them before dropping " STR_FMT ".",
                           STR_ARG(source->name), STR_ARG(reading), STR_ARG(writing), STR_ARG(source->name));
    strbuf_clear(&readers.text);
    strbuf_clear(&writers.text);
    return status;
}

static Status check_topic_unused(Execution *x, const Source *source, Error *err)
{
    const Source **sources;
    size_t         count;
    Names          names = {0};
    if (source->read_only)
        return error_set(err, E_PLAN, NO_POS, "Cannot delete topic for read-only source: " STR_FMT,
                         STR_ARG(source->name));
    Access who = access_of(x);
    if (x->command == NULL)
        TRY(refuse_own_topic(x->session->overrides, source->topic, "delete", NO_POS, err));
    catalog_sources(x->catalog, x->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (sources[i] != source && str_equal(sources[i]->topic, source->topic))
            names_add(&names, access_sees(&who, sources[i]->name), sources[i]->name);
    Status status = OK;
    Str    told   = names_end(&names);
    if (names.count > 0)
        status =
            error_set(err, E_PLAN, NO_POS,
                      "Refusing to delete topic. Found other data sources (" STR_FMT ") using topic " STR_FMT,
                      STR_ARG(told), STR_ARG(source->topic));
    strbuf_clear(&names.text);
    return status;
}

static bool is_registered(const FormatSpec *format)
{
    return format->format != NULL && format_facts(format->format)->registry;
}

/* `registered`: which sides have schemas. With the topic goes what its records were written by; a registry
 * that is away keeps subjects that nobody needs, which is not worth a statement that fails half-way. */
static Status delete_topic(Execution *x, Str topic, const bool registered[2], Error *err)
{
    if (x->sandbox || x->command != NULL)
        return OK;
    x->carried_out = true;
    execution_leave_lock(x);
    engine_host(x->engine)->settle(engine_host(x->engine)); /* the query's last records are on their way */
    Status status = log_topic_delete(engine_log(x->engine), topic, err);
    execution_take_lock(x);
    for (int side = SIDE_KEY; side <= SIDE_VALUE; side++)
        if (registered[side] && (status == OK || status == E_NOT_FOUND))
            execution_forget_subject(x, registry_subject(x->arena, topic, side));
    if (status == E_NOT_FOUND) { /* gone already: what was asked for */
        error_clear(err);
        return OK;
    }
    return status;
}

static Status drop_missing(const AstStatement *statement, Execution *x, json_t **entity, Error *err)
{
    const char *kind = statement->is_table ? "Table" : "Stream";
    if (statement->if_exists) {
        Str message =
            str_printf(x->arena, "Source `" STR_FMT "` does not exist.", STR_ARG(statement->name.text));
        *entity = entity_warning(statement->text, str_to_c(x->arena, message));
        return OK;
    }
    error_set(err, E_PLAN, statement->name.pos, "%s " STR_FMT " does not exist.", kind,
              STR_ARG(statement->name.text));
    catalog_hint(x->catalog, statement->name.text, err);
    return E_PLAN;
}

Status stmt_drop_source(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const Source *source = catalog_source(x->catalog, statement->name.text);
    const char   *kind   = statement->is_table ? "table" : "stream";
    if (source == NULL)
        return drop_missing(statement, x, entity, err);
    if (source->is_table != statement->is_table)
        return error_set(err, E_PLAN, statement->pos,
                         "Incompatible data source type is %s, but statement was DROP %s",
                         source->is_table ? "table" : "stream", kind);
    TRY(check_sources(x, source, err));
    TRY(check_queries(x, source, err));
    if (statement->delete_topic)
        TRY(check_topic_unused(x, source, err));
    Str command = str_printf(x->arena, "%s/" STR_FMT "/drop", kind, STR_ARG(source->name));
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    Str  topic         = str_dup(x->arena, source->topic);
    bool registered[2] = {is_registered(&source->key_format), is_registered(&source->value_format)};
    if (!str_is_null(source->query_id)) {
        Str id = str_dup(x->arena, source->query_id);
        TRY(execution_stop(x, id, true, err));
        catalog_remove_query(x->catalog, id);
    }
    catalog_remove_source(x->catalog, statement->name.text);
    if (statement->delete_topic)
        TRY(delete_topic(x, topic, registered, err));
    Str message = str_printf(x->arena, "Source `" STR_FMT "` (topic: " STR_FMT ") was dropped.",
                             STR_ARG(statement->name.text), STR_ARG(topic));
    *entity     = entity_status(x, statement->text, command, str_to_c(x->arena, message), STR_NULL);
    return OK;
}

Status stmt_alter_source(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Planner planner = execution_planner(x, x->arena);
    Source *altered;
    TRY(plan_alter_source(&planner, statement, &altered, err));
    Str command = str_printf(x->arena, "%s/`" STR_FMT "`/alter", statement->is_table ? "table" : "stream",
                             STR_ARG(statement->name.text));
    Creation creation = {.kind = CREATION_ALTERED_SOURCE, .source = altered, .text = statement->text};
    return execution_create(x, &creation, statement, command, statement_text(statement, x->arena), entity,
                            err);
}
