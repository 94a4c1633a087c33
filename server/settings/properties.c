/*
 * properties.c - a sorted array of names; settings are few and mostly read.
 */
#include "server/settings/properties.h"

#include "core/value.h"

typedef struct {
    char *name, *value;
    bool  is_filled; /* nobody has said it: the default */
} Entry;

struct Properties {
    const Properties *parent;
    Entry            *items;
    size_t            count, capacity;
    size_t            size; /* of all texts */
};

Properties *properties_new(const Properties *parent)
{
    Properties *properties = mem_calloc(1, sizeof *properties);
    properties->parent     = parent;
    return properties;
}

void properties_free(Properties *properties)
{
    if (properties == NULL)
        return;
    for (size_t i = 0; i < properties->count; i++) {
        mem_free(properties->items[i].name);
        mem_free(properties->items[i].value);
    }
    mem_free(properties->items);
    mem_free(properties);
}

Str property_canonical(Str name)
{
    Str prefix = STR_LIT("ksql.streams.");
    return str_starts_with(name, prefix) ? str_n(name.ptr + prefix.len, name.len - prefix.len) : name;
}

/* Index of the first entry that is not below `name`. */
static size_t lower_bound(const Properties *properties, Str name)
{
    size_t low = 0, high = properties->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_compare(str_c(properties->items[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const Properties *properties, size_t at, Str name)
{
    return at < properties->count && str_equal(str_c(properties->items[at].name), name);
}

void properties_set(Properties *properties, Str name, Str value)
{
    Str    canonical = property_canonical(name);
    size_t at        = lower_bound(properties, canonical);
    char  *copy      = str_to_heap(value);
    properties->size += strlen(copy);
    if (is_at(properties, at, canonical)) {
        properties->size -= strlen(properties->items[at].value);
        mem_free(properties->items[at].value);
        properties->items[at].value     = copy;
        properties->items[at].is_filled = false;
        return;
    }
    if (properties->count == properties->capacity) {
        properties->capacity = properties->capacity ? properties->capacity * 2 : 16;
        properties->items = mem_realloc(properties->items, properties->capacity * sizeof *properties->items);
    }
    memmove(properties->items + at + 1, properties->items + at,
            (properties->count - at) * sizeof *properties->items);
    properties->items[at] = (Entry){.name = str_to_heap(canonical), .value = copy};
    properties->count++;
    properties->size += strlen(properties->items[at].name);
}

void properties_fill(Properties *properties, Str name, Str value)
{
    Str canonical = property_canonical(name);
    if (!str_is_null(properties_get(properties, canonical)))
        return;
    properties_set(properties, canonical, value);
    properties->items[lower_bound(properties, canonical)].is_filled = true;
}

bool properties_is_said(const Properties *properties, const char *name)
{
    Str canonical = property_canonical(str_c(name));
    for (; properties != NULL; properties = properties->parent) {
        size_t at = lower_bound(properties, canonical);
        if (is_at(properties, at, canonical))
            return !properties->items[at].is_filled;
    }
    return false;
}

bool properties_unset(Properties *properties, Str name)
{
    Str    canonical = property_canonical(name);
    size_t at        = lower_bound(properties, canonical);
    if (!is_at(properties, at, canonical))
        return false;
    properties->size -= strlen(properties->items[at].name) + strlen(properties->items[at].value);
    mem_free(properties->items[at].name);
    mem_free(properties->items[at].value);
    memmove(properties->items + at, properties->items + at + 1,
            (properties->count - at - 1) * sizeof *properties->items);
    properties->count--;
    return true;
}

Str properties_get(const Properties *properties, Str name)
{
    Str canonical = property_canonical(name);
    for (; properties != NULL; properties = properties->parent) {
        size_t at = lower_bound(properties, canonical);
        if (is_at(properties, at, canonical))
            return str_c(properties->items[at].value);
    }
    return STR_NULL;
}

Str properties_get_c(const Properties *properties, const char *name)
{
    return properties_get(properties, str_c(name));
}

bool properties_is_true(const Properties *properties, const char *name, bool otherwise)
{
    Str value = properties_get_c(properties, name);
    return str_is_null(value) ? otherwise : str_equal_nocase(value, STR_LIT("true"));
}

int64_t properties_int(const Properties *properties, const char *name, int64_t otherwise)
{
    int64_t n;
    Str     value = properties_get_c(properties, name);
    return !str_is_null(value) && int64_parse(str_trim(value), &n) ? n : otherwise;
}

size_t properties_count(const Properties *properties) { return properties->count; }

size_t properties_size(const Properties *properties) { return properties->size; }

void properties_at(const Properties *properties, size_t index, Str *name, Str *value)
{
    *name  = str_c(properties->items[index].name);
    *value = str_c(properties->items[index].value);
}

/* ---- Java properties text ---- */

typedef struct {
    Str    text;
    size_t at;
    size_t line; /* 1-based, of `at` */
} Reader;

/* One logical line, continuations joined and leading blanks of each part dropped; false at the end. */
static bool read_logical_line(Reader *reader, StrBuf *out, size_t *line)
{
    strbuf_reset(out);
    *line = reader->line;
    if (reader->at >= reader->text.len)
        return false;
    for (bool more = true; more;) {
        more = false;
        while (reader->at < reader->text.len && strchr(" \t\f", reader->text.ptr[reader->at]) &&
               reader->text.ptr[reader->at])
            reader->at++;
        size_t start = reader->at;
        while (reader->at < reader->text.len && reader->text.ptr[reader->at] != '\n')
            reader->at++;
        size_t end = reader->at;
        reader->at += reader->at < reader->text.len;
        reader->line++;
        if (end > start && reader->text.ptr[end - 1] == '\r')
            end--;
        size_t slashes = 0;
        while (end - slashes > start && reader->text.ptr[end - 1 - slashes] == '\\')
            slashes++;
        bool comment = out->len == 0 && start < end &&
                       (reader->text.ptr[start] == '#' || reader->text.ptr[start] == '!');
        if (!comment && slashes % 2 == 1) {
            end--;
            more = reader->at < reader->text.len;
        }
        if (!comment)
            strbuf_add(out, str_n(reader->text.ptr + start, end - start));
    }
    return true;
}

static bool add_unicode(Str s, size_t *at, StrBuf *out)
{
    uint32_t cp = 0;
    if (*at + 4 > s.len)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = s.ptr[(*at)++];
        int  d = c >= '0' && c <= '9'   ? c - '0'
                 : c >= 'a' && c <= 'f' ? c - 'a' + 10
                 : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                        : -1;
        if (d < 0)
            return false;
        cp = cp * 16 + (uint32_t)d;
    }
    char   bytes[4];
    size_t n = utf8_put(cp, bytes);
    strbuf_add(out, str_n(bytes, n));
    return true;
}

static bool unescape(Str s, StrBuf *out)
{
    strbuf_reset(out);
    for (size_t at = 0; at < s.len;) {
        char c = s.ptr[at++];
        if (c != '\\' || at == s.len) {
            strbuf_addc(out, c);
            continue;
        }
        c = s.ptr[at++];
        if (c == 'u') {
            if (!add_unicode(s, &at, out))
                return false;
        } else {
            strbuf_addc(out, c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c);
        }
    }
    return true;
}

/* Where the key ends: at the first unescaped `=`, `:` or blank. */
static size_t key_end(Str line)
{
    size_t at = 0;
    while (at < line.len && line.ptr[at] != '=' && line.ptr[at] != ':' && line.ptr[at] != ' ' &&
           line.ptr[at] != '\t')
        at += line.ptr[at] == '\\' && at + 1 < line.len ? 2 : 1;
    return at;
}

/* Java takes a line without one for a name with an empty value, or the first word for the name; nobody means
 * that in a configuration. */
static bool has_separator(Str line)
{
    size_t end = key_end(line);
    while (end < line.len && (line.ptr[end] == ' ' || line.ptr[end] == '\t'))
        end++;
    return end > 0 && end < line.len && (line.ptr[end] == '=' || line.ptr[end] == ':');
}

static bool set_line(Properties *properties, Str line, StrBuf *name, StrBuf *value)
{
    size_t end = key_end(line), at = end;
    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
        at++;
    if (at < line.len && (line.ptr[at] == '=' || line.ptr[at] == ':'))
        at++;
    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
        at++;
    if (!unescape(str_n(line.ptr, end), name) || !unescape(str_n(line.ptr + at, line.len - at), value))
        return false;
    properties_set(properties, strbuf_str(name), strbuf_str(value));
    return true;
}

Status properties_parse(Properties *properties, Str text, Error *err)
{
    Reader reader  = {text, 0, 1};
    StrBuf logical = {0}, name = {0}, value = {0};
    size_t line;
    Status status = OK;
    while (status == OK && read_logical_line(&reader, &logical, &line)) {
        Str trimmed = strbuf_str(&logical);
        if (trimmed.len > 0 && !has_separator(trimmed))
            status = error_set(err, E_CONFIG, (Pos){(unsigned)line, 1},
                               "Line %zu is no setting: expected name=value", line);
        else if (trimmed.len > 0 && !set_line(properties, trimmed, &name, &value))
            status = error_set(err, E_CONFIG, (Pos){(unsigned)line, 1},
                               "Malformed \\uxxxx encoding in line %zu", line);
    }
    strbuf_clear(&logical);
    strbuf_clear(&name);
    strbuf_clear(&value);
    return status;
}
