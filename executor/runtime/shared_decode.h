/*
 * shared_decode.h - the records of a fetcher, decoded once for all tasks that read the same source.
 *
 * Thread: worker, unless said otherwise.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_SHARED_DECODE_H
#define SLUICE_EXECUTOR_RUNTIME_SHARED_DECODE_H

#include "executor/runtime/fetch.h"

/* Memory for decoded slices, of one worker; `functions` and `registry` may be NULL. */
SliceCache *slice_cache_new(Clock *clock, const FnConfig *functions, SchemaRegistry *registry);
void        slice_cache_free(SliceCache *cache); /* accepts NULL */
/* Records decoded so far. Thread: any */
uint64_t slice_cache_decoded(const SliceCache *cache);

/* After the input got its fetcher; before it loses it. */
void shared_decode_join(TaskInput *input);
void shared_decode_leave(TaskInput *input);
/* The decoded rows of which (*rows)->rows[*index] is record `at` of the fetcher's batch, up to the end of its
 * slice. They last until all have passed them; a decoder that cannot be opened is the error. */
Status shared_decode_rows(const TaskInput *input, size_t at, const SourceRows **rows, size_t *index,
                          Error *err);
/* What all consumers have passed goes; the batch goes. */
void shared_decode_end_slices(Fetcher *fetcher);
void shared_decode_end_batch(Fetcher *fetcher);

#endif
