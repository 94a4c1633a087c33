/*
 * store_memory.h - inside of the state folder: committed rows of one partition of a store, in memory, as the
 * changelog has them.
 *
 * Between the rows that are being worked on (store_cache.h: values spread out, some 300 bytes each) and the
 * file stands this: a hash table of blocks of bytes, each a key and the value of its changelog record, some
 * 100 bytes for a count. A look-up costs a cache miss or two and a decoding; a row that is here is not looked
 * for in the file, and a store whose memory is `complete` never asks the file at all.
 *
 * A block that is on its way to the file is never changed, only replaced. So the thread that brings rows
 * there (state_writer.c) reads blocks without a lock, and a replaced one lives until it has them. Any other
 * block is written over, under the lock, where the next version of its row takes as much room. Each block
 * says in which batch it goes to the file; what has not got there yet is never given up.
 *
 * Of a table with windows all rows of a key hang at one place: one block while there is one, else a list by
 * time.
 *
 * Thread: worker. Changes are made under the lock of the StateShare, so that others may read under it.
 */
#ifndef SLUICE_STATE_STORE_MEMORY_H
#define SLUICE_STATE_STORE_MEMORY_H

#include "state/store_segments.h"
#include "state/store_table.h"

typedef struct StoreMemory StoreMemory;
typedef struct MemRow      MemRow;

struct MemRow {
    uint8_t  kind;               /* whether the place in the table holds a row or a list of them */
    bool     used;               /* looked at since the hand last passed */
    uint32_t batch;              /* that brings it to the file; 0: it is there */
    uint32_t position;           /* in memory->waiting, while its batch is the one being gathered */
    uint32_t key_len, value_len; /* value_len MEM_REMOVED: the row is gone */
    char     bytes[];            /* window bounds if there are any, key, value */
};

enum { MEM_ROW, MEM_LIST };
#define MEM_REMOVED UINT32_MAX

typedef struct {
    MemRow **rows;
    size_t   count, capacity;
} MemRows;

/* Rows of a buffer's segment that go to the file past the memory. They do not change. */
typedef struct {
    Segment     *segment; /* with a reference */
    SegmentRow **rows;
    size_t       count;
} MemSegment;

typedef struct {
    MemSegment *items;
    size_t      count, capacity;
} MemSegments;

typedef struct {
    void    *what; /* MemRow or list; NULL: free */
    uint32_t tag;  /* hash of the key */
} MemPlace;

struct StoreMemory {
    StoreMemory *next;
    StoreTable  *table; /* with a reference */
    int          partition;
    int64_t      retention_ms;
    bool         attached; /* a Store uses it */
    bool         complete; /* the file has no rows but these */
    bool         emptied;  /* the file's rows are removed in the transaction that is open */
    int64_t   cold_time;  /* rows of the file that are not here have no later time; for tables with windows */
    int64_t   time;       /* store_time, as of the last commit */
    bool      time_waits; /* the file does not have it yet */
    uint32_t  last_batch;
    MemPlace *places;
    size_t    count, capacity, rows, hand;
    size_t    bytes;
    MemRows   waiting;                       /* for the file, gathered for the next batch */
    MemRows   writing;                       /* in the batch that is being written */
    MemSegments  segments, segments_writing; /* the same of whole segments: before the rows */
    bool         listed;                     /* in the share's list of those with something to be written */
    StoreMemory *next_listed;
};

typedef struct {
    Str     key, value; /* value ptr NULL: removed */
    int64_t start, end;
} MemEntry;

StoreMemory *store_memory_new(StoreTable *table, int partition);
void         store_memory_free(StoreMemory *memory); /* with all rows */
void         store_memory_clear(StoreMemory *memory);

/* NULL: not here. Who finds it for the worker marks it as used. */
MemRow *store_memory_find(StoreMemory *memory, Str key, int64_t start, int64_t end);
/* Brings what will be looked at into the CPU's cache: a place; some puts later, what stands
 * there; and once more. */
void     store_memory_fetch_place(const StoreMemory *memory, Str key);
void     store_memory_fetch_row(const StoreMemory *memory, Str key);
void     store_memory_fetch_newest(const StoreMemory *memory, Str key); /* of a list */
bool     store_memory_has_key(const StoreMemory *memory, Str key);
MemEntry store_memory_entry(const StoreMemory *memory, const MemRow *row);
/* Calls `use` for the rows of a key, removed ones included, by time; any status but OK ends it and is
 * returned. */
Status store_memory_of_key(StoreMemory *memory, Str                                     key,
                           Status (*use)(void *context, MemRow *row, Error *err), void *context, Error *err);
/* Whether a row that is not here can be in the file. */
bool store_memory_may_lack(const StoreMemory *memory, int64_t start, int64_t end);

/* The row's next version in its own block: false, and nothing was done, if that is of another size. For
 * blocks that nobody reads without the lock. */
bool store_memory_write_over(StoreMemory *memory, MemRow *row, const MemEntry *entry);
/* Puts a row of batch `batch` in the place of the one that is here, if any, which is returned (else NULL):
 * the caller frees it, now or when the file has it. */
MemRow *store_memory_put(StoreMemory *memory, const MemEntry *entry, uint32_t batch, MemRow **placed);
/* Takes it out; the caller frees it. */
void   store_memory_take(StoreMemory *memory, MemRow *row);
size_t store_memory_row_bytes(const MemRow *row);
/* Moves the hand over `steps` places. What has expired, or is removed from the file as well, goes; while
 * `over` says that there is not enough room, so does what was not used since the hand was last there. Only
 * what the file has (batch <= done). Returns the bytes that were freed. */
size_t store_memory_sweep(StoreMemory *memory, size_t steps, uint32_t done, size_t over);

void mem_rows_add(MemRows *rows, MemRow *row);
/* Takes the reference and the rows. */
void mem_segments_add(MemSegments *segments, MemSegment item);
void mem_segments_clear(MemSegments *segments);

#endif
