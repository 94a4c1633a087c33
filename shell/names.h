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
    NAME_CONNECTOR,
    NAME_KINDS
} NameKind;

typedef struct KnownField KnownField;
typedef struct {
    const KnownField *items;
    size_t            count;
} KnownFields;
/* A column, or a field of a STRUCT; of an ARRAY and a MAP of STRUCTs, too, whose elements have them. */
struct KnownField {
    Str         name;
    KnownFields fields;
};

typedef struct {
    NameKind    kind;
    Str         name;
    KnownFields columns; /* of streams and tables */
} KnownName;

typedef struct {
    const KnownName *names;
    size_t           count;
    void            *held; /* of names.c */
} NameList;

typedef struct Names Names;

/* Starts the thread, which looks once. `auth` must live as long. */
Names *names_open(const char *url, const ClientAuth *auth);
void   names_close(Names *names); /* accepts NULL */
/* Asks for another look, at the server of this URL; returns at once. */
void names_refresh(Names *names, const char *url);
/* What is known; it stays as it is until names_release. With `wait_ms` there is another look if the last one
 * was a while ago, and what is under way is waited for, so long at most. `names` may be NULL. */
NameList names_take(Names *names, int wait_ms);
void     names_release(Names *names, NameList *list);

#endif
