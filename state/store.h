/*
 * store.h - keyed and windowed table stores: a write-behind cache in front of one SQLite file per worker.
 *
 * A worker's thread is the only writer of its file. A commit is one SQLite transaction over all its stores,
 * so the tables of a worker are one consistent cut. Until then changes live in the cache only; rollback
 * forgets them.
 *
 * Every store is a table that any SQLite tool can read (schema: README.md of this folder). Its identity is
 * the serialized key bytes and the window bounds and the partition; beside them stand key columns, row time
 * and values as typed columns, and the aggregate states.
 *
 * Thread: StateFile and Store belong to their worker; StateReader to any one thread at a time.
 */
#ifndef SLUICE_STATE_STORE_H
#define SLUICE_STATE_STORE_H

#include "core/growth.h"
#include "core/row.h"

typedef struct StateFile   StateFile;
typedef struct Store       Store;
typedef struct StateReader StateReader;
typedef struct StateShare  StateShare;

typedef enum {
    STORE_KEY_VALUE,
    STORE_WINDOW,
    STORE_SESSION,
    STORE_BUFFER, /* several rows per key and time: window_start is the time, window_end a number that tells
                     rows of one time apart and orders them. store_buffer.c */
    STORE_PREFIX, /* as KEY_VALUE, and rows are found by the first part of their key, too. store_prefix.c */
} StoreKind;

typedef struct {
    Str name; /* unique in the service; the table's name: the source's name for what a CTAS or SOURCE TABLE
                 materialises,
                 "<query id>.<step>" for inner stores */
    StoreKind     kind;
    const Column *keys;
    size_t        key_count;
    const Column *values; /* as people want them */
    size_t        value_count;
    const Column *states; /* aggregate internals: after the values in a row; may be none */
    size_t        state_count;
    int64_t retention_ms; /* but KEY_VALUE and PREFIX: rows older than the newest start (SESSION: end) minus
                             this are gone; < 0 = kept */
} StoreSpec;

/* Opens or creates the file (WAL); NULL path: in memory, for tests. Its directory must exist.
 *
 * E_STALE_STATE, here and from any later call that reads or writes: the file is damaged, no database, or of
 * another version. It can only be closed then, set aside, and made again from the changelogs. */
Status state_file_open(const char *path, StateFile **out, Error *err);
/* How far the file may be behind the commits: whichever comes first. */
typedef struct {
    int64_t us;
    size_t  bytes; /* of rows in memory; at twice as many commits wait */
} StateLag;

/* The same with a thread that writes the file. A commit puts rows and facts into memory, where readers find
 * them by the share; the file follows, from commit to commit, no further behind than `lag`. What a crash
 * takes is a tail that the changelogs have. `memory`: bytes of rows that are kept (beside what waits for the
 * file). */
Status state_file_open_behind(const char *path, StateShare *share, const StateLag *lag, size_t memory,
                              StateFile **out, Error *err);
/* What a file's readers need beside its path. It outlives files and readers; one file at a time uses it. */
StateShare *state_share_new(void);
void        state_share_free(StateShare *share); /* accepts NULL */
/* Returns once the file has all that was committed. */
Status state_file_flush(StateFile *file, Error *err);
/* Why the file does not follow now; OK: it does, as far as is known. */
Status state_file_trouble(StateFile *file, Error *err);
/* Why a file is set aside: its bytes are not what was written; it is another worker's, node's, service's or
 * log's; it has more than the log. */
typedef enum { ASIDE_DAMAGED, ASIDE_FOREIGN, ASIDE_AHEAD } StateAside;
/* Renames a file that is closed, with its WAL, to <path>.damaged-<now_ms> (.foreign-, .ahead-), for whoever
 * wants to know, or to <path>.version-<N>-<now_ms> when another version wrote it; the one of that kind that
 * was set aside before goes. *kept: the new name, in the arena. */
Status state_file_set_aside(const char *path, StateAside why, int64_t now_ms, Arena *arena, Str *kept,
                            Error *err);
void   state_file_close(StateFile *file); /* uncommitted changes are lost; accepts NULL */
/* `bytes` of cache beyond which clean rows are evicted, least recently used first (default 64 MiB). */
void state_file_set_cache(StateFile *file, size_t bytes);
/* Of dirty rows: their values and 64 bytes each. A worker commits when this grows too large. */
size_t state_file_dirty_bytes(const StateFile *file);
/* All that is cached. It may exceed the limit until the next commit, for rows are only given up then. */
size_t state_file_cache_bytes(const StateFile *file);
/* Bounds the file's size in pages of 4096 bytes: E_FULL beyond (a full disk, for tests); 0 = no bound. */
Status state_file_limit_pages(StateFile *file, int64_t pages, Error *err);

