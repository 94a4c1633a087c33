/*
 * access.c - see access.h.
 *
 * What a kind of statement needs is said here, in one switch, which the compiler keeps complete: whoever adds
 * a kind has to say.
 */
#include "server/engine/access.h"

#include "core/privilege.h"
#include "core/statements.h"
#include "server/engine/engine_state.h"
#include "server/engine/own_topics.h"

/* ---- what was granted ---- */

bool session_is_admin(const Session *session)
{
    return !session->restricted || identity_has_role(&session->identity, STR_LIT(ADMIN_ROLE));
}

static bool is_for(const Grant *grant, const Identity *identity)
{
    return grant->to_user ? str_equal_nocase(grant->grantee, identity->name)
                          : identity_has_role(identity, grant->grantee);
}

/* All of them together; `name` STR_NULL: those on all sources. */
static unsigned privileges_of(const Catalog *catalog, const Identity *identity, Str name)
{
    unsigned sum = 0;
    for (size_t i = 0; i < catalog_grant_count(catalog); i++) {
        const Grant *grant = catalog_grant_at(catalog, i);
        bool about = str_is_null(grant->object) || (!str_is_null(name) && str_equal(grant->object, name));
        if (about && is_for(grant, identity))
            sum |= grant->privileges;
    }
    return sum;
}

bool access_allows(const Access *who, unsigned privileges, Str name)
{
    return session_is_admin(who->session) ||
           (privileges_of(who->catalog, &who->session->identity, name) & privileges) != 0;
}

bool access_sees(const Access *who, Str name) { return access_allows(who, PRIVILEGE_ALL, name); }

bool access_sees_query(const Access *who, const QueryEntry *query) { return access_sees(who, query->sink); }

static bool sees_all(const Access *who, const Str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!access_sees(who, names[i]))
            return false;
    return true;
}

bool access_sees_text(const Access *who, const QueryEntry *query)
{
    return access_sees_query(who, query) && sees_all(who, query->sources, query->source_count);
}

bool access_sees_statement(const Access *who, const Source *source)
{
    return sees_all(who, source->made_from, source->made_from_count);
}

/* A privilege on one of the sources over it, or on all sources. */
static bool allows_topic(const Access *who, unsigned privileges, Str topic)
{
    const Source **sources;
    size_t         count;
    bool           allows = access_allows(who, privileges, STR_NULL);
    if (allows)
        return true;
    Arena *arena = arena_new(0);
    catalog_sources(who->catalog, arena, &sources, &count);
    for (size_t i = 0; i < count && !allows; i++)
        allows = str_equal(sources[i]->topic, topic) && access_allows(who, privileges, sources[i]->name);
    arena_free(arena);
    return allows;
}

bool access_sees_topic(const Access *who, Str topic) { return allows_topic(who, PRIVILEGE_ALL, topic); }

/* ---- refusals ---- */

/* With the name as it was asked for, and not a word on whether there is one. */
static Status deny(unsigned privileges, const char *what, Str name, Error *err)
{
    StrBuf words = {0};
    privileges_print(privileges, &words);
    if (privileges == PRIVILEGE_ALL)
        error_set(err, E_DENIED, NO_POS, "You are not allowed to use %s" STR_FMT, what, STR_ARG(name));
    else
        error_set(err, E_DENIED, NO_POS, "You are not allowed to " STR_FMT " %s" STR_FMT,
                  STR_ARG(strbuf_str(&words)), what, STR_ARG(name));
    strbuf_clear(&words);
    return E_DENIED;
}

Status access_check_source(const Access *who, unsigned privileges, Str name, Error *err)
{
    if (access_allows(who, privileges, name))
        return OK;
    return str_is_null(name) ? deny(privileges, "ALL", STR_LIT(""), err) : deny(privileges, "", name, err);
}

static Status check_admin(const Access *who, const AstStatement *statement, Error *err)
{
    if (session_is_admin(who->session))
        return OK;
    return error_set(err, E_DENIED, NO_POS, "%s is for users with the role " ADMIN_ROLE,
                     statement_texts[statement->kind].words);
}

void access_mute(const Session *session, Error *err)
{
    char *hint = session_is_admin(session) ? NULL : strcasestr(err->message, "did you mean");
    if (hint == NULL)
        return;
    while (hint > err->message && (hint[-1] == '\n' || hint[-1] == ' '))
        hint--;
    *hint = '\0';
}

