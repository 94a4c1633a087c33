/*
 * fault_vfs.h - a disk that fails: a SQLite VFS in front of the real one.
 *
 * It becomes SQLite's default, so that the engine opens its files through it without knowing. Shared memory,
 * locks and reads go through as they are.
 */
#ifndef SLUICE_TESTS_FAULT_VFS_H
#define SLUICE_TESTS_FAULT_VFS_H

#include "fault.h"

enum { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_TRUNCATE = 4, FAULT_OPEN = 8, FAULT_DISK = 15 };

/* Once, before the first use of SQLite. False: there is no VFS to stand in front of. */
bool fault_vfs_install(void);
/* From now on the chances of `fault` are these operations (FAULT_WRITE | ...) on files whose path has `part`
 * in it; the fault's code is a SQLite code. NULL: none. `part` is kept. */
void fault_vfs_watch(Fault *fault, const char *part, unsigned operations);

#endif
