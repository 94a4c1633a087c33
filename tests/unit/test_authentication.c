/*
 * test_authentication.c - headers taken apart, paths that are skipped, proofs that hold for a minute, files
 * that change, settings that would have no effect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "server/access/authentication.h"
#include "server/access/password.h"
#include "server/access/proof_cache.h"
#include "server/settings/settings.h"

/* ---- headers ---- */

static const struct {
    const char     *header;
    CredentialsKind kind;
    const char     *name, *secret;
} headers[] = {
    {"Basic YW5uOnNlY3JldA==", CREDENTIALS_PASSWORD, "ann", "secret"},
    {"basic   YW5uOnNlY3JldA==  ", CREDENTIALS_PASSWORD, "ann", "secret"},
    {"Basic YW5uOg==", CREDENTIALS_PASSWORD, "ann", ""},
    {"Basic OnNlY3JldA==", CREDENTIALS_PASSWORD, "", "secret"},
    {"Basic YTpiOmM=", CREDENTIALS_PASSWORD, "a", "b:c"},
    {"Basic YW5u", CREDENTIALS_BROKEN, "", ""},             /* no colon */
    {"Basic YW5uOnNlY3JldA", CREDENTIALS_BROKEN, "", ""},   /* not as it is written */
    {"Basic YW5uOnNlY3JldB==", CREDENTIALS_BROKEN, "", ""}, /* bits behind the end */
    {"Basic YW5uOnNlY3JldA==\x01", CREDENTIALS_BROKEN, "", ""},
    {"\x01 Basic YW5uOnNlY3JldA==", CREDENTIALS_BROKEN, "", ""},
    {"Basic YW5uOnNlCmNyZXQ=", CREDENTIALS_BROKEN, "", ""}, /* a line's end */
    {"Basic YW5uOnNlY3JldA==x", CREDENTIALS_BROKEN, "", ""},
    {"Basic YW5uOnMAeA==", CREDENTIALS_BROKEN, "", ""}, /* a NUL */
    {"Basic ****", CREDENTIALS_BROKEN, "", ""},
    {"Basic ", CREDENTIALS_BROKEN, "", ""},
    {"Basic", CREDENTIALS_BROKEN, "", ""},
    {"YW5uOnNlY3JldA==", CREDENTIALS_BROKEN, "", ""},
    {"Digest username=\"ann\"", CREDENTIALS_BROKEN, "", ""},
    {"Bearer abc.def-1", CREDENTIALS_TOKEN, "", "abc.def-1"},
    {"bearer abc", CREDENTIALS_TOKEN, "", "abc"},
    {"Bearer a b", CREDENTIALS_BROKEN, "", ""},
    {"Bearer \xc3\xa9", CREDENTIALS_BROKEN, "", ""},
    {"Bearer ", CREDENTIALS_BROKEN, "", ""},
    {"", CREDENTIALS_NONE, "", ""},
    {"   ", CREDENTIALS_NONE, "", ""},
};

static void a_header_is_taken_apart(void **state)
{
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        Credentials read = credentials_read(str_c(headers[i].header), arena);
        if (read.kind != headers[i].kind || !str_equal(read.name, str_c(headers[i].name)) ||
            !str_equal(read.secret, str_c(headers[i].secret)))
            fail_msg("%s: %d " STR_FMT " " STR_FMT, headers[i].header, (int)read.kind, STR_ARG(read.name),
                     STR_ARG(read.secret));
    }
    assert_int_equal(credentials_read(STR_NULL, arena).kind, CREDENTIALS_NONE);
    char *long_one = mem_alloc(CREDENTIALS_MOST + 8);
    memset(long_one, 'A', CREDENTIALS_MOST + 8);
    memcpy(long_one, "Basic ", 6);
    assert_int_equal(credentials_read(str_n(long_one, CREDENTIALS_MOST + 8), arena).kind, CREDENTIALS_BROKEN);
    mem_free(long_one);
    arena_free(arena);
}

/* ---- proofs ---- */

