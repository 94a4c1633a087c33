/*
 * names.h - the names that a server knows, fetched in the background for completion.
 *
 * A thread of its own asks the server with a connection of its own; whoever completes gets what is known by
 * then. What cannot be fetched (the server is away, the user may not see it) is not known, and nobody is
 * told: completion is a help, no command.
 */
#ifndef SLUICE_SHELL_NAMES_H
#define SLUICE_SHELL_NAMES_H

#include "shell/client.h"

typedef enum {
    NAME_STREAM,
    NAME_TABLE,
    NAME_TOPIC,
    NAME_QUERY,
    NAME_FUNCTION,
    NAME_TYPE,
    NAME_PROPERTY,
    NAME_KINDS
} NameKind;

typedef struct {
    NameKind   kind;
    Str        name;
    const Str *columns; /* of streams and tables */
    size_t     column_count;
} KnownName;

typedef struct {
    const KnownName *names;
    size_t           count;
} NameList;

typedef struct Names Names;

/* Starts the thread, which looks once. `auth` must live as long. */
Names *names_open(const char *url, const ClientAuth *auth);
void   names_close(Names *names); /* accepts NULL */
/* Asks for another look, at the server of this URL; returns at once. */
void names_refresh(Names *names, const char *url);
/* What is known, copied into `arena`. Before the first look is over it is waited for, `wait_ms` at most. */
NameList names_take(Names *names, Arena *arena, int wait_ms);

#endif
