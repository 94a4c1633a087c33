/*
 * doc.c - plain fields of the plan's document: see doc.h.
 */
#include "planner/document/doc.h"

void doc_fail(DocReader *r, const char *fmt, ...)
{
    va_list args;
    if (r->status != OK)
        return;
    va_start(args, fmt);
    r->status = error_setv(r->err, E_PLAN, NO_POS, fmt, args);
    va_end(args);
    if (r->where[0] != '\0' && r->err != NULL)
        (void)error_prefix(r->err, "%s: ", r->where);
}

/* ---- reading ---- */

const DocNode *doc_field(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *field = doc_ok(r) ? doc_member(object, name) : NULL;
    if (field == NULL)
        doc_fail(r, "\"%s\" is missing", name);
    return field;
}

bool doc_bool(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *field = doc_field(r, object, name);
    if (field != NULL && !doc_is_bool(field))
        doc_fail(r, "\"%s\" must be true or false", name);
    return doc_is_true(field);
}

int64_t doc_int(DocReader *r, const DocNode *object, const char *name, int64_t least, int64_t most)
{
    const DocNode *field = doc_field(r, object, name);
    int64_t        n;
    bool           whole = doc_whole(field, &n);
    if (field != NULL && (!whole || n < least || n > most))
        doc_fail(r, "\"%s\" must be a whole number from %lld to %lld", name, (long long)least,
                 (long long)most);
    return doc_ok(r) ? n : least;
}

/* A text that is no UTF-8 is written as {"base64": ...}. */
static bool take_text(DocReader *r, const DocNode *json, Str *out)
{
    if (doc_is_text(json)) {
        *out = str_dup(r->arena, doc_string(json));
        return true;
    }
    const DocNode *bytes = doc_member(json, "base64");
    return doc_is_text(bytes) && base64_decode(r->arena, doc_string(bytes), out, NULL) == OK;
}

Str doc_text_of(DocReader *r, const DocNode *json)
{
    Str text = STR_NULL;
    if (!doc_is_null(json) && !take_text(r, json, &text))
        doc_fail(r, "a text is missing");
    return text;
}

Str doc_text_or_null(DocReader *r, const DocNode *object, const char *name)
{
    const DocNode *field = doc_field(r, object, name);
    Str            text  = STR_NULL;
    if (field != NULL && !doc_is_null(field) && !take_text(r, field, &text))
        doc_fail(r, "\"%s\" must be a text", name);
    return text;
}

Str doc_text(DocReader *r, const DocNode *object, const char *name)
{
    Str text = doc_text_or_null(r, object, name);
    if (str_is_null(text))
        doc_fail(r, "\"%s\" must be a text", name);
    return str_is_null(text) ? STR_LIT("") : text;
}

const DocNode *doc_array_or_null(DocReader *r, const DocNode *object, const char *name, size_t *count)
{
    const DocNode *field = doc_field(r, object, name);
    *count               = 0;
    if (field == NULL || doc_is_null(field))
        return NULL;
    if (!doc_is_list(field)) {
        doc_fail(r, "\"%s\" must be a list", name);
        return NULL;
    }
    *count = doc_count(field);
    return field;
}

const DocNode *doc_array(DocReader *r, const DocNode *object, const char *name, size_t *count)
{
    const DocNode *array = doc_array_or_null(r, object, name, count);
    if (array == NULL)
        doc_fail(r, "\"%s\" must be a list", name);
    return array;
}

int doc_choice(DocReader *r, const DocNode *object, const char *name, const char *const *names, size_t count)
{
    const DocNode *field = doc_field(r, object, name);
    for (size_t i = 0; field != NULL && i < count; i++)
        if (names[i] != NULL && doc_string_is(field, names[i]))
            return (int)i;
    doc_fail(r, "\"%s\" is '" STR_FMT "', which this version does not know", name,
             STR_ARG(doc_string(field)));
    return 0;
}

const int *doc_slots(DocReader *r, const DocNode *object, const char *name, size_t count, int least, int most)
{
    size_t         found;
    const DocNode *array = doc_array(r, object, name, &found);
    int           *slots = ARENA_ARRAY(r->arena, int, count + 1);
    if (doc_ok(r) && found != count)
        doc_fail(r, "\"%s\" has %zu elements instead of %zu", name, found, count);
    const DocNode *slot = doc_first(array);
    for (size_t i = 0; doc_ok(r) && i < count; i++, slot = doc_next(slot)) {
        int64_t n;
        if (!doc_whole(slot, &n) || n < least || n > most)
            doc_fail(r, "\"%s\" must hold numbers from %d to %d", name, least, most);
        else
            slots[i] = (int)n;
    }
    return slots;
}

/* ---- writing ---- */

void doc_put(json_t *object, const char *name, json_t *value)
{
    json_object_set_new_nocheck(object, name, value);
}

json_t *doc_json_text(Str text)
{
    if (str_is_null(text))
        return json_null();
    json_t *json = json_stringn(text.ptr, text.len);
    if (json != NULL)
        return json;
    Arena *arena = arena_new(0);
    Str    bytes = base64_encode(arena, text);
    json         = json_pack("{s:s%}", "base64", bytes.ptr, bytes.len);
    arena_free(arena);
    return json;
}

void doc_put_text(json_t *object, const char *name, Str text) { doc_put(object, name, doc_json_text(text)); }

void doc_put_slots(json_t *object, const char *name, const int *slots, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_integer(slots[i]));
    doc_put(object, name, array);
}
