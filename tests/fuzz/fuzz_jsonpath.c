/* JSON texts and paths into them: the first line is the path, the rest the text. */
#include "udf/json_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text    = (const char *)data;
    const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
    Str         first   = str_n(size > 0 ? text : "", newline ? (size_t)(newline - text) : size);
    Str         json    = newline ? str_n(newline + 1, size - first.len - 1) : STR_LIT("");
    Arena      *arena   = arena_new(0);
    StrBuf      out     = {0};
    JsonNode   *root;
    JsonPath   *path;
    Error       err;
    bool        read = json_read(json, arena, &root, &err) == OK;
    if (read) {
        (void)!json_print(root, false, &out, &err);
        (void)!json_print(root, true, &out, &err);
    }
    if (json_path_compile(first, arena, &path, &err) == OK && read) {
        const JsonNode *found = json_path_find(path, root);
        if (found)
            (void)!json_print(found, false, &out, &err);
    }
    strbuf_clear(&out);
    arena_free(arena);
    return 0;
}
