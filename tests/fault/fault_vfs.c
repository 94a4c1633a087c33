/*
 * fault_vfs.c - the VFS in front of the real one.
 *
 * A write that fails has been done by half: that is what disks do, and what SQLite's checksums are for.
 */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <string.h>

typedef struct {
    sqlite3_file base; /* first */
    const char  *path;
    sqlite3_file real[]; /* szOsFile bytes of the real VFS */
} FaultFile;

static sqlite3_vfs        *real_vfs;
static Fault *_Atomic      vfs_fault;
static const char *_Atomic vfs_part;
static _Atomic unsigned    vfs_operations;

static bool fails(const char *path, unsigned operation, int *code)
{
    Fault      *fault = atomic_load(&vfs_fault);
    const char *part  = atomic_load(&vfs_part);
    if (fault == NULL || path == NULL || part == NULL || (atomic_load(&vfs_operations) & operation) == 0 ||
        strstr(path, part) == NULL || !fault_here(fault))
        return false;
    *code = fault->code;
    return true;
}

static sqlite3_file *real_file(sqlite3_file *file) { return ((FaultFile *)file)->real; }

static bool file_fails(sqlite3_file *file, unsigned operation, int *code)
{
    return fails(((FaultFile *)file)->path, operation, code);
}

#define PASS(file, method, ...) real_file(file)->pMethods->method(real_file(file), ##__VA_ARGS__)

static int file_close(sqlite3_file *file) { return PASS(file, xClose); }

static int file_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return PASS(file, xRead, to, size, at);
}

static int file_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    int code;
    if (!file_fails(file, FAULT_WRITE, &code))
        return PASS(file, xWrite, from, size, at);
    (void)PASS(file, xWrite, from, size / 2, at);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code;
    return file_fails(file, FAULT_TRUNCATE, &code) ? code : PASS(file, xTruncate, size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int code;
    return file_fails(file, FAULT_SYNC, &code) ? code : PASS(file, xSync, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return PASS(file, xFileSize, size); }
static int file_lock(sqlite3_file *file, int level) { return PASS(file, xLock, level); }
static int file_unlock(sqlite3_file *file, int level) { return PASS(file, xUnlock, level); }
static int file_check_lock(sqlite3_file *file, int *out) { return PASS(file, xCheckReservedLock, out); }
static int file_control(sqlite3_file *file, int op, void *argument)
{
    return PASS(file, xFileControl, op, argument);
}
static int file_sector_size(sqlite3_file *file) { return PASS(file, xSectorSize); }
static int file_device(sqlite3_file *file) { return PASS(file, xDeviceCharacteristics); }

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return PASS(file, xShmMap, page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int at, int count, int flags)
{
    return PASS(file, xShmLock, at, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { PASS(file, xShmBarrier); }
static int  file_shm_unmap(sqlite3_file *file, int delete_it) { return PASS(file, xShmUnmap, delete_it); }

static const sqlite3_io_methods methods = {
    .iVersion               = 2, /* no memory mapped reads: they would go past us */
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
    .xSectorSize            = file_sector_size,
    .xDeviceCharacteristics = file_device,
    .xShmMap                = file_shm_map,
    .xShmLock               = file_shm_lock,
    .xShmBarrier            = file_shm_barrier,
    .xShmUnmap              = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags, int *out_flags)
{
    FaultFile *file = (FaultFile *)out;
    int        code;
    file->base.pMethods = NULL; /* SQLite: nothing to close */
    if (fails(path, FAULT_OPEN, &code))
        return code;
    code = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
    if (file->real->pMethods == NULL)
        return code;
    file->path          = path; /* lives as long as the file, by SQLite's contract */
    file->base.pMethods = &methods;
    return code;
}

bool fault_vfs_install(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL)
        return false;
    vfs = *real_vfs; /* what is not about open files is the real one's, which asks for nothing of `vfs` but
                        pAppData */
    vfs.zName    = "fault";
    vfs.szOsFile = (int)sizeof(FaultFile) + real_vfs->szOsFile;
    vfs.xOpen    = vfs_open;
    vfs.pNext    = NULL;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK;
}

void fault_vfs_watch(Fault *fault, const char *part, unsigned operations)
{
    atomic_store(&vfs_fault, NULL);
    atomic_store(&vfs_part, part);
    atomic_store(&vfs_operations, operations);
    atomic_store(&vfs_fault, fault);
}
