/*
 * serde.h - bytes to values and back, one format per file (runtime.md 1).
 *
 * A format serves one side (key or value) of a topic. A Decoder turns the bytes of one record's side into one
 * Value per column, an Encoder does the opposite. Both are made once per task, keep their scratch memory, and
 * belong to one thread.
 *
 * Null bytes never reach a decoder: the caller makes them a null key or a null row.
 */
#ifndef SLUICE_SERDE_SERDE_H
#define SLUICE_SERDE_SERDE_H

#include "core/row.h"
#include "serde/registry.h"

typedef struct FormatClass FormatClass; /* one per format: formats.def */

typedef enum { WRAP_DEFAULT, WRAP_SINGLES, UNWRAP_SINGLES } Wrapping;

/* A format with its properties, as WITH clauses give them. Strings are borrowed. */
typedef struct {
    const FormatClass *format;
    Wrapping           wrapping;  /* what was said; serde_features tells what it comes to */
    Str                delimiter; /* DELIMITED; STR_NULL = "," */
    Str                full_schema_name;
    Str                nullable_representation;
    int32_t            schema_id; /* KEY_SCHEMA_ID, VALUE_SCHEMA_ID; 0: none was said */
} FormatSpec;

enum { SIDE_KEY, SIDE_VALUE };

/* What bytes of a format are, for people and tests who write them as JSON. */
typedef enum {
    PAYLOAD_NOTHING,  /* no bytes ever */
    PAYLOAD_SCALAR,   /* one bare value: its column's type says how it is spelled */
    PAYLOAD_TEXT,     /* a line of text */
    PAYLOAD_DOCUMENT, /* a JSON text */
    PAYLOAD_RECORD,   /* binary, by a schema: fields with names */
} PayloadForm;

/*
 * What the rest of the engine may ask about a format. Code outside serde/ decides by these, never by a name:
 * a format that is added brings its own answers in its row.
 */
typedef struct {
    PayloadForm payload;
    bool        hidden;   /* Sluice's own: no statement may name it */
    bool        built;    /* false: known by name and checked, but CREATE answers E_UNSUPPORTED */
    bool        wraps;    /* a single column may be a field of an object (WRAP_SINGLES) */
    bool        unwraps;  /* a single column may be the payload itself (UNWRAP_SINGLES) */
    bool        infers;   /* undeclared columns come from a schema registry */
    bool        registry; /* bytes name a schema by an id, which differs from subject to subject: equal values
                             of two topics may have different bytes */
    bool canonical;       /* decoding key bytes and encoding them again gives the same bytes */
    bool ordered;         /* bytes of text keys sort as the texts do */
    bool exact;           /* every value reads back as itself: NULL, empty text and 0 stay apart */
    bool flat;            /* holds no ARRAY, MAP or STRUCT */
    bool named;           /* bytes depend on the columns' names, where the payload is wrapped */
    bool opaque;          /* values may be copied, but not be grouped or joined (ksqlDB's rule for KAFKA) */
    bool delimiter;       /* takes a delimiter property */
    bool nullable_representation; /* takes that property */
    bool inherits_name;           /* a sink has its source's full schema name */
    bool inherits_nullable;       /* and its nullable representation */
    bool named_keys;              /* key schemas are named after their source: schema_key_name */
} FormatFacts;

/* By name in any case; NULL when there is none of that name. */
const FormatClass *format_find(Str name);
const char        *format_name(const FormatClass *format); /* "JSON"; of NULL "NONE": text for people */
const FormatFacts *format_facts(const FormatClass *format);
/* Formats that are chosen by what they are for. */
const FormatClass *format_keyless(void);     /* holds no columns: the key of a keyless stream */
const FormatClass *format_default_key(void); /* keys where no setting says otherwise */
const FormatClass *format_any_key(void);     /* holds every key that any other format holds */
const FormatClass *format_exact(void);       /* the engine's own: bit for bit, no registry */
/* E_PLAN: "Unknown format: X", and the nearest name. */
Status format_refuse_unknown(Str name, Error *err);
bool   format_supports_wrapping(const FormatClass *format, Wrapping wrapping);

/* The delimiter property as the WITH clause gives it: one character, SPACE or TAB (runtime.md 1.4). E_PLAN
 * with ksqlDB's text, before which the caller puts "Configuration VALUE_DELIMITER is invalid: ". *out points
 * into `text` or to a constant. */
Status format_parse_delimiter(Str text, Str *out, Error *err);

