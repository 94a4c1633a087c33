/*
 * commit_size.c - a share of the memory, and three seconds at most.
 */
#include "executor/runtime/commit_size.h"

enum {
    BYTES_MIN = 10 << 20, /* always allowed: what tables held back before they had a share of the memory */
    BYTES_MAX = 64 << 20,
    SHARE     = 16,     /* of the worker's memory for rows */
    COMMIT_SECONDS = 3, /* a third of a transaction's timeout */
};

void commit_size_init(CommitSize *size, size_t wish, size_t memory_bytes)
{
    *size = (CommitSize){.wish = wish, .share = memory_bytes / SHARE};
}

/* Small ones say nothing: they are over when a fixed cost is. */
void commit_size_note(CommitSize *size, size_t bytes, int64_t took_us)
{
    if (bytes > BYTES_MIN / 2 && took_us > 0)
        size->bytes_per_s = (size_t)((double)bytes * 1e6 / (double)took_us);
}

size_t commit_size_most(const CommitSize *size)
{
    size_t most = size->share < BYTES_MAX ? size->share : BYTES_MAX;
    if (size->wish > 0)
        return size->wish;
    if (size->bytes_per_s > 0 && size->bytes_per_s < BYTES_MAX && most > size->bytes_per_s * COMMIT_SECONDS)
        most = size->bytes_per_s * COMMIT_SECONDS;
    return most > BYTES_MIN ? most : BYTES_MIN;
}
