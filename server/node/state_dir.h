/*
 * state_dir.h - the directory of a node's local state: made when missing, locked against a second process,
 * with an identity that survives restarts.
 */
#ifndef SLUICE_SERVER_NODE_STATE_DIR_H
#define SLUICE_SERVER_NODE_STATE_DIR_H

#include "core/clock.h"
#include "core/str.h"

typedef struct {
    char *path;
    char
        *service_path; /* what one service keeps: state/ and plans.json; NULL before state_dir_take_service */
    char *node_id;
    int   lock; /* file, or -1 */
} StateDir;

/* E_BUSY: another process has it. */
Status state_dir_open(StateDir *dir, const char *path, Clock *clock, Error *err);
/* Before the embedded log of the directory at `path` is opened. E_DAMAGED: it is missing or empty, while
 * there are tables that were made from one: to make a new log would empty them without a word. */
Status state_dir_check_log(const char *path, Error *err);
/* Sets service_path: the directory itself for the service that came first, which is written down, and a
 * directory of its own in it for any other; that is said when it is made. `runs_file`: the service is that of
 * a file of queries. */
Status state_dir_take_service(StateDir *dir, Str service_id, bool runs_file, Error *err);
void   state_dir_close(StateDir *dir); /* accepts a zeroed one whose lock is -1 */

#endif