/* Opens (creating or checking the table) the part of a store that belongs to one partition. A table that
 * lacks the last of the values gets them, NULL in the rows that are there (a later version of a query: OR
 * REPLACE). E_PLAN when it has other columns, or is open with others. */
Status store_open(StateFile *file, const StoreSpec *spec, int partition, Store **out, Error *err);
void   store_close(Store *store);
/* What people want of the store's table, as SQL names separated by commas: keys, window bounds, values,
 * ROWTIME. */
Str store_column_list(const StoreSpec *spec, Arena *arena);
/* Removes all rows of the table, in all partitions, then the table; at most `slice` rows a call: *done tells.
 * Part of the next commit. E_BUSY while a Store of that name is open. */
Status store_drop(StateFile *file, Str name, size_t slice, bool *done, Error *err);
/* Forgets rows of one partition (before a restore from scratch). */
Status store_clear(Store *store, Error *err);

/* A row of a store, owned by the cache; pointers are valid until the next commit, rollback or close (of a
 * BUFFER: those to rows that were found, only as long as the arena). */
typedef struct StoreRow StoreRow;
struct StoreRow {
    Str     key;                      /* serialized key bytes, without window */
    int64_t window_start, window_end; /* 0 for KEY_VALUE */
    bool    exists;                   /* false: never there, or removed */
    bool    visible;                  /* false: kept for its states only (HAVING said no) */
    bool    dirty;
    bool    stored; /* the file has the row, as of the last commit; so a removal that nobody needs to know is
                       !exists && !stored */
    bool         held; /* of a BUFFER, in its memory: there is nothing to it but what is here */
    int64_t      timestamp;
    const Value *keys;   /* key columns */
    Value       *values; /* value_count + state_count; meaningful when exists */
    /* Emitting late (cache above 0): the value columns last emitted, and whether there were any. NULL until
     * store_remember. */
    bool          has_emitted; /* store_remember was called since the last commit */
    const Value  *emitted; /* NULL: there was no visible row. Not remembered with its values: the row's own */
    int64_t       emitted_timestamp;
    const Origin *origin; /* of the last input, copied; only with store_remember */
};

/* The row of that key (and window), from the cache or the file; made (not existing) when there is none.
 * `keys` are its key columns. */
Status store_get(Store *store, Str key, const Value *keys, int64_t window_start, int64_t window_end,
                 StoreRow **out, Error *err);
/* The same for a row that is put or removed next, whatever is in it: of one that exists the values may not
 * have been read. KEY_VALUE. */
Status store_get_unread(Store *store, Str key, const Value *keys, StoreRow **out, Error *err);
/* Only looks: *out is good until the next put or commit, and what it points to may be in the arena. Worth it
 * for rows that are not asked for again soon, as the cache does not take them. */
Status store_peek(Store *store, Str key, const Value *keys, int64_t window_start, int64_t window_end,
                  Arena *arena, const StoreRow **out, Error *err);
/* Is the store more than the CPU's cache holds? Then it is worth looking ahead: where the row will be, what
 * stands there, and the row itself, STORE_AHEAD * 3, * 2 and * 1 rows before it is got. */
bool store_is_far(const Store *store);
enum { STORE_AHEAD = 4 };
void store_fetch_place(const Store *store, Str key, int64_t window_start);
void store_fetch_row(const Store *store, Str key, int64_t window_start);
void store_fetch_newest(const Store *store, Str key);
/* Deep-copies `values` (value_count + state_count) into the row and marks it dirty. */
void store_put(Store *store, StoreRow *row, const Value *values, int64_t timestamp, bool visible);
/* Marks it dirty after the caller changed fixed-size values in place (numbers, no pointers). */
void store_touch(Store *store, StoreRow *row, int64_t timestamp);
void store_remove(Store *store, StoreRow *row);

/* States change in place, values[value_count ...]: between store_edit_states, which marks the row dirty, and
 * store_put_values. If something fails in between, only rollback goes on. */
/* The memory of each state; NULL when all states have fixed sizes (kind_is_fixed). A row that does not exist
 * has no states: the caller sets each to one that has nothing in its (empty) memory. */
