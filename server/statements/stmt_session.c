/*
 * stmt_session.c - SET, UNSET, DEFINE, UNDEFINE (sql.md 4.5). They work on the session and have no entity.
 */
#include "server/statements/statements.h"
#include "server/settings/settings.h"

Status stmt_set(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (!engine_is_test(x->engine))
        TRY(settings_check_override(x->session->overrides, statement->key, statement->value, err));
    return session_override(x->session, statement->key, statement->value, err);
}

Status stmt_unset(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    properties_unset(x->session->overrides, statement->key);
    return OK;
}

Status stmt_define(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    return session_define(x->session, statement->key, statement->value, err);
}

Status stmt_undefine(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    if (!properties_unset(x->session->variables, str_upper(x->arena, statement->key)))
        *entity =
            entity_warning(statement->text, str_to_c(x->arena, str_printf(x->arena,
                                                                          "Cannot undefine variable '" STR_FMT
                                                                          "' which was never defined",
                                                                          STR_ARG(statement->key))));
    return OK;
}
