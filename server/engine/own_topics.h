/*
 * own_topics.h - topics that the server and Kafka live by: its commands, slots, changelogs and repartition
 * topics, the schemas of the embedded registry, what was audited, Kafka's offsets. Who could write them by a
 * statement could make any command, whatever was granted; who could delete them would end the service.
 */
#ifndef SLUICE_SERVER_ENGINE_OWN_TOPICS_H
#define SLUICE_SERVER_ENGINE_OWN_TOPICS_H

#include "server/settings/properties.h"

/* `properties`: the server's, or a session's over them. */
bool topic_is_own(const Properties *properties, Str topic);
/* E_PLAN with ksqlDB's text if it is, at `pos` of the statement. `verb`: "insert into". */
Status refuse_own_topic(const Properties *properties, Str topic, const char *verb, Pos pos, Error *err);

#endif
