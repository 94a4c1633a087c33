/*
 * state_share.h - inside of the state folder: what a state file's worker shares with the thread that writes
 * the file and with those that read its tables.
 *
 * A commit puts rows and facts here, which is what makes them readable; the file follows, a batch at a time.
 * A batch is all that was committed until the writer took it: so the file goes from commit to commit, and its
 * rows are those that its facts speak of. What a batch has is not changed any more, and freed only when the
 * file has it.
 *
 * Thread: any, under `lock`, where nothing else is said.
 */
#ifndef SLUICE_STATE_STATE_SHARE_H
#define SLUICE_STATE_STATE_SHARE_H

#include <pthread.h>

#include "state/store_memory.h"

/* Facts by name. */
typedef struct {
    Str name, value; /* on the heap; value.ptr NULL: removed */
} Fact;

typedef struct {
    Fact     *facts;
    size_t    count, capacity;
    uint32_t *index; /* hash table of positions in facts + 1 */
    size_t    index_size;
} FactSet;

/* Found or made. Copies both. */
void        fact_set_put(FactSet *set, Str name, Str value);
const Fact *fact_set_find(const FactSet *set, Str name);
void        fact_set_empty(FactSet *set); /* keeps its arrays */
void        fact_set_clear(FactSet *set);

typedef struct StateWriter StateWriter;

struct StateShare {
    pthread_mutex_t lock;
    pthread_cond_t  waiting, settled; /* there may be something to write; something was written, or failed */
    StoreMemory    *memories;         /* of all stores, open or not yet written */
    StoreMemory    *listed;           /* those with something to be written */
    FactSet         facts;            /* to be written */
    size_t          waiting_bytes;    /* of rows and facts that no batch has yet */
    size_t          batch_bytes;      /* of the batch being written */
    int64_t         waiting_since_us; /* 0: nothing waits */
    uint32_t        batch, done;      /* being gathered; the last that the file has */
    bool            committing;       /* a commit is being put here: no batch may be taken */
    MemRows         graves;           /* rows that were replaced while a batch has them */
    size_t          memory_bytes;     /* of all memories */
    StoreMemory    *trimmed;          /* whose hand was moved last */
};

/* All of a kind that a reader wants: memories of that store, one per partition. */
StoreMemory *state_share_next(const StateShare *share, const StoreMemory *after, Str name);

/* Under the lock. Puts a row for the next batch; 0 as batch: the file has it already. */
void state_share_put(StateShare *share, StoreMemory *memory, const MemEntry *entry, bool waits);
void state_share_list(StateShare *share, StoreMemory *memory);
/* Under the lock. Calls `use` for rows that the file may not have yet, the newest version of each. */
Status state_share_unwritten(StoreMemory *memory, Status (*use)(void *context, MemRow *row, Error *err),
                             void *context, Error *err);

#endif