Growth *store_edit_states(Store *store, StoreRow *row);
/* store_put for the value columns; NULL: they stay as they are, those of a new row become NULL. */
void store_put_values(Store *store, StoreRow *row, const Value *values, int64_t timestamp, bool visible);
/* Exchanges the states of two rows, memory and all: what a session has collected moves on to the one that
 * takes its place. */
void store_swap_states(Store *store, StoreRow *a, StoreRow *b);

/* Keeps a copy of the row's visible values as last emitted, if that was not done since the last commit.
 * Without `values` only whether it was there: then `emitted` points to what the row has now. */
void store_remember(Store *store, StoreRow *row, bool values, const Origin *origin);

typedef struct {
    StoreRow **rows;
    size_t     count;
} StoreRows;

/* All return rows that exist, allocated list in `arena`; E_IO as ever. */
/* WINDOW: of one key with from <= start <= to, by start. SESSION: of one key with end >= from and start <=
 * to, by (end, start). */
Status store_find_windows(Store *store, Str key, const Value *keys, int64_t from, int64_t to, Arena *arena,
                          StoreRows *out, Error *err);
/* WINDOW: all keys with from <= start <= to, by (start, key bytes). SESSION: from <= end <= to, by (end,
 * start, key bytes). BUFFER: from <= time <= to, by (time, number). */
Status store_find_range(Store *store, int64_t from, int64_t to, Arena *arena, StoreRows *out, Error *err);
/* BUFFER: a new row of that key and time, behind the others of that time: `number` is larger than any before.
 * False: it is beyond the retention, and nothing was done. */
bool store_buffer_add(Store *store, Str key, const Value *keys, int64_t time, int64_t number,
                      const Value *values, int64_t timestamp);
/* Of one key with from <= time <= to, by (time, number). Rows of a BUFFER are not asked for by store_get, nor
 * changed: added, found, removed. */
Status store_buffer_find(Store *store, Str key, int64_t from, int64_t to, Arena *arena, StoreRows *out,
                         Error *err);
/* The keys of a PREFIX store: first part and rest, and what all keys with that first part begin with. */
Str store_prefix(Str first, Arena *arena);
Str store_prefix_key(Str first, Str rest, Arena *arena);
/* PREFIX: all rows of that first part, by key bytes. */
Status store_find_prefix(Store *store, Str first, Arena *arena, StoreRows *out, Error *err);
/* Every row, in key order; for tests. */
Status store_find_all(Store *store, Arena *arena, StoreRows *out, Error *err);

/* Rows changed since the last commit, in the order of their first change. Not of a BUFFER. */
StoreRows store_dirty_rows(Store *store);
/* Largest window start (WINDOW), end (SESSION) or time (BUFFER) ever put: storeS of runtime.md 2.4, 2.6;
 * INT64_MIN when none. */
int64_t store_time(const Store *store);
/* WINDOW: from now on what has that start or a later one stays, whatever the retention says, until this is
 * asked again; INT64_MAX: nothing does. Not what had expired at the last commit, and no longer than to the
 * next: who keeps rows is done with them by then. */
void store_keep_from(Store *store, int64_t from);

/* What it was asked since it was opened, how often that took reading the file, and what of it is in memory
 * (of a file with a writer: committed rows, removed ones that the file has yet to hear of among them). */
typedef struct {
    uint64_t lookups, file_reads, rows, bytes;
} StoreFigures;
void store_figures(const Store *store, StoreFigures *out);

/* ---- changelog: a row as a record, exact for every type ---- */

/* Key (with window) and value bytes; value ptr NULL for a removed row. */
void store_encode(const Store *store, const StoreRow *row, Arena *arena, Str *key, Str *value);
/* The changes since the last commit as records, by number. False: it came and went, and there is none. The
 * value may point into the store. */
size_t store_change_count(const Store *store);
bool   store_encode_change(Store *store, size_t i, Arena *arena, Str *key, Str *value);
/* Applies one changelog record to the file, past the cache. E_DATA when it cannot be read. */
Status store_apply(Store *store, Str key, Str value, Error *err);
/* Of a BUFFER of a file that follows behind, what has not expired is held in memory and not in the file,
 * within the file's StateLag.bytes: it comes back from the changelog. */
bool store_is_held(const Store *store);
/* With each commit, for the facts that belong to it: `end` is the changelog's end then. From where on the
 * changelog has all that the file lacks: `end` itself where nothing is held. Before a changelog is applied:
 * `end` is where it is read from. */
