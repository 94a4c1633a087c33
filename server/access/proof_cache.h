/*
 * proof_cache.h - proofs that were given lately: a client that asks a thousand times a second proves once a
 * minute what takes a tenth of a second to check.
 *
 * What is kept of name and password is a keyed hash; the key is this process's, random, and never leaves it.
 * So what a core dump shows cannot be tried against dictionaries without the key beside it, and which slot a
 * guess falls into tells nobody anything. What failed is kept for a moment only: a client with an old
 * password that asks again and again does not keep a processor busy.
 *
 * Thread: under the lock of who owns it; proof_make alone may be called by anybody.
 */
#ifndef SLUICE_SERVER_ACCESS_PROOF_CACHE_H
#define SLUICE_SERVER_ACCESS_PROOF_CACHE_H

#include "server/access/user_table.h"

enum { PROOF_BYTES = 32, PROOF_HOLDS_MS = 60 * 1000, PROOF_FAILED_MS = 3 * 1000 };

typedef struct {
    unsigned char bytes[PROOF_BYTES];
} Proof;

typedef struct ProofCache ProofCache;

/* E_IO: there is no randomness to be had. */
Status proof_cache_new(ProofCache **out, Error *err);
void   proof_cache_free(ProofCache *cache); /* accepts NULL */

void proof_make(const ProofCache *cache, Str name, Str password, Proof *out);
/* False: it has not been tried, or too long ago. Else *entry is who proved it; NULL: it proved nothing. */
bool proof_recall(const ProofCache *cache, const Proof *proof, int64_t now_us, const UserEntry **entry);
/* `entry` has to live until the cache is cleared; NULL: the proof failed. */
void proof_keep(ProofCache *cache, const Proof *proof, const UserEntry *entry, int64_t now_us);
void proof_clear(ProofCache *cache);

#endif
