/*
 * headless.c - see headless.h.
 */
#include "server/node/headless.h"

#include <errno.h>

#include "core/complaint.h"

Status file_read(const char *path, Arena *arena, Str *out, Error *err)
{
    FILE  *file = fopen(path, "rb");
    StrBuf text = {0};
    char   piece[65536];
    size_t n;
    if (file == NULL)
        return error_set(err, E_CONFIG, NO_POS, "cannot read %s: %m", path);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        strbuf_add(&text, str_n(piece, n));
    bool failed = ferror(file) != 0;
    int  reason = errno;
    fclose(file);
    *out = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return failed ? error_set(err, E_CONFIG, NO_POS, "cannot read %s: %s", path, strerror(reason)) : OK;
}

static bool is_persistent(AstStatementKind kind)
{
    return kind == STMT_CREATE_AS || kind == STMT_INSERT_INTO;
}

static bool is_allowed(AstStatementKind kind)
{
    static const AstStatementKind kinds[] = {STMT_SET,         STMT_UNSET,           STMT_CREATE_SOURCE,
                                             STMT_CREATE_TYPE, STMT_CREATE_FUNCTION, STMT_DEFINE,
                                             STMT_UNDEFINE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return is_persistent(kind);
}

static Status check_kinds(Str text, Arena *arena, Error *err)
{
    Str   *pieces, rest;
    Pos   *positions;
    size_t count, persistent = 0;
    TRY(parse_split(arena, text, &pieces, &positions, &count, &rest, err));
    for (size_t i = 0; i < count; i++) {
        AstStatement *statement;
        ParseOptions  options = {.keep_variables = true, .origin = positions[i]};
        TRY(parse_statement(arena, pieces[i], &options, &statement, err));
        if (!is_allowed(statement->kind))
            return error_set(err, E_PLAN, positions[i],
                             "Unsupported statement. Only the following statements are supporting in "
                             "standalone mode:\nCREATE STREAM AS SELECT\n"
                             "CREATE STREAM\nCREATE TABLE AS SELECT\nCREATE TABLE\nCREATE TYPE\nINSERT "
                             "INTO\nSET\nUNSET\nStatement: " STR_FMT,
                             STR_ARG(pieces[i]));
        persistent += is_persistent(statement->kind);
    }
    if (persistent == 0 && str_trim(rest).len == 0)
        return error_set(err, E_PLAN, NO_POS,
                         "The SQL file does not contain any persistent queries. i.e. it contains no 'INSERT "
                         "INTO', 'CREATE TABLE x AS SELECT' or "
                         "'CREATE STREAM x AS SELECT' style statements.");
    return OK;
}

/* `failed`: the number of the statement from 1, for errors that know no place of their own; 0: none. */
static Status add_place(const char *path, Str text, size_t failed, Arena *arena, Error *err)
{
    Str   *pieces, rest;
    Pos   *positions;
    size_t count;
    Error  ignored;
    Pos    pos = err->pos;
    if (pos.line == 0 && parse_split(arena, text, &pieces, &positions, &count, &rest, &ignored) == OK &&
        failed > 0 && failed <= count)
        pos = positions[failed - 1];
    StrBuf    shown     = {0};
    Complaint complaint = {.message = str_c(err->message), .pos = pos, .file = path, .text = text};
    complaint_append(&shown, &complaint);
    Status status = error_set(err, err->code, pos, STR_FMT, STR_ARG(strbuf_str(&shown)));
    strbuf_clear(&shown);
    return status;
}

static Status run(Engine *engine, const char *path, Arena *arena, Error *err)
{
    Str     text;
    Session session;
    size_t  failed = 0;
    TRY(file_read(path, arena, &text, err));
    Status right = check_kinds(text, arena, err);
    if (right != OK)
        return add_place(path, text, 0, arena, err);
    json_t *entities = json_array();
    session_init(&session, engine);
    Status status = engine_execute(engine, &session, text, arena, entities, &failed, NULL, err);
    session_clear(&session);
    json_decref(entities);
    return status == OK ? OK : add_place(path, text, failed, arena, err);
}

Status headless_run(Engine *engine, const char *path, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = run(engine, path, arena, err);
    arena_free(arena);
    return status;
}
