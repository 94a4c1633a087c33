/*
 * headless.h - a file of statements instead of a command log (runtime.md 6.7).
 */
#ifndef SLUICE_SERVER_NODE_NODE_HEADLESS_H
#define SLUICE_SERVER_NODE_NODE_HEADLESS_H

#include "server/engine/engine.h"

/* Checks and carries out the statements of the file. E_CONFIG: it cannot be read. */
Status headless_run(Engine *engine, const char *path, Error *err);
/* A whole file, in the arena. */
Status file_read(const char *path, Arena *arena, Str *out, Error *err);

#endif
