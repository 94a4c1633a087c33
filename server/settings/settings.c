/*
 * settings.c - see settings.h.
 */
#include "server/settings/settings.h"

#include <assert.h>

#include "core/logger.h"
#include "core/suggest.h"
#include "core/value.h"

static const Setting settings[] = {
#define CLIENT true
#define OPERATOR false
#define SETTING(name, scope, kind, initial, limits, who, reader, doc)                                        \
    {name, SCOPE_##scope, SETTING_##kind, initial, limits, who, reader, doc},
#define QUERY_SETTING(field, name, kind, initial, limits, who, reader, doc)                                  \
    SETTING(name, QUERY, kind, initial, limits, who, reader, doc)
#include "planner/query_settings.def"
#include "server/settings/settings.def"
#undef QUERY_SETTING
#undef SETTING
#undef OPERATOR
#undef CLIENT
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
        if (str_equal(canonical, property_canonical(str_c(settings[i].name))))
            return &settings[i];
    return NULL;
}

/* Families of names that are somebody else's: function settings, Connect, metrics, TLS, and what Kafka
 * clients take. */
static const char *const families[] = {"ksql.functions.", "ksql.metrics.", "ksql.plugins.", "consumer.",
                                       "producer.",       "admin.",        "topic.",        "ssl.",
                                       "sasl.",           "security.",     "metric",        "confluent.",
                                       "authentication.", "rocksdb.",      "sluice."};

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

/* "least..most"; each may be missing. */
static bool in_range(const char *limits, int64_t n, int64_t *least)
{
    const char *dots = strstr(limits, "..");
    int64_t     most;
    assert(dots != NULL); /* rows of INT have a range */
    bool has_least = int64_parse(str_n(limits, (size_t)(dots - limits)), least);
    return (!has_least || n >= *least) && (!int64_parse(str_c(dots + 2), &most) || n <= most);
}

static Status check_int(const Setting *setting, Str name, Str value, Error *err)
{
    int64_t n, least = 0;
    if (!int64_parse(str_trim(value), &n))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT ": Not a number",
                         STR_ARG(value), STR_ARG(name));
    if (in_range(setting->limits, n, &least))
        return OK;
    if (n < least)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT
                         ": Value must be at least %lld",
                         STR_ARG(value), STR_ARG(name), (long long)least);
    return error_set(err, E_CONFIG, NO_POS,
                     "Invalid value " STR_FMT " for configuration " STR_FMT ": Value must be in %s. %s",
                     STR_ARG(value), STR_ARG(name), setting->limits, setting->doc);
}

static Status check_bool(const Setting *setting, Str name, Str value, Error *err)
{
    if (!str_equal_nocase(value, STR_LIT("true")) && !str_equal_nocase(value, STR_LIT("false")))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT
                         ": Expected value to be either true or false",
                         STR_ARG(value), STR_ARG(name));
    if (setting->limits != NULL && !str_equal_nocase(value, str_c(setting->limits)))
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT " for configuration " STR_FMT
                         ": Sluice knows only %s here. %s",
                         STR_ARG(value), STR_ARG(name), setting->limits, setting->doc);
    return OK;
}

static Status check_choice(const Setting *setting, Str name, Str value, Error *err)
{
    if (in_choices(setting->limits, value))
        return OK;
    return error_set(err, E_CONFIG, NO_POS,
                     "Invalid value " STR_FMT " for configuration " STR_FMT ": String must be one of: %s",
                     STR_ARG(value), STR_ARG(name), setting->limits);
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
        return check_bool(setting, name, value, err);
    case SETTING_CHOICE:
        return check_choice(setting, name, value, err);
    case SETTING_TEXT:
    case SETTING_SECRET:
        return OK;
    }
    return OK;
}

