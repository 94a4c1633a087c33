/*
 * reader_pool.c - see reader_pool.h: readers are shared by readings of different partitions, and kept a
 * while.
 */
#include "executor/runtime/reader_pool.h"

enum { IDLE_US = 30000000 };

typedef struct PoolReader PoolReader;
struct PoolReader {
    PoolReader  *next;
    LogReader   *reader;
    PoolReading *readings;
    int64_t      idle_us; /* since when nothing is read; 0: not known */
};

struct ReaderPool {
    Log        *log;
    Clock      *clock;
    PoolReader *readers;
};

ReaderPool *reader_pool_new(Log *log, Clock *clock)
{
    ReaderPool *pool = mem_calloc(1, sizeof *pool);
    pool->log        = log;
    pool->clock      = clock;
    return pool;
}

void reader_pool_free(ReaderPool *pool)
{
    if (pool == NULL)
        return;
    for (PoolReader *one = pool->readers, *next; one != NULL; one = next) {
        next = one->next;
        log_reader_close(one->reader);
        mem_free(one);
    }
    mem_free(pool);
}

static bool reads(const PoolReader *one, Str topic, int partition)
{
    for (const PoolReading *reading = one->readings; reading != NULL; reading = reading->next)
        if (reading->partition == partition && str_equal(reading->topic, topic))
            return true;
    return false;
}

static Status find_reader(ReaderPool *pool, Str topic, int partition, PoolReader **out, Error *err)
{
    PoolReader *one = pool->readers;
    while (one != NULL && reads(one, topic, partition))
        one = one->next;
    if (one == NULL) {
        ReaderOptions options = {.client_id = "sluice-catch-up"};
        LogReader    *reader;
        TRY(log_reader_open(pool->log, &options, &reader, err));
        one           = mem_calloc(1, sizeof *one);
        one->reader   = reader;
        one->next     = pool->readers;
        pool->readers = one;
    }
    *out = one;
    return OK;
}

Status reader_pool_begin(ReaderPool *pool, Str topic, int partition, int64_t from, PoolReading **out,
                         Error *err)
{
    PoolReader *one;
    int         handle;
    TRY(find_reader(pool, topic, partition, &one, err));
    TRY(log_reader_assign(one->reader, topic, partition, from, &handle, err));
    PoolReading *reading = mem_calloc(1, sizeof *reading);
    *reading             = (PoolReading){.reader    = one->reader,
                                         .handle    = handle,
                                         .next      = one->readings,
                                         .topic     = {str_to_heap(topic), topic.len},
                                         .partition = partition};
    one->readings        = reading;
    *out                 = reading;
    return OK;
}

void reader_pool_end(ReaderPool *pool, PoolReading *reading)
{
    PoolReader *one = pool->readers;
    while (one->reader != reading->reader)
        one = one->next;
    PoolReading **link = &one->readings;
    while (*link != reading)
        link = &(*link)->next;
    *link = reading->next;
    log_reader_unassign(reading->reader, reading->handle);
    mem_free((char *)reading->topic.ptr);
    mem_free(reading);
}

Status reader_pool_offsets(ReaderPool *pool, Str topic, int partition, int64_t *first, int64_t *end,
                           Error *err)
{
    return log_offsets(pool->log, topic, partition, first, end, err);
}

void reader_pool_tidy(ReaderPool *pool)
{
    if (pool->readers == NULL)
        return;
    int64_t now = pool->clock->monotonic_us(pool->clock);
    for (PoolReader **link = &pool->readers, *one; (one = *link) != NULL;) {
        if (one->readings != NULL)
            one->idle_us = 0;
        else if (one->idle_us == 0)
            one->idle_us = now;
        if (one->idle_us == 0 || now - one->idle_us < IDLE_US) {
            link = &one->next;
            continue;
        }
        *link = one->next;
        log_reader_close(one->reader);
        mem_free(one);
    }
}

bool reader_pool_is_reading(const ReaderPool *pool)
{
    for (const PoolReader *one = pool->readers; one != NULL; one = one->next)
        if (one->readings != NULL)
            return true;
    return false;
}

bool reader_pool_has_readers(const ReaderPool *pool) { return pool->readers != NULL; }
