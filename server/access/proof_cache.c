/*
 * proof_cache.c - see proof_cache.h. Sets of four slots; a set that is full forgets what is oldest in it.
 */
#include "server/access/proof_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum { SETS = 256, WAYS = 4, KEY_BYTES = 32 };

typedef struct {
    Proof            proof;
    const UserEntry *entry;
    int64_t          until_us; /* 0: the slot is free */
} Slot;

struct ProofCache {
    unsigned char key[KEY_BYTES];
    Slot          slots[SETS][WAYS];
};

Status proof_cache_new(ProofCache **out, Error *err)
{
    ProofCache *cache = mem_calloc(1, sizeof *cache);
    if (RAND_bytes(cache->key, KEY_BYTES) != 1) {
        mem_free(cache);
        return error_set(err, E_IO, NO_POS, "there is no randomness for authentication to be had");
    }
    *out = cache;
    return OK;
}

void proof_cache_free(ProofCache *cache)
{
    if (cache != NULL)
        OPENSSL_cleanse(cache, sizeof *cache);
    mem_free(cache);
}

/* The name's length stands before it: no other name and password make the same bytes. */
void proof_make(const ProofCache *cache, Str name, Str password, Proof *out)
{
    StrBuf   text = {0};
    unsigned size = PROOF_BYTES;
    strbuf_addf(&text, "%zu:", name.len);
    strbuf_add(&text, name);
    strbuf_add(&text, password);
    if (HMAC(EVP_sha256(), cache->key, KEY_BYTES, (const unsigned char *)text.ptr, text.len, out->bytes,
             &size) == NULL &&
        RAND_bytes(out->bytes, PROOF_BYTES) != 1) /* of nothing that was proved */
        memset(out, 0, sizeof *out);
    OPENSSL_cleanse(text.ptr, text.len);
    strbuf_clear(&text);
}

static bool is_kept(const Slot *slot, const Proof *proof, int64_t now_us)
{
    return now_us < slot->until_us && CRYPTO_memcmp(slot->proof.bytes, proof->bytes, PROOF_BYTES) == 0;
}

bool proof_recall(const ProofCache *cache, const Proof *proof, int64_t now_us, const UserEntry **entry)
{
    const Slot *set = cache->slots[proof->bytes[0] % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (is_kept(&set[i], proof, now_us)) {
            *entry = set[i].entry;
            return true;
        }
    return false;
}

/* What failed ends soon, so that guesses push each other out before they push out who belongs here. */
void proof_keep(ProofCache *cache, const Proof *proof, const UserEntry *entry, int64_t now_us)
{
    Slot *set = cache->slots[proof->bytes[0] % SETS], *oldest = set;
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].until_us < oldest->until_us)
            oldest = &set[i];
    int64_t holds_ms = entry != NULL ? PROOF_HOLDS_MS : PROOF_FAILED_MS;
    *oldest          = (Slot){*proof, entry, now_us + holds_ms * 1000};
}

void proof_clear(ProofCache *cache) { memset(cache->slots, 0, sizeof cache->slots); }
