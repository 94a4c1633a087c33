/*
 * test_user_table.c - files of users and tokens: what they say, and the line that is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/access/password.h"
#include "server/access/user_table.h"

/* Of "secret". */
#define SHA512                                                                                               \
    "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/"        \
    "crpIjl8NJSAqXV/"
#define BCRYPT "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static const struct {
    const char *text, *name, *roles; /* of the first entry */
} users[] = {
    {"ann:" BCRYPT ":admin,reader\n", "ann", "admin,reader"},
    {"# who may\n\n  ann : " BCRYPT " : admin , reader \r\n", "ann", "admin,reader"},
    {"ann:" BCRYPT, "ann", ""},
    {"ann:" BCRYPT ":", "ann", ""},
    {"ann: CRYPT:" BCRYPT ",admin, reader\n", "ann", "admin,reader"},
    {"ann: CRYPT:" BCRYPT "\n", "ann", ""},
    {"ann@example.org:" SHA512 ":a-b.c_d@e", "ann@example.org", "a-b.c_d@e"},
    {"\xc3\xa9l\xc3\xa9na:" BCRYPT ":r", "\xc3\xa9l\xc3\xa9na", "r"},
};

static void a_line_is_a_user(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        UserTable *table;
        Error      err;
        if (user_table_parse(str_c(users[i].text), TABLE_USERS, "users", &table, &err) != OK)
            fail_msg("%s: %s", users[i].text, err.message);
        assert_int_equal(user_table_count(table), 1);
        const UserEntry *entry = user_table_find(table, str_c(users[i].name));
        assert_non_null(entry);
        assert_true(str_equal(entry->identity.roles, str_c(users[i].roles)));
        assert_null(user_table_find(table, STR_LIT("somebody")));
        assert_ptr_equal(user_table_decoy(table, STR_LIT("somebody")), entry);
        user_table_unref(table);
    }
}

static const struct {
    TableKind   kind;
    const char *text, *fault;
} mistakes[] = {
    {TABLE_USERS, "ann\n", "users line 1: it is no name:secret:roles"},
    {TABLE_USERS, "# x\n\n:" BCRYPT "\n", "users line 3: a name has 1 to 255 bytes"},
    {TABLE_USERS, "ann:secret:admin\n", "users line 1: the password is not hashed"},
    {TABLE_USERS, "ann:\n", "users line 1: the password is not hashed"},
    {TABLE_USERS, "ann: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,admin\n", "the password is not hashed"},
    {TABLE_USERS, "ann:$1$abcdefgh$abcdefghijklmnopqrstuv\n", "unknown or too weak"},
    {TABLE_USERS, "ann:$apr1$abcdefgh$abcdefghijklmnopqrstuv\n", "unknown or too weak"},
    {TABLE_USERS, "ann:$6$saltsalt\n", "the hash is not whole"},
    {TABLE_USERS, "ann:$6$saltsalt$abc\n", "the hash is not whole"},
    {TABLE_USERS, "ann:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIr\n",
     "the hash is not whole"},
    {TABLE_USERS, "ann:$y$j9T$\n", "the hash is not whole"},
    {TABLE_USERS, "ann:$2y$04$ab*defghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n", "what no hash holds"},
    {TABLE_USERS, "ann:" BCRYPT ":a,,b\n", "roles are names"},
    {TABLE_USERS, "ann:" BCRYPT ":a,\n", "roles are names"},
    {TABLE_USERS, "ann:" BCRYPT ":a b\n", "roles are names"},
    {TABLE_USERS, "ann:" BCRYPT ":a:b\n", "roles are names"},
    {TABLE_USERS, "a\tnn:" BCRYPT "\n", "no control characters"},
    {TABLE_USERS, "\xff:" BCRYPT "\n", "bytes of UTF-8"},
    {TABLE_USERS, "ann:" BCRYPT "\nbob:" BCRYPT "\nANN:" BCRYPT "\n",
     "users line 3: the name is there already"},
    {TABLE_TOKENS, "ci:abc:r\n", "a token stands as its SHA-256"},
    {TABLE_TOKENS,
     "ci:zz"
     "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a2\n",
     "its SHA-256"},
};

