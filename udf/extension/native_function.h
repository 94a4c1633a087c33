/*
 * native_function.h - functions of an extension (sluice_ext.h) as rows of the registry.
 */
#ifndef SLUICE_UDF_EXTENSION_NATIVE_FUNCTION_H
#define SLUICE_UDF_EXTENSION_NATIVE_FUNCTION_H

#include "udf/extension/sluice_ext.h"
#include "udf/udf.h"

/* They add it; the extension's structs are read now and stay where they are. E_PLAN: a member is missing or
 * is of a later version; and as functions_add_scalar. */
Status native_scalar_add(FnAddition *addition, const sl_scalar *function, Error *err);
/* `result` is the type of an element, and eval gives ARRAYs of them: each element is a row. */
Status native_table_add(FnAddition *addition, const sl_scalar *function, Error *err);
Status native_aggregate_add(FnAddition *addition, const sl_aggregate *function, Error *err);

#endif