void settings_suggest(Str name, Error *err)
{
    Str names[ARRAY_LEN(settings)];
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        names[i] = property_canonical(str_c(settings[i].name));
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

/* ---- at a start ---- */

/* Who sets one of these relies on it. `harmless`: the value that asks for nothing; NULL: there is none. */
static const struct {
    const char *name, *harmless;
} protections[] = {
    {"ksql.authentication.plugin.class", ""},
    {"ksql.security.extension.class", ""},
    {"ksql.access.validator.enable", "off"},
    {"ssl.engine.factory.class", ""},
    {"ssl.provider", ""},
    {"ssl.keystore.key", ""},
    {"ssl.keystore.certificate.chain", ""},
    {"ssl.truststore.certificates", ""},
    {"ssl.keystore.alias", ""},
    {"ksql.ssl.keystore.alias.external", ""},
    {"ksql.ssl.keystore.alias.internal", ""},
    {"ksql.server.sni.check.enable", "false"},
    {"ksql.connect.request.headers.plugin", ""},
};

static Status check_protection(Str name, Str value, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(protections); i++) {
        bool harmless =
            protections[i].harmless != NULL && str_equal_nocase(value, str_c(protections[i].harmless));
        if (str_equal(name, str_c(protections[i].name)) && !harmless)
            return error_set(
                err, E_CONFIG, NO_POS,
                STR_FMT "=" STR_FMT
                        " has no effect in Sluice yet, and a server that looks protected and is not does "
                        "not start. Leave the setting out, and keep others from the listener by other "
                        "means",
                STR_ARG(name), STR_ARG(value));
    }
    return OK;
}

/* The setting that was meant where at most two letters differ, or capitals for small ones do, or where it got
 * a `ksql.` that it does not have; what is further away may be one of the many that only ksqlDB has. */
static const Setting *slip_of_the_pen(Str name)
{
    enum { SLIP = 2, SHORTEST = 6 };
    Str canonical = property_canonical(name), prefix = STR_LIT("ksql."), bare = canonical;
    if (str_starts_with(canonical, prefix))
        bare = str_n(canonical.ptr + prefix.len, canonical.len - prefix.len);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        Str known = property_canonical(str_c(settings[i].name));
        if (str_equal_nocase(canonical, known) || str_equal_nocase(bare, known) ||
            str_equal_nocase(name, str_c(settings[i].name)) ||
            (canonical.len >= SHORTEST && str_distance(canonical, known) <= SLIP))
            return &settings[i];
    }
    return NULL;
}

static Status check_unknown(Str name, Error *err)
{
    Error          unknown;
    const Setting *meant = slip_of_the_pen(name);
    if (meant != NULL)
        return error_set(err, E_CONFIG, NO_POS, "There is no setting " STR_FMT "; did you mean %s?",
                         STR_ARG(name), meant->name);
    error_set(&unknown, E_CONFIG, NO_POS, "unknown setting " STR_FMT " is ignored.", STR_ARG(name));
    settings_suggest(name, &unknown);
    log_line(LOG_WARN, "%s", unknown.message);
    return OK;
}

/* Families of which every name is ours: one that is unknown is a mistake, and may be meant to protect. */
static Status check_own_family(Str name, Error *err)
{
    if (!str_starts_with(name, STR_LIT("authentication.")) && !str_starts_with(name, STR_LIT("sluice.")))
        return OK;
    error_set(err, E_CONFIG, NO_POS, "There is no setting " STR_FMT ".", STR_ARG(name));
    settings_suggest(name, err);
    return E_CONFIG;
}

Status settings_check_all(const Properties *properties, Error *err)
{
    Str name, value;
    for (size_t i = 0; i < properties_count(properties); i++) {
        properties_at(properties, i, &name, &value);
        const Setting *setting = settings_find(name);
        TRY(settings_check(name, value, err));
        TRY(check_protection(name, value, err));
        if (setting == NULL)
            TRY(check_own_family(name, err));
        if (setting == NULL && !in_family(name))
            TRY(check_unknown(name, err));
        if (setting != NULL && setting->reader[0] == '\0')
            log_line(LOG_INFO, "setting " STR_FMT " has no effect. %s.", STR_ARG(name), setting->doc);
    }
    return OK;
}

void settings_fill(Properties *properties)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        bool said = settings[i].initial != NULL && strcmp(settings[i].initial, "-1") != 0; /* -1: not said */
        if (said)
            properties_fill(properties, str_c(settings[i].name), str_c(settings[i].initial));
    }
}

void settings_of_query(const Properties *effective, QuerySettings *out)
{
    Error ignored;
    query_settings_init(out);
    for (size_t i = 0; i < query_settings_count(); i++) {
        Str name = str_c(query_settings_name(i)), value = properties_get(effective, name);
        if (!str_is_null(value) && query_settings_set(out, name, value, &ignored) != OK)
            log_line(LOG_WARN, "%s", ignored.message);
    }
}
