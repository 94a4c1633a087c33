/*
 * stmt_grant.c - GRANT, REVOKE: who may do what with a stream, a table, or all of them.
 *
 * A grant is a command of the command log as a type is: every node and every start come to the same ones. It
 * is looked at where authorization is on (sluice.authorization.method) and nowhere else; a GRANT where it is
 * off would look like protection, and is refused.
 */
#include "core/privilege.h"
#include "server/statements/statements.h"

static Status check_enforced(const Execution *x, const AstStatement *statement, Error *err)
{
    Str method = execution_property(x, "sluice.authorization.method");
    if (x->command != NULL || str_equal_nocase(method, STR_LIT("GRANTS")) || engine_is_test(x->engine))
        return OK;
    return error_set(err, E_PLAN, statement->pos,
                     "Privileges are not looked at here: the server's configuration must set "
                     "sluice.authorization.method=GRANTS");
}

static Grant grant_of(const AstStatement *statement)
{
    return (Grant){.grantee = statement->grantee.text,
                   .to_user = statement->to_user,
                   .object  = statement->all ? STR_NULL : statement->name.text};
}

/* One command id for all that is said of an object, as /status has them. */
static Str command_of(const Execution *x, const AstStatement *statement)
{
    Str object = statement->all ? STR_LIT("ALL") : statement->name.text;
    return str_printf(x->arena, "grant/`" STR_FMT "`/%s", STR_ARG(object),
                      statement->kind == STMT_GRANT ? "create" : "drop");
}

static const char *message_of(const Execution *x, const AstStatement *statement)
{
    StrBuf text = {0};
    strbuf_adds(&text, statement->kind == STMT_GRANT ? "Granted " : "Revoked ");
    privileges_print(statement->privileges, &text);
    strbuf_addf(&text, " on " STR_FMT " %s %s " STR_FMT,
                STR_ARG(statement->all ? STR_LIT("ALL") : statement->name.text),
                statement->kind == STMT_GRANT ? "to" : "from", statement->to_user ? "user" : "role",
                STR_ARG(statement->grantee.text));
    char *message = str_to_c(x->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return message;
}

static Status change(Execution *x, const AstStatement *statement, unsigned privileges, json_t **entity,
                     Error *err)
{
    Grant grant      = grant_of(statement);
    Str   command    = command_of(x, statement);
    grant.privileges = privileges;
    TRY(execution_log(x, command, statement, statement_text(statement, x->arena), err));
    catalog_put_grant(x->catalog, &grant);
    *entity = entity_status(x, statement->text, command, message_of(x, statement), STR_NULL);
    return OK;
}

Status stmt_grant(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Grant grant = grant_of(statement);
    TRY(check_enforced(x, statement, err));
    return change(x, statement, catalog_granted(x->catalog, &grant) | statement->privileges, entity, err);
}

/* What is not there cannot be taken away: a privilege on ALL says nothing of one source, nor one on each of
 * ALL. */
Status stmt_revoke(Execution *x, const AstStatement *statement, json_t **entity, Error *err)
{
    Grant    grant   = grant_of(statement);
    unsigned granted = catalog_granted(x->catalog, &grant);
    TRY(check_enforced(x, statement, err));
    if ((granted & statement->privileges) == 0) {
        *entity = entity_warning(statement->text,
                                 "Nothing was revoked: these privileges were not granted to this grantee on "
                                 "this very source (SHOW GRANTS lists what was)");
        return OK;
    }
    return change(x, statement, granted & ~statement->privileges, entity, err);
}
