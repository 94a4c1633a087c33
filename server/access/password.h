/*
 * password.h - passwords as crypt(3) hashes them: yescrypt, scrypt, bcrypt, SHA-512 and SHA-256.
 *
 * What is slow by design stays slow here: who calls is no event thread, and remembers a success
 * (proof_cache.h).
 */
#ifndef SLUICE_SERVER_ACCESS_PASSWORD_H
#define SLUICE_SERVER_ACCESS_PASSWORD_H

#include "core/str.h"

enum { PASSWORD_MOST = 511 /* bytes; crypt(3) takes no more */ };

/* NULL: a whole hash of a scheme that is good enough. Else what is wrong with it, without a byte of it. */
const char *password_hash_fault(Str hash);
/* Takes as long as the hash asks for, and the comparison as long for any two texts. False too for a password
 * that is too long or holds a NUL. Thread: any. */
bool password_matches(const char *hash, Str password);
/* A new hash with a salt of its own, yescrypt as Debian's /etc/shadow has it. */
Status password_hash(Str password, StrBuf *out, Error *err);

#endif
