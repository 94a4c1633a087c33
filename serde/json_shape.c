/*
 * json_shape.c - see the header. The guesses are a list in the order of the last surprise-free record; the
 * table of names behind them is open addressing over str_hash.
 */
#include "serde/json_shape.h"

#include <unicode/ucasemap.h>

enum { GUESS_NAME_MAX = 44, GUESSES_FIRST = 8, GUESSES_MAX = 128 };

#define NO_LENGTH UINT32_MAX    /* that of no name: strangers choose how long theirs are */
#define EXACT_MATCH 0x80000000u /* in a slot while walking: found by its exact name */

typedef struct {
    uint32_t len; /* NO_LENGTH: holds nothing */
    char     name[GUESS_NAME_MAX];
    int32_t  exact;  /* the field of that very name, or -1 */
    int32_t  folded; /* the field whose name is the upper-case form, where that differs, or -1 */
} Guess;

struct JsonShape {
    Arena     *arena;
    const Str *names;
    size_t     count;
    uint32_t  *slots;
    int32_t   *table; /* field indexes, -1 empty */
    size_t     mask;
    char      *scratch, *folded; /* each scratch_size */
    size_t     scratch_size;     /* a raw name that is longer matches nothing */
    Guess     *guesses;          /* as many as records have fields, which is not how many are wanted */
    size_t     guess_count;
};

static void grow_guesses(JsonShape *shape)
{
    size_t count   = shape->guess_count == 0 ? GUESSES_FIRST : 2 * shape->guess_count;
    Guess *guesses = ARENA_ARRAY(shape->arena, Guess, count);
    if (shape->guess_count > 0)
        memcpy(guesses, shape->guesses, shape->guess_count * sizeof *guesses);
    for (size_t i = shape->guess_count; i < count; i++)
        guesses[i].len = NO_LENGTH;
    shape->guesses     = guesses;
    shape->guess_count = count;
}

JsonShape *json_shape_new(Arena *arena, const Str *names, size_t count)
{
    JsonShape *shape    = ARENA_NEW(arena, JsonShape);
    size_t     size     = 4;
    size_t     name_max = 0;
    while (size < 2 * count)
        size *= 2;
    shape->arena = arena;
    shape->names = names;
    shape->count = count;
    shape->slots = ARENA_ARRAY(arena, uint32_t, count + 1);
    shape->table = ARENA_ARRAY(arena, int32_t, size);
    shape->mask  = size - 1;
    memset(shape->table, 0xff, size * sizeof *shape->table);
    for (size_t i = 0; i < count; i++) {
        if (str_is_null(names[i]))
            continue;
        size_t at = str_hash(names[i]) & shape->mask;
        while (shape->table[at] >= 0)
            at = (at + 1) & shape->mask;
        shape->table[at] = (int32_t)i;
        if (names[i].len > name_max)
            name_max = names[i].len;
    }
    shape->scratch_size =
        18 * name_max; /* \u escapes take 6 bytes a character, and upper case may be 3 times shorter */
    shape->scratch     = arena_alloc(arena, 2 * shape->scratch_size + 1);
    shape->folded      = shape->scratch + shape->scratch_size;
    shape->guess_count = 0;
    grow_guesses(shape);
    return shape;
}

static int32_t find_name(const JsonShape *shape, Str name)
{
    for (size_t at = str_hash(name) & shape->mask; shape->table[at] >= 0; at = (at + 1) & shape->mask)
        if (str_equal(shape->names[shape->table[at]], name))
            return shape->table[at];
    return -1;
}

/* The upper-case form in the shape's scratch; STR_NULL when it is too long to match. */
static Str fold_name(JsonShape *shape, Str name)
{
    if (str_is_ascii(name)) {
        for (size_t i = 0; i < name.len; i++)
            shape->folded[i] =
                (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] - 'a' + 'A' : name.ptr[i]);
        return str_n(shape->folded, name.len);
    }
    UErrorCode code = U_ZERO_ERROR;
    UCaseMap  *map  = ucasemap_open("", 0, &code);
    int32_t    len  = ucasemap_utf8ToUpper(map, shape->folded, (int32_t)shape->scratch_size, name.ptr,
                                           (int32_t)name.len, &code);
    ucasemap_close(map);
    return U_FAILURE(code) ? STR_NULL : str_n(shape->folded, (size_t)len);
}

/* What a name in the document stands for; `raw` may hold escapes. */
static void look_up(JsonShape *shape, const JsonDoc *doc, Str raw, Guess *out)
{
    Str name    = raw;
    out->exact  = -1;
    out->folded = -1;
    if (raw.len > shape->scratch_size)
        return;
    if (json_has_escape(doc, raw))
        name = str_n(shape->scratch, (size_t)json_unescape(raw, shape->scratch));
    out->exact = find_name(shape, name);
    Str folded = fold_name(shape, name);
    if (!str_is_null(folded) && !str_equal(folded, name))
        out->folded = find_name(shape, folded);
}

static inline bool guess_fits(const Guess *guess, Str raw)
{
    return guess->len == raw.len && memcmp(guess->name, raw.ptr, raw.len) == 0;
}

/* The fields of the name `raw`, which stands at about *next in the document. */
static const Guess *guess_name(JsonShape *shape, const JsonDoc *doc, Str raw, size_t *next, Guess *surprise)
{
    for (size_t i = *next; i < *next + 2 && i < shape->guess_count; i++) /* + 1: a field may be left out */
        if (guess_fits(&shape->guesses[i], raw)) {
            *next = i + 1;
            return &shape->guesses[i];
        }
    look_up(shape, doc, raw, surprise);
    if (*next == shape->guess_count && shape->guess_count < GUESSES_MAX)
        grow_guesses(shape);
    if (*next < shape->guess_count && raw.len <= GUESS_NAME_MAX) {
        Guess *guess = &shape->guesses[(*next)++];
        *guess       = *surprise;
        guess->len   = (uint32_t)raw.len;
        memcpy(guess->name, raw.ptr, raw.len);
    }
    return surprise;
}

size_t json_shape_walk(JsonShape *shape, const JsonDoc *doc, size_t k, const uint32_t **out)
{
    uint32_t *slots    = shape->slots;
    size_t    next     = 0;
    Guess     surprise = {0};
    memset(slots, 0, shape->count * sizeof *slots);
    *out = slots;
    if (!json_doc_is(doc, k, '{'))
        return 0;
    if (json_doc_is(doc, ++k, '}'))
        return k + 1;
    for (;;) {
        if (!json_doc_check_string(doc, k) || !json_doc_is(doc, k + 1, ':'))
            return 0;
        const Guess *guess = guess_name(shape, doc, json_doc_raw_text(doc, k), &next, &surprise);
        k += 2;
        if (guess->exact >= 0)
            slots[guess->exact] = (uint32_t)k | EXACT_MATCH;
        if (guess->folded >= 0 && !(slots[guess->folded] & EXACT_MATCH))
            slots[guess->folded] = (uint32_t)k;
        if ((k = json_doc_skip(doc, k)) == 0)
            return 0;
        if (json_doc_is(doc, k, ','))
            k++;
        else if (json_doc_is(doc, k, '}'))
            break;
        else
            return 0;
    }
    for (size_t i = 0; i < shape->count; i++)
        slots[i] &= ~EXACT_MATCH;
    return k + 1;
}
