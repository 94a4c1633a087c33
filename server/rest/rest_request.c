/*
 * rest_request.c - what requests have in common: a JSON object with overrides and variables, an Accept header
 * (rest.md 1).
 */
#include <unistd.h>

#include "core/value.h"
#include "server/rest/rest.h"
#include "server/settings/settings.h"

/* ---- the body ---- */

/* What fields must be where they are sent (null is as good as not sent); others are nobody's concern. */
static const struct {
    const char *name;
    json_type   type; /* JSON_INTEGER: also as text, as other clients of Jackson's servers send it */
    const char *wanted;
} fields[] = {
    {"ksql", JSON_STRING, "a string"},
    {"sql", JSON_STRING, "a string"},
    {"queryId", JSON_STRING, "a string"},
    {"target", JSON_STRING, "a string"},
    {"streamsProperties", JSON_OBJECT, "an object"},
    {"properties", JSON_OBJECT, "an object"},
    {"requestProperties", JSON_OBJECT, "an object"},
    {"sessionVariables", JSON_OBJECT, "an object"},
    {"commandSequenceNumber", JSON_INTEGER, "an integer"},
};

static bool read_integer(const json_t *field, int64_t *out)
{
    if (json_is_string(field))
        return int64_parse(str_n(json_string_value(field), json_string_length(field)), out);
    *out = json_integer_value(field);
    return json_is_integer(field);
}

/* The first field that is not what it should be; NULL: all are. */
static const char *wrong_field(const json_t *request, const char **wanted)
{
    int64_t ignored;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const json_t *field = json_object_get(request, fields[i].name);
        if (field == NULL || json_is_null(field))
            continue;
        if (fields[i].type == JSON_INTEGER ? read_integer(field, &ignored)
                                           : json_typeof(field) == fields[i].type)
            continue;
        *wanted = fields[i].wanted;
        return fields[i].name;
    }
    return NULL;
}

json_t *rest_request(HttpExchange *x) { return rest_parse_request(x, http_body(x)); }

json_t *rest_parse_request(HttpExchange *x, Str body)
{
    json_error_t error;
    const char  *wanted, *wrong = NULL;
    json_t      *request = json_loadb(body.ptr, body.len, JSON_ALLOW_NUL, &error);
    if (request == NULL)
        rest_error(x, 400, 40000, "Invalid JSON in request: %s", error.text);
    else if (!json_is_object(request))
        rest_error(x, 400, 40000, "Invalid JSON in request: not an object");
    else if ((wrong = wrong_field(request, &wanted)) != NULL)
        rest_error(x, 400, 40000, "Invalid JSON in request: \"%s\" must be %s", wrong, wanted);
    else
        return request;
    json_decref(request);
    return NULL;
}

Str rest_field(const json_t *request, const char *name)
{
    const json_t *field = json_object_get(request, name);
    return json_is_string(field) ? str_n(json_string_value(field), json_string_length(field)) : STR_NULL;
}

/* Strings, numbers and booleans as text. */
static Str value_text(Arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return str_n(json_string_value(value), json_string_length(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? STR_LIT("true") : STR_LIT("false");
    if (json_is_integer(value))
        return str_printf(arena, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value)) {
        char text[32];
        return str_dup(arena, str_n(text, double_print(json_real_value(value), text)));
    }
    return STR_NULL;
}

/* What SET refuses is refused here: a name that nobody knows would change nothing, in silence. With the
 * prefix of Kafka Streams it may be one of the many that only ksqlDB's library has. */
static Status check_value(Rest *rest, Str name, Str value, Error *err)
{
    if (str_is_null(value))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value for property '" STR_FMT "': not a string, number or boolean",
                         STR_ARG(name));
    if (settings_find(name) == NULL && str_starts_with(name, STR_LIT("ksql.streams.")))
        return settings_check_permitted(rest->properties, name, err);
    return settings_check_override(rest->properties, name, value, err);
}

static bool set_override(Rest *rest, HttpExchange *x, Session *session, Str name, const json_t *json)
{
    Error err;
    Str   value = value_text(http_arena(x), json);
    if (json_is_null(json))
        return true;
    if (check_value(rest, name, value, &err) == OK && session_override(session, name, value, &err) == OK)
        return true;
    rest_error(x, 400, 40000, "%s", err.message);
    return false;
}

