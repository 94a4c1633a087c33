/*
 * command_log.h - the statements that made what exists, as records of one topic that all nodes of a service
 * share (runtime.md 6.2).
 *
 * Every node carries out all commands, in the order of their offsets: at a start those that are there, then,
 * by a thread of its own, those that others append. Its own it carries out itself, at once, and the thread
 * leaves them out.
 *
 * One order. Who appends does it in a transaction of one transactional id, the service's, and holds on to its
 * writer: as long as nobody else has opened one, nobody else has appended, so what was validated is valid
 * where it is written. A node that finds its writer fenced opens another, carries out what came meanwhile,
 * and validates again. So there is no command in the topic that was not valid at its offset. It follows that
 * nobody else may write to the topic: a record that came between a command and the end of its transaction
 * would be left out here.
 *
 * Thread: any.
 */
#ifndef SLUICE_SERVER_CLUSTER_COMMAND_LOG_H
#define SLUICE_SERVER_CLUSTER_COMMAND_LOG_H

#include "server/engine/engine.h"

typedef struct CommandLog CommandLog;

typedef struct {
    Log              *log;
    Engine           *engine;
    const Properties *properties; /* server level; must live as long */
    Str               service_id;
    bool (*interrupted)(void); /* asked while a start waits: true gives it up with E_CANCELLED; may be NULL */
} CommandLogOptions;

CommandLog *command_log_new(const CommandLogOptions *options);
/* Makes the topic when it is missing, and carries out what is in it. E_IO, E_BUSY, E_FULL: to be called
 * again, goes on where it stopped. Commands of a later version degrade the engine (engine.h), and OK. */
Status command_log_replay(CommandLog *commands, Error *err);
/* From now on commands of others are followed and statements are appended: the engine's sink. */
void command_log_follow(CommandLog *commands);
/* No command is carried out any more when it returns; requests get E_CANCELLED. Accepts NULL. */
void command_log_stop(CommandLog *commands);
void command_log_close(
    CommandLog *commands); /* after stop and after the engine's last request; accepts NULL */

#endif
