/*
 * stmt_describe.c - DESCRIBE name, DESCRIBE STREAMS|TABLES (sql.md 4.7).
 */
#include "server/engine/access.h"
#include "server/statements/describe.h"
#include "server/statements/others.h"

Status stmt_describe_source(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (statement->extended)
        others_ask(x, true);
    const Source *source = catalog_source(x->catalog, statement->name.text);
    if (source == NULL) {
        error_set(err, E_PLAN, statement->name.pos,
                  "Could not find STREAM/TABLE '" STR_FMT "' in the Metastore",
                  STR_ARG(statement->name.text));
        catalog_hint(x->catalog, statement->name.text, err);
        return E_PLAN;
    }
    if (x->sandbox)
        return OK;
    *entity = entity_new("sourceDescription", statement->text);
    json_object_set_new(*entity, "sourceDescription", describe_source(x, source, statement->extended));
    return OK;
}

Status stmt_describe_sources(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    const Source **sources;
    size_t         count;
    if (x->sandbox)
        return OK;
    if (statement->extended)
        others_ask(x, true);
    json_t *list = json_array();
    Access  who  = access_of(x);
    catalog_sources(x->catalog, x->arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (sources[i]->is_table == statement->is_table && access_sees(&who, sources[i]->name))
            json_array_append_new(list, describe_source(x, sources[i], statement->extended));
    *entity = entity_new("source_descriptions", statement->text);
    json_object_set_new(*entity, "sourceDescriptions", list);
    return OK;
}
