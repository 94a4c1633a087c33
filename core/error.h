/*
 * error.h - how a function says that it failed, and why.
 *
 * Every function that can fail returns a Status and takes `Error *err` as its last argument. The one who
 * fails fills it in, once; everybody else passes it on. An Error lives on its owner's stack: it holds its
 * text itself, so it is never freed and may outlive every arena.
 *
 * Three kinds of failure are told apart by the code: the statement is wrong (E_SYNTAX, E_PLAN,
 * E_UNSUPPORTED), one record is bad (E_DATA), or the world failed (E_IO, E_DAMAGED, E_STALE_STATE,
 * E_BUSY, E_WAIT, E_FENCED, E_FULL, E_LIMIT).
 */
#ifndef SLUICE_CORE_ERROR_H
#define SLUICE_CORE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SL_PRINTF(fmt, args)
#define SL_MUST_CHECK
#endif

typedef enum {
    OK = 0,
    E_SYNTAX, /* the text is no statement of the dialect */
    E_PLAN,   /* a statement that cannot be carried out: unknown name, wrong type, forbidden combination */
    E_UNSUPPORTED, /* a statement of the dialect that Sluice does not do yet; the message says so */
    E_NOT_FOUND,   /* a named thing (topic, query, key) is not there */
    E_EXISTS,      /* a named thing is there already */
    E_DATA,        /* one record or value is bad: log it and go on */
    E_FATAL_DATA,  /* one record is bad in a way that stops its query (an aggregate overflows) */
    E_LIMIT,       /* a size or count limit was reached */
    E_CONFIG,      /* a setting has a bad value */
    E_IO,          /* broker, disk or network failed: trying again may help */
    E_DAMAGED,     /* stored bytes are not what was written: says where, and what to do; trying again does not
                      help */
    E_STALE_STATE, /* a state file is damaged, or of another version: to be made again from the log */
    E_FULL,        /* the disk is full */
    E_BUSY,        /* somebody else holds it: trying again may help */
    E_WAIT,        /* what it needs is not there yet (a registry, a schema, a lock): it alone waits */
    E_FENCED,      /* another process owns what we thought was ours: drop all and rejoin */
    E_CANCELLED,   /* told to stop */
    E_DENIED,      /* who asks may not; says nothing of what exists */
} Status;

/* 1-based line and column in the text that the user wrote; line 0: there is no position. */
typedef struct {
    unsigned line, col;
} Pos;

#define NO_POS ((Pos){0, 0})

enum { ERROR_MESSAGE_MAX = 6144 };

typedef struct {
    Status code;
    Pos    pos;
    char   message[ERROR_MESSAGE_MAX]; /* NUL-terminated UTF-8; longer texts are cut at a character */
} Error;

/* Fills `err` (which may be NULL: then only the code is returned) and returns `code`. */
Status error_set(Error *err, Status code, Pos pos, const char *fmt, ...) SL_PRINTF(4, 5);
Status error_setv(Error *err, Status code, Pos pos, const char *fmt, va_list args);

/* The compiler cannot see into error_set; that it returns `code`, which is not OK, tells it that nobody goes
 * on with what was not filled in. */
static inline Status error_code(Status returned, Status code)
{
    (void)returned;
    return code;
}
#define error_set(err, code, ...) error_code(error_set((err), (code), __VA_ARGS__), (code))

/* All that takes an Error takes NULL: whoever wants no text gives none, and finds out only when something
 * fails. */

/* Puts text before the message that is there already; code and position stay. Returns err->code; E_IO where
 * there is no err: who needs the true code keeps it. */
Status error_prefix(Error *err, const char *fmt, ...) SL_PRINTF(2, 3);

/* Appends text to the message. Returns as error_prefix. */
Status error_append(Error *err, const char *fmt, ...) SL_PRINTF(2, 3);

/* Marks `err` as holding nothing: code OK, empty message. */
void error_clear(Error *err);

/* A short name of a code for logs: "E_DATA". */
const char *status_name(Status code);

/* Returns early from a function that owns nothing. */
#define TRY(call)                                                                                            \
    do {                                                                                                     \
        Status try_status_ = (call);                                                                         \
        if (try_status_ != OK)                                                                               \
            return try_status_;                                                                              \
    } while (0)

#endif
