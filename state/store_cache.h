/*
 * store_cache.h - inside of the state folder: the file, its stores and the rows cached in front of it.
 *
 * Invariants: a dirty row is never evicted; rows are freed at commit, rollback, clear and close only (that is
 * what makes StoreRow pointers last); a row that is cached is at least as new as the file's, so the cache
 * always wins.
 *
 * Thread: worker.
 */
#ifndef SLUICE_STATE_STORE_CACHE_H
#define SLUICE_STATE_STORE_CACHE_H

#include "state/state_share.h"
#include "state/state_writer.h"
#include "state/store_memory.h"
#include "state/store_table.h"

enum { ROW_STEP = 32, SPARE_CLASSES = 32 };

typedef struct CacheRow    CacheRow;
typedef struct KeyGroup    KeyGroup;
typedef struct StoreBuffer StoreBuffer;

struct CacheRow {
    StoreRow  base; /* first: StoreRow * and CacheRow * convert */
    Store    *store;
    KeyGroup *group;     /* NULL for KEY_VALUE, and for a removed row from the next commit on */
    bool      from_file; /* and memory did not have it */
    bool grouped; /* stands in the group's list: removed rows do not, so that those of a long session cost
                     nothing */
    CacheRow *older, *newer;
    uint64_t  hash, epoch,
        mark; /* epoch: of the commit interval it was last used in; mark: of the last scan that met it */
    Growth  *growth;                        /* what each state points to; NULL: they point nowhere */
    void    *data;                          /* what the values point to */
    size_t   data_size, growth_size, bytes; /* bytes: all it takes, these included */
    Origin  *origin;
    size_t   origin_size;
    unsigned block; /* how many ROW_STEPs the row's own block takes */
};

/* The windows of one key, in the order of (time, start); of a PREFIX store the rows of one first part, by
 * key, all of the same time 0. Those with time >= complete_from are all in the cache. */
struct KeyGroup {
    uint64_t   hash;
    Str        key;
    CacheRow **rows;
    size_t     count, capacity;
    int64_t    complete_from;
    bool       idle; /* is in the store's list of groups that may be empty */
};

/* Open addressing with linear probing; item NULL = free. */
typedef struct {
    struct Slot {
        uint64_t hash;
        void    *item;
    } * slots;
    size_t count, capacity;
} CacheTable;

struct Store {
    StateFile   *file;
    Store       *next;
    StoreTable  *table;
    StoreMemory *memory; /* NULL: the file has no writer */
    StoreBuffer *buffer; /* of a BUFFER, what it holds; else NULL */
    StoreSpec    spec;   /* the table's copy */
    int          partition;
    size_t       row_values;                 /* value_count + state_count */
    bool         fixed_values, fixed_states; /* columns_are_fixed */
    CacheTable   rows, groups;
    bool         keeps_groups; /* from the first question after the windows of a key on */
    CacheRow   **dirty;
    size_t       dirty_count, dirty_capacity;
    CacheRow   **aside; /* clean, but nobody else has them yet: set aside by state_file_prepare */
    size_t       aside_count, aside_capacity, settled_count; /* the last: dirty_count of then */
    KeyGroup   **idle;
    size_t       idle_count, idle_capacity;
    int64_t      time, committed_time, swept_bound;
    int64_t      kept_from;           /* store_keep_from; nothing: INT64_MAX */
    uint64_t     lookups, file_reads; /* since it was opened */
    int64_t      prepared_time;       /* as of what is set aside; else committed_time */
    bool         listed;              /* in file->changed */
    bool         cleared; /* in this transaction: the file has no time of it, whatever committed_time says */
    Store       *next_changed;
};

/* A row that waits for a decision (state_file_prepare). */
typedef struct {
    Store   *store;
    MemEntry entry; /* in the file's staging arena */
} Staged;

struct StateFile {
    sqlite3     *db;
    size_t       cache_limit, cache_bytes, dirty_bytes;
    uint64_t     epoch, mark;
    CacheRow    *oldest, *newest;
    Store       *stores, *changed;
    StoreTable  *tables;
    Arena       *scratch;                   /* for one call */
    Arena       *remembered;                /* until the next commit */
    void        *spare_rows[SPARE_CLASSES]; /* blocks of rows given up, by size; each begins with the next */
    size_t       spare_counts[SPARE_CLASSES];
    void        *spare; /* block that the next put copies into */
    size_t       spare_size;
    FactSet      pending, facts; /* since the commit; as of it */
    StateShare  *share;
    bool         own_share;
    StateWriter *writer;                 /* NULL: commits write the file themselves, and there is no memory */
    size_t       memory_limit;           /* of bytes in share->memories, and held by buffers */
    size_t       held_limit, held_bytes; /* of buffers, by themselves */
    size_t       put_rows;               /* since memory was last trimmed */
    bool         in_transaction;
    bool         prepared; /* rows are set aside, in `staged` */
    Staged      *staged;
    size_t       staged_count, staged_capacity;
    Arena       *staging;
    bool         direct;      /* it holds writes that are nowhere else: apply, clear, drop */
    bool         lost;        /* such writes were lost by a failed commit: only rollback goes on */
    bool         recheck;     /* a rollback may have taken tables away */
    bool         created;     /* tables were made in this transaction */
    int wal_pages, wal_again; /* in the WAL; how many there are when it is to be written back by us */
};