/* ---- what statements need ---- */

static Status check_query(const Access *who, const AstQuery *query, Error *err)
{
    TRY(access_check_source(who, PRIVILEGE_SELECT, query->from.name.text, err));
    for (size_t i = 0; i < query->join_count; i++)
        TRY(access_check_source(who, PRIVILEGE_SELECT, query->joins[i].source.name.text, err));
    return OK;
}

/* What WITH (name = ...) says, or NULL. */
static const AstExpr *with_property(const AstStatement *statement, const char *name)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (str_equal_nocase(statement->properties[i].name.text, str_c(name)))
            return statement->properties[i].value;
    return NULL;
}

/* Whose schema it is nobody knows, and an error may tell its columns. */
static Status check_schema_ids(const Access *who, const AstStatement *statement, Error *err)
{
    if (with_property(statement, "KEY_SCHEMA_ID") == NULL &&
        with_property(statement, "VALUE_SCHEMA_ID") == NULL)
        return OK;
    return access_check_source(who, PRIVILEGE_DESCRIBE, STR_NULL, err);
}

/* A prefix of the client's own makes of a name any topic that ends in it. */
static bool moves_topics(const Session *session)
{
    for (size_t i = 0; i < properties_count(session->overrides); i++) {
        Str name, value;
        properties_at(session->overrides, i, &name, &value);
        if (str_ends_with(name, STR_LIT("ksql.output.topic.name.prefix")))
            return true;
    }
    return false;
}

/* Who names a topic could read or write any: a stream of one's own over somebody's records. That takes the
 * privilege on all of them; what the server keeps for itself is nobody's but the admins'. */
static Status check_create(const Access *who, const AstStatement *statement, Error *err)
{
    Str            name  = statement->name.text;
    const AstExpr *topic = with_property(statement, "KAFKA_TOPIC");
    bool wide = statement->kind == STMT_CREATE_SOURCE || topic != NULL || moves_topics(who->session);
    TRY(access_check_source(who, PRIVILEGE_CREATE, wide ? STR_NULL : name, err));
    if (topic != NULL && topic_is_own(who->session->overrides, topic->text))
        TRY(check_admin(who, statement, err));
    TRY(check_schema_ids(who, statement, err));
    if (statement->or_replace)
        TRY(access_check_source(who, PRIVILEGE_ALTER, name, err));
    return statement->query != NULL ? check_query(who, statement->query, err) : OK;
}

static Status check_insert(const Access *who, const AstStatement *statement, Error *err)
{
    TRY(access_check_source(who, PRIVILEGE_INSERT, statement->name.text, err));
    return statement->query != NULL ? check_query(who, statement->query, err) : OK;
}

/* A query by what it writes; an id that nobody has is refused as one of somebody else's. */
static Status check_query_id(const Access *who, const AstStatement *statement, unsigned privileges,
                             Error *err)
{
    const QueryEntry *query     = catalog_query(who->catalog, statement->name.text);
    bool              transient = str_starts_with(statement->name.text, STR_LIT("transient_")) ||
                     str_starts_with(statement->name.text, STR_LIT("SCALABLE_PUSH_QUERY_"));
    if (statement->all)
        return access_check_source(who, privileges, STR_NULL, err);
    if (transient || session_is_admin(who->session)) /* a client's own, or nobody's: who runs it knows */
        return OK;
    if (query != NULL && access_allows(who, privileges, query->sink))
        return OK;
    if (query == NULL && access_allows(who, privileges, STR_NULL))
        return OK;
    return deny(privileges, "query ", statement->name.text, err);
}

static Status check_topic(const Access *who, const AstStatement *statement, Error *err)
{
    if (allows_topic(who, PRIVILEGE_SELECT, statement->name.text))
        return OK;
    return deny(PRIVILEGE_SELECT, "topic ", statement->name.text, err);
}

static Status check_explain(const Access *who, const AstStatement *statement, Error *err)
{
    const QueryEntry *query = catalog_query(who->catalog, statement->name.text);
    if (statement->explained != NULL)
        return access_check(who, statement->explained, err);
    TRY(check_query_id(who, statement, PRIVILEGE_ALL, err));
    if (query == NULL || access_sees_text(who, query))
        return OK;
    return deny(PRIVILEGE_ALL, "query ", statement->name.text, err); /* a plan is about what it reads */
}