static void a_proof_holds_for_a_minute_and_a_failure_for_a_moment(void **state)
{
    ProofCache      *cache;
    Error            err;
    Proof            right, wrong, other;
    UserEntry        ann = {.line = 1};
    const UserEntry *entry;
    assert_int_equal(proof_cache_new(&cache, &err), OK);
    proof_make(cache, STR_LIT("ann"), STR_LIT("secret"), &right);
    proof_make(cache, STR_LIT("ann"), STR_LIT("guess"), &wrong);
    proof_make(cache, STR_LIT("anns"), STR_LIT("ecret"), &other);
    assert_memory_not_equal(&right, &other, sizeof right);
    assert_false(proof_recall(cache, &right, 1, &entry));
    proof_keep(cache, &right, &ann, 1);
    proof_keep(cache, &wrong, NULL, 1);
    assert_true(proof_recall(cache, &right, PROOF_HOLDS_MS * 1000LL, &entry));
    assert_ptr_equal(entry, &ann);
    assert_true(proof_recall(cache, &wrong, PROOF_FAILED_MS * 1000LL, &entry));
    assert_null(entry);
    assert_false(proof_recall(cache, &other, 1, &entry));
    assert_false(proof_recall(cache, &right, 1 + PROOF_HOLDS_MS * 1000LL, &entry));
    assert_false(proof_recall(cache, &wrong, 1 + PROOF_FAILED_MS * 1000LL, &entry));
    proof_keep(cache, &right, &ann, 1);
    proof_clear(cache);
    assert_false(proof_recall(cache, &right, 1, &entry));
    proof_cache_free(cache);
}

/* ---- the whole ---- */

typedef struct {
    char        path[64];
    Properties *properties;
    Clock       clock;
    Arena      *arena;
} Fixture;

static int64_t fixture_us;
static int64_t stands(Clock *clock) { return fixture_us; }

static void write_users(const char *path, const char *ann, const char *bob)
{
    StrBuf line = {0};
    Error  err;
    FILE  *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(password_hash(str_c(ann), &line, &err), OK);
    fprintf(file, "ann:" STR_FMT ":admin\n", STR_ARG(strbuf_str(&line)));
    strbuf_reset(&line);
    assert_int_equal(password_hash(str_c(bob), &line, &err), OK);
    fprintf(file, "bob:" STR_FMT "\n", STR_ARG(strbuf_str(&line)));
    strbuf_clear(&line);
    fclose(file);
}

static int set_up(void **state)
{
    Fixture *fixture = mem_calloc(1, sizeof *fixture);
    snprintf(fixture->path, sizeof fixture->path, "/tmp/sluice-test-users-%d", (int)getpid());
    write_users(fixture->path, "secret", "hidden");
    fixture->properties = properties_new(NULL);
    fixture->arena      = arena_new(0);
    clock_init_virtual(&fixture->clock, 0, 1);
    fixture->clock.monotonic_us = stands;
    fixture_us                  = 10 * 1000 * 1000;
    properties_set(fixture->properties, STR_LIT("authentication.method"), STR_LIT("BASIC"));
    properties_set(fixture->properties, STR_LIT("sluice.authentication.file"), str_c(fixture->path));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    unlink(fixture->path);
    properties_free(fixture->properties);
    arena_free(fixture->arena);
    mem_free(fixture);
    return 0;
}

static Authentication *open_it(Fixture *fixture)
{
    Authentication *authentication;
    Error           err;
    settings_fill(fixture->properties);
    if (authentication_open(fixture->properties, &fixture->clock, &authentication, &err) != OK)
        fail_msg("%s", err.message);
    assert_non_null(authentication);
    return authentication;
}

static Answer ask(Fixture *fixture, Authentication *authentication, const char *name, const char *password)
{
    Identity    identity;
    Credentials given  = {CREDENTIALS_PASSWORD, str_c(name), str_c(password)};
    Answer      answer = authentication_recall(authentication, &given, fixture->arena, &identity);
    if (answer == ANSWER_LATER)
        answer = authentication_verify(authentication, &given, fixture->arena, &identity);
    if (answer == ANSWER_ACCEPTED)
        assert_true(str_equal(identity.name, str_c(name)));
    return answer;
}

