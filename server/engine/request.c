/*
 * request.c - a text of statements: split, tried in order in the sandbox, then carried out in order.
 *
 * All are tried before the first is carried out, so that a mistake in the last leaves nothing behind
 * (sql.md 1.5). The sandbox is a copy of catalog and session, under the same lock as what follows.
 *
 * If some statement may change what exists, the whole request has the lease (engine.h). Another node can take
 * the lease away; then what was carried out stands, and the rest is tried once more against what the others
 * have made.
 *
 * Other services are asked while neither lock nor lease is held, so that one that is silent keeps nobody but
 * its asker. Two ways lead there, and both come back to the same place, where the rest is tried once more: a
 * question to the schema registry is noted and ends the attempt (registry_notes.h); a statement that is no
 * command and asks somebody itself (a connector, ASSERT) gives the lease back (execution_leave_engine).
 *
 * A request may ask once per statement, so it must not cost a trial of all others each time: the sandbox is
 * kept, and holds as long as nobody but the request itself has changed anything.
 */
#include <time.h>

#include "server/engine/access.h"
#include "server/engine/engine_state.h"

enum {
    MOST_LOST_LEASES     = 50,     /* other nodes are never that many times faster by chance */
    TURN_US              = 5000,   /* of many statements, under the lock; then others have theirs */
    OTHERS_TURN_NS       = 100000, /* a thread that waits for the lock is awake by then */
    DEFAULT_ANSWER_BYTES = 64 * 1024 * 1024,
};

/* Where statements are tried. Its catalog and functions are shared with the engine's: made and closed under
 * the lock. */
typedef struct {
    bool      open;
    size_t    tried; /* statements of the request, those that are done among them */
    int64_t   as_of; /* number of the last command that it knows */
    int64_t   next;  /* with the lease: the number of the one behind it */
    Session   session;
    Execution x;
} Sandbox;

/* The statements of a request as they come: those after a DEFINE see its variable, so each is parsed when it
 * comes to it. */
typedef struct {
    Engine        *engine;
    Session       *session;
    Arena         *arena;
    Arena         *scratch; /* of the statement at work; reset behind each */
    Str            text;    /* of the whole request */
    Str           *pieces;  /* one per statement, within text */
    Pos           *places;  /* where each begins in text */
    bool          *agreed;  /* another service was asked in the sandbox, and will not be again */
    size_t         count, done;
    RegistryNotes *notes;
    json_t        *entities; /* what the statements that are done have answered */
    size_t         failed;   /* number of the statement at work; 0: none yet */
    bool           lease;
    bool           missed; /* the statement at work was refused, and a topic that it names is unknown */
    Sandbox        sandbox;
    int64_t        turn_us;               /* since when it has the engine's lock without a pause */
    size_t         answers, most_answers; /* bytes, roughly, that the entities take */
} Request;

/* ---- many statements ---- */

static int64_t now_us(const Request *request)
{
    Clock *clock = engine_clock(request->engine);
    return clock->monotonic_us(clock);
}

/* Between two statements nobody holds a pointer into the catalog. A mutex that is given back and taken at
 * once is nobody else's in between, so there is a pause. */
static void take_turns(Request *request)
{
    Engine *engine = request->engine;
    if (engine->sink == NULL || now_us(request) - request->turn_us < TURN_US)
        return;
    pthread_mutex_unlock(&engine->lock);
    nanosleep(&(struct timespec){0, OTHERS_TURN_NS}, NULL);
    pthread_mutex_lock(&engine->lock);
    request->turn_us = now_us(request);
}

enum {
    NODE_BYTES   = 64,
    PAIR_BYTES   = 96,
    OBJECT_BYTES = 256,
    ARRAY_BYTES  = 128
}; /* about what jansson takes */

/* How deep an entity is, its makers decide. */
static size_t json_bytes(const json_t *json)
{
    const char *name;
    json_t     *value;
    size_t      bytes = NODE_BYTES;
    bytes += json_is_object(json) ? OBJECT_BYTES : json_is_array(json) ? ARRAY_BYTES : 0;
    bytes += json_is_string(json) ? json_string_length(json) : 0;
    for (size_t i = 0; i < json_array_size(json); i++)
        bytes += sizeof(json_t *) + json_bytes(json_array_get(json, i));
    json_object_foreach((json_t *)json, name, value) bytes += PAIR_BYTES + strlen(name) + json_bytes(value);
    return bytes;
}

/* Answers are kept until the last statement is done, and some take a thousand times what the statement does.
 */
static Status count_answer(Request *request, const json_t *entity, Error *err)
{
    request->answers += entity != NULL ? json_bytes(entity) : 0;
    return request->answers <= request->most_answers
               ? OK
               : error_set(err, E_LIMIT, NO_POS,
                           "The answers of this request take more than %zu bytes "
                           "(sluice.request.max.answer.bytes) with that of statement %zu: ask with fewer "
                           "statements "
                           "at a time",
                           request->most_answers, request->failed);
}

