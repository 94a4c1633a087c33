/*
 * command_record.h - one command as a record of the command topic (runtime.md 6.2).
 *
 * Key: the command id as a JSON string; value: {"statement", "streamsProperties", "originalProperties",
 * "plan", "version", "topics"}.
 *
 * `plan` is what was decided when the statement was accepted (docs/plan-format.md): every node and every
 * start carry that out, whatever has become of their settings, and a later version does, too. Statements that
 * make no stream, table or query have none: their text says everything. Commands of version 18 have none
 * either; they are planned from text, with the properties that they carry and with `topics`, partitions and
 * replicas of the topics that they were validated against.
 */
#ifndef SLUICE_SERVER_CLUSTER_COMMAND_RECORD_H
#define SLUICE_SERVER_CLUSTER_COMMAND_RECORD_H

#include "server/engine/engine.h"

/* Key and value of a record, on the heap: command_record_clear. */
typedef struct {
    char *key, *value;
} CommandRecord;

/* E_PLAN: a text is no UTF-8. */
Status command_record_make(const CommandText *command, CommandRecord *out, Error *err);
void   command_record_clear(CommandRecord *record);

/* Carries the record's command out (engine_apply, with its errors). A record that is none is said in the log
 * and left out. E_UNSUPPORTED: it was written by a later version. */
Status command_record_apply(Engine *engine, const LogRecord *record, Error *err);

#endif
