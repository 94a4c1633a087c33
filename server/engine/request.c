/*
 * request.c - a text of statements: split, tried in order in the sandbox, then carried out in order.
 *
 * All are tried before the first is carried out, so that a mistake in the last leaves nothing behind
 * (sql.md 1.5). The sandbox is a copy of catalog and session, under the same lock as what follows.
 *
 * If some statement may change what exists, the whole request has the lease (engine.h). Another node can take
 * the lease away; then what was carried out stands, and the rest is tried once more against what the others
 * have made.
 */
#include "server/engine/access.h"
#include "server/engine/engine_state.h"

enum { MOST_LOST_LEASES = 50 }; /* other nodes are never that many times faster by chance */

/* The statements of a request as they come: those after a DEFINE see its variable, so each is parsed when it
 * comes to it. */
typedef struct {
    Str            text;       /* of the whole request */
    Str           *pieces;     /* one per statement, within text */
    AstStatement **statements; /* once parsed */
    size_t         count, done;
} Request;

/* The statement alone, at its place: what is before it is blanked, so that positions are those of the whole
 * text. */
static Str blanked(Str text, Str piece, Arena *arena)
{
    size_t before = (size_t)(piece.ptr - text.ptr);
    char  *copy   = arena_alloc(arena, before + piece.len + 1);
    for (size_t i = 0; i < before; i++)
        copy[i] = text.ptr[i] == '\n' ? '\n' : ' ';
    memcpy(copy + before, piece.ptr, piece.len);
    return str_n(copy, before + piece.len);
}

static Status parse_piece(const Request *request, size_t at, const Session *session, Arena *arena,
                          AstStatement **out, Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_statement(arena, blanked(request->text, request->pieces[at], arena), &options, out, err);
}

Status engine_parse(Engine *engine, const Session *session, Str text, Arena *arena, AstScript *out,
                    Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_collect_variables(session, arena, &options);
    return parse_script(arena, text, &options, out, err);
}

static Status try_in_sandbox(Engine *engine, const Session *session, const Request *request, bool lease,
                             Arena *arena, size_t *failed, Error *err)
{
    Session   copy;
    Execution x = execution_of(engine, &copy, arena);
    session_copy(&copy, session); /* the real pass starts from what the client sent */
    x.sandbox     = true;
    x.next_offset = lease ? engine->sink->next_offset : 0;
    x.catalog     = catalog_copy(engine->catalog);
    x.functions   = functions_fork(engine->functions);
    Status status = OK;
    for (size_t i = request->done; i < request->count && status == OK; i++) {
        json_t *entity = NULL;
        *failed        = i + 1;
        status         = parse_piece(request, i, &copy, arena, &request->statements[i], err);
        if (status == OK)
            status = execution_run(&x, request->statements[i], &entity, err);
        json_decref(entity);
    }
    functions_close(x.functions); /* what was planned with them is not looked at again */
    catalog_free(x.catalog);
    session_clear(&copy);
    return status;
}

static Status execute_all(Engine *engine, Session *session, Request *request, bool lease, Arena *arena,
                          json_t *entities, size_t *failed, Error *err)
{
    Execution x      = execution_of(engine, session, arena);
    Status    status = OK;
    x.lease          = lease;
    while (request->done < request->count && status == OK) {
        json_t *entity = NULL;
        *failed        = request->done + 1;
        status         = execution_run(&x, request->statements[request->done], &entity, err);
        if (lease || engine->sink == NULL)
            engine->next_number = x.number;
        if (status == OK)
            request->done++;
        if (status == OK && entity != NULL)
            json_array_append_new(entities, entity);
        else
            json_decref(entity);
    }
    return status;
}

static Status try_and_execute(Engine *engine, Session *session, Request *request, bool lease, Arena *arena,
                              json_t *entities, size_t *failed, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    Status status = try_in_sandbox(engine, session, request, lease, arena, failed, err);
    if (status == OK)
        status = execute_all(engine, session, request, lease, arena, entities, failed, err);
    pthread_mutex_unlock(&engine->lock);
    return status;
}

/* A statement that may turn out to be a command when its variables are known counts as one. */
static bool may_change(const Engine *engine, const Request *request, Arena *arena)
{
    ParseOptions options = {.optional_semicolon = true, .keep_variables = true};
    for (size_t i = 0; i < request->count; i++) {
        AstStatement *statement;
        Error         ignored;
        if (parse_statement(arena, request->pieces[i], &options, &statement, &ignored) != OK)
            return true;
        if (execution_needs_lease(engine, statement->kind))
            return true;
    }
    return false;
}

/* Fenced out, a request goes on from the statement that was not written, checked against what the others have
 * made meanwhile. */
static Status execute_under_lease(Engine *engine, Session *session, Request *request, Arena *arena,
                                  json_t *entities, size_t *failed, Error *err)
{
    CommandSink *sink = engine->sink;
    for (int lost = 0; lost < MOST_LOST_LEASES; lost++) {
        *failed       = request->done + 1;
        Status status = sink->begin(sink, err);
        if (status == OK) {
            status = try_and_execute(engine, session, request, true, arena, entities, failed, err);
            sink->end(sink, engine_last_command(engine));
        }
        if (status != E_FENCED)
            return status;
    }
    return error_set(err, E_BUSY, NO_POS,
                     "Could not write the statement into the command topic: other servers of this service "
                     "kept being faster");
}

static bool is_blank(Str s) { return str_trim(s).len == 0; }

Status engine_execute(Engine *engine, Session *session, Str text, Arena *arena, json_t *entities,
                      size_t *failed, Str *failed_text, Error *err)
{
    Request request = {.text = text};
    Str     rest;
    Pos    *positions;
    size_t  at = 0;
    if (failed != NULL)
        *failed = 0;
    if (failed_text != NULL)
        *failed_text = text;
    TRY(parse_split(arena, text, &request.pieces, &positions, &request.count, &rest, err));
    if (!is_blank(rest)) { /* an unfinished last statement: the parser says what is missing */
        Str *pieces = ARENA_ARRAY(arena, Str, request.count + 1);
        if (request.count > 0)
            memcpy(pieces, request.pieces, request.count * sizeof *pieces);
        pieces[request.count++] = rest;
        request.pieces          = pieces;
    }
    if (request.count == 0)
        return error_set(err, E_PLAN, NO_POS, "There is no statement in the text");
    request.statements = ARENA_ARRAY(arena, AstStatement *, request.count);
    bool   under_lease = engine->sink != NULL && may_change(engine, &request, arena);
    Status status      = under_lease
                             ? execute_under_lease(engine, session, &request, arena, entities, &at, err)
                             : try_and_execute(engine, session, &request, false, arena, entities, &at, err);
    if (status != OK)
        access_mute(session, err);
    if (status != OK && at > 0) {
        if (failed != NULL)
            *failed = at;
        if (failed_text != NULL)
            *failed_text = request.pieces[at - 1];
    }
    return status;
}
