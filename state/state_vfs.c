/*
 * state_vfs.c - a checksum behind each page of a state file, so that damage is found where it is read.
 *
 * SQLite notices a page that makes no sense, but not a flipped digit, nor a page that stands where another
 * belongs. So the last 8 bytes of a page, which the file's header reserves (any SQLite tool respects that),
 * hold a hash of the rest and of the page's number. This is a layer over the system's files: it puts the hash
 * on each page that is written to the file, and looks at it in each one that is read. A page whose hash is
 * wrong is SQLITE_IOERR_DATA, which state_db_error calls E_STALE_STATE.
 *
 * In the WAL, which has checksums of its own, the 8 bytes are zero: SQLite sums a frame before we see it.
 * That is why a page read has them zeroed. A checkpoint made by another tool (after a kill, with nobody else
 * at the file) copies such pages into the file: they are taken for damage, for zeros over the end of a page
 * look the same, and a table with a wrong number in it is worse than one that is made again from its
 * changelog.
 */
#include <string.h>

#include "core/mem.h"
#include "state/state_vfs.h"

enum {
    HEADER_BYTES     = 100,
    HEADER_PAGE_SIZE = 16,
    HEADER_RESERVED  = 20,
    PAGE_MAX         = 65536,
    NAME_MAX_BYTES   = 64
};

typedef struct {
    sqlite3_file  base;      /* first */
    int           page_size; /* 0: not known, or pages without checksums */
    sqlite3_file *real;      /* behind this */
} SumFile;

static sqlite3_file *real_of(sqlite3_file *file) { return ((SumFile *)file)->real; }

/* ---- the checksum: part of the file format, never to be changed without a new version of it ---- */

static uint64_t load(const unsigned char *at)
{
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | at[i];
    return n;
}

/* Four lanes, for a multiplication takes as long as four loads. Primes of xxHash. */
static uint64_t page_sum(const unsigned char *page, int size, uint64_t number)
{
    uint64_t lanes[4] = {0x9e3779b185ebca87ull ^ number, 0xc2b2ae3d27d4eb4full, 0x165667b19e3779f9ull,
                         0x27d4eb2f165667c5ull};
    int      words    = (size - PAGE_SUM_BYTES) / 8;
    for (int i = 0; i < words; i++) {
        uint64_t lane = (lanes[i & 3] ^ load(page + 8 * (size_t)i)) * 0xc2b2ae3d27d4eb4full;
        lanes[i & 3]  = lane ^ lane >> 29;
    }
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum = (sum ^ lanes[i]) * 0x9e3779b185ebca87ull;
        sum ^= sum >> 32;
    }
    return sum == 0 ? 1 : sum;
}

static bool page_is_right(const unsigned char *page, int size, uint64_t number)
{
    return load(page + size - PAGE_SUM_BYTES) == page_sum(page, size, number);
}

/* ---- reading and writing ---- */

/* A file of ours says by its first page that pages end with checksums; others are let through as they are. */
static void learn(SumFile *self, const unsigned char *header)
{
    int size        = header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    self->page_size = header[HEADER_RESERVED] != PAGE_SUM_BYTES ? 0 : size == 1 ? PAGE_MAX : size;
}

static bool is_page(const SumFile *self, int amount, sqlite3_int64 offset)
{
    return self->page_size > 0 && amount == self->page_size && offset % amount == 0;
}

/* A read went beyond the file's end. That is for SQLite to judge where there is no file yet; a part of a
 * page, or a page that was to be there, is a file cut short, which SQLite would fill up with zeros. */
static int read_short(SumFile *self, int amount, sqlite3_int64 offset)
{
    sqlite3_int64 size;
    int           rc = self->real->pMethods->xFileSize(self->real, &size);
    if (rc != SQLITE_OK)
        return rc;
    return (offset == 0 && size > 0) || is_page(self, amount, offset) ? SQLITE_IOERR_DATA
                                                                      : SQLITE_IOERR_SHORT_READ;
}

static int file_read(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset)
{
    SumFile *self = (SumFile *)file;
    int      rc   = self->real->pMethods->xRead(self->real, buffer, amount, offset);
    if (rc == SQLITE_IOERR_SHORT_READ)
        return read_short(self, amount, offset);
    if (rc != SQLITE_OK)
        return rc;
    if (offset == 0 && amount >= HEADER_BYTES)
        learn(self, buffer);
    if (!is_page(self, amount, offset))
        return SQLITE_OK;
    if (!page_is_right(buffer, amount, (uint64_t)(offset / amount)))
        return SQLITE_IOERR_DATA;
    memset((char *)buffer + amount - PAGE_SUM_BYTES, 0, PAGE_SUM_BYTES);
    return SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset)
{
    SumFile      *self = (SumFile *)file;
    unsigned char page[PAGE_MAX];
    if (offset == 0 && amount >= HEADER_BYTES)
        learn(self, buffer);
    if (!is_page(self, amount, offset))
        return self->real->pMethods->xWrite(self->real, buffer, amount, offset);
    memcpy(page, buffer, (size_t)amount);
    uint64_t sum = page_sum(page, amount, (uint64_t)(offset / amount));
    for (int i = 0; i < PAGE_SUM_BYTES; i++)
        page[amount - PAGE_SUM_BYTES + i] = (unsigned char)(sum >> (8 * i));
    return self->real->pMethods->xWrite(self->real, page, amount, offset);
}

