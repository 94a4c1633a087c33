/*
 * test_folder.h - a folder of its own for the state files of one case.
 */
#ifndef SLUICE_SERVER_TESTING_TEST_FOLDER_H
#define SLUICE_SERVER_TESTING_TEST_FOLDER_H

#include "core/str.h"

/* Makes an empty folder: under $TMPDIR, else in memory (/dev/shm), else under /tmp. Its path lives in
 * `arena`. */
Status test_folder_make(Arena *arena, const char **out, Error *err);
/* Removes the folder and the files in it; NULL: nothing. What cannot be removed is said on the log. */
void test_folder_remove(const char *path);

#endif
