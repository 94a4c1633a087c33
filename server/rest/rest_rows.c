/*
 * rest_rows.c - rows as the forms of rest.md 5: objects in an array, lines, one plain array, messages,
 * Protobuf.
 */
#include "server/rest/rest.h"
#include "server/rest/proto_rows.h"

#include "serde/serde.h"
#include "server/engine/execution.h"

const char *row_form_type(RowForm form)
{
    static const char *const types[] = {
        [ROWS_OBJECTS]      = "application/vnd.ksql.v1+json",
        [ROWS_PUSHED]       = "application/vnd.ksql.v1+json",
        [ROWS_LINES]        = "application/vnd.ksqlapi.delimited.v1",
        [ROWS_ARRAY]        = "application/json",
        [ROWS_SOCKET]       = "text/plain", /* not said: messages have no type */
        [ROWS_PROTO]        = "application/vnd.ksql.v1+protobuf",
        [ROWS_PROTO_PUSHED] = "application/vnd.ksql.v1+protobuf",
    };
    return types[form];
}

static bool is_proto(RowForm form) { return form == ROWS_PROTO || form == ROWS_PROTO_PUSHED; }

static bool has_objects(RowForm form)
{
    return form == ROWS_OBJECTS || form == ROWS_PUSHED || form == ROWS_SOCKET || is_proto(form);
}

RowForm row_form_pushed(RowForm form)
{
    return form == ROWS_OBJECTS ? ROWS_PUSHED : form == ROWS_PROTO ? ROWS_PROTO_PUSHED : form;
}

Status rows_check(RowForm form, const Schema *schema, Error *err)
{
    StrBuf text   = {0};
    Status status = is_proto(form) ? proto_schema_print(schema, &text, err) : OK;
    strbuf_clear(&text);
    return status;
}

/* Before an element that is not the first. */
static const char *separator_before(RowForm form)
{
    return form == ROWS_OBJECTS || form == ROWS_PROTO ? ",\n" : form == ROWS_ARRAY ? "," : "";
}

/* Behind one that is not the last. */
static const char *separator_behind(RowForm form)
{
    return form == ROWS_PUSHED || form == ROWS_PROTO_PUSHED ? ",\n" : form == ROWS_LINES ? "\n" : "";
}

/* ksqlDB's text has header columns, which only `SELECT *` on a SOURCE TABLE gives as such, before the values;
 * rows have them last. */
static int place_in_text(const Schema *schema, const Column *column)
{
    if (schema->count == 0 || schema->columns[schema->count - 1].role != COLUMN_HEADERS)
        return 0;
    return column->role == COLUMN_KEY ? 0 : column->role == COLUMN_HEADERS ? 1 : 2;
}

static void print_schema(const Schema *schema, StrBuf *out)
{
    bool first = true;
    for (int place = 0; place <= 2; place++)
        for (size_t i = 0; i < schema->count; i++) {
            if (place_in_text(schema, &schema->columns[i]) != place)
                continue;
            strbuf_adds(out, first ? "" : ", ");
            column_print(&schema->columns[i], false, out);
            first = false;
        }
}

/* rows_check has seen that it can be printed. */
static void add_proto_schema(const Schema *schema, StrBuf *out)
{
    StrBuf text = {0};
    Error  ignored;
    if (proto_schema_print(schema, &text, &ignored) == OK) {
        strbuf_adds(out, ",\"protoSchema\":");
        json_write_string(strbuf_str(&text), out);
    }
    strbuf_clear(&text);
}

static void objects_header(RowForm form, Str query_id, const Schema *schema, StrBuf *out)
{
    StrBuf text = {0};
    print_schema(schema, &text);
    strbuf_adds(out, "[{\"header\":{\"queryId\":");
    json_write_string(query_id, out);
    strbuf_adds(out, ",\"schema\":");
    json_write_string(strbuf_str(&text), out);
    if (is_proto(form))
        add_proto_schema(schema, out);
    strbuf_adds(out, "}}");
    strbuf_clear(&text);
}

static void columns_header(Str query_id, const Schema *schema, StrBuf *out)
{
    StrBuf text = {0};
    strbuf_adds(out, "{\"queryId\":");
    json_write_string(query_id, out);
    strbuf_adds(out, ",\"columnNames\":[");
    for (size_t i = 0; i < schema->count; i++) {
        strbuf_adds(out, i ? "," : "");
        json_write_string(schema->columns[i].name, out);
    }
    strbuf_adds(out, "],\"columnTypes\":[");
    for (size_t i = 0; i < schema->count; i++) {
        strbuf_reset(&text);
        type_print(schema->columns[i].type, &text);
        strbuf_adds(out, i ? "," : "");
        json_write_string(strbuf_str(&text), out);
    }
    strbuf_adds(out, "]}");
    strbuf_clear(&text);
}

/* The columns as DESCRIBE lists them. */
static void fields_header(const Schema *schema, StrBuf *out)
{
    json_t *fields = entity_fields(schema);
    char   *text   = json_dumps(fields, JSON_COMPACT);
    strbuf_adds(out, text != NULL ? text : "[]");
    free(text); /* jansson's */
    json_decref(fields);
}

