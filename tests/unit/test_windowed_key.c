/* Keys of windowed records: where the bounds stand. */
#include "serde_rows.h"

static void bounds_stand_behind_the_key(void **state)
{
    Arena *arena = arena_new(0);
    Str    time  = windowed_key_encode(arena, WINDOW_KEY_TIME, STR_LIT("k1"), 60000, 120000);
    assert_true(str_equal(time, STR_LIT("k1\0\0\0\0\0\0\xEA\x60")));
    Str session = windowed_key_encode(arena, WINDOW_KEY_SESSION, STR_LIT("k1"), 0, 10009);
    assert_true(str_equal(session, STR_LIT("k1\0\0\0\0\0\0\x27\x19\0\0\0\0\0\0\0\0")));
    assert_true(str_equal(windowed_key_encode(arena, WINDOW_KEY_NONE, STR_LIT("k1"), 1, 2), STR_LIT("k1")));
    arena_free(arena);
}

static const struct {
    WindowKeyKind kind;
    int64_t       size_ms;
    Str           key;
    bool          whole;
    Str           inner;
    int64_t       start, end;
} keys[] = {
    {WINDOW_KEY_TIME, 60000, STR_LIT("k1\0\0\0\0\0\0\xEA\x60"), true, STR_LIT("k1"), 60000, 120000},
    {WINDOW_KEY_SESSION, 0, STR_LIT("k1\0\0\0\0\0\0\x27\x19\0\0\0\0\0\0\0\0"), true, STR_LIT("k1"), 0, 10009},
    {WINDOW_KEY_TIME, 1, STR_LIT("\0\0\0\0\0\0\0\1"), true, STR_LIT(""), 1, 2},
    {WINDOW_KEY_TIME, 1, STR_LIT("\0\0\0\0\0\0\1"), false, STR_LIT(""), 0, 0},
    {WINDOW_KEY_SESSION, 0, STR_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), false, STR_LIT(""), 0, 0},
    {WINDOW_KEY_TIME, 10, STR_LIT("k\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), true, STR_LIT("k"), INT64_MAX,
     INT64_MAX},
    {WINDOW_KEY_TIME, 10, STR_LIT("k\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), true, STR_LIT("k"), -1, 9},
    {WINDOW_KEY_NONE, 0, STR_LIT("k"), true, STR_LIT("k"), 0, 0},
    {WINDOW_KEY_TIME, 0, {NULL, 0}, false, STR_LIT(""), 0, 0},
};

static void keys_are_split(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        Str     inner = STR_NULL;
        int64_t start = 0, end = 0;
        bool    whole = windowed_key_split(keys[i].kind, keys[i].size_ms, keys[i].key, &inner, &start, &end);
        assert_int_equal(whole, keys[i].whole);
        if (!whole)
            continue;
        assert_true(str_equal(inner, keys[i].inner));
        assert_true(start == keys[i].start);
        assert_true(end == keys[i].end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_stand_behind_the_key),
        cmocka_unit_test(keys_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
