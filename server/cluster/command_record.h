/*
 * command_record.h - one command as a record of the command topic (runtime.md 6.2).
 *
 * Key: the command id as a JSON string; value: {"statement", "streamsProperties", "originalProperties",
 * "plan", "version", "topics"}. `topics` is Sluice's own: partitions and replicas of the topics that the
 * statement was validated against, so that it is planned alike on every node and at every start, whatever has
 * become of them.
 */
#ifndef SLUICE_SERVER_CLUSTER_COMMAND_RECORD_H
#define SLUICE_SERVER_CLUSTER_COMMAND_RECORD_H

#include "server/engine/engine.h"

/* Key and value of a record, in heap memory of jansson's: command_record_clear. */
typedef struct {
    char *key, *value;
} CommandRecord;

/* E_PLAN: a text is no UTF-8. `topics` may be NULL. */
Status command_record_make(Str command_id, Str statement, const Properties *overrides, const json_t *topics,
                           CommandRecord *out, Error *err);
void   command_record_clear(CommandRecord *record);

/* Carries the record's command out (engine_apply, with its errors). A record that is none is said in the log
 * and left out. E_UNSUPPORTED: it was written by a later version. `properties` are the server's. */
Status command_record_apply(Engine *engine, const LogRecord *record, const Properties *properties,
                            Error *err);

#endif