static void who_is_known_gets_in(void **state)
{
    Fixture        *fixture        = *state;
    Authentication *authentication = open_it(fixture);
    assert_int_equal(ask(fixture, authentication, "ann", "secret"), ANSWER_ACCEPTED);
    assert_int_equal(ask(fixture, authentication, "bob", "hidden"), ANSWER_ACCEPTED);
    assert_int_equal(ask(fixture, authentication, "bob", "secret"), ANSWER_REFUSED);
    assert_int_equal(ask(fixture, authentication, "ann", ""), ANSWER_REFUSED);
    /* The decoy is somebody: that somebody's password is nobody else's. */
    assert_int_equal(ask(fixture, authentication, "eve", "secret"), ANSWER_REFUSED);
    assert_int_equal(ask(fixture, authentication, "eve", "hidden"), ANSWER_REFUSED);
    assert_int_equal(ask(fixture, authentication, "", "hidden"), ANSWER_REFUSED);
    authentication_close(authentication);
}

static void a_second_question_is_answered_at_once(void **state)
{
    Fixture        *fixture        = *state;
    Authentication *authentication = open_it(fixture);
    Identity        identity;
    Credentials     given = {CREDENTIALS_PASSWORD, STR_LIT("ann"), STR_LIT("secret")};
    assert_int_equal(authentication_recall(authentication, &given, fixture->arena, &identity), ANSWER_LATER);
    assert_int_equal(ask(fixture, authentication, "ann", "secret"), ANSWER_ACCEPTED);
    assert_int_equal(authentication_recall(authentication, &given, fixture->arena, &identity),
                     ANSWER_ACCEPTED);
    assert_true(str_equal(identity.roles, STR_LIT("admin")));
    fixture_us += PROOF_HOLDS_MS * 1000LL;
    assert_int_equal(authentication_recall(authentication, &given, fixture->arena, &identity), ANSWER_LATER);
    authentication_close(authentication);
}

static void roles_keep_others_out(void **state)
{
    Fixture *fixture = *state;
    properties_set(fixture->properties, STR_LIT("authentication.roles"), STR_LIT("reader, Admin"));
    Authentication *authentication = open_it(fixture);
    assert_int_equal(ask(fixture, authentication, "ann", "secret"), ANSWER_ACCEPTED);
    assert_int_equal(ask(fixture, authentication, "bob", "hidden"), ANSWER_FORBIDDEN);
    assert_int_equal(ask(fixture, authentication, "bob", "secret"), ANSWER_REFUSED);
    authentication_close(authentication);
}

static void a_file_that_changed_counts_within_a_second(void **state)
{
    Fixture        *fixture        = *state;
    Authentication *authentication = open_it(fixture);
    assert_int_equal(ask(fixture, authentication, "ann", "secret"), ANSWER_ACCEPTED);
    write_users(fixture->path, "another", "hidden");
    fixture_us += 1000 * 1000;
    assert_int_equal(ask(fixture, authentication, "ann", "secret"), ANSWER_REFUSED);
    assert_int_equal(ask(fixture, authentication, "ann", "another"), ANSWER_ACCEPTED);
    FILE *file = fopen(fixture->path, "w"); /* nonsense does not count */
    fputs("ann:nonsense\n", file);
    fclose(file);
    fixture_us += 1000 * 1000;
    assert_int_equal(ask(fixture, authentication, "ann", "another"), ANSWER_ACCEPTED);
    unlink(fixture->path);
    fixture_us += 1000 * 1000;
    assert_int_equal(ask(fixture, authentication, "bob", "hidden"), ANSWER_ACCEPTED);
    authentication_close(authentication);
}

/* ---- many at once ---- */

typedef struct {
    Fixture        *fixture;
    Authentication *authentication;
    const char     *name, *password;
    Answer          answer;
} Client;

static void *client_main(void *context)
{
    Client     *client = context;
    Arena      *arena  = arena_new(0);
    Identity    identity;
    Credentials given = {CREDENTIALS_PASSWORD, str_c(client->name), str_c(client->password)};
    client->answer    = authentication_verify(client->authentication, &given, arena, &identity);
    arena_free(arena);
    return NULL;
}

