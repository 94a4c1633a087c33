/*
 * logger.h - what the server says to its operator: lines on standard error, or in a file where standard error
 * is somebody's table. Not the processing log (records that were skipped), which is a topic of its own:
 * server/node/processing_log.h.
 *
 * Thread: any. Never blocks on anything but the output itself.
 */
#ifndef SLUICE_CORE_LOGGER_H
#define SLUICE_CORE_LOGGER_H

#include "core/str.h"

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

void log_set_level(LogLevel lowest);
/* One line: time, level, text. A newline at the end is added. Beyond some thousand at once lines are left
 * out, and their number is told. */
void log_line(LogLevel level, const char *fmt, ...) SL_PRINTF(2, 3);

/* From now on lines are appended to the file. Once it has grown to 8 MB it becomes `path`.1, in the place of
 * the one before. E_IO: it cannot be opened; lines go where they went. */
Status log_to_file(const char *path, Error *err);
/* Back to standard error. */
void log_to_stderr(void);
/* How many warnings and errors were logged since the process began; `last`: the text of the latest is
 * appended to it. */
uint64_t log_count_warnings(StrBuf *last);

#endif
