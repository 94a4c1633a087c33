/*
 * registry_rows.h - what the tests of registry formats share: a registry in memory, records by schemas of
 * other people, bytes as hexadecimal text.
 */
#ifndef SLUICE_TESTS_REGISTRY_ROWS_H
#define SLUICE_TESTS_REGISTRY_ROWS_H

#include "serde/registry_memory.h"
#include "serde/schema_text.h"
#include "serde_rows.h"

typedef struct {
    SerdeRows       rows;
    SchemaRegistry *registry;
    const char     *format;
} RegistryRows;

static inline void registry_rows_init(RegistryRows *r, const char *format, int side, const char *columns)
{
    rows_init(&r->rows, format, side, columns);
    r->format             = format;
    r->registry           = registry_memory_new();
    r->rows.spec.registry = r->registry;
}

static inline void registry_rows_clear(RegistryRows *r)
{
    registry_close(r->registry);
    rows_clear(&r->rows);
}

/* A schema of somebody else, in some subject. */
static inline int32_t registry_rows_add(RegistryRows *r, const char *text)
{
    RegisteredSchema schema = {.kind = schema_kind_of(format_find(str_c(r->format))), .text = str_c(text)};
    int32_t          id;
    assert_int_equal(registry_enroll(r->registry, STR_LIT("other"), &schema, &id, &r->rows.err), OK);
    return id;
}

static inline uint8_t hex_digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10); }

/* "00 00000001 02" */
static inline Str from_hex(Arena *arena, const char *hex)
{
    char  *out = arena_alloc(arena, strlen(hex) / 2 + 1);
    size_t len = 0;
    for (; *hex; hex++)
        if (*hex != ' ') {
            out[len++] = (char)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
            hex++;
        }
    return str_n(out, len);
}

static inline const char *to_hex(Arena *arena, Str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char             *out      = arena_alloc(arena, bytes.len * 2 + 1);
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i]     = digits[(uint8_t)bytes.ptr[i] >> 4];
        out[2 * i + 1] = digits[(uint8_t)bytes.ptr[i] & 15];
    }
    out[bytes.len * 2] = 0;
    return out;
}

/* What a payload behind the frame of that id decodes to, as rows_show has it. */
static inline void expect_rows(RegistryRows *r, int32_t id, const char *payload, const char *shown)
{
    Str   rest     = from_hex(r->rows.arena, payload);
    char  frame[5] = {0, (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    char *bytes    = arena_alloc(r->rows.arena, rest.len + 5);
    memcpy(bytes, frame, 5);
    if (rest.len > 0)
        memcpy(bytes + 5, rest.ptr, rest.len);
    Str got = rows_show(&r->rows, str_n(bytes, rest.len + 5));
    assert_string_equal(str_to_c(r->rows.arena, got), shown);
}

/* The columns that a schema has, as `A` INTEGER, ...; or the error's message. */
static inline const char *inferred(RegistryRows *r, const char *text, bool unwrapped, bool upper)
{
    RegisteredSchema schema   = {.kind = schema_kind_of(format_find(str_c(r->format))), .text = str_c(text)};
    SchemaQuestion   question = {.format    = &r->rows.spec.format,
                                 .side      = r->rows.spec.side,
                                 .schema    = &schema,
                                 .registry  = r->registry,
                                 .unwrapped = unwrapped,
                                 .upper     = upper};
    Column          *columns;
    size_t           count;
    StrBuf           out = {0};
    if (schema_columns(&question, r->rows.arena, &columns, &count, &r->rows.err) != OK)
        return r->rows.err.message;
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(&out, "%s`" STR_FMT "` ", i ? ", " : "", STR_ARG(columns[i].name));
        type_print(columns[i].type, &out);
    }
    char *shown = str_to_c(r->rows.arena, strbuf_str(&out));
    strbuf_clear(&out);
    return shown;
}

#endif
