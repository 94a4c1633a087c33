/*
 * json_compact.c - see json_compact.h.
 */
#include "serde/json_compact.h"

#include "core/value.h"
#include "serde/serde.h"

static void print_object(json_t *object, StrBuf *out)
{
    const char *name;
    size_t      len;
    json_t     *value;
    bool        first = true;
    strbuf_addc(out, '{');
    json_object_keylen_foreach(object, name, len, value)
    {
        if (!first)
            strbuf_addc(out, ',');
        first = false;
        json_write_string(str_n(name, len), out);
        strbuf_addc(out, ':');
        json_compact(value, out);
    }
    strbuf_addc(out, '}');
}

static void print_array(const json_t *array, StrBuf *out)
{
    strbuf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            strbuf_addc(out, ',');
        json_compact(json_array_get(array, i), out);
    }
    strbuf_addc(out, ']');
}

void json_compact(const json_t *json, StrBuf *out)
{
    char digits[32];
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        print_object((json_t *)json, out); /* jansson's loop takes no const; it changes nothing */
        break;
    case JSON_ARRAY:
        print_array(json, out);
        break;
    case JSON_STRING:
        json_write_string(str_n(json_string_value(json), json_string_length(json)), out);
        break;
    case JSON_INTEGER:
        strbuf_addf(out, "%lld", (long long)json_integer_value(json));
        break;
    case JSON_REAL:
        strbuf_add(out, str_n(digits, double_print(json_real_value(json), digits)));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        strbuf_adds(out, json_is_true(json) ? "true" : "false");
        break;
    case JSON_NULL:
        strbuf_adds(out, "null");
        break;
    }
}
