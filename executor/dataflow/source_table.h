/*
 * source_table.h - a table read from a topic: its rows in a store, and the store's rows as rows of the edge.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_SOURCE_TABLE_H
#define SLUICE_EXECUTOR_DATAFLOW_SOURCE_TABLE_H

#include "executor/dataflow/operator.h"
#include "executor/dataflow/source_decoder.h"

/* Fills a row of the source's schema from its stored row: pseudo columns come from the row's time and window.
 * Shares what it points to. */
void source_stored_columns(const Schema *schema, const StoreRow *stored, Value *out);
/* Before rows [from, from + count) are taken: the stored rows of those that come after them are fetched from
 * memory, where each would be waited for. */
void source_table_fetch_ahead(const Operator *op, const SourceRows *rows, size_t from, size_t count);
/* Brings the store up to date with the batch, gives every row its old row, and drops rows without a key. With
 * a cache above 0 no row is left: flush emits what has changed since the last commit, and puts down in
 * *flushed that it did. */
Status source_table_apply(Operator *op, RecordBatch *batch, Error *err);
Status source_table_flush(Operator *op, uint64_t *flushed, Error *err);
/* OperatorClass.find. `flushed`: in which flush of the pipeline the table was told of last. */
Status source_table_find(Operator *op, uint64_t flushed, Str key, const Row *row, Arena *arena,
                         TableFind *out, Error *err);

#endif
