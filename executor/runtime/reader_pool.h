/*
 * reader_pool.h - readers beside a worker's shared one, for those who stand elsewhere in a partition that
 * others read, too: a reader reads a partition once.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_READER_POOL_H
#define SLUICE_EXECUTOR_RUNTIME_READER_POOL_H

#include "log/log.h"

typedef struct ReaderPool ReaderPool;

/* One partition being read by a reader of the pool. */
typedef struct PoolReading PoolReading;
struct PoolReading {
    LogReader *reader;
    int        handle;
    /* of the pool */
    PoolReading *next;
    Str          topic; /* heap */
    int          partition;
};

ReaderPool *reader_pool_new(Log *log, Clock *clock);
void        reader_pool_free(ReaderPool *pool); /* accepts NULL; all readings must have ended */
/* `from` as for log_reader_assign. On OK the reading is the caller's until reader_pool_end. */
Status reader_pool_begin(ReaderPool *pool, Str topic, int partition, int64_t from, PoolReading **out,
                         Error *err);
/* log_offsets of what is read. */
Status reader_pool_offsets(ReaderPool *pool, Str topic, int partition, int64_t *first, int64_t *end,
                           Error *err);
void   reader_pool_end(ReaderPool *pool, PoolReading *reading);
/* Closes readers that nobody has used for a while: an idle consumer of Kafka has threads and sockets. */
void reader_pool_tidy(ReaderPool *pool);
bool reader_pool_is_reading(const ReaderPool *pool);
/* Are there readers, in use or not? */
bool reader_pool_has_readers(const ReaderPool *pool);

#endif
