/*
 * log_embedded_rewrite.h - a log file written anew from what an old one holds: the way from an older layout,
 * and the repair of a damaged one.
 */
#ifndef SLUICE_LOG_LOG_EMBEDDED_REWRITE_H
#define SLUICE_LOG_LOG_EMBEDDED_REWRITE_H

#include "log/log_embedded.h"

typedef struct {
    Db      from, to;
    int     layout;  /* of `from` */
    bool    lenient; /* what is unreadable is reported and left out; else it is an error */
    LogSay  say;
    void   *context;
    int64_t lost; /* reports made so far */
} Rewrite;

/* Reports a loss. In a rewrite that is not lenient it is E_DAMAGED instead. */
Status rewrite_lose(Rewrite *rewrite, Error *err, const char *fmt, ...) SL_PRINTF(3, 4);
/* Is it damage, to be reported and left behind? Passes on what else may be wrong. */
Status rewrite_forgive(Rewrite *rewrite, Status status, Error *err);

/* Copies all chunks that are whole, by their ids, around whatever of the table is unreadable
 * (log_embedded_salvage.c). */
Status salvage_chunks(Rewrite *rewrite, Error *err);

/* Brings the file at `path` to the present layout, if it has an older one; *layout: which it had, 0 for one
 * that holds nothing. The caller holds its lock. */
Status log_upgrade(const char *path, int *layout, Error *err);

#endif