int64_t store_changelog_from(Store *store, int64_t end);

/* ---- commit ---- */

/* Small facts that belong to the same transaction: positions, operator times, plan hashes. */
Status state_meta_get(StateFile *file, Str name, Arena *arena, Str *out,
                      Error *err);                                       /* ptr NULL: not there */
Status state_meta_set(StateFile *file, Str name, Str value, Error *err); /* value ptr NULL: removed */
Status state_meta_list(StateFile *file, Str prefix, Arena *arena, Str **names, Str **values, size_t *count,
                       Error *err);

/* Writes dirty rows of all stores and the meta facts in one transaction. E_FULL, E_IO: nothing was written,
 * the cache is as before: try again or roll back. If rows were applied, cleared or dropped since the last
 * commit, those are lost: only rollback goes on. */
Status state_file_commit(StateFile *file, Error *err);
/* The first half of a commit that waits for a decision of somebody else: rows are set aside, and what changes
 * from here on is of the next. state_file_commit ends this one, with the facts that are set by then, and a
 * rollback takes back both. Only where state_file_can_prepare: the file follows behind, and nothing was
 * cleared, dropped or made since the last commit, which is in a transaction of the file and cannot be told
 * apart. */
bool state_file_can_prepare(const StateFile *file);
void state_file_prepare(StateFile *file);
/* True after such a loss, until the rollback. */
bool state_file_is_lost(const StateFile *file);
/* Forgets everything since the last commit. */
void state_file_rollback(StateFile *file);
/* Passive checkpoint of the WAL; a helper thread calls it with its own connection. E_STALE_STATE also when
 * there is no such file (any more). Thread: any. */
Status state_file_checkpoint(const char *path, Error *err);

/* ---- reading committed state from other threads (pull queries, DESCRIBE, tests) ---- */

typedef enum { BOUND_NONE, BOUND_INCLUSIVE, BOUND_EXCLUSIVE } BoundKind;

typedef struct {
    BoundKind  low_kind, high_kind;
    Str        low, high;                                              /* of the serialized key bytes */
    bool       has_start_from, has_start_to, has_end_from, has_end_to; /* inclusive window bounds */
    int64_t    start_from, start_to, end_from, end_to;
    const int *partitions; /* only these; NULL = all */
    size_t     partition_count;
    /* Per partition: the file that has it, by its number; what others have of it is of the past. NULL: all of
     * them have. */
    const size_t *files;
} StoreRange;

typedef struct {
    int          partition;
    Str          key;
    int64_t      window_start, window_end, timestamp;
    const Value *keys, *values;
} StateRow;

/* Opens the files of all workers read-only. `shares`, one per file, are of those that follow behind: what is
 * read is as of the last commit then. NULL: as of what the files have. A file that is set aside and made
 * again later is opened again. */
Status state_reader_open(const char *const *paths, StateShare *const *shares, size_t count, StateReader **out,
                         Error *err);
void   state_reader_close(StateReader *reader);
/* After E_STALE_STATE: which of the files it was, for whoever can have its worker make it again. */
size_t state_reader_damaged(const StateReader *reader);
/* Calls `row` for every visible committed row of the store in the range, in key order per file; what it gets
 * lives until it returns. Any status but OK from `row` ends the scan and is returned. No read transaction
 * outlives the call. */
Status state_reader_scan(StateReader *reader, const StoreSpec *spec, const StoreRange *range, Arena *arena,
                         Status (*row)(void *context, const StateRow *row, Error *err), void *context,
                         Error *err);
/* Limit of the arena that takes what memory has of one partition or key: the budget of rows bounds that, and
 * not this. */
#define STATE_ROWS_ARENA ((size_t)1 << 34)
/* Kind and columns of a store, as a text in the arena. */
Str state_definition(const StoreSpec *spec, Arena *arena);
/* As state_reader_scan for the rows of one key (`range` has it as both bounds, and says which files), by
 * memory alone and without a reader: no file is looked at, and nothing is waited for but the shares' locks.
 * `definition` is the spec's: of a table that was made again nothing is read that was before. *whole false:
 * the files would have to be asked; nothing was called. Rows live until the arena is reset. */
Status state_look_in_memory(StateShare *const *shares, const StoreSpec *spec, Str definition,
                            const StoreRange *range, Arena                                      *arena,
                            Status (*row)(void *context, const StateRow *row, Error *err), void *context,
                            bool *whole, Error *err);

#endif
