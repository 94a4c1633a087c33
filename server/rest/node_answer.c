/*
 * node_answer.c - see node_answer.h. No text of JSON has a newline in it, so a line is an element.
 */
#include "server/rest/node_answer.h"

Str node_answer_header(RowForm form, const Schema *schema, Arena *arena)
{
    StrBuf text = {0};
    rows_header_text(form, STR_LIT(""), schema, &text);
    Str       all   = strbuf_str(&text);
    Str       first = form == ROWS_LINES ? STR_LIT(",\"columnNames\":") : STR_LIT(",\"schema\":");
    ptrdiff_t at    = str_find(all, first, 0);
    Str       out   = str_dup(arena, at < 0 ? all : str_n(all.ptr + at, all.len - (size_t)at));
    strbuf_clear(&text);
    return out;
}

static bool next_line(NodeAnswer *answer, bool ended, Str *line)
{
    Str         all     = strbuf_str(&answer->bytes);
    Str         rest    = str_n(all.ptr + answer->at, all.len - answer->at);
    const char *newline = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
    if (newline == NULL && (!ended || rest.len == 0))
        return false;
    *line = newline != NULL ? str_n(rest.ptr, (size_t)(newline - rest.ptr)) : rest;
    answer->at += line->len + (newline != NULL);
    return true;
}

/* Without what stands around elements of an array: each ends in a brace. */
static Str element_of(RowForm form, Str line)
{
    if (form != ROWS_LINES && line.len > 0 &&
        (line.ptr[line.len - 1] == ',' || line.ptr[line.len - 1] == ']'))
        line.len--;
    return line;
}

static bool is_row(RowForm form, Str element)
{
    return str_starts_with(element, form == ROWS_LINES ? STR_LIT("[") : STR_LIT("{\"row\":"));
}

/* {"consistencyToken": text}, and in the form with objects once more around. */
Status node_answer_token(Str element, OffsetVector *out, Error *why)
{
    Error         ignored;
    json_error_t  error;
    json_t       *json  = json_loadb(element.ptr, element.len, 0, &error);
    const json_t *inner = json_object_get(json, "consistencyToken");
    if (json_is_object(inner))
        inner = json_object_get(inner, "consistencyToken");
    Str text = json_is_string(inner) ? str_n(json_string_value(inner), json_string_length(inner)) : STR_NULL;
    Status status = offset_vector_is_text(text) ? offset_vector_parse(out, text, &ignored) : E_DATA;
    json_decref(json);
    return status == OK ? OK : error_set(why, E_BUSY, NO_POS, "its answer ends with a token that is none");
}

AnswerNext node_answer_next(NodeAnswer *answer, bool ended, Str *row, Error *why)
{
    Str line;
    while (next_line(answer, ended, &line)) {
        *row = element_of(answer->form, line);
        if (answer->headed && is_row(answer->form, *row))
            return ANSWER_ROW;
        if (answer->headed && str_starts_with(*row, STR_LIT("{\"consistencyToken\":")))
            return ANSWER_TOKEN;
        if (answer->headed) {
            error_set(why, E_BUSY, NO_POS, "it answers %.*s", (int)(row->len < 400 ? row->len : 400),
                      row->ptr);
            return ANSWER_WRONG;
        }
        if (!str_ends_with(*row, answer->header)) {
            error_set(why, E_BUSY, NO_POS, "it has another version of the table");
            return ANSWER_WRONG;
        }
        answer->headed = true;
    }
    return ANSWER_NO_MORE;
}

void node_answer_rewind(NodeAnswer *answer)
{
    answer->at     = 0;
    answer->headed = false;
}

void node_answer_drop(NodeAnswer *answer)
{
    size_t left = answer->bytes.len - answer->at;
    if (answer->at == 0)
        return;
    memmove(answer->bytes.ptr, answer->bytes.ptr + answer->at, left);
    answer->bytes.len = left;
    answer->at        = 0;
}

void node_answer_clear(NodeAnswer *answer) { strbuf_clear(&answer->bytes); }
