/*
 * doc_tree.c - see doc_tree.h. Reading is that of the JSON functions (udf/json_tree.h).
 */
#include "planner/document/doc_tree.h"

#include "core/slot_hash.h"
#include "core/value.h"
#include "udf/json_tree.h"

Status doc_parse(Str text, Arena *arena, const DocNode **out, Error *err)
{
    JsonNode *root;
    Error     why; /* quotes the text, which is long */
    *out = NULL;
    if (json_read_within(text, DOC_NESTING_MAX, arena, &root, &why) != OK || root->kind == JSON_MISSING)
        return error_set(err, E_DATA, NO_POS, "it is no JSON text, or nests deeper than %d levels",
                         DOC_NESTING_MAX);
    *out = root;
    return OK;
}

static bool is(const DocNode *node, JsonKind kind) { return node != NULL && node->kind == kind; }

const DocNode *doc_member(const DocNode *object, const char *name)
{
    return is(object, JSON_OBJECT) ? json_member(object, str_c(name)) : NULL;
}

size_t doc_count(const DocNode *node) { return node == NULL ? 0 : node->count; }

const DocNode *doc_first(const DocNode *node) { return node == NULL ? NULL : node->first; }

const DocNode *doc_next(const DocNode *child) { return child == NULL ? NULL : child->next; }

const DocNode *doc_item(const DocNode *array, size_t index)
{
    return is(array, JSON_ARRAY) ? json_item(array, index) : NULL;
}

Str  doc_key(const DocNode *member) { return member == NULL ? STR_NULL : member->key; }
bool doc_is_null(const DocNode *node) { return is(node, JSON_NULL); }
bool doc_is_bool(const DocNode *node) { return is(node, JSON_BOOLEAN); }
bool doc_is_true(const DocNode *node) { return is(node, JSON_BOOLEAN) && node->truth; }
bool doc_is_text(const DocNode *node) { return is(node, JSON_STRING); }
bool doc_is_list(const DocNode *node) { return is(node, JSON_ARRAY); }
bool doc_is_object(const DocNode *node) { return is(node, JSON_OBJECT); }

bool doc_whole(const DocNode *node, int64_t *out)
{
    *out = 0;
    return is(node, JSON_INTEGER) && int64_parse(node->text, out);
}

Str doc_string(const DocNode *node)
{
    if (!is(node, JSON_STRING))
        return STR_NULL;
    return str_is_null(node->text) ? STR_LIT("") : node->text;
}

bool doc_string_is(const DocNode *node, const char *text)
{
    return is(node, JSON_STRING) && str_equal(node->text, str_c(text));
}

uint64_t doc_hash(const DocNode *node)
{
    StrBuf   text = {0};
    Error    ignored;
    uint64_t hash = 0;
    if (node != NULL && json_print(node, false, &text, &ignored) == OK)
        hash = slot_hash(strbuf_str(&text));
    strbuf_clear(&text);
    return hash;
}
