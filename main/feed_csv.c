/*
 * feed_csv.c - see feed_csv.h.
 */
#include "main/feed_csv.h"

#include "core/value.h"
#include "shell/jtext.h"

typedef struct {
    Str  text; /* of a quoted field without its quotes */
    bool quoted;
} Field;

/* A quote opens a field only where one begins: `5" pipe` is refused later, and takes no other line with it.
 */
bool csv_is_complete(Str text)
{
    bool quoted = false, at_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"' && (quoted || at_start))
            quoted = !quoted; /* a doubled one closes and opens again */
        at_start = !quoted && (c == ',' || c == '"');
    }
    return !quoted;
}

/* At the opening quote; moves behind the closing one. */
static Status read_quoted(Str text, size_t *at, Arena *arena, Field *out, Error *err)
{
    StrBuf field = {0};
    for (++*at; *at < text.len; ++*at) {
        if (text.ptr[*at] != '"') {
            strbuf_addc(&field, text.ptr[*at]);
            continue;
        }
        if (*at + 1 >= text.len || text.ptr[*at + 1] != '"')
            break;
        strbuf_addc(&field, '"');
        ++*at;
    }
    bool closed = *at < text.len;
    *at += closed;
    *out = (Field){str_dup(arena, strbuf_str(&field)), true};
    strbuf_clear(&field);
    if (!closed)
        return error_set(err, E_DATA, NO_POS, "a quoted field does not end");
    if (*at < text.len && text.ptr[*at] != ',')
        return error_set(err, E_DATA, NO_POS, "a field goes on behind its closing quote");
    return OK;
}

static Status read_plain(Str text, size_t *at, Field *out, Error *err)
{
    size_t start = *at;
    for (; *at < text.len && text.ptr[*at] != ','; ++*at)
        if (text.ptr[*at] == '"')
            return error_set(err, E_DATA, NO_POS, "a quote stands within a field that has none in front");
    *out = (Field){str_n(text.ptr + start, *at - start), false};
    return OK;
}

/* All fields, in the arena. */
static Status split(Str text, Arena *arena, Field **out, size_t *count, Error *err)
{
    size_t most = 1, at = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',';
    Field *fields = ARENA_ARRAY(arena, Field, most);
    for (*count = 0;; at++) {
        Field *field = &fields[(*count)++];
        TRY(at < text.len && text.ptr[at] == '"' ? read_quoted(text, &at, arena, field, err)
                                                 : read_plain(text, &at, field, err));
        if (at >= text.len)
            break; /* else a comma */
    }
    *out = fields;
    return OK;
}

static Status check_names(const CsvHeader *header, Error *err)
{
    for (size_t i = 0; i < header->count; i++) {
        if (header->names[i].len == 0)
            return error_set(err, E_DATA, NO_POS, "column %zu of the header has no name", i + 1);
        for (size_t j = 0; j < i; j++)
            if (str_equal(header->names[i], header->names[j]))
                return error_set(err, E_DATA, NO_POS, "the header has the name " STR_FMT " twice",
                                 STR_ARG(header->names[i]));
    }
    return OK;
}

Status csv_header(Str text, CsvHeader *out, Error *err)
{
    static const Str mark = STR_LIT("\xef\xbb\xbf"); /* that some programs write first */
    Field           *fields;
    if (str_starts_with(text, mark))
        text = str_n(text.ptr + mark.len, text.len - mark.len);
    *out          = (CsvHeader){.arena = arena_new(0)};
    Status status = split(text, out->arena, &fields, &out->count, err);
    if (status == OK) {
        out->names = ARENA_ARRAY(out->arena, Str, out->count);
        for (size_t i = 0; i < out->count; i++)
            out->names[i] = str_dup(out->arena, str_trim(fields[i].text));
        status = check_names(out, err);
    }
    if (status != OK)
        csv_clear(out);
    return status;
}

void csv_clear(CsvHeader *header)
{
    if (header->arena != NULL)
        arena_free(header->arena);
    *header = (CsvHeader){0};
}

/* A number or a truth value as JSON writes them: "007", "1.", "NaN" and " 1" are texts. */
static bool is_json_scalar(Str text)
{
    size_t   at    = 0;
    JsonText value = jtext_read(text, &at);
    if (at != text.len || value.raw.len != text.len)
        return false;
    if (value.kind == JTEXT_NUMBER) {
        size_t digits = text.ptr[0] == '-';
        bool   zeros  = digits + 1 < text.len && text.ptr[digits] == '0' && text.ptr[digits + 1] >= '0' &&
                     text.ptr[digits + 1] <= '9';
        double number;
        return !zeros && double_parse(text, &number) && text.ptr[text.len - 1] >= '0' &&
               text.ptr[text.len - 1] <= '9';
    }
    return str_equal(text, STR_LIT("true")) || str_equal(text, STR_LIT("false"));
}

static void add_value(StrBuf *out, const Field *field)
{
    if (!field->quoted && field->text.len == 0)
        strbuf_adds(out, "null");
    else if (!field->quoted && is_json_scalar(field->text))
        strbuf_add(out, field->text);
    else
        jtext_add_string(out, field->text);
}

Status csv_object(const CsvHeader *header, Str text, StrBuf *out, Error *err)
{
    Field *fields;
    size_t count;
    Arena *arena  = arena_new(SIZE_MAX);
    Status status = split(text, arena, &fields, &count, err);
    if (status == OK && count != header->count)
        status = error_set(err, E_DATA, NO_POS, "%zu fields where the header has %zu", count, header->count);
    if (status == OK && !utf8_valid(text))
        status = error_set(err, E_DATA, NO_POS, "it is no UTF-8");
    for (size_t i = 0; status == OK && i < count; i++) {
        strbuf_addc(out, i > 0 ? ',' : '{');
        jtext_add_string(out, header->names[i]);
        strbuf_addc(out, ':');
        add_value(out, &fields[i]);
    }
    if (status == OK)
        strbuf_addc(out, '}');
    arena_free(arena);
    return status;
}