static void a_mistake_is_told_with_its_line_and_without_its_secret(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        UserTable *table;
        Error      err;
        if (user_table_parse(str_c(mistakes[i].text), mistakes[i].kind, "users", &table, &err) != E_CONFIG)
            fail_msg("it was read: %s", mistakes[i].text);
        if (strstr(err.message, mistakes[i].fault) == NULL || strstr(err.message, "secret:admin") != NULL)
            fail_msg("%s: %s", mistakes[i].text, err.message);
    }
}

/* SHA-256 of "secret". */
#define DIGEST "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static void a_token_is_found_by_its_digest(void **state)
{
    UserTable *table;
    Error      err;
    Str        text = STR_LIT("other:" DIGEST "0\n");
    assert_int_equal(user_table_parse(text, TABLE_TOKENS, "tokens", &table, &err), E_CONFIG);
    text = STR_LIT("ci:" DIGEST ":r\nup:"
                   "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25C\n");
    assert_int_equal(user_table_parse(text, TABLE_TOKENS, "tokens", &table, &err), OK);
    const UserEntry *entry = user_table_find_token(table, STR_LIT("secret"));
    assert_non_null(entry);
    assert_true(str_equal(entry->identity.name, STR_LIT("ci")));
    assert_null(user_table_find_token(table, STR_LIT("Secret")));
    assert_null(user_table_find_token(table, STR_LIT("")));
    user_table_unref(table);
}

static void an_empty_file_is_nobody(void **state)
{
    UserTable *table;
    Error      err;
    assert_int_equal(user_table_parse(STR_LIT(""), TABLE_USERS, "users", &table, &err), OK);
    assert_int_equal(user_table_count(table), 0);
    assert_null(user_table_decoy(table, STR_LIT("ann")));
    user_table_unref(table);
}

static void a_password_matches_what_others_hashed(void **state)
{
    assert_true(password_matches(SHA512, STR_LIT("secret")));
    assert_true(password_matches(BCRYPT, STR_LIT("secret")));
    assert_false(password_matches(SHA512, STR_LIT("Secret")));
    assert_false(password_matches(BCRYPT, STR_LIT("Secret")));
}

static void a_password_matches_its_own_hash(void **state)
{
    char   longest[PASSWORD_MOST + 1];
    StrBuf hash = {0};
    Error  err;
    memset(longest, 'x', sizeof longest);
    assert_int_equal(password_hash(STR_LIT("secret"), &hash, &err), OK);
    strbuf_addc(&hash, '\0');
    assert_null(password_hash_fault(str_c(hash.ptr)));
    assert_true(password_matches(hash.ptr, STR_LIT("secret")));
    assert_false(password_matches(hash.ptr, STR_LIT("secre")));
    assert_false(password_matches(hash.ptr, STR_LIT("secret ")));
    assert_null(password_hash_fault(STR_LIT("$5$abcdefgh$1yj.KJ6SLWPaFeV5Uam3ZYNXW6IiHZzMBoRpx4JvMo0")));
    assert_false(password_matches(hash.ptr, STR_LIT("secret\0x"))); /* crypt(3) would stop at the NUL */
    assert_false(password_matches(hash.ptr, STR_LIT("")));
    assert_false(password_matches(hash.ptr, str_n(longest, sizeof longest)));
    assert_int_equal(password_hash(STR_LIT(""), &hash, &err), E_CONFIG);
    assert_int_equal(password_hash(str_n(longest, sizeof longest), &hash, &err), E_CONFIG);
    strbuf_clear(&hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_user),
        cmocka_unit_test(a_mistake_is_told_with_its_line_and_without_its_secret),
        cmocka_unit_test(a_token_is_found_by_its_digest),
        cmocka_unit_test(an_empty_file_is_nobody),
        cmocka_unit_test(a_password_matches_what_others_hashed),
        cmocka_unit_test(a_password_matches_its_own_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
