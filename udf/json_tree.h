/*
 * json_tree.h - a JSON text as a tree in an arena, for the JSON functions (functions.md 3.6).
 *
 * Strict JSON, but only the first value is read. Numbers stay text, so that nothing of them is lost; members
 * keep their order, and of equal keys the last value wins at the first one's place. Depth is bounded.
 */
#ifndef SLUICE_UDF_JSON_TREE_H
#define SLUICE_UDF_JSON_TREE_H

#include "core/str.h"

typedef enum {
    JSON_MISSING,
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_INTEGER,
    JSON_FRACTION,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} JsonKind;

typedef struct JsonNode JsonNode;
struct JsonNode {
    JsonKind  kind;
    bool      truth;        /* BOOLEAN */
    Str       text;         /* number as written; STRING decoded */
    Str       key;          /* of a member of an object, decoded */
    JsonNode *first, *last; /* children */
    JsonNode *next;         /* sibling */
    size_t    count;
};

enum { JSON_MAX_DEPTH = 1000 };

/* E_DATA "Invalid JSON format:<text>"; of a top-level array, *out then holds the elements
 * before the mistake; anything else in it is meaningless.
 * A blank text is JSON_MISSING and no error. The tree may point into `text`. */
Status json_read(Str text, Arena *arena, JsonNode **out, Error *err);
/* The same for texts of our own, which may nest deeper. */
Status json_read_within(Str text, int max_depth, Arena *arena, JsonNode **out, Error *err);
/* Appends a child; json_unique_members afterwards, for objects. */
void   json_append(JsonNode *parent, JsonNode *child);
Status json_unique_members(JsonNode *object, Arena *arena, Error *err);
/* The member of that key, or NULL. */
const JsonNode *json_member(const JsonNode *object, Str key);
const JsonNode *json_item(const JsonNode *array, size_t index);

/* Compact text. Numbers as Java's BigDecimal prints them: with an exponent where it would, or `plain`, which
 * fails when that takes more than 100,000 digits. */
Status json_print(const JsonNode *node, bool plain, StrBuf *out, Error *err);
void   json_print_string(Str text, StrBuf *out); /* quoted and escaped */

/* A path of the subset in functions.md 3.6.1. E_DATA "Invalid JSON path: '...'". Thread: read-only
 * afterwards. */
typedef struct JsonPath JsonPath;
Status                  json_path_compile(Str path, Arena *arena, JsonPath **out, Error *err);
/* What it leads to, or NULL. */
const JsonNode *json_path_find(const JsonPath *path, const JsonNode *root);

#endif
