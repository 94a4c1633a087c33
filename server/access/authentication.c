/*
 * authentication.c - see authentication.h.
 */
#include "server/access/authentication.h"

#include <pthread.h>

#include "server/access/password.h"
#include "server/access/proof_cache.h"
#include "server/access/user_file.h"

enum {
    CHECKS_AT_ONCE = 2,
    MOST_WAITING   = 32, /* different passwords; each takes a thread while it waits */
    LOOK_US        = 1000 * 1000,
};

/* One check that runs or waits, and those who want the same one. Under the lock. */
typedef struct Check Check;
struct Check {
    Check           *next;
    Proof            proof;
    int              refs;
    bool             done;
    UserTable       *table; /* that `entry` is of */
    const UserEntry *entry; /* NULL: it proves nothing */
};

struct Authentication {
    Clock          *clock;
    bool            passwords;
    Str             realm, roles, skip_paths; /* the properties' */
    pthread_mutex_t lock;                     /* of what follows */
    pthread_cond_t  changed;
    UserFile        users, tokens;
    int64_t         looked_us; /* at the files */
    ProofCache     *proofs;    /* of users.table */
    Check          *checks;
    int             running, waiting;
};

/* ---- who may ----- */

static void next_item(Str list, size_t *at, Str *item)
{
    const char *comma = memchr(list.ptr + *at, ',', list.len - *at);
    size_t      end   = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
    *item             = str_trim(str_n(list.ptr + *at, end - *at));
    *at               = end + 1;
}

