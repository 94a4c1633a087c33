/*
 * fields.c - see fields.h.
 */
#include "server/http/fields.h"

/* What a request says once or not at all. A field that is a list may be sent in parts (RFC 9110, 5.3); none
 * of these is one. A new field that decides something belongs here. */
static const struct {
    const char *name, *fault;
} said_once[] = {
    {"Authorization", "The request has more than one field Authorization"},
    {"Host", "The request has more than one field Host"},
    {"Content-Length", "The request says twice how long it is"},
    {"Transfer-Encoding", "The request has more than one field Transfer-Encoding"},
    {"Content-Type", "The request has more than one field Content-Type"},
    {"Content-Encoding", "The request has more than one field Content-Encoding"},
    {"Expect", "The request has more than one field Expect"},
    {"Origin", "The request has more than one field Origin"},
    {"Sec-WebSocket-Key", "The request has more than one field Sec-WebSocket-Key"},
    {"Sec-WebSocket-Version", "The request has more than one field Sec-WebSocket-Version"},
    {"Sluice-Node", "The request has more than one field Sluice-Node"},
};

void fields_add(Fields *fields, Str name, Str value)
{
    strbuf_add(&fields->bytes, name);
    strbuf_addc(&fields->bytes, '\0');
    strbuf_add(&fields->bytes, value);
    strbuf_addc(&fields->bytes, '\0');
}

void fields_clear(Fields *fields) { strbuf_clear(&fields->bytes); }

bool fields_next(const Fields *fields, size_t *at, Str *name, Str *value)
{
    if (*at >= fields->bytes.len)
        return false;
    *name  = str_c(fields->bytes.ptr + *at);
    *value = str_c(fields->bytes.ptr + *at + name->len + 1);
    *at += name->len + value->len + 2;
    return true;
}

Str fields_find(const Fields *fields, Str name)
{
    Str key, value;
    for (size_t at = 0; fields_next(fields, &at, &key, &value);)
        if (str_equal_nocase(key, name))
            return value;
    return STR_NULL;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

Str fields_trim(Str text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = str_n(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool fields_list_has(Str list, Str word, bool *last)
{
    bool found = false, here = false;
    for (size_t at = 0; !str_is_null(list) && at <= list.len;) {
        const char *comma = at < list.len ? memchr(list.ptr + at, ',', list.len - at) : NULL;
        size_t      end   = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        here              = str_equal_nocase(fields_trim(str_n(list.ptr + at, end - at)), word);
        found             = found || here;
        at                = end + 1;
    }
    if (last != NULL)
        *last = here;
    return found;
}

/* RFC 3986, 3.2.2 and 3.2.3, roughly: what no host and no port is made of. */
static bool is_host(Str host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#@\\,<>\"^`{|}", c) != NULL)
            return false;
    }
    return true;
}

const char *fields_fault(const Fields *fields)
{
    Str    name, value;
    size_t count[ARRAY_LEN(said_once)] = {0};
    for (size_t at = 0; fields_next(fields, &at, &name, &value);)
        for (size_t i = 0; i < ARRAY_LEN(said_once); i++)
            if (str_equal_nocase(name, str_c(said_once[i].name)) && ++count[i] > 1)
                return said_once[i].fault;
    Str host = fields_find(fields, STR_LIT("Host")), authority = fields_find(fields, STR_LIT(":authority"));
    if (!is_host(host) || !is_host(authority))
        return "The request's host is none";
    if (!str_is_null(host) && !str_is_null(authority) && !str_equal_nocase(host, authority))
        return "The request is for two hosts";
    return NULL;
}