static bool set_variable(HttpExchange *x, Session *session, Str name, const json_t *json)
{
    Arena *arena = http_arena(x);
    Str    value = value_text(arena, json);
    if (json_is_null(json))
        return true;
    if (str_is_null(value)) {
        rest_error(x, 400, 40000, "Invalid value for variable '" STR_FMT "': not a string, number or boolean",
                   STR_ARG(name));
        return false;
    }
    Error err;
    if (session_define(session, name, value, &err) == OK)
        return true;
    rest_error(x, 400, 40000, "%s", err.message);
    return false;
}

bool rest_session(Rest *rest, HttpExchange *x, const json_t *request, const char *properties,
                  Session *session)
{
    const char *name;
    json_t     *value;
    session_init(session, rest->engine);
    rest_identify(rest, x, session);
    session->alone = json_is_true(
        json_object_get(json_object_get(request, "requestProperties"), "request.ksql.internal.request"));
    json_t *overrides = json_object_get(request, properties),
           *variables = json_object_get(request, "sessionVariables");
    json_object_foreach(overrides, name,
                        value) if (!set_override(rest, x, session, str_c(name), value)) return false;
    json_object_foreach(variables, name,
                        value) if (!set_variable(x, session, str_c(name), value)) return false;
    return true;
}

static bool wait_for(Rest *rest, HttpExchange *x, int64_t number)
{
    int64_t timeout = properties_int(rest->properties, "ksql.server.command.response.timeout.ms", 5000);
    Clock  *clock   = engine_clock(rest->engine);
    int64_t until   = clock->monotonic_us(clock) + timeout * 1000;
    bool    reached;
    http_wait_begin(x);
    while (!(reached = number <= engine_last_command(rest->engine)) && clock->monotonic_us(clock) < until &&
           !http_gone(x))
        usleep(20000);
    http_wait_end(x);
    return reached;
}

bool rest_wait_for_command(Rest *rest, HttpExchange *x, const json_t *request)
{
    int64_t wanted;
    if (!read_integer(json_object_get(request, "commandSequenceNumber"), &wanted) || wanted < 0)
        return true; /* null, or not sent: nothing to wait for */
    if (wait_for(rest, x, wanted))
        return true;
    rest_error(x, 503, 50301,
               "Timed out while waiting for a previous command to execute. command sequence number: %lld",
               (long long)wanted);
    return false;
}

/* ---- Accept ---- */

/* How well a media range fits: 3 exactly, 2 type/ *, 1 * / *, 0 not. */
static int range_fits(Str range, const char *offer)
{
    const char *slash = strchr(offer, '/');
    if (str_equal_nocase(range, str_c(offer)))
        return 3;
    if (str_equal(range, STR_LIT("*/*")))
        return 1;
    bool any_subtype =
        range.len > 2 && range.ptr[range.len - 1] == '*' && range.len - 1 == (size_t)(slash - offer) + 1;
    return any_subtype && str_equal_nocase(str_n(range.ptr, range.len - 1), str_n(offer, range.len - 1)) ? 2
                                                                                                         : 0;
}

/* The q of "type;q=0.5". */
static double quality(Str item, Str *range)
{
    const char *semicolon = memchr(item.ptr, ';', item.len);
    double      q         = 1;
    *range       = str_trim(semicolon != NULL ? str_n(item.ptr, (size_t)(semicolon - item.ptr)) : item);
    ptrdiff_t at = str_find(item, STR_LIT("q="), range->len);
    if (at >= 0) {
        Str    text = str_n(item.ptr + at + 2, item.len - (size_t)at - 2);
        size_t len  = 0;
        while (len < text.len && (text.ptr[len] == '.' || (text.ptr[len] >= '0' && text.ptr[len] <= '9')))
            len++;
        if (!double_parse(str_n(text.ptr, len), &q))
            q = 1;
    }
    return q;
}

int rest_accept(Str accept, const char *const *offers, int count, int none)
{
    int    best = -1, best_fit = 0;
    double best_q = 0;
    if (str_trim(accept).len == 0)
        return none;
    for (size_t at = 0; at < accept.len;) {
        const char *comma = memchr(accept.ptr + at, ',', accept.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - accept.ptr) : accept.len;
        Str         range;
        double      q = quality(str_n(accept.ptr + at, end - at), &range);
        for (int i = 0; i < count && q > 0; i++) {
            int fit = range_fits(range, offers[i]);
            if (fit == 0 || q < best_q || (q == best_q && fit <= best_fit))
                continue;
            best     = fit == 3 ? i : fit == 1 || best < 0 ? none : best;
            best_fit = fit;
            best_q   = q;
            if (fit == 2) /* type/ *: the first of that type */
                best = i;
        }
        at = end + 1;
    }
    return best;
}
