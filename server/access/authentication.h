/*
 * authentication.h - who asks? (rest.md 7)
 *
 * authentication.method=BASIC: users of sluice.authentication.file, by name and password, and, where there is
 * a file of tokens, by token. BEARER: tokens of sluice.authentication.tokens.file alone. NONE: nobody is
 * asked.
 *
 * A password takes long to check, by design. So the answer comes in two steps: authentication_recall knows at
 * once what was checked a moment ago; authentication_verify takes its time, on a thread that may. Two
 * passwords are checked at a time, and those who send the same one wait for one check together, so that
 * neither a crowd of clients nor a guesser takes the machine.
 *
 * An answer says nothing of what exists: a name that nobody has takes as long as a wrong password, and gets
 * the same words.
 *
 * Thread: any.
 */
#ifndef SLUICE_SERVER_ACCESS_AUTHENTICATION_H
#define SLUICE_SERVER_ACCESS_AUTHENTICATION_H

#include "core/clock.h"
#include "server/access/credentials.h"
#include "server/access/identity.h"
#include "server/settings/properties.h"

typedef struct Authentication Authentication;

/* *out is NULL where nobody is asked. E_CONFIG: a file that is missing, unreadable or wrong, or a setting
 * that would have no effect. */
Status authentication_open(const Properties *properties, Clock *clock, Authentication **out, Error *err);
/* Nobody asks any more. Accepts NULL. */
void authentication_close(Authentication *authentication);

/* May anybody ask for this path, whatever the settings say? Probes, and what clients ask before they log in.
 */
bool authentication_is_open(Str path);
/* The same, with what the settings add. */
bool authentication_skips(const Authentication *authentication, Str path);

typedef enum {
    ANSWER_ACCEPTED,  /* *out is who it is, in the arena */
    ANSWER_REFUSED,   /* not proved */
    ANSWER_FORBIDDEN, /* proved, and has none of authentication.roles */
    ANSWER_LATER,     /* authentication_recall: ask authentication_verify */
    ANSWER_BUSY       /* too many passwords wait to be checked */
} Answer;

Answer authentication_recall(Authentication *authentication, const Credentials *credentials, Arena *arena,
                             Identity *out);
Answer authentication_verify(Authentication *authentication, const Credentials *credentials, Arena *arena,
                             Identity *out);

/* What to ask for, for WWW-Authenticate. */
bool authentication_takes_passwords(const Authentication *authentication);
bool authentication_takes_tokens(const Authentication *authentication);
Str  authentication_realm(const Authentication *authentication);

#endif
