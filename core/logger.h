/*
 * logger.h - what the server says to its operator: lines on standard error. Not the processing log (records
 * that were skipped), which is a topic of its own: executor/proclog.h.
 *
 * Thread: any. Never blocks on anything but standard error itself.
 */
#ifndef SLUICE_CORE_LOGGER_H
#define SLUICE_CORE_LOGGER_H

#include "core/error.h"

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

void log_set_level(LogLevel lowest);
/* One line: time, level, text. A newline at the end is added. */
void log_line(LogLevel level, const char *fmt, ...) SL_PRINTF(2, 3);

#endif
