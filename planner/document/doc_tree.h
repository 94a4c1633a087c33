/*
 * doc_tree.h - a document that is being read: a JSON text as a tree in an arena.
 *
 * A start reads thousands of documents; jansson, which writes them, takes ten times as long to read one as
 * everything that is then made of it, for it allocates each value by itself.
 */
#ifndef SLUICE_PLANNER_DOCUMENT_DOC_TREE_H
#define SLUICE_PLANNER_DOCUMENT_DOC_TREE_H

#include "core/str.h"

typedef struct JsonNode DocNode;

/* A level of an expression or type is up to three of its document, and a cast may stand around each. */
enum { DOC_NESTING_MAX = 3000 };

/* Texts may point into `text`, which must live as long. E_DATA: it is no JSON (the message does not quote
 * it). */
Status doc_parse(Str text, Arena *arena, const DocNode **out, Error *err);

/* All take NULL and nodes of any kind: what is not there is NULL, 0 or false. */
const DocNode *doc_member(const DocNode *object, const char *name);
size_t         doc_count(const DocNode *node); /* of an array or object */
const DocNode *doc_first(const DocNode *node); /* child, and the next one */
const DocNode *doc_next(const DocNode *child);
const DocNode *doc_item(const DocNode *array, size_t index); /* counts from the first: for short lists */
Str            doc_key(const DocNode *member);
bool           doc_is_null(const DocNode *node);
bool           doc_is_bool(const DocNode *node);
bool           doc_is_true(const DocNode *node);
bool           doc_is_text(const DocNode *node);
bool           doc_is_list(const DocNode *node);
bool           doc_is_object(const DocNode *node);
bool           doc_whole(const DocNode *node, int64_t *out); /* false: no number of 64 bits; *out is 0 then */
Str            doc_string(const DocNode *node);              /* STR_NULL: it is none */
bool           doc_string_is(const DocNode *node, const char *text);

/* The frozen hash of the node written compactly. */
uint64_t doc_hash(const DocNode *node);

#endif
