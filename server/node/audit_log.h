/*
 * audit_log.h - who asked what, and what came of it: a record each in the topic that ksql.audit.topic names.
 *
 * It never blocks who asks: records go through a queue, bounded in number and bytes, to a thread, which waits
 * for a log that is not there. What does not fit is counted, and the count is a record itself: a trail with a
 * hole says so.
 */
#ifndef SLUICE_SERVER_NODE_AUDIT_LOG_H
#define SLUICE_SERVER_NODE_AUDIT_LOG_H

#include "core/clock.h"
#include "log/log.h"
#include "server/rest/rest.h"
#include "server/settings/properties.h"

typedef struct AuditLog AuditLog;

/* *out is NULL where no topic is named. E_CONFIG: no topic can be called so. E_IO: there is no thread for it.
 */
Status audit_log_open(Log *log, Clock *clock, const Properties *properties, Str node_id, AuditLog **out,
                      Error *err);
/* Writes what is queued, for some seconds at most. Accepts NULL; nobody notes anything any more. */
void audit_log_close(AuditLog *audit);
/* For Rest; NULL for NULL. */
AuditSink *audit_log_sink(AuditLog *audit);

#endif
