/*
 * read_back.h - what a value is once it has been written in a format and read again.
 *
 * A table is what its topic says, and a store has the rows before they are written. Where a format has no
 * NULL (plain Protobuf), who asks the store must get what a reader of the topic gets.
 */
#ifndef SLUICE_SERDE_READ_BACK_H
#define SLUICE_SERDE_READ_BACK_H

#include "serde/serde.h"

/* False: every value reads back as itself, as far as a query can see. */
bool read_back_differs(const FormatSpec *spec);
/* In such a format: 0, FALSE and an empty text, list or map in place of NULL, in fields, too. DECIMAL, DATE,
 * TIME, TIMESTAMP and STRUCT are messages, which may be absent. Shares what is as it was. */
Value read_back(const SqlType *type, Value value, Arena *arena);

#endif
