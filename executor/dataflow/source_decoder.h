/*
 * source_decoder.h - from the records of a topic to rows, for every task that reads the source.
 *
 * A SourceSpec says what a SOURCE node reads: topic, formats, columns, time, and what is wanted of it. Specs
 * that differ in what is wanted alone are alike: one decoder with the union serves all their tasks. Its rows
 * are read-only, and they may hold more than one task asked for; op_source.c makes of them what the task
 * would have got alone.
 *
 * Columns of a row: those declared, then the pseudo columns of `pseudo` in the order of their roles.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_SOURCE_DECODER_H
#define SLUICE_EXECUTOR_DATAFLOW_SOURCE_DECODER_H

#include "log/log.h"
#include "planner/plan.h"

typedef struct {
    Str                  topic;
    FormatSpec           key_format, value_format;
    KeyWindow            window;
    const Schema        *declared;
    int                  timestamp_slot; /* -1: the record's own */
    Str                  timestamp_format;
    const Wanted *const *wanted; /* one per declared column; NULL: all of all */
    unsigned             pseudo; /* bits 1 << ColumnRole */
} SourceSpec;

/* Borrows from the plan. */
SourceSpec source_spec(const PlanNode *node);
/* Shares nothing with `spec`. */
SourceSpec source_spec_copy(Arena *arena, const SourceSpec *spec);
/* The same but for what is wanted? */
bool source_spec_alike(const SourceSpec *a, const SourceSpec *b);
/* Of specs that are alike: are all columns and fields that b wants in a? Pseudo columns are another matter.
 */
bool source_spec_covers(const SourceSpec *a, const SourceSpec *b);
/* Adds what `more` wants; *spec is a copy in `arena`. */
void source_spec_add(Arena *arena, SourceSpec *spec, const SourceSpec *more);
/* Where that pseudo column stands in a row. */
size_t source_spec_slot(const SourceSpec *spec, ColumnRole pseudo);

/* Why a record leaves no row. The first three are as runtime.md 1.12 and 2.1 have them; MISSING stops the
 * query: the record has no time at all. */
typedef enum {
    FAULT_KEY,
    FAULT_VALUE,
    FAULT_TIME_UNREADABLE,
    FAULT_TIME_NEGATIVE,
    FAULT_TIME_MISSING,
    FAULT_REGISTRY /* the record is not to blame: the schema registry does not answer, so it must wait */
} FaultKind;

typedef struct {
    FaultKind   kind;
    const char *message;
} SourceFault;

/* Consecutive records of a partition, decoded: one row per record, in their order. Of a record with a fault
 * the row has origin and time alone. */
typedef struct {
    const SourceSpec   *spec; /* of the decoder */
    int                 partition;
    const LogRecord    *records;
    Row                *rows;   /* not to be changed: several tasks may read them */
    const SourceFault **faults; /* per record, NULL: none; NULL altogether: no record has one */
    size_t              count;
    int64_t             decode_ns; /* that reading all of them took; 0: nobody has looked */
    bool                waits; /* some record could not be read for want of its schema: decode again, later */
} SourceRows;

typedef struct SourceDecoder SourceDecoder;

/* `spec` and `arena` live as long as the decoder. Thread: one at a time. */
Status source_decoder_open(const SourceSpec *spec, Clock *clock, const FnConfig *config,
                           SchemaRegistry *registry, Arena *arena, SourceDecoder **out, Error *err);
void   source_decoder_close(SourceDecoder *decoder); /* accepts NULL */
/* Decodes into `arena`; the records' memory must live as long as the rows. A bad record is a fault of its
 * row, never of the call. */
void source_decoder_read(SourceDecoder *decoder, int partition, const LogRecord *records, size_t count,
                         Arena *arena, SourceRows *out);

#endif
