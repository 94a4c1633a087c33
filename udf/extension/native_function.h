/*
 * native_function.h - a function of an extension (sluice_ext.h) as a row of the registry.
 */
#ifndef SLUICE_UDF_EXTENSION_NATIVE_FUNCTION_H
#define SLUICE_UDF_EXTENSION_NATIVE_FUNCTION_H

#include "udf/extension/sluice_ext.h"
#include "udf/udf.h"

/* The table that extensions are given. `add_scalar` is the loader's. */
void native_function_host(sl_host *host);
/* Adds it; the extension's structs are read now and stay where they are. E_PLAN: a member is missing or is of
 * a later version; and as functions_add_scalar. */
Status native_function_add(FnAddition *addition, const sl_scalar *function, Error *err);

#endif