/* `*` stands for any text. Goes back to the last one alone, so it takes no longer than text times pattern. */
static bool path_fits(Str pattern, Str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len)
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else
            return false;
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool authentication_is_open(Str path)
{
    static const char *const always[] = {"/v1/metadata", "/v1/metadata/id", "/healthcheck", "/chc/*"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (path_fits(str_c(always[i]), path))
            return true;
    return false;
}

bool authentication_skips(const Authentication *authentication, Str path)
{
    Str item;
    if (authentication_is_open(path))
        return true;
    for (size_t at = 0; at < authentication->skip_paths.len;) {
        next_item(authentication->skip_paths, &at, &item);
        if (item.len > 0 && path_fits(item, path))
            return true;
    }
    return false;
}

static bool has_wanted_role(const Authentication *authentication, const Identity *identity)
{
    Str role;
    for (size_t at = 0; at < authentication->roles.len;) {
        next_item(authentication->roles, &at, &role);
        if (str_equal(role, STR_LIT("*")) || (role.len > 0 && identity_has_role(identity, role)))
            return true;
    }
    return false;
}

/* `entry` may go with its table: what is told is copied. */
static Answer tell(const Authentication *authentication, const UserEntry *entry, Arena *arena, Identity *out)
{
    if (entry == NULL)
        return ANSWER_REFUSED;
    if (!has_wanted_role(authentication, &entry->identity))
        return ANSWER_FORBIDDEN;
    *out = (Identity){str_dup(arena, entry->identity.name), str_dup(arena, entry->identity.roles)};
    return ANSWER_ACCEPTED;
}

/* ---- at once ---- */

static int64_t now_us(const Authentication *authentication)
{
    return authentication->clock->monotonic_us(authentication->clock);
}

/* Lock held. */
static void refresh(Authentication *authentication)
{
    int64_t now = now_us(authentication);
    if (now - authentication->looked_us < LOOK_US)
        return;
    authentication->looked_us = now;
    user_file_refresh(&authentication->tokens, now);
    if (user_file_refresh(&authentication->users, now))
        proof_clear(authentication->proofs);
}

static Answer recall(Authentication *authentication, const Credentials *credentials, Arena *arena,
                     Identity *out)
{
    const UserEntry *entry = NULL;
    Proof            proof;
    switch (credentials->kind) {
    case CREDENTIALS_NONE:
    case CREDENTIALS_BROKEN:
        return ANSWER_REFUSED;
    case CREDENTIALS_TOKEN:
        if (authentication->tokens.table != NULL)
            entry = user_table_find_token(authentication->tokens.table, credentials->secret);
        return tell(authentication, entry, arena, out);
    case CREDENTIALS_PASSWORD:
        if (!authentication->passwords)
            return ANSWER_REFUSED;
        proof_make(authentication->proofs, credentials->name, credentials->secret, &proof);
        if (!proof_recall(authentication->proofs, &proof, now_us(authentication), &entry))
            return ANSWER_LATER;
        return tell(authentication, entry, arena, out);
    }
    return ANSWER_REFUSED;
}

Answer authentication_recall(Authentication *authentication, const Credentials *credentials, Arena *arena,
                             Identity *out)
{
    pthread_mutex_lock(&authentication->lock);
    refresh(authentication);
    Answer answer = recall(authentication, credentials, arena, out);
    pthread_mutex_unlock(&authentication->lock);
    return answer;
}

/* ---- taking its time ---- */

static Check *find_check(const Authentication *authentication, const Proof *proof)
{
    Check *check = authentication->checks;
    while (check != NULL && memcmp(check->proof.bytes, proof->bytes, PROOF_BYTES) != 0)
        check = check->next;
    return check;
}

static Check *add_check(Authentication *authentication, const Proof *proof)
{
    Check *check           = mem_calloc(1, sizeof *check);
    check->proof           = *proof;
    check->table           = user_table_ref(authentication->users.table);
    check->next            = authentication->checks;
    authentication->checks = check;
    return check;
}

/* Nobody joins it any more. */
static void remove_check(Authentication *authentication, const Check *check)
{
    Check **at = &authentication->checks;
    while (*at != check)
        at = &(*at)->next;
    *at = check->next;
}

static void release_check(Check *check)
{
    if (--check->refs > 0)
        return;
    user_table_unref(check->table);
    mem_free(check);
}

/* Waits for its turn, and checks without the lock, which is held before and after. */
static void run_check(Authentication *authentication, Check *check, const Credentials *credentials)
{
    authentication->waiting++;
    while (authentication->running == CHECKS_AT_ONCE)
        pthread_cond_wait(&authentication->changed, &authentication->lock);
    authentication->waiting--;
    authentication->running++;
    pthread_mutex_unlock(&authentication->lock);
    const UserEntry *entry  = user_table_find(check->table, credentials->name);
    const UserEntry *tried  = entry != NULL ? entry : user_table_decoy(check->table, credentials->name);
    bool             proved = tried != NULL && password_matches(tried->hash, credentials->secret);
    pthread_mutex_lock(&authentication->lock);
    authentication->running--;
    check->entry = proved ? entry : NULL; /* a decoy's own password proves nothing for another name */
    check->done  = true;
    if (check->table == authentication->users.table) /* else the file has changed meanwhile */
        proof_keep(authentication->proofs, &check->proof, check->entry, now_us(authentication));
    remove_check(authentication, check);
    pthread_cond_broadcast(&authentication->changed);
}

/* Lock held. */
static Answer verify(Authentication *authentication, const Credentials *credentials, Arena *arena,
                     Identity *out)
{
    Proof proof;
    proof_make(authentication->proofs, credentials->name, credentials->secret, &proof);
    Check *check = find_check(authentication, &proof);
    bool   own   = check == NULL;
    if (own && authentication->waiting >= MOST_WAITING)
        return ANSWER_BUSY;
    if (own)
        check = add_check(authentication, &proof);
    check->refs++;
    if (own)
        run_check(authentication, check, credentials);
    while (!check->done)
        pthread_cond_wait(&authentication->changed, &authentication->lock);
    Answer answer = tell(authentication, check->entry, arena, out);
    release_check(check);
    return answer;
}

Answer authentication_verify(Authentication *authentication, const Credentials *credentials, Arena *arena,
                             Identity *out)
{
    pthread_mutex_lock(&authentication->lock);
    Answer answer = recall(authentication, credentials, arena, out); /* somebody else was faster */
    if (answer == ANSWER_LATER)
        answer = verify(authentication, credentials, arena, out);
    pthread_mutex_unlock(&authentication->lock);
    return answer;
}

/* ---- settings ---- */

bool authentication_takes_passwords(const Authentication *authentication)
{
    return authentication->passwords;
}
bool authentication_takes_tokens(const Authentication *authentication)
{
    return authentication->tokens.path != NULL;
}
Str authentication_realm(const Authentication *authentication) { return authentication->realm; }

typedef struct {
    bool passwords, tokens; /* may be asked for */
    Str  users_file, tokens_file, roles;
} Wishes;

static Status no_effect(const char *name, Str method, Error *err)
{
    return error_set(err, E_CONFIG, NO_POS,
                     "%s has no effect with authentication.method=" STR_FMT
                     ", and a server that looks protected and is not does not start",
                     name, STR_ARG(method));
}

static Status needs(Str method, const char *name, Error *err)
{
    return error_set(err, E_CONFIG, NO_POS,
                     "authentication.method=" STR_FMT " needs %s: a file that `sluice passwd` writes",
                     STR_ARG(method), name);
}

static Status read_wishes(const Properties *properties, Wishes *out, Error *err)
{
    Str method       = properties_get_c(properties, "authentication.method");
    out->passwords   = str_equal_nocase(method, STR_LIT("BASIC"));
    out->tokens      = out->passwords || str_equal_nocase(method, STR_LIT("BEARER"));
    out->users_file  = properties_get_c(properties, "sluice.authentication.file");
    out->tokens_file = properties_get_c(properties, "sluice.authentication.tokens.file");
    out->roles       = properties_get_c(properties, "authentication.roles");
    if (!out->passwords && out->users_file.len > 0)
        return no_effect("sluice.authentication.file", method, err);
    if (!out->tokens && out->tokens_file.len > 0)
        return no_effect("sluice.authentication.tokens.file", method, err);
    if (!out->tokens && !str_equal(str_trim(out->roles), STR_LIT("*")))
        return no_effect("authentication.roles", method, err);
    if (out->passwords && out->users_file.len == 0)
        return needs(method, "sluice.authentication.file", err);
    if (out->tokens && !out->passwords && out->tokens_file.len == 0)
        return needs(method, "sluice.authentication.tokens.file", err);
    return OK;
}

/* It goes into a header between quotes. */
static Status check_realm(Str realm, Error *err)
{
    for (size_t i = 0; i < realm.len; i++)
        if (realm.ptr[i] < ' ' || realm.ptr[i] >= 0x7f || realm.ptr[i] == '"' || realm.ptr[i] == '\\')
            return error_set(err, E_CONFIG, NO_POS,
                             "authentication.realm is of letters of ASCII, without quotes");
    return OK;
}

static Status open_files(Authentication *authentication, const Wishes *wishes, Error *err)
{
    if (wishes->users_file.len > 0)
        TRY(user_file_open(&authentication->users, wishes->users_file, TABLE_USERS, err));
    if (wishes->tokens_file.len > 0)
        TRY(user_file_open(&authentication->tokens, wishes->tokens_file, TABLE_TOKENS, err));
    return proof_cache_new(&authentication->proofs, err);
}

Status authentication_open(const Properties *properties, Clock *clock, Authentication **out, Error *err)
{
    Wishes wishes;
    *out = NULL;
    TRY(read_wishes(properties, &wishes, err));
    Str realm = properties_get_c(properties, "authentication.realm");
    TRY(check_realm(realm, err));
    if (!wishes.tokens)
        return OK;
    Authentication *authentication = mem_calloc(1, sizeof *authentication);
    *authentication =
        (Authentication){.clock      = clock,
                         .passwords  = wishes.passwords,
                         .realm      = realm,
                         .roles      = wishes.roles,
                         .skip_paths = properties_get_c(properties, "authentication.skip.paths")};
    pthread_mutex_init(&authentication->lock, NULL);
    pthread_cond_init(&authentication->changed, NULL);
    Status status = open_files(authentication, &wishes, err);
    if (status == OK)
        *out = authentication;
    else
        authentication_close(authentication);
    return status;
}

void authentication_close(Authentication *authentication)
{
    if (authentication == NULL)
        return;
    user_file_close(&authentication->users);
    user_file_close(&authentication->tokens);
    proof_cache_free(authentication->proofs);
    pthread_cond_destroy(&authentication->changed);
    pthread_mutex_destroy(&authentication->lock);
    mem_free(authentication);
}
