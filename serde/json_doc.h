/*
 * json_doc.h - a JSON text with its index, read strictly and in place.
 *
 * A value is named by k, the index entry where it begins. Everything that a reader passes over is checked as
 * a JSON parser would (brackets, commas, numbers, literals, escapes), so a record with a broken tail is bad
 * even when its wanted fields come first; only what follows the first value is ignored, as ksqlDB ignores it.
 */
#ifndef SLUICE_SERDE_JSON_DOC_H
#define SLUICE_SERDE_JSON_DOC_H

#include "core/str.h"
#include "serde/json_index.h"

enum { JSON_MAX_DEPTH = 1000 }; /* of nested arrays and objects; the limit of ksqlDB's parser */

typedef struct {
    const char     *text;
    size_t          len;
    const uint32_t *at; /* [count + 1], the last is len */
    size_t          count;
    bool            escapes; /* a backslash occurs somewhere */
} JsonDoc;

/* False when `bytes` cannot begin with a JSON value at all (see json_index_build). A byte order mark is
 * skipped. */
bool json_doc_open(JsonDoc *doc, JsonIndex *index, Str bytes);

/* The entry behind the value at k, or 0 when it is malformed or nests too deep. For containers: see
 * json_doc_skip. */
size_t json_doc_skip_container(const JsonDoc *doc, size_t k);
/* The text is a number of JSON's grammar. */
bool json_is_number(Str text);
/* Writes the text between the quotes without its escapes; `out` has room for raw.len bytes. -1: a bad escape.
 * A lone surrogate becomes U+FFFD. With out == NULL it only checks. */
ptrdiff_t json_unescape(Str raw, char *out);

static inline bool json_doc_is(const JsonDoc *doc, size_t k, char c)
{
    return k < doc->count && doc->text[doc->at[k]] == c;
}

/* The characters of the scalar at k < count, quotes included, without the white space behind it. */
static inline Str json_doc_token(const JsonDoc *doc, size_t k)
{
    size_t start = doc->at[k], end = doc->at[k + 1];
    while (doc->text[end - 1] == ' ' || doc->text[end - 1] == '\n' || doc->text[end - 1] == '\r' ||
           doc->text[end - 1] == '\t')
        end--;
    return str_n(doc->text + start, end - start);
}

/* What stands between the quotes of the string at k, escapes and all. */
static inline Str json_doc_raw_text(const JsonDoc *doc, size_t k)
{
    Str token = json_doc_token(doc, k);
    return str_n(token.ptr + 1, token.len - 2);
}

static inline bool json_has_escape(const JsonDoc *doc, Str raw)
{
    return doc->escapes && raw.len > 0 && memchr(raw.ptr, '\\', raw.len) != NULL;
}

static inline bool json_doc_check_string(const JsonDoc *doc, size_t k)
{
    if (!json_doc_is(doc, k, '"'))
        return false;
    Str token = json_doc_token(doc, k);
    if (token.len < 2 || token.ptr[token.len - 1] != '"')
        return false;
    Str raw = str_n(token.ptr + 1, token.len - 2);
    return !json_has_escape(doc, raw) || json_unescape(raw, NULL) >= 0;
}

static inline bool json_doc_check_scalar(const JsonDoc *doc, size_t k)
{
    if (k >= doc->count)
        return false;
    switch (doc->text[doc->at[k]]) {
    case '"':
        return json_doc_check_string(doc, k);
    case 't':
        return str_equal(json_doc_token(doc, k), STR_LIT("true"));
    case 'f':
        return str_equal(json_doc_token(doc, k), STR_LIT("false"));
    case 'n':
        return str_equal(json_doc_token(doc, k), STR_LIT("null"));
    default:
        return json_is_number(json_doc_token(doc, k));
    }
}

/* The entry behind the value at k, or 0 when it is malformed. */
static inline size_t json_doc_skip(const JsonDoc *doc, size_t k)
{
    if (json_doc_is(doc, k, '{') || json_doc_is(doc, k, '['))
        return json_doc_skip_container(doc, k);
    return json_doc_check_scalar(doc, k) ? k + 1 : 0;
}

#endif
