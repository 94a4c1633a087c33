/*
 * format.h - what a format is: a name, its features, a check of schemas, and how to open both directions.
 *
 * Each format_x.c defines one FormatClass, formats.def lists them, serde.c is the only reader of that list. A
 * format's decoder and encoder begin with the structs below, so that a call through them costs one
 * indirection and nothing else.
 */
#ifndef SLUICE_SERDE_FORMAT_H
#define SLUICE_SERDE_FORMAT_H

#include "serde/schema_text.h"

/* How a registry format reads and writes by a registered schema; framed.c does what is the same for all. A
 * plan is made once per schema, lives in the arena given, and belongs to one decoder or encoder. */
typedef struct {
    SchemaKind kind;
    /* The schema of these columns, as ksqlDB registers it. E_PLAN when they have none. */
    Status (*print)(const SerdeSpec *spec, StrBuf *out, Error *err);
    /* The columns of a schema, without roles: schema_columns. */
    Status (*infer)(const SchemaQuestion *question, Arena *arena, Column **out, size_t *count, Error *err);
    /* schema_can_follow; E_DATA where one of them is no schema. */
    Status (*can_follow)(const RegisteredSchema *next, const RegisteredSchema *old, SchemaRegistry *registry,
                         Arena *arena, Error *err);
    /* schema_canonical. */
    Status (*canonical)(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                        Error *err);
    /* schema_serialized; NULL: the kind has no such form. */
    Status (*serialized)(const RegisteredSchema *schema, SchemaRegistry *registry, Arena *arena, Str *out,
                         Error *err);
    Status (*reader)(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err);
    /* `payload` is what stands behind the id. */
    Status (*read)(void *plan, Str payload, Arena *arena, Value *out, Error *err);
    void (*free_reader)(void *plan); /* frees what is not in the arena; may be NULL */
    Status (*writer)(const SerdeSpec *spec, const RegisteredSchema *schema, Arena *arena, void **plan,
                     Error *err);
    Status (*write)(const void *plan, const Value *values, StrBuf *out, Error *err);
} SchemaClass;

struct FormatClass {
    const char        *name;
    FormatFacts        facts;
    const SchemaClass *schemas; /* NULL: bytes name no schema */
    /* Can these columns be held? E_PLAN with the bare reason; serde_check wraps it. */
    Status (*check)(const FormatClass *format, int side, const Column *columns, size_t count, Error *err);
    Status (*open_decoder)(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err);
    Status (*open_encoder)(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err);
};

struct Decoder {
    Status (*decode)(Decoder *self, Str bytes, Arena *arena, Value *out, Error *err);
    void (*close)(Decoder *self); /* frees what is not in the arena; may be NULL */
};

struct Encoder {
    Status (*encode)(Encoder *self, const Value *values, Arena *arena, Str *out, Error *err);
    void (*close)(Encoder *self); /* as above */
};

#define FORMAT(symbol) extern const FormatClass symbol;
#include "serde/formats.def"
#undef FORMAT

/* "key" or "value", for error texts. */
static inline const char *side_name(int side) { return side == SIDE_KEY ? "key" : "value"; }

/* Nobody reads column i. */
static inline bool spec_unwanted(const SerdeSpec *spec, size_t i)
{
    return spec->wanted != NULL && spec->wanted[i] != NULL && spec->wanted[i]->none;
}

/* "[`V0` INTEGER, `V1` STRING]", key columns with KEY behind them. */
void columns_print(int side, const Column *columns, size_t count, StrBuf *out);

/* E_PLAN with `reason` when a MAP with keys other than STRING is anywhere in the columns. */
Status columns_check_map_keys(const Column *columns, size_t count, const char *reason, Error *err);

/* The bytes of `buf` in the arena: how encoders hand out what they wrote. */
Status encoder_hand_out(const StrBuf *buf, Arena *arena, Str *out, Error *err);

/* Milliseconds of a day, 86400000 included, else E_DATA with ksqlDB's text (runtime.md 1.4, 1.5). */
Status serde_check_time(int64_t ms, Error *err);

#endif
