/*
 * user_table.h - who may ask: the operator's file of users, or of tokens.
 *
 *     name:hash:role,role            a user; the hash is crypt(3)'s, as mkpasswd and htpasswd -B make it
 *     name: CRYPT:hash,role,role     the same as ksqlDB's (Jetty's) file has it
 *     name:SHA-256 in hex:role,role  a token; its name is who asks with it
 *
 * Roles may be missing; blank lines and lines that begin with # say nothing. A line that is none refuses the
 * whole file: half a list of users is a door that somebody thinks is shut. Nothing that is said of a line
 * shows what is secret in it.
 *
 * Read-only once it is read, and shared. Thread: any.
 */
#ifndef SLUICE_SERVER_ACCESS_USER_TABLE_H
#define SLUICE_SERVER_ACCESS_USER_TABLE_H

#include "server/access/identity.h"

typedef enum { TABLE_USERS, TABLE_TOKENS } TableKind;

enum { TOKEN_DIGEST = 32 /* bytes of SHA-256 */ };

typedef struct {
    Identity      identity;
    const char   *hash;                 /* of a user */
    unsigned char digest[TOKEN_DIGEST]; /* of a token */
    size_t        line;
} UserEntry;

typedef struct UserTable UserTable;

/* E_CONFIG "PATH line N: ..."; `path` is for messages. */
Status     user_table_parse(Str text, TableKind kind, const char *path, UserTable **out, Error *err);
UserTable *user_table_ref(UserTable *table);
void       user_table_unref(UserTable *table); /* accepts NULL */
size_t     user_table_count(const UserTable *table);

const UserEntry *user_table_find(const UserTable *table, Str name); /* NULL: nobody of that name */
/* Somebody else's hash, to be tried in vain for a name that nobody has: an answer takes as long. The same
 * name gets the same one. NULL: the table is empty. */
const UserEntry *user_table_decoy(const UserTable *table, Str name);
/* Looks at all of them, always. NULL: nobody's token. */
const UserEntry *user_table_find_token(const UserTable *table, Str token);
/* Of a token, as its line has it. */
void token_digest(Str token, unsigned char digest[TOKEN_DIGEST]);

#endif
