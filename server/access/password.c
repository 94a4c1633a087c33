/*
 * password.c - see password.h.
 */
#include "server/access/password.h"

#include <crypt.h>
#include <openssl/crypto.h>

/* What begins a hash, and how long the part behind the last `$` is: crypt(3) takes half a hash for a salt,
 * and a user whose line was cut would never get in and never learn why. */
static const struct {
    const char *prefix;
    size_t      tail;
} schemes[] = {
    {"$y$", 43}, {"$gy$", 43}, {"$7$", 43},  {"$6$", 86},
    {"$5$", 43}, {"$2b$", 53}, {"$2y$", 53}, {"$2a$", 53},
};

static bool is_of_hash(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '/' || c == '$' || c == '=';
}

const char *password_hash_fault(Str hash)
{
    char   text[CRYPT_OUTPUT_SIZE];
    size_t last = hash.len, scheme = 0;
    if (hash.len == 0 || hash.ptr[0] != '$')
        return "the password is not hashed";
    if (hash.len >= sizeof text)
        return "the hash is too long";
    for (size_t i = 0; i < hash.len; i++)
        if (!is_of_hash(hash.ptr[i]))
            return "the hash holds what no hash holds";
    while (scheme < ARRAY_LEN(schemes) && !str_starts_with(hash, str_c(schemes[scheme].prefix)))
        scheme++;
    if (scheme == ARRAY_LEN(schemes))
        return "the hash is of a scheme that is unknown or too weak";
    while (last > 0 && hash.ptr[last - 1] != '$')
        last--;
    memcpy(text, hash.ptr, hash.len);
    text[hash.len] = '\0';
    int salt =
        crypt_checksalt(text); /* "legacy" is what it calls SHA-256, which is in our list all the same */
    if (hash.len - last != schemes[scheme].tail ||
        (salt != CRYPT_SALT_OK && salt != CRYPT_SALT_METHOD_LEGACY))
        return "the hash is not whole";
    return NULL;
}

bool password_matches(const char *hash, Str password)
{
    char text[PASSWORD_MOST + 1];
    if (password.len > PASSWORD_MOST ||
        (password.len > 0 && memchr(password.ptr, '\0', password.len) != NULL))
        return false;
    if (password.len > 0)
        memcpy(text, password.ptr, password.len);
    text[password.len]         = '\0';
    struct crypt_data *data    = mem_calloc(1, sizeof *data); /* 32 KB: too much for a small stack */
    const char        *made    = crypt_r(text, hash, data);
    size_t             len     = strlen(hash);
    bool               matches = made != NULL && strlen(made) == len && CRYPTO_memcmp(made, hash, len) == 0;
    OPENSSL_cleanse(data, sizeof *data);
    OPENSSL_cleanse(text, sizeof text);
    mem_free(data);
    return matches;
}

Status password_hash(Str password, StrBuf *out, Error *err)
{
    char salt[CRYPT_GENSALT_OUTPUT_SIZE], text[PASSWORD_MOST + 1];
    if (password.len == 0 || password.len > PASSWORD_MOST || memchr(password.ptr, '\0', password.len) != NULL)
        return error_set(err, E_CONFIG, NO_POS, "a password has 1 to %d bytes, and no NUL", PASSWORD_MOST);
    if (crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof salt) == NULL)
        return error_set(err, E_IO, NO_POS, "cannot make a salt: %m");
    memcpy(text, password.ptr, password.len);
    text[password.len]      = '\0';
    struct crypt_data *data = mem_calloc(1, sizeof *data);
    const char        *made = crypt_r(text, salt, data);
    bool               good = made != NULL && made[0] == '$';
    if (good)
        strbuf_adds(out, made);
    OPENSSL_cleanse(data, sizeof *data);
    OPENSSL_cleanse(text, sizeof text);
    mem_free(data);
    return good ? OK : error_set(err, E_IO, NO_POS, "cannot hash the password");
}
