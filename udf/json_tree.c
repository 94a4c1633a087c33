/*
 * json_tree.c - the reader: recursive descent, as deep as the caller allows.
 *
 * After a root number or word a separator must follow, as in Jackson: `1 2` reads 1, `1x` is a mistake.
 */
#include "udf/json_tree.h"

typedef struct {
    Str    text;
    size_t at;
    Arena *arena;
    Error *err;
    int    depth, max_depth;
} Reader;

static Status bad(Reader *r)
{
    return error_set(r->err, E_DATA, NO_POS, "Invalid JSON format:" STR_FMT, STR_ARG(r->text));
}

static void skip_space(Reader *r)
{
    while (r->at < r->text.len && strchr(" \t\n\r", r->text.ptr[r->at]) && r->text.ptr[r->at] != 0)
        r->at++;
}

static char peek(const Reader *r) { return r->at < r->text.len ? r->text.ptr[r->at] : 0; }

void json_append(JsonNode *parent, JsonNode *child)
{
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

/* ---- equal keys ---- */

/* Takes the value of `later` into the place of `earlier`. */
static void replace_value(JsonNode *earlier, const JsonNode *later)
{
    JsonNode *next = earlier->next;
    Str       key  = earlier->key;
    *earlier       = *later;
    earlier->next  = next;
    earlier->key   = key;
}

/* An open hash table over the members: objects of strangers may have a hundred thousand. */
Status json_unique_members(JsonNode *object, Arena *arena, Error *err)
{
    size_t size = 4;
    if (object->count < 2)
        return OK;
    while (size < object->count * 2)
        size *= 2;
    JsonNode **table = arena_try_alloc(arena, size * sizeof *table, err);
    if (table == NULL)
        return E_LIMIT;
    memset(table, 0, size * sizeof *table);
    JsonNode *previous = NULL, *next;
    for (JsonNode *member = object->first; member; member = next) {
        size_t slot = (size_t)str_hash(member->key) & (size - 1);
        next        = member->next;
        while (table[slot] && !str_equal(table[slot]->key, member->key))
            slot = (slot + 1) & (size - 1);
        if (table[slot] == NULL) {
            table[slot] = previous = member;
            continue;
        }
        previous->next = next; /* the first stays, so there is a previous one */
        replace_value(table[slot], member);
        object->count--;
    }
    object->last = previous;
    return OK;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex4(Reader *r, uint32_t *out)
{
    uint32_t unit = 0;
    if (r->at + 4 > r->text.len)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(r->text.ptr[r->at++]);
        if (digit < 0)
            return false;
        unit = unit * 16 + (uint32_t)digit;
    }
    *out = unit;
    return true;
}

/* Behind \u: one unit, or a pair; half a pair is U+FFFD. */
static bool read_unicode(Reader *r, char *out, size_t *len)
{
    uint32_t cp, low;
    if (!read_hex4(r, &cp))
        return false;
    if (cp >= 0xD800 && cp < 0xDC00 && r->at + 1 < r->text.len && r->text.ptr[r->at] == '\\' &&
        r->text.ptr[r->at + 1] == 'u') {
        size_t before = r->at;
        r->at += 2;
        if (!read_hex4(r, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        else
            r->at = before;
    }
    if (cp >= 0xD800 && cp < 0xE000)
        cp = 0xFFFD;
    char   utf8[4];
    size_t n = utf8_put(cp, utf8);
    memcpy(out + *len, utf8, n);
    *len += n;
    return true;
}

static bool read_escape(Reader *r, char *out, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char              c = peek(r);
    r->at++;
    if (c == 'u')
        return read_unicode(r, out, len);
    const char *found = c ? strchr(letters, c) : NULL;
    if (found == NULL)
        return false;
    out[(*len)++] = meanings[found - letters];
    return true;
}

/* Unescaped text is no longer than the escaped one. */
static Status read_escaped(Reader *r, size_t start, size_t end, Str *out)
{
    char  *buffer = arena_try_alloc(r->arena, end - start, r->err);
    size_t len    = 0;
    if (buffer == NULL)
        return E_LIMIT;
    for (r->at = start; r->at < end;) {
        char c = r->text.ptr[r->at++];
        if (c != '\\')
            buffer[len++] = c;
        else if (!read_escape(r, buffer, &len))
            return bad(r);
    }
    *out  = str_n(buffer, len);
    r->at = end + 1;
    return OK;
}

/* At the opening quote. */
static Status read_string(Reader *r, Str *out)
{
    size_t start = ++r->at, end = start;
    bool   escaped = false;
    for (;; end++) {
        if (end >= r->text.len || (unsigned char)r->text.ptr[end] < 0x20)
            return bad(r);
        if (r->text.ptr[end] == '"')
            break;
        if (r->text.ptr[end] == '\\') {
            escaped = true;
            if (++end >= r->text.len)
                return bad(r);
        }
    }
    if (escaped)
        return read_escaped(r, start, end, out);
    *out  = str_n(r->text.ptr + start, end - start);
    r->at = end + 1;
    return OK;
}

/* ---- numbers and words ---- */

static size_t skip_digits(Reader *r)
{
    size_t start = r->at;
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    return r->at - start;
}

static Status read_number(Reader *r, JsonNode *node)
{
    size_t start = r->at;
    node->kind   = JSON_INTEGER;
    if (peek(r) == '-')
        r->at++;
    bool   zero   = peek(r) == '0';
    size_t digits = skip_digits(r);
    if (digits == 0 || (zero && digits > 1))
        return bad(r);
    if (peek(r) == '.') {
        r->at++;
        node->kind = JSON_FRACTION;
        if (skip_digits(r) == 0)
            return bad(r);
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->at++;
        node->kind = JSON_FRACTION;
        if (peek(r) == '+' || peek(r) == '-')
            r->at++;
        if (skip_digits(r) == 0)
            return bad(r);
    }
    node->text = str_n(r->text.ptr + start, r->at - start);
    return OK;
}

static Status read_word(Reader *r, JsonNode *node)
{
    static const struct {
        const char *word;
        JsonKind    kind;
        bool        truth;
    } words[] = {
        {"null", JSON_NULL, false},
        {"true", JSON_BOOLEAN, true},
        {"false", JSON_BOOLEAN, false},
    };
    Str rest = str_n(r->text.ptr + r->at, r->text.len - r->at);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_starts_with(rest, str_c(words[i].word)))
            continue;
        r->at += strlen(words[i].word);
        char next = peek(r);
        if ((next | 0x20) >= 'a' && (next | 0x20) <= 'z')
            return bad(r);
        node->kind  = words[i].kind;
        node->truth = words[i].truth;
        return OK;
    }
    return bad(r);
}

/* ---- values ---- */

static Status read_value(Reader *r, JsonNode *node);

static Status read_member(Reader *r, JsonNode *parent)
{
    JsonNode *child = arena_try_alloc(r->arena, sizeof *child, r->err);
    if (child == NULL)
        return E_LIMIT;
    *child = (JsonNode){.kind = JSON_MISSING};
    if (parent->kind == JSON_OBJECT) {
        if (peek(r) != '"')
            return bad(r);
        TRY(read_string(r, &child->key));
        skip_space(r);
        if (peek(r) != ':')
            return bad(r);
        r->at++;
        skip_space(r);
    }
    TRY(read_value(r, child));
    json_append(parent, child);
    return OK;
}

static Status read_members(Reader *r, JsonNode *node, char close)
{
    r->at++;
    skip_space(r);
    if (peek(r) == close) {
        r->at++;
        return OK;
    }
    for (;;) {
        TRY(read_member(r, node));
        skip_space(r);
        char c = peek(r);
        if (c != ',' && c != close)
            return bad(r);
        r->at++;
        if (c == close)
            return node->kind == JSON_OBJECT ? json_unique_members(node, r->arena, r->err) : OK;
        skip_space(r);
    }
}

static Status read_container(Reader *r, JsonNode *node, char close)
{
    if (r->depth == r->max_depth)
        return bad(r);
    r->depth++;
    node->kind = close == '}' ? JSON_OBJECT : JSON_ARRAY;
    TRY(read_members(r, node, close));
    r->depth--;
    return OK;
}

static Status read_value(Reader *r, JsonNode *node)
{
    switch (peek(r)) {
    case '{':
        return read_container(r, node, '}');
    case '[':
        return read_container(r, node, ']');
    case '"':
        node->kind = JSON_STRING;
        return read_string(r, &node->text);
    case 't':
    case 'f':
    case 'n':
        return read_word(r, node);
    default:
        return read_number(r, node);
    }
}

Status json_read(Str text, Arena *arena, JsonNode **out, Error *err)
{
    return json_read_within(text, JSON_MAX_DEPTH, arena, out, err);
}

Status json_read_within(Str text, int max_depth, Arena *arena, JsonNode **out, Error *err)
{
    Reader r = {.text = text, .arena = arena, .err = err, .max_depth = max_depth};
    *out     = ARENA_NEW(arena, JsonNode); /* JSON_MISSING */
    skip_space(&r);
    if (r.at == text.len)
        return OK;
    TRY(read_value(&r, *out));
    bool number = (*out)->kind == JSON_INTEGER || (*out)->kind == JSON_FRACTION;
    if (number && r.at < text.len && !strchr(" \t\n\r", peek(&r)))
        return bad(&r);
    return OK;
}

const JsonNode *json_member(const JsonNode *object, Str key)
{
    const JsonNode *member = object->first;
    while (member && !str_equal(member->key, key))
        member = member->next;
    return member;
}

const JsonNode *json_item(const JsonNode *array, size_t index)
{
    const JsonNode *item = array->first;
    while (item && index-- > 0)
        item = item->next;
    return item;
}
