/*
 * proto_rows.h - rows as Protobuf messages (rest.md 5.5): the schema as text, and each row by it.
 */
#ifndef SLUICE_SERVER_REST_PROTO_ROWS_H
#define SLUICE_SERVER_REST_PROTO_ROWS_H

#include "core/row.h"

/* The proto3 text whose message ConnectDefault1 has a field for each column, numbered from 1. E_UNSUPPORTED:
 * a column's type has no such form. */
Status proto_schema_print(const Schema *schema, StrBuf *out, Error *err);
/* One row's bytes by that schema. */
void proto_row_write(const Schema *schema, const Value *values, StrBuf *out);

#endif
