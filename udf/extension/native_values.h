/*
 * native_values.h - values as extensions see them (sluice_ext.h), and back.
 */
#ifndef SLUICE_UDF_EXTENSION_NATIVE_VALUES_H
#define SLUICE_UDF_EXTENSION_NATIVE_VALUES_H

#include "core/decimal.h"
#include "udf/extension/sluice_ext.h"

/* A view of the value, parts of it in the arena. E_DATA: the arena's limit. */
Status native_values_show(const SqlType *type, Value value, Arena *arena, slv *out, Error *err);
/* A copy in the arena. E_DATA: it is no value of that type; whatever an extension gives is looked at. */
Status native_values_take(const SqlType *type, const slv *given, Arena *arena, Value *out, Error *err);

#endif
