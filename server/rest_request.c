/*
 * rest_request.c - what requests have in common: a JSON object with overrides and variables, an Accept header
 * (rest.md 1).
 */
#include <unistd.h>

#include "core/value.h"
#include "server/rest.h"
#include "server/settings.h"

json_t *rest_request(HttpExchange *x)
{
    json_error_t error;
    Str          body    = http_body(x);
    json_t      *request = json_loadb(body.ptr, body.len, JSON_ALLOW_NUL, &error);
    if (json_is_object(request))
        return request;
    json_decref(request);
    rest_error(x, 400, 40000, "Invalid JSON in request: %s", request == NULL ? error.text : "not an object");
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

static bool is_listed(Str list, Str name)
{
    Str canonical = property_canonical(name);
    for (size_t at = 0; at <= list.len;) {
        const char *comma = at < list.len ? memchr(list.ptr + at, ',', list.len - at) : NULL;
        size_t      end   = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        Str         item  = str_trim(str_n(list.ptr + at, end - at));
        if (item.len > 0 && str_equal(property_canonical(item), canonical))
            return true;
        at = end + 1;
    }
    return false;
}

static bool set_override(Rest *rest, HttpExchange *x, Session *session, Str name, const json_t *json)
{
    Error err;
    Str   denied  = properties_get_c(rest->properties, "ksql.properties.overrides.denylist");
    Str   allowed = properties_get_c(rest->properties, "ksql.properties.overrides.allowlist");
    Str   value   = value_text(http_arena(x), json);
    if (json_is_null(json))
        return true;
    if (str_is_null(value)) {
        rest_error(x, 400, 40000, "Invalid value for property '" STR_FMT "': not a string, number or boolean",
                   STR_ARG(name));
        return false;
    }
    bool refused = (!str_is_null(denied) && is_listed(denied, name)) ||
                   (!str_is_null(allowed) && allowed.len > 0 && !is_listed(allowed, name));
    if (refused) {
        rest_error(x, 400, 40000, "Cannot override property '" STR_FMT "'", STR_ARG(name));
        return false;
    }
    const Setting *setting = settings_find(name);
    if (setting ==
        NULL) { /* somebody's client sends what we do not know: as with a server's own settings, no refusal */
        properties_set(session->overrides, name, value);
        return true;
    }
    if (settings_check_override(name, value, &err) != OK) {
        rest_error(x, 400, 40000, "%s", err.message);
        return false;
    }
    properties_set(session->overrides, name, value);
    return true;
}

bool rest_session(Rest *rest, HttpExchange *x, const json_t *request, const char *properties,
                  Session *session)
{
    const char *name;
    json_t     *value;
    Arena      *arena = http_arena(x);
    session_init(session, rest->properties);
    json_t *overrides = json_object_get(request, properties),
           *variables = json_object_get(request, "sessionVariables");
    json_object_foreach(overrides, name,
                        value) if (!set_override(rest, x, session, str_c(name), value)) return false;
    json_object_foreach(variables, name, value)
    {
        Str text = value_text(arena, value);
        if (!str_is_null(text))
            properties_set(session->variables, str_upper(arena, str_c(name)), text);
    }
    return true;
}

bool rest_wait_for_command(Rest *rest, HttpExchange *x, const json_t *request)
{
    const json_t *field   = json_object_get(request, "commandSequenceNumber");
    int64_t       wanted  = json_is_integer(field) ? json_integer_value(field) : -1;
    int64_t       timeout = properties_int(rest->properties, "ksql.server.command.response.timeout.ms", 5000);
    Clock        *clock   = engine_clock(rest->engine);
    int64_t       until   = clock->monotonic_us(clock) + timeout * 1000;
    while (wanted > engine_last_command(rest->engine)) {
        if (clock->monotonic_us(clock) > until || http_gone(x)) {
            rest_error(
                x, 503, 50301,
                "Timed out while waiting for a previous command to execute. command sequence number: %lld",
                (long long)wanted);
            return false;
        }
        usleep(20000);
    }
    return true;
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
