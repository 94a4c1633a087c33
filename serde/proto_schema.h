/*
 * proto_schema.h - a Protobuf schema taken apart, and what it means in SQL (runtime.md 1.7, 1.9).
 *
 * libprotobuf parses and links the texts (proto_schema.cc, the only C++ of it); what comes out is plain
 * structs in an arena, which readers and writers walk on their own: a DynamicMessage would be built on the
 * heap for every record, with every field in it, before a column could be looked at.
 */
#ifndef SLUICE_SERDE_PROTO_SCHEMA_H
#define SLUICE_SERDE_PROTO_SCHEMA_H

#include "serde/registry.h"

typedef enum {
    PROTO_DOUBLE,
    PROTO_FLOAT,
    PROTO_INT32, /* sign-extended varints */
    PROTO_INT64,
    PROTO_UINT32,
    PROTO_UINT64,
    PROTO_SINT32, /* zig-zag */
    PROTO_SINT64,
    PROTO_FIXED32,
    PROTO_FIXED64,
    PROTO_SFIXED32,
    PROTO_SFIXED64,
    PROTO_BOOL,
    PROTO_STRING,
    PROTO_BYTES,
    PROTO_ENUM,
    PROTO_MESSAGE,
    PROTO_GROUP, /* proto2's; stepped over */
} ProtoKind;

/* Messages that stand for a scalar. */
typedef enum {
    SPECIAL_NONE,
    SPECIAL_WRAPPER,   /* google.protobuf.Int32Value and its like: the one field, or NULL */
    SPECIAL_TIMESTAMP, /* google.protobuf.Timestamp */
    SPECIAL_DATE,      /* google.type.Date */
    SPECIAL_TIME,      /* google.type.TimeOfDay */
    SPECIAL_DECIMAL,   /* confluent.type.Decimal */
} ProtoSpecial;

typedef struct ProtoMessage ProtoMessage;

typedef struct {
    Str       name;
    int32_t   number;
    ProtoKind kind;
    bool      repeated;
    bool      presence;          /* absent is told from zero: NULL */
    bool      map;               /* repeated entries of key = 1 and value = 2 */
    int       oneof;             /* index of the message's; -1: in none */
    int       precision, scale;  /* of a Decimal, where the schema says it; precision 0: it does not */
    const ProtoMessage *message; /* MESSAGE */
    const Str          *symbols; /* ENUM */
    const int32_t      *numbers; /* of the symbols */
    size_t              symbol_count;
} ProtoField;

struct ProtoMessage {
    Str                 full_name;
    ProtoSpecial        special;
    ProtoField         *fields;
    size_t              count;
    Str                *oneofs;
    size_t              oneof_count;
    const ProtoMessage *nested; /* an array, in the order of the text */
    size_t              nested_count;
};

typedef struct {
    const ProtoMessage *messages; /* of the top level, in order */
    size_t              count;
} ProtoFile;

/* Parses a text and what it imports: `references` by name, and the files that come with Protobuf and with
 * Confluent's registry. E_DATA with line, column and reason. */
Status proto_parse(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                   const ProtoFile **out, Error *err);

/* The text as registries keep it (schema_text.h): libprotobuf's print of it, without comments. `text` may be
 * the base64 of a FileDescriptorProto, which is what some clients register. */
Status proto_canonical(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                       Str *out, Error *err);
/* The text as a FileDescriptorProto's bytes. */
Status proto_serialized(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                        Str *out, Error *err);

/* The message of that full name, at any depth; the only or first one when `name` is STR_NULL. NULL: none. */
const ProtoMessage *proto_find(const ProtoFile *file, Str name);
#endif