static void many_ask_at_once(void **state)
{
    enum { CLIENTS = 60 };
    Fixture        *fixture        = *state;
    Authentication *authentication = open_it(fixture);
    Client          clients[CLIENTS];
    pthread_t       threads[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) { /* two passwords alone: they share two checks */
        clients[i] = (Client){fixture, authentication, "ann", i % 2 == 0 ? "secret" : "guess", ANSWER_BUSY};
        assert_int_equal(pthread_create(&threads[i], NULL, client_main, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].answer, i % 2 == 0 ? ANSWER_ACCEPTED : ANSWER_REFUSED);
    }
    authentication_close(authentication);
}

/* ---- paths, settings ---- */

static const struct {
    const char *path;
    bool        skipped;
} paths[] = {{"/healthcheck", true},
             {"/v1/metadata", true},
             {"/v1/metadata/id", true},
             {"/chc/live", true},
             {"/chc/ready", true},
             {"/open/x/end", true},
             {"/open//end", true},
             {"/info", true},
             {"/open/x/ends", false},
             {"/ksql", false},
             {"/healthcheck/", false},
             {"/v1/metadata/x", false},
             {"/infos", false},
             {"/", false},
             {"", false},
             {"/chc", false},
             {"/INFO", false},
             {"/healthcheck ", false}};

static void some_paths_are_everybodys(void **state)
{
    Fixture *fixture = *state;
    properties_set(fixture->properties, STR_LIT("authentication.skip.paths"),
                   STR_LIT(" /open/*/end, /info,,"));
    Authentication *authentication = open_it(fixture);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (authentication_skips(authentication, str_c(paths[i].path)) != paths[i].skipped)
            fail_msg("%s", paths[i].path);
    authentication_close(authentication);
}

static const struct {
    const char *name, *value, *fault;
} refused[] = {
    {"authentication.method", "NONE",
     "sluice.authentication.file has no effect with authentication.method=NONE"},
    {"authentication.method", "BEARER", "sluice.authentication.file has no effect"},
    {"sluice.authentication.file", "", "authentication.method=BASIC needs sluice.authentication.file"},
    {"sluice.authentication.file", "/nowhere/users", "cannot read /nowhere/users"},
    {"sluice.authentication.file", "/tmp", "/tmp is no file"},
    {"sluice.authentication.tokens.file", "/nowhere/tokens", "cannot read /nowhere/tokens"},
    {"authentication.realm", "a\"b", "authentication.realm"},
};

static void what_would_have_no_effect_is_refused(void **state)
{
    Fixture        *fixture = *state;
    Authentication *authentication;
    Error           err;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        Properties *changed = properties_new(fixture->properties);
        settings_fill(fixture->properties);
        properties_set(changed, str_c(refused[i].name), str_c(refused[i].value));
        error_clear(&err);
        if (authentication_open(changed, &fixture->clock, &authentication, &err) != E_CONFIG ||
            strstr(err.message, refused[i].fault) == NULL)
            fail_msg("%s=%s: %s", refused[i].name, refused[i].value, err.message);
        properties_free(changed);
    }
    properties_set(fixture->properties, STR_LIT("sluice.authentication.file"), STR_LIT(""));
    properties_set(fixture->properties, STR_LIT("authentication.method"), STR_LIT("none"));
    assert_int_equal(authentication_open(fixture->properties, &fixture->clock, &authentication, &err), OK);
    assert_null(authentication);
    properties_set(fixture->properties, STR_LIT("authentication.roles"), STR_LIT("admin"));
    assert_int_equal(authentication_open(fixture->properties, &fixture->clock, &authentication, &err),
                     E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_apart),
        cmocka_unit_test(a_proof_holds_for_a_minute_and_a_failure_for_a_moment),
        cmocka_unit_test_setup_teardown(who_is_known_gets_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_question_is_answered_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roles_keep_others_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_changed_counts_within_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_ask_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(some_paths_are_everybodys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_would_have_no_effect_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