/* Properties that a sink has from its source where it has the same format and says nothing else
 * (runtime.md 1.2). */
void format_inherit(FormatSpec *sink, const FormatSpec *source);

/* The format of keys within a query (stores, repartition topics) whose edge has this one: itself, or the
 * engine's own where bytes depend on a registry and equal keys of two topics would differ. */
FormatSpec format_inside(const FormatSpec *spec);

/* What DESCRIBE and the test runner call features: WRAP_SINGLES or UNWRAP_SINGLES where it was set or is
 * implied for single keys, else WRAP_DEFAULT for none (conformance: keyFeatures, valueFeatures;
 * runtime.md 1.2). */
Wrapping serde_features(const FormatSpec *spec, int side, size_t column_count);
/* True when the side's one column is the payload itself rather than a field of it. */
bool serde_is_unwrapped(const FormatSpec *spec, int side, size_t column_count);

/* E_PLAN with ksqlDB's text ("The 'KAFKA' format does not support type 'DECIMAL'") when the format cannot
 * hold these columns; the wrapper text "Key format does not support schema.\nformat: ...\nschema:
 * Persistence{columns=[...], features=[...]}\nreason: ..." is included. */
Status serde_check(const FormatSpec *spec, int side, const Column *columns, size_t count, Error *err);

/* Which parts of a column anybody downstream reads; NULL = all of it. */
typedef struct Wanted Wanted;
struct Wanted {
    bool                 none;   /* nothing of it: the decoder leaves NULL and may skip its bytes */
    const Wanted *const *fields; /* STRUCT: one per field; NULL = all fields */
};

/* Is all of b in a? `type` is the column's. */
bool wanted_covers(const Wanted *a, const Wanted *b, const SqlType *type);
/* What a or b wants; nothing in it is shared with either. */
const Wanted *wanted_union(Arena *arena, const Wanted *a, const Wanted *b, const SqlType *type);

typedef struct {
    FormatSpec           format;
    int                  side;    /* SIDE_KEY, SIDE_VALUE */
    Str                  topic;   /* for error texts */
    const Column        *columns; /* of that side, in order */
    size_t               count;
    const Wanted *const *wanted;   /* one per column, or NULL: everything */
    SchemaRegistry      *registry; /* where the format needs one; lives longer than decoder and encoder */
    bool                 fill;     /* encoder: where a schema has no null, NULL is written as 0, "", ... */
} SerdeSpec;

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;

/* `arena` lives as long as the decoder. E_UNSUPPORTED for formats that are not built. */
Status decoder_open(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err);
void   decoder_close(Decoder *decoder);
/* Fills out[count]. Texts may point into `bytes`, which must live as long as the batch; everything else is in
 * `arena`. E_DATA with the texts of runtime.md 1 (they never quote the payload). E_WAIT: the record is not to
 * blame, the schema registry does not answer; the same bytes are to be tried again. */
Status decoder_decode(Decoder *decoder, Str bytes, Arena *arena, Value *out, Error *err);

Status encoder_open(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err);
void   encoder_close(Encoder *encoder);
/* *out = the bytes, in `arena`; ptr NULL when they are null (an unwrapped NULL column, the NONE format).
 * E_WAIT as above; E_PLAN when the registry refuses the schema. */
Status encoder_encode(Encoder *encoder, const Value *values, Arena *arena, Str *out, Error *err);

/* ---- windowed keys (runtime.md 2.5) ---- */

typedef enum { WINDOW_KEY_NONE, WINDOW_KEY_TIME, WINDOW_KEY_SESSION } WindowKeyKind;

/* inner + start (TIME), inner + end + start (SESSION). */
Str windowed_key_encode(Arena *arena, WindowKeyKind kind, Str inner, int64_t start, int64_t end);
/* The opposite; for TIME end = start + size_ms, cut at INT64_MAX. False when it is too short: a null key. */
bool windowed_key_split(WindowKeyKind kind, int64_t size_ms, Str key, Str *inner, int64_t *start,
                        int64_t *end);

/* ---- JSON text of one value, as REST rows, processing log and SQLite columns show it ---- */

typedef enum {
    JSON_STYLE_TOPIC,
    JSON_STYLE_REST
} JsonStyle; /* REST: dates as ISO text (rest.md 1), TOPIC: as numbers */
void json_write_value(const SqlType *type, Value value, JsonStyle style, StrBuf *out);
void json_write_string(Str text, StrBuf *out);

#endif