/* ---- everything else is the system's ---- */

static int file_close(sqlite3_file *file) { return real_of(file)->pMethods->xClose(real_of(file)); }

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), locked);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: with shared memory for the WAL, without pages mapped into memory, which nobody could look at. */
static const sqlite3_io_methods methods = {
    .iVersion               = 2,
    .xClose                 = file_close,
    .xRead                  = file_read,
    .xWrite                 = file_write,
    .xTruncate              = file_truncate,
    .xSync                  = file_sync,
    .xFileSize              = file_size,
    .xLock                  = file_lock,
    .xUnlock                = file_unlock,
    .xCheckReservedLock     = file_check_lock,
    .xFileControl           = file_control,
    .xSectorSize            = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap                = file_shm_map,
    .xShmLock               = file_shm_lock,
    .xShmBarrier            = file_shm_barrier,
    .xShmUnmap              = file_shm_unmap,
};

/* ---- the layer ---- */

static sqlite3_vfs *below(sqlite3_vfs *vfs) { return vfs->pAppData; }

/* Only the database itself has pages; the WAL and temporary files are the system's alone. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    SumFile *self = (SumFile *)file;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
        return below(vfs)->xOpen(below(vfs), name, file, flags, out_flags);
    *self  = (SumFile){.real = (sqlite3_file *)(self + 1)};
    int rc = below(vfs)->xOpen(below(vfs), name, self->real, flags, out_flags);
    if (self->real->pMethods != NULL)
        self->base.pMethods = &methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return below(vfs)->xDelete(below(vfs), name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return below(vfs)->xAccess(below(vfs), name, flags, out);
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    return below(vfs)->xFullPathname(below(vfs), name, size, out);
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out)
{
    return below(vfs)->xRandomness(below(vfs), size, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us) { return below(vfs)->xSleep(below(vfs), us); }

static int vfs_time(sqlite3_vfs *vfs, double *out) { return below(vfs)->xCurrentTime(below(vfs), out); }

static int vfs_error(sqlite3_vfs *vfs, int size, char *out)
{
    return below(vfs)->xGetLastError(below(vfs), size, out);
}

static void layer_init(sqlite3_vfs *layer, char *name, sqlite3_vfs *system)
{
    *layer = (sqlite3_vfs){
        .iVersion      = 1,
        .szOsFile      = (int)sizeof(SumFile) + system->szOsFile,
        .mxPathname    = system->mxPathname,
        .zName         = name,
        .pAppData      = system,
        .xOpen         = vfs_open,
        .xDelete       = vfs_delete,
        .xAccess       = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness   = vfs_random,
        .xSleep        = vfs_sleep,
        .xCurrentTime  = vfs_time,
        .xGetLastError = vfs_error,
    };
}

/* The layer over the files that SQLite uses by default (tests have some that fail), made at its first use and
 * kept by SQLite from then on. */
static const char *layer_name(char name[NAME_MAX_BYTES])
{
    if (sqlite3_initialize() != SQLITE_OK)
        return NULL;
    sqlite3_vfs   *system = sqlite3_vfs_find(NULL);
    sqlite3_mutex *mutex  = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
    snprintf(name, NAME_MAX_BYTES, "sluice-state/%s", system->zName);
    sqlite3_mutex_enter(mutex);
    if (sqlite3_vfs_find(name) == NULL) {
        sqlite3_vfs *layer = mem_calloc(1, sizeof *layer + NAME_MAX_BYTES);
        layer_init(layer, memcpy(layer + 1, name, NAME_MAX_BYTES), system);
        sqlite3_vfs_register(layer, 0);
    }
    sqlite3_mutex_leave(mutex);
    return name;
}

int state_db_open(const char *path, int flags, int busy_ms, sqlite3 **out)
{
    char name[NAME_MAX_BYTES];
    int  reserve = PAGE_SUM_BYTES;
    int  rc      = sqlite3_open_v2(path, out, flags | SQLITE_OPEN_EXRESCODE, layer_name(name));
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_busy_timeout(*out, busy_ms);
    return sqlite3_file_control(*out, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
}
