/*
 * native_load.h - the shared libraries of a directory (ksql.extension.dir).
 */
#ifndef SLUICE_UDF_EXTENSION_NATIVE_LOAD_H
#define SLUICE_UDF_EXTENSION_NATIVE_LOAD_H

#include "udf/udf.h"

typedef struct Extensions Extensions;

/* Loads each `*.so`, in the order of their names, and adds its functions. What cannot be loaded is left out,
 * as a whole or function by function, and the log says which and why: a server starts all the same. Never
 * NULL. Thread: the one that opens the server. */
Extensions *extensions_load(Functions *functions, const char *directory);
size_t      extensions_count(const Extensions *extensions); /* libraries that were loaded */
/* After the last call of any function: the libraries' fini. They stay mapped. NULL is accepted. */
void extensions_close(Extensions *extensions);

#endif
