/*
 * serde_rows.h - what the tests of formats share: columns from text ("A INT, B ARRAY<STRING>"), and a row in
 * and out.
 */
#ifndef SLUICE_TESTS_SERDE_ROWS_H
#define SLUICE_TESTS_SERDE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serde/serde.h"

enum { ROW_COLUMNS_MAX = 16 };

typedef struct {
    Arena    *arena;
    Column    columns[ROW_COLUMNS_MAX];
    SerdeSpec spec;
    Error     err;
} SerdeRows;

static inline const SqlType *rows_parse_type(Arena *arena, const char **at);

static inline Str rows_parse_word(const char **at)
{
    const char *start;
    while (**at == ' ' || **at == ',')
        ++*at;
    start = *at;
    while (**at && strchr(" ,<>()", **at) == NULL)
        ++*at;
    return str_n(start, (size_t)(*at - start));
}

static inline const SqlType *rows_parse_struct(Arena *arena, const char **at)
{
    SqlField fields[ROW_COLUMNS_MAX];
    size_t   n = 0;
    while (**at != '>') {
        fields[n].name   = str_dup(arena, rows_parse_word(at));
        fields[n++].type = rows_parse_type(arena, at);
    }
    return type_struct(arena, fields, n);
}

static inline const SqlType *rows_parse_type(Arena *arena, const char **at)
{
    Str            name = rows_parse_word(at);
    const SqlType *type = type_primitive(name);
    if (type != NULL)
        return type;
    ++*at; /* the bracket */
    if (str_equal(name, STR_LIT("DECIMAL"))) {
        int precision = (int)strtol(*at, (char **)at, 10);
        ++*at;
        type = type_decimal_unchecked(arena, precision, (int)strtol(*at, (char **)at, 10));
    } else if (str_equal(name, STR_LIT("ARRAY"))) {
        type = type_array(arena, rows_parse_type(arena, at));
    } else if (str_equal(name, STR_LIT("MAP"))) {
        const SqlType *key = rows_parse_type(arena, at);
        type               = type_map(arena, key, rows_parse_type(arena, at));
    } else {
        assert_true(str_equal(name, STR_LIT("STRUCT")));
        type = rows_parse_struct(arena, at);
    }
    ++*at;
    return type;
}

static inline void rows_init(SerdeRows *rows, const char *format, int side, const char *columns)
{
    *rows              = (SerdeRows){.arena = arena_new(0)};
    rows->spec.topic   = STR_LIT("T");
    rows->spec.side    = side;
    rows->spec.columns = rows->columns;
    rows->spec.format  = (FormatSpec){.format = format_find(str_c(format)), .delimiter = STR_NULL};
    assert_non_null(rows->spec.format.format);
    while (*columns) {
        Column *column = &rows->columns[rows->spec.count++];
        column->name   = str_dup(rows->arena, rows_parse_word(&columns));
        column->type   = rows_parse_type(rows->arena, &columns);
        column->role   = side == SIDE_KEY ? COLUMN_KEY : COLUMN_VALUE;
    }
}

static inline void rows_clear(SerdeRows *rows) { arena_free(rows->arena); }

/* Decodes from a heap copy of exactly that size, so that sanitizers see reads beyond it. */
static inline Status rows_decode(SerdeRows *rows, Str bytes, Value *out)
{
    Decoder *decoder;
    char    *exact = mem_alloc(bytes.len ? bytes.len : 1);
    memcpy(exact, bytes.ptr, bytes.len);
    assert_int_equal(decoder_open(&rows->spec, rows->arena, &decoder, &rows->err), OK);
    Status status = decoder_decode(decoder, str_n(exact, bytes.len), rows->arena, out, &rows->err);
    for (size_t i = 0; status == OK && i < rows->spec.count; i++)
        out[i] = value_copy(rows->arena, rows->columns[i].type, out[i]);
    decoder_close(decoder);
    mem_free(exact);
    return status;
}

static inline Str rows_encode(SerdeRows *rows, const Value *values)
{
    Encoder *encoder;
    Str      out;
    assert_int_equal(encoder_open(&rows->spec, rows->arena, &encoder, &rows->err), OK);
    assert_int_equal(encoder_encode(encoder, values, rows->arena, &out, &rows->err), OK);
    encoder_close(encoder);
    return out;
}

/* The row as `value|value|...` in topic style JSON; or the error's message. */
static inline Str rows_show(SerdeRows *rows, Str bytes)
{
    Value  values[ROW_COLUMNS_MAX];
    StrBuf text = {0};
    if (rows_decode(rows, bytes, values) != OK)
        return str_c(rows->err.message);
    for (size_t i = 0; i < rows->spec.count; i++) {
        if (i > 0)
            strbuf_addc(&text, '|');
        json_write_value(rows->columns[i].type, values[i], JSON_STYLE_TOPIC, &text);
    }
    Str shown = str_dup(rows->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return shown;
}

static inline void rows_expect(const char *format, int side, const char *columns, Str bytes,
                               const char *expected)
{
    SerdeRows rows;
    rows_init(&rows, format, side, columns);
    Str shown = rows_show(&rows, bytes);
    if (!str_equal(shown, str_c(expected)))
        fail_msg("%s of (%s) from <" STR_FMT ">:\nexpected %s\ngot      " STR_FMT, format, columns,
                 STR_ARG(bytes), expected, STR_ARG(shown));
    rows_clear(&rows);
}

#endif
