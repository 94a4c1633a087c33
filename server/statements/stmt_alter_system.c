/*
 * stmt_alter_system.c - ALTER SYSTEM 'property' = 'value': what all clients get who do not say otherwise
 * (sql.md 4.5).
 *
 * A command like any other that changes what exists: it is in the log, so every node and every start come to
 * the same value. It stands between the server's configuration and a client's SET, and counts for what is
 * done and made from then on: a query keeps what it was made with.
 */
#include "server/settings/settings.h"
#include "server/statements/statements.h"

static Status check(const Execution *x, const AstStatement *statement, Error *err)
{
    if (x->command != NULL)
        return OK; /* what is in the log was permitted */
    if (!properties_is_true(x->session->overrides, "ksql.runtime.feature.shared.enabled", false))
        return error_set(err, E_PLAN, statement->pos,
                         "Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is turned off.");
    Status status = settings_check_override(x->session->overrides, statement->key, statement->value, err);
    if (status == OK)
        return OK;
    error_prefix(err, "Failed to set " STR_FMT " to " STR_FMT ". Caused by: ", STR_ARG(statement->key),
                 STR_ARG(statement->value));
    return E_PLAN;
}

Status stmt_alter_system(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Str name = statement->key, value = statement->value;
    TRY(check(x, statement, err));
    Str command = str_printf(x->arena, "cluster/" STR_FMT "/alter", STR_ARG(name));
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    if (!x->sandbox)
        engine_alter_system(x->engine, name, value);
    properties_set(x->session->system, name, value); /* later statements of this request */
    Str message = str_printf(x->arena, "System property " STR_FMT " was set to " STR_FMT ".", STR_ARG(name),
                             STR_ARG(value));
    *entity     = entity_status(x, statement->text, command, message.ptr, STR_NULL);
    return OK;
}
