/*
 * command_log.h - the statements that made what exists, as records of one topic (runtime.md 6.2).
 *
 * Key: the command id as a JSON string; value: {"statement", "streamsProperties", "originalProperties",
 * "version"}. A statement's number (query ids, commandSequenceNumber) is the offset of its record. At a start
 * they are carried out again in the order of their offsets, from their texts; topics are left alone then, and
 * queries start once all is known.
 */
#ifndef SLUICE_SERVER_COMMAND_LOG_H
#define SLUICE_SERVER_COMMAND_LOG_H

#include "server/engine.h"

typedef struct CommandLog CommandLog;

/* Makes the topic when it is missing. `replicas` of a new one. */
Status command_log_open(Log *log, Str service_id, int replicas, CommandLog **out, Error *err);
void   command_log_close(CommandLog *commands); /* accepts NULL */
/* A command that fails is said in the log; the ones after it are carried out. E_IO: the topic cannot be read;
 * E_UNSUPPORTED: it holds commands of a later version. */
Status command_log_replay(CommandLog *commands, Engine *engine, const Properties *properties, Error *err);
CommandSink *command_log_sink(CommandLog *commands);

#endif