/* ---- store_cache.c ---- */

uint64_t  store_cache_hash(Str key, int64_t start, int64_t end);
CacheRow *store_cache_find(const Store *store, uint64_t hash, Str key, int64_t start, int64_t end);
/* A new row without values (existing: no), as the newest. */
CacheRow *store_cache_add(Store *store, uint64_t hash, Str key, const Value *keys, int64_t start,
                          int64_t end);
void      store_cache_remove(CacheRow *row); /* and frees it */
void      store_cache_use(CacheRow *row);
void      store_cache_set_values(CacheRow *row, const Value *values); /* deep copies; states not included */
void      store_cache_set_states(CacheRow *row, const Value *states);
void      store_cache_clear_states(CacheRow *row);
void      store_cache_swap_states(CacheRow *a, CacheRow *b);
/* After states that have a growth were changed in place. */
void store_cache_settle_states(CacheRow *row);
void store_cache_mark_dirty(CacheRow *row); /* unless it is */
/* A row that is removed leaves its group's list, and comes back when it is put again. */
void store_cache_ungroup(CacheRow *row);
void store_cache_regroup(CacheRow *row);
void store_cache_list(Store *store); /* as one that the next commit must look at */
void store_cache_evict(StateFile *file);
void store_cache_free_spare(StateFile *file);
/* Frees every row of the store. */
void store_cache_clear(Store *store);
/* ---- store_prefix.c ---- */

/* The first part of a PREFIX store's key with its length in front; ptr NULL: it has none. */
Str store_prefix_of(Str key);
/* What comes behind all keys that begin with it. */
Str store_prefix_end(Str prefix, Arena *arena);
/* What rows are grouped by: the key, of a PREFIX store its first part. */
Str       store_cache_group_key(const Store *store, Str key);
KeyGroup *store_cache_group(Store *store, Str key); /* found or made; `key` as above */
/* Before the first use of groups: the rows that are there get theirs. */
void      store_cache_keep_groups(Store *store);
KeyGroup *store_cache_find_group(const Store *store, Str key);
/* There may be more rows of that key than the cache knows of. `key`: of a row. */
void store_cache_forget_group(Store *store, Str key);
void store_cache_drop_idle_groups(Store *store);

/* ---- store_changelog.c ---- */

/* The key of a record: with its window. */
Str store_changelog_key(const StoreSpec *spec, Str key, int64_t start, int64_t end, Arena *arena);

/* ---- state_file.c ---- */

/* Before the file is touched: tables that a rollback took away are made again. */
Status state_file_ready(StateFile *file, Error *err);
Status state_file_begin(StateFile *file, bool direct, Error *err);
/* The right to write the file, unless a transaction has it already; what it answers goes to
 * state_file_unlock. */
bool state_file_lock(StateFile *file);
void state_file_unlock(StateFile *file, bool locked);
/* A table that a Store or a StoreMemory has a reference to. */
void state_table_release(StateFile *file, StoreTable *table);

/* ---- state_meta.c ---- */

Status state_meta_load(StateFile *file, Error *err);
void   state_meta_committed(StateFile *file); /* what was set is committed now */
Status state_meta_write(sqlite3 *db, const FactSet *facts, Error *err);

/* ---- store_scan.c ---- */

/* store_find_windows, of what a buffer does not hold. */
Status store_find_cold(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                       Error *err);
/* The file's row of that identity into `row`, if it is there. */
Status store_load(CacheRow *row, Error *err);

static inline bool store_row_expired(const Store *store, int64_t start, int64_t end)
{
    int64_t time = store_row_time(store->spec.kind, start, end);
    if (time >= store_bound(&store->spec, store->time))
        return false;
    return time < store->kept_from || time < store_bound(&store->spec, store->committed_time);
}

static inline TableRow store_table_row(const CacheRow *row)
{
    return (TableRow){row->base.key,        row->store->partition, row->base.window_start,
                      row->base.window_end, row->base.timestamp,   row->base.visible,
                      row->base.keys,       row->base.values};
}

#endif