void rows_header_text(RowForm form, Str query_id, const Schema *schema, StrBuf *out)
{
    if (form == ROWS_ARRAY)
        strbuf_addc(out, '[');
    if (form == ROWS_SOCKET)
        fields_header(schema, out);
    else if (has_objects(form))
        objects_header(form, query_id, schema, out);
    else
        columns_header(query_id, schema, out);
}

void rows_header(HttpExchange *x, RowForm form, Str query_id, const Schema *schema)
{
    StrBuf out = {0};
    rows_header_text(form, query_id, schema, &out);
    strbuf_adds(&out, separator_behind(form));
    http_write(x, strbuf_str(&out));
    strbuf_clear(&out);
}

static void write_columns(const Schema *schema, const Value *values, StrBuf *out)
{
    strbuf_addc(out, '[');
    for (size_t i = 0; i < schema->count; i++) {
        if (i > 0)
            strbuf_addc(out, ',');
        json_write_value(schema->columns[i].type, values[i], JSON_STYLE_REST, out);
    }
    strbuf_addc(out, ']');
}

static void write_proto(const Schema *schema, const Value *values, Arena *arena, StrBuf *out)
{
    StrBuf bytes = {0};
    proto_row_write(schema, values, &bytes);
    strbuf_adds(out, "{\"row\":{\"protobufBytes\":\"");
    strbuf_add(out, base64_encode(arena, strbuf_str(&bytes)));
    strbuf_adds(out, "\"");
    strbuf_clear(&bytes);
}

/* `arena`: for rows as Protobuf. */
static void row_text(RowForm form, const Schema *schema, const Value *values, bool tombstone, Arena *arena,
                     StrBuf *out)
{
    strbuf_adds(out, separator_before(form));
    strbuf_adds(out, has_objects(form) && !is_proto(form) ? "{\"row\":{\"columns\":" : "");
    if (is_proto(form))
        write_proto(schema, values, arena, out);
    else
        write_columns(schema, values, out);
    strbuf_adds(out, !has_objects(form) ? "" : tombstone ? ",\"tombstone\":true}}" : "}}");
    strbuf_adds(out, separator_behind(form));
}

void rows_row_text(RowForm form, const Schema *schema, const Value *values, StrBuf *out)
{
    row_text(form, schema, values, false, NULL, out);
}

void rows_row(HttpExchange *x, RowForm form, const Schema *schema, const Value *values, bool tombstone,
              StrBuf *scratch)
{
    if (tombstone && !has_objects(form))
        return; /* the other forms cannot show one */
    strbuf_reset(scratch);
    row_text(form, schema, values, tombstone, http_arena(x), scratch);
    http_write(x, strbuf_str(scratch));
}

/* What differs between the forms stands around the same text. */
void rows_ready(HttpExchange *x, RowForm form, Str row, StrBuf *scratch)
{
    bool wrapped = has_objects(form) && !is_proto(form);
    strbuf_reset(scratch);
    strbuf_adds(scratch, separator_before(form));
    strbuf_adds(scratch, wrapped ? "{\"row\":{\"columns\":" : "");
    strbuf_add(scratch, row);
    strbuf_adds(scratch, wrapped ? "}}" : "");
    strbuf_adds(scratch, separator_behind(form));
    http_write(x, strbuf_str(scratch));
}

RowForm row_form_between_nodes(RowForm form) { return is_proto(form) ? ROWS_PROTO : ROWS_LINES; }

void rows_message(HttpExchange *x, RowForm form, const char *message)
{
    if (!has_objects(form))
        return;
    StrBuf out = {0};
    strbuf_adds(&out, separator_before(form));
    strbuf_adds(&out, "{\"finalMessage\":");
    json_write_string(str_c(message), &out);
    strbuf_addc(&out, '}');
    http_write(x, strbuf_str(&out));
    strbuf_clear(&out);
}

/* A line or an element of an array is the inner object, as ksqlDB's clients look for it. */
void rows_token(HttpExchange *x, RowForm form, const OffsetVector *vector)
{
    StrBuf out = {0}, token = {0};
    offset_vector_print(vector, &token);
    strbuf_adds(&out, separator_before(form));
    strbuf_adds(&out, has_objects(form) ? "{\"consistencyToken\":" : "");
    strbuf_adds(&out, "{\"consistencyToken\":");
    json_write_string(strbuf_str(&token), &out);
    strbuf_adds(&out, has_objects(form) ? "}}" : form == ROWS_LINES ? "}\n" : "}");
    http_write(x, strbuf_str(&out));
    strbuf_clear(&token);
    strbuf_clear(&out);
}

void rows_error(HttpExchange *x, RowForm form, int code, const char *message)
{
    StrBuf out = {0};
    strbuf_adds(&out, separator_before(form));
    strbuf_adds(&out, has_objects(form) ? "{\"errorMessage\":" : "");
    strbuf_add(&out, rest_error_line(http_arena(x), code, message));
    strbuf_adds(&out, has_objects(form) ? "}" : form == ROWS_LINES ? "\n" : "");
    http_write(x, strbuf_str(&out));
    strbuf_clear(&out);
}

void rows_end(HttpExchange *x, RowForm form)
{
    if (form != ROWS_LINES && form != ROWS_SOCKET)
        http_write(x, STR_LIT("]"));
    http_end(x);
}
