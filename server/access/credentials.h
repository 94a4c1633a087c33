/*
 * credentials.h - what a request says of who sends it: its Authorization header, taken apart and not
 * believed.
 */
#ifndef SLUICE_SERVER_ACCESS_CREDENTIALS_H
#define SLUICE_SERVER_ACCESS_CREDENTIALS_H

#include "core/str.h"

typedef enum {
    CREDENTIALS_NONE,     /* it says nothing */
    CREDENTIALS_BROKEN,   /* another scheme, bad base64, no colon, a NUL, too much */
    CREDENTIALS_PASSWORD, /* Basic */
    CREDENTIALS_TOKEN     /* Bearer */
} CredentialsKind;

typedef struct {
    CredentialsKind kind;
    Str             name; /* of a password; may be empty */
    Str             secret;
} Credentials;

enum { CREDENTIALS_MOST = 8192 /* bytes of a header that are looked at */ };

/* Texts are in the arena or the header's. */
Credentials credentials_read(Str header, Arena *arena);
/* A token that came by another way (rest.md 5.7: a query's field). */
Credentials credentials_of_token(Str token);

#endif
