/*
 * settings.c - see settings.h.
 */
#include "server/settings/settings.h"

#include <assert.h>

#include "core/logger.h"
#include "core/suggest.h"
#include "core/value.h"

static const Setting settings[] = {
#define SETTING(name, kind, initial, choices, editable, doc)                                                 \
    {name, SETTING_##kind, initial, choices, editable, doc},
#include "server/settings/settings.def"
#undef SETTING
};

const Setting *settings_all(size_t *count)
{
    *count = ARRAY_LEN(settings);
    return settings;
}

const Setting *settings_find(Str name)
{
    Str canonical = property_canonical(name);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_equal(canonical, str_c(settings[i].name)))
            return &settings[i];
    return NULL;
}

/* Families of names that are somebody else's: function settings, Connect, metrics, TLS, and what Kafka
 * clients take. */
static const char *const families[] = {"ksql.functions.", "ksql.connect.",   "ksql.metrics.",
                                       "ksql.plugins.",   "consumer.",       "producer.",
                                       "admin.",          "topic.",          "ssl.",
                                       "sasl.",           "security.",       "metric",
                                       "confluent.",      "authentication.", "__emit.interval",
                                       "rocksdb.",        "sluice."};

bool settings_is_client_property(Str name)
{
    static const char *const known[]   = {"security.",
                                          "ssl.",
                                          "sasl.",
                                          "client.",
                                          "socket.",
                                          "fetch.",
                                          "queued.",
                                          "message.",
                                          "metadata.",
                                          "compression.",
                                          "linger.ms",
                                          "batch.",
                                          "queue.buffering",
                                          "reconnect.",
                                          "broker.",
                                          "request.timeout.ms",
                                          "session.timeout.ms",
                                          "heartbeat.interval.ms",
                                          "max.poll.",
                                          "debug",
                                          "statistics.",
                                          "acks",
                                          "retries",
                                          "retry.backoff.ms",
                                          "transaction.timeout.ms",
                                          "enable.",
                                          "isolation.level",
                                          "allow.auto.create.topics",
                                          "check.crcs",
                                          "api.version",
                                          "builtin.features",
                                          "group.instance.id",
                                          "partitioner",
                                          "receive.",
                                          "send."};
    Str                      canonical = property_canonical(name);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_starts_with(canonical, str_c(known[i])))
            return true;
    return false;
}

static bool in_family(Str name)
{
    Str canonical = property_canonical(name);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (str_starts_with(canonical, str_c(families[i])))
            return true;
    return settings_is_client_property(name);
}

static bool in_choices(const char *choices, Str value)
{
    for (const char *at = choices; *at != '\0';) {
        const char *end = strchrnul(at, '|');
        if (str_equal_nocase(str_n(at, (size_t)(end - at)), value))
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

/* The least value of an INT stands where other kinds have their choices; without one it is 0. */
static Status check_int(const Setting *setting, Str name, Str value, Error *err)
{
    int64_t n, least = 0;
    if (!int64_parse(str_trim(value), &n))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT ": Not a number",
                         STR_ARG(value), STR_ARG(name));
    if (setting->choices != NULL && !int64_parse(str_c(setting->choices), &least))
        assert(!"the least value in settings.def is a number");
    if (n < least)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT
                         ": Value must be at least %lld",
                         STR_ARG(value), STR_ARG(name), (long long)least);
    return OK;
}

Status settings_check(Str name, Str value, Error *err)
{
    const Setting *setting = settings_find(name);
    if (setting == NULL)
        return OK;
    switch (setting->kind) {
    case SETTING_INT:
        return check_int(setting, name, value, err);
    case SETTING_BOOL:
        if (!str_equal_nocase(value, STR_LIT("true")) && !str_equal_nocase(value, STR_LIT("false")))
            return error_set(err, E_CONFIG, NO_POS,
                             "Invalid value " STR_FMT " for configuration " STR_FMT
                             ": Expected value to be either true or false",
                             STR_ARG(value), STR_ARG(name));
        return OK;
    case SETTING_CHOICE:
        if (!in_choices(setting->choices, value))
            return error_set(err, E_CONFIG, NO_POS,
                             "Invalid value " STR_FMT " for configuration " STR_FMT
                             ": String must be one of: %s",
                             STR_ARG(value), STR_ARG(name), setting->choices);
        return OK;
    case SETTING_TEXT:
        return OK;
    }
    return OK;
}

void settings_suggest(Str name, Error *err)
{
    Str names[ARRAY_LEN(settings)];
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        names[i] = str_c(settings[i].name);
    error_suggest(err, property_canonical(name), names, ARRAY_LEN(settings));
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

Status settings_check_permitted(const Properties *server, Str name, Error *err)
{
    const Setting *setting = settings_find(name);
    Str            denied  = properties_get_c(server, "ksql.properties.overrides.denylist");
    Str            allowed = properties_get_c(server, "ksql.properties.overrides.allowlist");
    bool           refused = (setting != NULL && !setting->editable) ||
                   (!str_is_null(denied) && is_listed(denied, name)) ||
                   (!str_is_null(allowed) && allowed.len > 0 && !is_listed(allowed, name));
    if (!refused)
        return OK;
    return error_set(err, E_CONFIG, NO_POS,
                     "One or more properties overrides set locally are prohibited by the KSQL server (use "
                     "UNSET to reset their default value): "
                     "[" STR_FMT "]",
                     STR_ARG(name));
}

Status settings_check_override(const Properties *server, Str name, Str value, Error *err)
{
    TRY(settings_check_permitted(server, name, err));
    if (settings_find(name) == NULL && !in_family(name)) {
        error_set(err, E_CONFIG, NO_POS, "Unknown property: " STR_FMT, STR_ARG(name));
        settings_suggest(name, err);
        return E_CONFIG;
    }
    return settings_check(name, value, err);
}

Status settings_check_all(const Properties *properties, Error *err)
{
    Str   name, value;
    Error unknown;
    for (size_t i = 0; i < properties_count(properties); i++) {
        properties_at(properties, i, &name, &value);
        TRY(settings_check(name, value, err));
        if (settings_find(name) == NULL && !in_family(name)) {
            error_set(&unknown, E_CONFIG, NO_POS, "unknown setting " STR_FMT " is ignored.", STR_ARG(name));
            settings_suggest(name, &unknown);
            log_line(LOG_WARN, "%s", unknown.message);
        }
    }
    return OK;
}

void settings_fill(Properties *properties)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (settings[i].initial != NULL && str_is_null(properties_get_c(properties, settings[i].name)))
            properties_set(properties, str_c(settings[i].name), str_c(settings[i].initial));
}
