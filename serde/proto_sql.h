/*
 * proto_sql.h - Protobuf schemas as SQL types and of SQL types (runtime.md 1.9).
 */
#ifndef SLUICE_SERDE_PROTO_SQL_H
#define SLUICE_SERDE_PROTO_SQL_H

#include "serde/proto_schema.h"
#include "serde/serde.h"

/* The SQL type of a message: a STRUCT, or what a special one stands for. Oneofs come first, each as a STRUCT
 * (NAME_0). NULL: nothing that SQL has. */
const SqlType *proto_to_sql(const ProtoMessage *message, bool upper, Arena *arena);
/* Of a field alone, not of the list that it may be repeated to. NULL likewise. */
const SqlType *proto_scalar(const ProtoField *field, Arena *arena);
/* What inference calls a oneof. */
Str proto_oneof_name(const ProtoMessage *message, size_t oneof, Arena *arena);

/* OK: `reader` reads whatever `writer` wrote. E_PLAN: it does not, and where. */
Status proto_can_read(const ProtoFile *reader, const ProtoFile *writer, Error *err);

/* The schema that ksqlDB registers for these columns: root message `name`, nullable `representation`
 * ("optional", "wrapper", STR_NULL). */
Status proto_print(const Column *columns, size_t count, Str name, Str representation, StrBuf *out,
                   Error *err);

#endif
