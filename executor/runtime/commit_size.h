/*
 * commit_size.h - how much tables may hold back until a worker commits.
 *
 * The more, the more often a row has changed when it is emitted, written to its changelog and to the file,
 * once for all of it; but the longer a commit stops the worker, and it must be over long before its
 * transaction is aborted. So it is what the user said, or else a share of the worker's memory for rows, and
 * no more than is emitted and set aside within seconds at the speed of the last commit that was big enough to
 * tell: on a machine with no time for us, or in front of a slow log, that is less.
 *
 * Thread: worker.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_COMMIT_SIZE_H
#define SLUICE_EXECUTOR_RUNTIME_COMMIT_SIZE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t wish;        /* of the user; 0: none */
    size_t share;       /* of the memory */
    size_t bytes_per_s; /* of the last commit that was big; 0: not known */
} CommitSize;

/* `wish` 0: by `memory_bytes`, which this worker has for rows. */
void commit_size_init(CommitSize *size, size_t wish, size_t memory_bytes);
/* So many dirty bytes were emitted and set aside in that time. */
void   commit_size_note(CommitSize *size, size_t bytes, int64_t took_us);
size_t commit_size_most(const CommitSize *size);

#endif
