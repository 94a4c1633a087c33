/* fuzz_registry.c - strangers' records of `_schemas`, and schemas that are brought into their kept form. The
 * first byte says which. */
#include <stdlib.h>

#include "registry/registry_model.h"
#include "serde/registry_memory.h"
#include "serde/schema_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Lines take turns as keys and values; what is read is written and read again as the same. */
static void read_records(Str text, Arena *arena)
{
    RegistryModel model = {0};
    Str           parts[2];
    size_t        count = 0;
    for (size_t at = 0; at < text.len && count < 256; count++) {
        const char *end  = memchr(text.ptr + at, '\n', text.len - at);
        size_t      len  = end != NULL ? (size_t)(end - text.ptr) - at : text.len - at;
        parts[count % 2] = len > 0 ? str_n(text.ptr + at, len) : STR_NULL;
        at += len + 1;
        RegistryRecord record, again;
        Error          err;
        if (count % 2 == 0 || registry_record_read(parts[0], parts[1], arena, &record, &err) != OK)
            continue;
        model_apply(&model, &record);
        if (record.kind == RECORD_OTHER || (record.kind == RECORD_NOOP && record.greatest_id < 0))
            continue;
        bool unset = (record.kind == RECORD_CONFIG && record.level == LEVEL_UNSET) ||
                     (record.kind == RECORD_MODE && record.mode == MODE_UNSET);
        if (unset && !record.tombstone)
            continue;
        StrBuf key = {0}, value = {0};
        registry_record_write(&record, &key, &value);
        must(registry_record_read(strbuf_str(&key), record.tombstone ? STR_NULL : strbuf_str(&value), arena,
                                  &again, &err) == OK);
        must(again.kind == record.kind && again.tombstone == record.tombstone);
        strbuf_clear(&key);
        strbuf_clear(&value);
    }
    model_clear(&model);
}

static void keep_schema(SchemaKind kind, Str text, Arena *arena)
{
    SchemaRegistry  *registry = registry_memory_new();
    RegisteredSchema schema   = {.kind = kind, .text = text};
    Str              out, again, bytes;
    Error            err;
    if (schema_canonical(&schema, registry, arena, &out, &err) == OK) {
        schema.text = out;
        must(schema_canonical(&schema, registry, arena, &again, &err) == OK);
        must(str_equal(out, again));
        must(schema_serialized(&schema, registry, arena, &bytes, &err) == OK);
        (void)schema_can_follow(&schema, &schema, registry, &err);
    }
    registry_close(registry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Arena *arena = arena_new(64 << 20);
    Str    text  = str_n((const char *)data + 1, size - 1);
    if (data[0] % 4 == 3)
        read_records(text, arena);
    else
        keep_schema((SchemaKind)(data[0] % 4), text, arena);
    arena_free(arena);
    return 0;
}
