/*
 * json_stringify.c - any JSON value as the text of a STRING column (runtime.md 1.5).
 *
 * Strings are themselves; numbers as Java's BigInteger and BigDecimal print them; objects compact, as Jackson
 * writes its tree back; arrays as Java prints a list of such texts, `[a, b]`, which is not JSON. Recursion is
 * as deep as the document, whose depth JSON_MAX_DEPTH bounds.
 */
#include <assert.h>

#include "core/decimal.h"
#include "serde/json_values.h"

Status json_read_string(const JsonReader *reader, size_t k, Str *out, Error *err)
{
    Str raw = json_doc_raw_text(&reader->doc, k);
    if (!json_has_escape(&reader->doc, raw)) {
        *out = raw;
        return OK;
    }
    char *text = arena_try_alloc(reader->arena, raw.len, err);
    if (text == NULL)
        return E_LIMIT;
    ptrdiff_t len = json_unescape(raw, text);
    assert(len >= 0); /* checked when the document was walked */
    *out = str_n(text, (size_t)len);
    return OK;
}

/* The entry behind the value at k of a document that was checked. */
static size_t next_value(const JsonDoc *doc, size_t k)
{
    size_t next = json_doc_skip(doc, k);
    assert(next > k);
    return next;
}

static size_t count_entries(const JsonDoc *doc, size_t k)
{
    size_t n = 0;
    if (json_doc_is(doc, ++k, '}'))
        return 0;
    do {
        k = next_value(doc, k + 2);
        n++;
    } while (json_doc_is(doc, k++, ','));
    return n;
}

/* Table of places in `entries` by name; 0 = empty, else place + 1. */
static size_t place_of(const JsonEntries *entries, uint32_t *table, size_t mask, Str name)
{
    size_t at = str_hash(name) & mask;
    while (table[at] != 0 && !str_equal(entries->names[table[at] - 1], name))
        at = (at + 1) & mask;
    if (table[at] == 0)
        table[at] = (uint32_t)entries->count + 1;
    return table[at] - 1;
}

Status json_read_entries(JsonReader *reader, size_t k, JsonEntries *out, Error *err)
{
    const JsonDoc *doc  = &reader->doc;
    size_t         n    = count_entries(doc, k);
    size_t         size = 4;
    *out                = (JsonEntries){0};
    if (n == 0)
        return OK;
    while (size < 2 * n)
        size *= 2;
    uint32_t *table;
    if ((out->names = arena_try_alloc(reader->arena, n * sizeof *out->names, err)) == NULL ||
        (out->values = arena_try_alloc(reader->arena, n * sizeof *out->values, err)) == NULL ||
        (table = arena_try_alloc(reader->arena, size * sizeof *table, err)) == NULL)
        return E_LIMIT;
    memset(table, 0, size * sizeof *table);
    k++;
    for (size_t i = 0; i < n; i++) {
        Str name;
        TRY(json_read_string(reader, k, &name, err));
        size_t place       = place_of(out, table, size - 1, name);
        out->names[place]  = name;
        out->values[place] = (uint32_t)(k + 2);
        out->count += place == out->count;
        k = next_value(doc, k + 2) + 1;
    }
    return OK;
}

static Status put_number(JsonReader *reader, Str token, Error *err)
{
    bool exact = memchr(token.ptr, '.', token.len) == NULL && memchr(token.ptr, 'e', token.len) == NULL &&
                 memchr(token.ptr, 'E', token.len) == NULL;
    if (exact) { /* an integer: as written, but for minus zero */
        strbuf_add(&reader->scratch, str_equal(token, STR_LIT("-0")) ? STR_LIT("0") : token);
        return OK;
    }
    Value number;
    TRY(decimal_parse(reader->arena, token, &number, err));
    decimal_print_scientific(number, &reader->scratch);
    return OK;
}

static Status put_json(JsonReader *reader, size_t k, Error *err);

static Status put_object(JsonReader *reader, size_t k, Error *err)
{
    JsonEntries entries;
    TRY(json_read_entries(reader, k, &entries, err));
    strbuf_addc(&reader->scratch, '{');
    for (size_t i = 0; i < entries.count; i++) {
        if (i > 0)
            strbuf_addc(&reader->scratch, ',');
        json_write_string(entries.names[i], &reader->scratch);
        strbuf_addc(&reader->scratch, ':');
        TRY(put_json(reader, entries.values[i], err));
    }
    strbuf_addc(&reader->scratch, '}');
    return OK;
}

/* The items of the array at k, each by `put`, with `separator` between them. */
static Status put_items(JsonReader *reader, size_t k, Status (*put)(JsonReader *, size_t, Error *),
                        const char *separator, Error *err)
{
    strbuf_addc(&reader->scratch, '[');
    for (k++; !json_doc_is(&reader->doc, k, ']');) {
        TRY(put(reader, k, err));
        k = next_value(&reader->doc, k);
        if (json_doc_is(&reader->doc, k, ',')) {
            strbuf_adds(&reader->scratch, separator);
            k++;
        }
    }
    strbuf_addc(&reader->scratch, ']');
    return OK;
}

/* The value as compact JSON. */
static Status put_json(JsonReader *reader, size_t k, Error *err)
{
    Str token = json_doc_token(&reader->doc, k);
    switch (token.ptr[0]) {
    case '{':
        return put_object(reader, k, err);
    case '[':
        return put_items(reader, k, put_json, ",", err);
    case '"': {
        Str text;
        TRY(json_read_string(reader, k, &text, err));
        json_write_string(text, &reader->scratch);
        return OK;
    }
    case 't':
    case 'f':
    case 'n':
        strbuf_add(&reader->scratch, token);
        return OK;
    default:
        return put_number(reader, token, err);
    }
}

/* The value as a STRING column shows it. */
static Status put_text(JsonReader *reader, size_t k, Error *err)
{
    if (json_doc_is(&reader->doc, k, '"')) {
        Str text;
        TRY(json_read_string(reader, k, &text, err));
        strbuf_add(&reader->scratch, text);
        return OK;
    }
    if (json_doc_is(&reader->doc, k, '['))
        return put_items(reader, k, put_text, ", ", err);
    return put_json(reader, k, err);
}

Status json_read_text(JsonReader *reader, size_t k, Str *out, Error *err)
{
    if (json_doc_is(&reader->doc, k, '"'))
        return json_read_string(reader, k, out, err);
    strbuf_reset(&reader->scratch);
    TRY(put_text(reader, k, err));
    return encoder_hand_out(&reader->scratch, reader->arena, out, err);
}
