/*
 * operator.h - what an operator is: one file op_x.c per kind of plan node, and a line in operators.def.
 *
 * Batches are pushed from the sources to the root: `push` does its work and hands what comes out to the next
 * operator with op_emit. An operator belongs to one task and so to one thread; its memory is the task's arena
 * (as long as the task) and the batch's arena (reset after each batch). Plan nodes are read-only; state lives
 * in the operator or in its stores.
 *
 * The effects are those of handling one record at a time, in order. Stream time belongs to the operator,
 * starts unset (INT64_MIN), and comes from the records it gets (runtime.md 2.2); operators that keep it (or
 * other small state) implement save and load.
 */
#ifndef SLUICE_EXECUTOR_DATAFLOW_OPERATOR_H
#define SLUICE_EXECUTOR_DATAFLOW_OPERATOR_H

#include "executor/dataflow/figures.h"
#include "executor/dataflow/pipeline.h"
#include "planner/node.h"
#include "state/store.h"

typedef struct Operator Operator;

/* A row of a table as op_find gives it. */
typedef struct {
    const Value
           *columns; /* of the schema of the table's node; NULL: there is none. They may point into a store */
    int64_t timestamp;
    bool    follows; /* the table has a change of the row, and hands it on in the flush that is going on */
} TableFind;

/* What an operator does with the old rows of its input, whether they are there aside. */
typedef enum {
    OLD_READ,
    OLD_PASSED_ON, /* in the old rows that it emits, and nowhere else */
    OLD_IGNORED,
} OldRows;

typedef struct {
    const char *name;       /* as operators.def has it */
    size_t      state_size; /* of the struct that starts with an Operator */
    /* It reads no more of its input than planner/plan_prune.c says for its node, so that rows which hold more
     * (what other tasks want of the source) look the same to it. Without this promise the source hides the
     * rest, which costs a copy of each row. */
    bool reads_wanted_only;
    /* A bit for each input whose rows do nothing here: the operator looks into that table's store when it
     * needs a row. A source table that nobody else listens to has no rows to hold back until a commit. */
    unsigned deaf_ports;
    /* Of those who listen to one operator it hears a batch first: what the others make of it may come back to
     * it by another way. */
    bool hears_first;
    /* Where nobody reads them, an old row says only that there was one: see op_old_is_read. */
    OldRows old_rows;
    Status (*open)(Operator *op, Error *err);
    /* `port`: which input of the node the batch comes from. Its rows are read-only: other tasks may have the
     * same (source_decoder.h). Any status but OK stops the batch: the runtime aborts. Bad rows are no such
     * error: op_skip_row. */
    Status (*push)(Operator *op, int port, const RecordBatch *in, Error *err);
    /* What time allows without a record: rows that waited for something that can no longer come. Called
     * before each flush, so in a worker within a commit interval of the last record. May be NULL. */
    Status (*tick)(Operator *op, Error *err);
    /* Tables that can be looked into: see op_find. NULL: it cannot. */
    Status (*find)(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err);
    /* Before a commit: emit what was held back (emit late). Sources are flushed first. May be NULL. */
    Status (*flush)(Operator *op, Error *err);
    /* The stores have forgotten everything since the last commit; forget it too. load follows if there is
     * one. May be NULL. */
    void (*rollback)(Operator *op);
    /* Small state that belongs to the commit: stream time, lastClose. Both or none. */
    void (*save)(const Operator *op, StrBuf *out);
    Status (*load)(Operator *op, Str saved, Error *err); /* saved.ptr NULL: start unset */
    /* The stream time by which rows of its stores expire; INT64_MIN: unset. NULL: none of them do. */
    int64_t (*stream_time)(const Operator *op);
    void (*close)(Operator *op); /* library handles only: arenas are freed by the task. May be NULL */
} OperatorClass;

/* Failures inside programs (an argument that became NULL) go to the processing log with the operator's
 * current row. */
typedef struct {
    ErrorSink base;
    Operator *op;
} OpErrors;

