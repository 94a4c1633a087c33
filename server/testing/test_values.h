/*
 * test_values.h - values of SQL types from the JSON of test data, and back (contract of `sluice test --json`,
 * "Serialisation"). The rules are the contract's, laxer than those of any format.
 */
#ifndef SLUICE_SERVER_TESTING_TEST_VALUES_H
#define SLUICE_SERVER_TESTING_TEST_VALUES_H

#include "core/value.h"

/* The value of a raw JSON text; fields match without regard to case, unknown ones are dropped, missing ones
 * NULL. E_DATA. */
Status test_value_read(const SqlType *type, Str raw, Arena *arena, Value *out, Error *err);
/* Its JSON: decimals with all digits of their scale and no exponent, dates and times as numbers. */
void test_value_print(const SqlType *type, Value value, StrBuf *out);

#endif