/* The statement alone; positions are those of the whole text. It is gone with the next arena_reset. */
static Status parse_piece(const Request *request, size_t at, const Session *session, AstStatement **out,
                          Error *err)
{
    ParseOptions options = {.optional_semicolon = true, .origin = request->places[at]};
    session_give_variables(session, &options);
    return parse_statement(request->scratch, request->pieces[at], &options, out, err);
}

Status engine_parse(Engine *engine, const Session *session, Str text, Arena *arena, AstScript *out,
                    Error *err)
{
    ParseOptions options = {.optional_semicolon = true};
    session_give_variables(session, &options);
    return parse_script(arena, text, &options, out, err);
}

static Execution execution_of_request(const Request *request, Session *session)
{
    Execution x = execution_of(request->engine, session, request->scratch);
    x.request   = request->arena;
    x.lease     = request->lease;
    x.notes     = request->notes;
    x.registry  = registry_notes_registry(request->notes);
    return x;
}

/* ---- trying ---- */

/* Lock held, here and below. */
static int64_t next_number(const Request *request)
{
    return request->lease ? request->engine->sink->next_offset : 0;
}

static bool sandbox_is_current(const Request *request)
{
    const Sandbox *sandbox = &request->sandbox;
    return sandbox->open && sandbox->as_of == request->engine->last_command &&
           sandbox->next == next_number(request);
}

/* A command of the request itself was carried out, as the sandbox had foreseen. */
static void sandbox_follow(Request *request)
{
    request->sandbox.as_of = request->engine->last_command;
    request->sandbox.next  = next_number(request);
}

static void sandbox_open(Request *request)
{
    Sandbox *sandbox = &request->sandbox;
    Engine  *engine  = request->engine;
    sandbox->open    = true;
    sandbox->tried   = request->done;
    sandbox_follow(request);
    session_copy(&sandbox->session, request->session); /* the real pass starts from what the client sent */
    sandbox->x             = execution_of_request(request, &sandbox->session);
    sandbox->x.sandbox     = true;
    sandbox->x.next_offset = sandbox->next;
    sandbox->x.catalog     = catalog_copy(engine->catalog);
    sandbox->x.functions   = functions_fork(engine->functions);
}

static void sandbox_close(Sandbox *sandbox)
{
    if (!sandbox->open)
        return;
    functions_close(sandbox->x.functions); /* what was planned with them is not looked at again */
    catalog_free(sandbox->x.catalog);
    session_clear(&sandbox->session);
    sandbox->open = false;
}

static Status try_one(Request *request, size_t at, Execution *x, Error *err)
{
    json_t       *entity = NULL;
    bool          lease  = x->lease;
    AstStatement *statement;
    request->failed = at + 1;
    x->asked_before = request->agreed[at];
    arena_reset(request->scratch);
    TRY(parse_piece(request, at, x->session, &statement, err));
    Status status = execution_run(x, statement, &entity, err);
    request->agreed[at] |= status == OK && lease && !x->lease;
    request->missed = status == E_PLAN && x->topic_missed;
    json_decref(entity);
    return status;
}

/* A statement that waits for the registry has left nothing behind but topics, and is tried again where it
 * stands. One that went on without the answer may have concluded anything. */
static Status try_in_sandbox(Request *request, Error *err)
{
    Sandbox *sandbox = &request->sandbox;
    Status   status  = OK;
    bool     sound   = true;
    if (!sandbox_is_current(request)) {
        sandbox_close(sandbox);
        sandbox_open(request);
    }
    sandbox->x.lease = request->lease;
    while (sandbox->tried < request->count && status == OK) {
        Execution before = sandbox->x;
        status           = try_one(request, sandbox->tried, &sandbox->x, err);
        if (status == OK) {
            sandbox->tried++;
            sound = sound && !registry_notes_are_open(request->notes);
        } else {
            before.lease = sandbox->x.lease; /* it may have given it back */
            sandbox->x   = before;
        }
        take_turns(request);
    }
    request->lease = sandbox->x.lease;
    if (!sound || (status != OK && !registry_notes_are_open(request->notes)))
        sandbox_close(sandbox);
    return status;
}

/* ---- carrying out ---- */

/* Parses once more: keeping all trees of the sandbox would cost a request of many small statements a hundred
 * times its size. */
static Status execute_one(Request *request, Execution *x, json_t **entity, Error *err)
{
    AstStatement *statement;
    request->failed = request->done + 1;
    arena_reset(request->scratch);
    TRY(parse_piece(request, request->done, x->session, &statement, err));
    return execution_run(x, statement, entity, err);
}

/* Up to one behind which something has to be asked or the lease to be taken again. */
static Status execute_rest(Request *request, Error *err)
{
    Engine   *engine = request->engine;
    Execution x      = execution_of_request(request, request->session);
    Status    status = OK;
    while (request->done < request->count && status == OK && x.lease == request->lease &&
           !registry_notes_are_open(request->notes)) {
        json_t *entity  = NULL;
        bool    current = sandbox_is_current(request);
        status          = execute_one(request, &x, &entity, err);
        if (current && x.logged_at >= 0 && x.logged_at == engine->last_command)
            sandbox_follow(request);
        request->missed = status == E_PLAN && x.topic_missed;
        if (x.lease || engine->sink == NULL)
            engine->next_number = x.number;
        if (status == OK)
            status = count_answer(request, entity, err);
        if (status == OK)
            request->done++;
        if (status == OK && entity != NULL)
            json_array_append_new(request->entities, entity);
        else
            json_decref(entity);
        take_turns(request);
    }
    request->lease = x.lease;
    return status;
}