/* A consumer of an operator's rows. */
typedef struct {
    Operator *to;
    int       port;
} Outlet;

struct Operator {
    const OperatorClass *class;
    const PlanNode *node;
    Pipeline       *pipeline;
    Arena          *arena;   /* of the task */
    const Outlet   *outlets; /* who gets what it emits, in the plan's order; none: it is the last one */
    size_t          outlet_count;
    Store         **stores; /* opened by the pipeline, in the order of the node's */
    size_t          store_count;
    OpErrors        errors;
    ProgramContext  programs;    /* of everything op_compile makes */
    const Row      *current;     /* the row being evaluated, for error reports; may be NULL */
    Encoder        *key_encoder; /* of op_key_bytes, made when first used */
    OperatorFigures figures;
    Stopwatch      *watch; /* the pipeline's */
};

/* Milliseconds: a + b, at the end of time where it would be beyond. A window or its grace may be as long as
 * time itself. */
static inline int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b < 0 ? INT64_MIN : INT64_MAX;
}

/* The operator takes a batch and the time that it needs for it. */
Status op_push_timed(Operator *op, int port, const RecordBatch *in, Error *err);

static inline Status op_push(Operator *op, int port, const RecordBatch *in, Error *err)
{
    op->figures.rows_in += in->count;
    return op->watch->running ? op_push_timed(op, port, in, err) : op->class->push(op, port, in, err);
}

/* Hands a batch to all consumers, one after the other. They may share its rows, for those are read-only. */
static inline Status op_emit(Operator *op, const RecordBatch *out, Error *err)
{
    op->figures.rows_out += out->count;
    for (size_t i = 0; out->count > 0 && i < op->outlet_count; i++)
        TRY(op_push(op->outlets[i].to, op->outlets[i].port, out, err));
    return OK;
}

/* Does anybody read the old rows that the operator emits? If not, it copies none: any pointer that is not
 * NULL says that there was a row. Of a table that emits late (source_table.c), `find` then has the newest
 * row. */
bool op_old_is_read(const Operator *op);

/* The row that table `op` has under the key (bytes without window) and window of `row`, whose key columns are
 * the table's. It is the row as the table has handed it on to its consumers: what a table with a cache has
 * not told them yet, nobody sees. Good until the table's next change. */
static inline Status op_find(Operator *op, Str key, const Row *row, Arena *arena, TableFind *out, Error *err)
{
    return op->class->find(op, key, row, arena, out, err);
}
/* The operator of this pipeline that makes the op's input `port`: a table that can be looked into. */
Status op_table(Operator *op, int port, Operator **out, Error *err);
/* A row (or an expression of it) failed: counter, processing log with the row's origin (runtime.md 7.2 type
 * 1). */
void op_skip_row(Operator *op, const Row *row, const Error *why);
/* The row's key in the format of the operator's input edge (port 0): row->key_bytes where they are there
 * already. ptr NULL: null key. */
Status op_key_bytes(Operator *op, const Row *row, Arena *arena, Str *out, Error *err);
/* The same for a failure after which the row goes on (a column became NULL): logged, not counted as skipped.
 */
void op_report(Operator *op, const Row *row, const Error *why);
/* A record that cannot be read and is not to be skipped (fail_on_deserialization_error): sets E_FATAL_DATA,
 * saying which one. */
Status op_fail_record(const Origin *origin, bool key_side, const char *why, Error *err);
/* A row that is dropped for its key or its lateness: counted only. */
void op_drop_row(Operator *op, const Row *row, SkipKind kind);
/* Compiles an expression for this task, its inner failures reported to the processing log. */
Status op_compile(Operator *op, const Expr *expr, Program **out, Error *err);

/* Serde for this task, closed with the pipeline. */
Status op_decoder(Operator *op, const SerdeSpec *spec, Decoder **out, Error *err);
Status op_encoder(Operator *op, const SerdeSpec *spec, Encoder **out, Error *err);

/* NULL: not built. */
const OperatorClass *operator_class(const PlanNode *node);

#endif
