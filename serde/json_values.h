/*
 * json_values.h - JSON values as values of SQL types: the coercions of runtime.md 1.5 and their error texts.
 *
 * The document was checked by whoever walked it, so that only conversions can fail here.
 */
#ifndef SLUICE_SERDE_JSON_VALUES_H
#define SLUICE_SERDE_JSON_VALUES_H

#include "serde/format.h"
#include "serde/json_shape.h"

/* A type to be read, with what is wanted of it: made once per decoder. */
typedef struct JsonNode JsonNode;
struct JsonNode {
    const SqlType  *type;
    bool            unwanted;
    const JsonNode *element; /* ARRAY, MAP */
    JsonNode       *fields;  /* STRUCT */
    JsonShape      *shape;   /* STRUCT */
};

/* Where in the row a value stands, for error texts: `$.COL.SUB[3].key.value`. Lives on the stack of the
 * readers. */
typedef struct JsonPath JsonPath;
struct JsonPath {
    const JsonPath *up;
    Str             name;   /* .name */
    size_t          index;  /* [index], where name is STR_NULL */
    const char     *suffix; /* ".key", ".value" of a map's entry, or "" */
};

typedef struct {
    JsonDoc doc;
    Arena  *arena; /* of the batch */
    Str     topic;
    int     side;
    StrBuf  scratch; /* text being put together */
} JsonReader;

void json_node_init(JsonNode *node, const SqlType *type, const Wanted *wanted, Arena *arena);
/* The value at k, coerced to the node's type. `path` NULL: the payload itself. */
Status json_read_value(JsonReader *reader, const JsonNode *node, size_t k, const JsonPath *path, Value *out,
                       Error *err);
/* "Can't convert type. sourceType: TextNode, requiredType: BOOLEAN, path: $.COL". */
Status json_cannot_convert(const JsonReader *reader, size_t k, const char *required, const JsonPath *path,
                           Error *err);

/* The text that a STRING column gets from the value at k, whatever it is; `*out` in the payload or in the
 * arena. */
Status json_read_text(JsonReader *reader, size_t k, Str *out, Error *err);

/* The entries of an object: of names that occur twice the first place and the last value. Both arrays in the
 * arena. */
typedef struct {
    Str      *names;
    uint32_t *values; /* where each begins */
    size_t    count;
} JsonEntries;
Status json_read_entries(JsonReader *reader, size_t k, JsonEntries *out, Error *err);
/* The text of the string at k without quotes and escapes, in the payload where it can be. */
Status json_read_string(const JsonReader *reader, size_t k, Str *out, Error *err);

#endif