static Status try_and_execute(Request *request, Error *err)
{
    bool lease = request->lease;
    pthread_mutex_lock(&request->engine->lock);
    request->turn_us = now_us(request);
    Status status    = try_in_sandbox(request, err);
    if (status == OK && request->lease == lease)
        status = execute_rest(request, err);
    pthread_mutex_unlock(&request->engine->lock);
    return status;
}

/* A statement that may turn out to be a command when its variables are known counts as one. */
static bool may_change(const Engine *engine, const Request *request)
{
    ParseOptions options = {.optional_semicolon = true, .keep_variables = true};
    for (size_t i = 0; i < request->count; i++) {
        AstStatement *statement;
        Error         ignored;
        arena_reset(request->scratch);
        if (parse_statement(request->scratch, request->pieces[i], &options, &statement, &ignored) != OK)
            return true;
        if (execution_needs_lease(engine, statement->kind))
            return true;
    }
    return false;
}

static Status attempt(Request *request, bool under_lease, Error *err)
{
    CommandSink *sink = request->engine->sink;
    request->failed   = request->done + 1;
    request->missed   = false;
    if (under_lease)
        TRY(sink->begin(sink, err));
    request->lease = under_lease;
    Status status  = try_and_execute(request, err);
    if (request->lease)
        sink->end(sink, engine_last_command(request->engine));
    return status;
}

/* Another client may have made the topic just now, and the broker that was asked not know it yet: a topic is
 * missing only when it still is a moment later. Waits for longer each time, and neither lock nor lease is
 * held. False: it is not to be asked again. */
static bool ask_again(const Request *request, int misses)
{
    enum { MOST_MISSES = 5, PAUSE_MS = 50 };
    if (!request->missed || misses >= MOST_MISSES || !log_hears_late(engine_log(request->engine)))
        return false;
    nanosleep(&(struct timespec){0, (misses + 1) * PAUSE_MS * 1000000L}, NULL);
    return true;
}

/* Fenced out, a request goes on from the statement that was not written, checked against what the others have
 * made meanwhile; so it does when it has asked what it had to. */
static Status carry_out(Request *request, bool under_lease, Error *err)
{
    for (int lost = 0, misses = 0; lost < MOST_LOST_LEASES;) {
        Status status = attempt(request, under_lease, err);
        bool   asks   = registry_notes_are_open(request->notes);
        if (asks)
            registry_notes_ask(request->notes);
        if (request->done == request->count)
            return OK;
        if (asks || status == OK) /* what came out of it is void, or the lease was given back */
            continue;
        if (ask_again(request, misses)) {
            misses++;
            continue;
        }
        if (status != E_FENCED)
            return status;
        lost++;
    }
    return error_set(err, E_BUSY, NO_POS,
                     "Could not write the statement into the command topic: other servers of this service "
                     "kept being faster");
}

static bool is_blank(Str s) { return str_trim(s).len == 0; }

static Status split(Request *request, Error *err)
{
    Str rest;
    TRY(parse_split(request->arena, request->text, &request->pieces, &request->places, &request->count, &rest,
                    err));
    if (!is_blank(rest)) /* an unfinished last statement: the parser says what is missing */
        request->pieces[request->count++] = rest;
    if (request->count == 0)
        return error_set(err, E_PLAN, NO_POS, "There is no statement in the text");
    request->agreed = ARENA_ARRAY(request->arena, bool, request->count);
    return OK;
}

Status engine_execute(Engine *engine, Session *session, Str text, Arena *arena, json_t *entities,
                      size_t *failed, Str *failed_text, Error *err)
{
    Request request = {
        .engine = engine, .session = session, .arena = arena, .text = text, .entities = entities};
    if (failed != NULL)
        *failed = 0;
    if (failed_text != NULL)
        *failed_text = text;
    TRY(split(&request, err));
    request.notes = registry_notes_new(engine->options.registry);
    request.most_answers =
        (size_t)properties_int(session->overrides, "sluice.request.max.answer.bytes", DEFAULT_ANSWER_BYTES);
    request.scratch = arena_new(0);
    Status status   = carry_out(&request, engine->sink != NULL && may_change(engine, &request), err);
    pthread_mutex_lock(&engine->lock);
    sandbox_close(&request.sandbox);
    pthread_mutex_unlock(&engine->lock);
    arena_free(request.scratch);
    registry_notes_free(request.notes);
    if (status != OK)
        access_mute(session, err);
    if (status != OK && request.failed > 0) {
        if (failed != NULL)
            *failed = request.failed;
        if (failed_text != NULL)
            *failed_text = request.pieces[request.failed - 1];
    }
    return status;
}
