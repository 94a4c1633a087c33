/*
 * state_writer.h - inside of the state folder: the thread that brings what was committed to the file.
 */
#ifndef SLUICE_STATE_STATE_WRITER_H
#define SLUICE_STATE_STATE_WRITER_H

#include "state/state_share.h"

/* Starts the thread. From now on commits go to `share` only. */
Status state_writer_start(StateShare *share, const char *path, const StateLag *lag, StateWriter **out,
                          Error *err);
/* Writes what waits, if that is possible, and ends the thread. Accepts NULL. */
void state_writer_stop(StateWriter *writer);
/* Returns once the file has all that was committed before. E_FULL, E_IO, E_STALE_STATE: it cannot now;
 * nothing is lost. Thread: worker */
Status state_writer_flush(StateWriter *writer, Error *err);
/* Before a commit: waits while the file is too far behind. The same errors, where waiting will not help.
 * Thread: worker */
Status state_writer_make_room(StateWriter *writer, Error *err);
/* What the last try to write a batch failed with. Thread: worker */
Status state_writer_trouble(StateWriter *writer, Error *err);
/* For state_file_limit_pages: the limit is one of each connection. */
Status state_writer_limit_pages(StateWriter *writer, const char *pragma, Error *err);
/* The file has one writer at a time: whoever else has something to write there (new tables, rows past the
 * memory) holds this. Thread: worker */
void state_writer_lock_file(StateWriter *writer);
void state_writer_unlock_file(StateWriter *writer);

#endif
