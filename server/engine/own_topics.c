/*
 * own_topics.c - see own_topics.h. ksqlDB's list of topics that are read-only, and those that settings name.
 */
#include "server/engine/own_topics.h"

static bool is_named_by(const Properties *properties, const char *setting, Str topic)
{
    Str name = properties_get_c(properties, setting);
    return !str_is_null(name) && name.len > 0 && str_equal(name, topic);
}

bool topic_is_own(const Properties *properties, Str topic)
{
    return str_starts_with(topic, STR_LIT("_confluent")) || str_starts_with(topic, STR_LIT("__")) ||
           str_equal(topic, STR_LIT("_schemas")) ||
           is_named_by(properties, "sluice.schema.registry.topic", topic) ||
           is_named_by(properties, "ksql.audit.topic", topic);
}

Status refuse_own_topic(const Properties *properties, Str topic, const char *verb, Pos pos, Error *err)
{
    if (!topic_is_own(properties, topic))
        return OK;
    return error_set(err, E_PLAN, pos, "Cannot %s read-only topic: " STR_FMT, verb, STR_ARG(topic));
}