Status access_check(const Access *who, const AstStatement *statement, Error *err)
{
    Str name = statement->name.text;
    if (session_is_admin(who->session))
        return OK;
    switch (statement->kind) {
    case STMT_QUERY:
        return check_query(who, statement->query, err);
    case STMT_CREATE_SOURCE:
    case STMT_CREATE_AS:
        return check_create(who, statement, err);
    case STMT_INSERT_VALUES:
    case STMT_INSERT_INTO:
        return check_insert(who, statement, err);
    case STMT_PRINT:
        return check_topic(who, statement, err);
    case STMT_EXPLAIN:
        return check_explain(who, statement, err);
    case STMT_TERMINATE:
    case STMT_PAUSE:
    case STMT_RESUME:
        return check_query_id(who, statement, PRIVILEGE_TERMINATE, err);
    case STMT_DESCRIBE_SOURCE:
        return access_check_source(who, PRIVILEGE_ALL, name, err);
    case STMT_DROP_SOURCE:
        return access_check_source(who, PRIVILEGE_DROP, name, err);
    case STMT_ALTER_SOURCE:
        return access_check_source(who, PRIVILEGE_ALTER, name, err);
    case STMT_CREATE_TYPE:
        return access_check_source(who, PRIVILEGE_CREATE, STR_NULL, err);
    case STMT_DROP_TYPE:
        return access_check_source(who, PRIVILEGE_DROP, STR_NULL, err);
    case STMT_ASSERT_TOPIC: /* they tell what there is in Kafka and the registry */
    case STMT_ASSERT_SCHEMA:
        return access_check_source(who, PRIVILEGE_DESCRIBE, STR_NULL, err);
    case STMT_CREATE_FUNCTION: /* code that runs in the server */
    case STMT_DROP_FUNCTION:
    case STMT_CREATE_CONNECTOR: /* with other systems' passwords in their configuration */
    case STMT_DROP_CONNECTOR:
    case STMT_DESCRIBE_CONNECTOR:
    case STMT_ALTER_SYSTEM:
    case STMT_GRANT:
    case STMT_REVOKE:
    case STMT_RUN_SCRIPT:
    case STMT_ASSERT_VALUES:
    case STMT_ASSERT_NULL:
    case STMT_ASSERT_SOURCE:
        return check_admin(who, statement, err);
    case STMT_SHOW: /* listings leave out what may not be seen; connectors are nobody's but the admins' */
        return statement->show == SHOW_CONNECTORS || statement->show == SHOW_CONNECTOR_PLUGINS
                   ? check_admin(who, statement, err)
                   : OK;
    case STMT_DESCRIBE_SOURCES:
    case STMT_DESCRIBE_FUNCTION: /* what is no secret, and what is the client's own */
    case STMT_SET:
    case STMT_UNSET:
    case STMT_DEFINE:
    case STMT_UNDEFINE:
        return OK;
    }
    return check_admin(who, statement, err);
}

/* ---- from outside the lock ---- */

Status engine_check_statement(Engine *engine, const Session *session, const AstStatement *statement,
                              Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Status status = access_check(&(Access){engine->catalog, session}, statement, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

bool engine_allows(Engine *engine, const Session *session, unsigned privileges, Str name)
{
    pthread_mutex_lock(&engine->lock);
    bool allows = access_allows(&(Access){engine->catalog, session}, privileges, name);
    pthread_mutex_unlock(&engine->lock);
    return allows;
}

void engine_add_seen_topics(Engine *engine, const Session *session, OffsetVector *out)
{
    const Source **sources;
    size_t         count;
    Arena         *arena = arena_new(0);
    pthread_mutex_lock(&engine->lock);
    catalog_sources(engine->catalog, arena, &sources, &count);
    for (size_t i = 0; i < count; i++)
        if (access_sees(&(Access){engine->catalog, session}, sources[i]->name))
            offset_vector_put(out, sources[i]->topic, 0, 0);
    pthread_mutex_unlock(&engine->lock);
    arena_free(arena);
}
