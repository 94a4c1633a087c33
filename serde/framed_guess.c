/*
 * framed_guess.c - see framed_guess.h.
 */
#include "serde/framed_guess.h"

#include "serde/connect.h"
#include "serde/format.h"

enum { FRAME_SIZE = 5 };

/* A schema and its decoder, in an arena of their own. */
typedef struct {
    int32_t        id;
    SchemaKind     kind;
    Arena         *arena;
    SerdeSpec      spec;
    const SqlType *row;     /* the columns as one; an unwrapped one as it is */
    Decoder       *decoder; /* NULL: unknown, or nothing that SQL has */
} KnownFrame;

struct FramedGuess {
    int             side;
    SchemaRegistry *registry; /* NULL: there is none, or it did not answer */
    KnownFrame     *known;
    size_t          count, capacity;
    Arena          *values; /* of one payload */
};

FramedGuess *framed_guess_new(int side, SchemaRegistry *registry)
{
    FramedGuess *guess = mem_calloc(1, sizeof *guess);
    guess->side        = side;
    guess->registry    = registry;
    guess->values      = arena_new(0);
    return guess;
}

void framed_guess_free(FramedGuess *guess)
{
    if (guess == NULL)
        return;
    for (size_t i = 0; i < guess->count; i++) {
        if (guess->known[i].decoder != NULL)
            decoder_close(guess->known[i].decoder);
        arena_free(guess->known[i].arena);
    }
    mem_free(guess->known);
    arena_free(guess->values);
    mem_free(guess);
}

/* ---- schemas ---- */

/* The whole schema as one column where the format can, for it may be no record. */
static Status open_schema(FramedGuess *guess, KnownFrame *frame, Error *err)
{
    RegisteredSchema schema;
    Column          *columns;
    TRY(registry_by_id(guess->registry, frame->id, frame->arena, &schema, err));
    frame->kind               = schema.kind;
    frame->spec               = (SerdeSpec){.side = guess->side, .registry = guess->registry};
    frame->spec.format.format = schema_format(schema.kind);
    bool           unwraps    = frame->spec.format.format->facts.unwraps;
    SchemaQuestion question   = {.format    = &frame->spec.format,
                                 .side      = guess->side,
                                 .schema    = &schema,
                                 .registry  = guess->registry,
                                 .unwrapped = unwraps};
    TRY(schema_columns(&question, frame->arena, &columns, &frame->spec.count, err));
    frame->spec.topic           = STR_LIT("");
    frame->spec.columns         = columns;
    frame->spec.format.wrapping = unwraps ? UNWRAP_SINGLES : WRAP_DEFAULT;
    frame->row = unwraps ? columns[0].type : connect_row(frame->arena, columns, frame->spec.count);
    return decoder_open(&frame->spec, frame->arena, &frame->decoder, err);
}

/* What cannot be opened is kept, too: it is bytes of something else to the end. */
static KnownFrame *learn(FramedGuess *guess, int32_t id)
{
    Error err;
    if (guess->count == guess->capacity) {
        guess->capacity = guess->capacity ? guess->capacity * 2 : 4;
        guess->known    = mem_realloc(guess->known, guess->capacity * sizeof *guess->known);
    }
    KnownFrame *frame = &guess->known[guess->count++];
    *frame            = (KnownFrame){.id = id, .arena = arena_new(0)};
    Status status     = open_schema(guess, frame, &err);
    if (status != OK)
        frame->decoder = NULL;
    if (status == E_WAIT)
        guess->registry = NULL;
    return frame;
}

static KnownFrame *find(FramedGuess *guess, int32_t id)
{
    for (size_t i = 0; i < guess->count; i++)
        if (guess->known[i].id == id)
            return &guess->known[i];
    return guess->registry != NULL ? learn(guess, id) : NULL;
}

/* ---- payloads ---- */

/* The schema's id; 0: none is named. */
static int32_t id_of(Str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    if (bytes.len < FRAME_SIZE || at[0] != 0 || at[1] > 0x7f)
        return 0;
    return (int32_t)((uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4]);
}

bool framed_guess_read(FramedGuess *guess, SchemaKind kind, Str bytes, StrBuf *out)
{
    int32_t     id    = id_of(bytes);
    KnownFrame *frame = id != 0 ? find(guess, id) : NULL;
    Error       err;
    if (frame == NULL || frame->decoder == NULL || frame->kind != kind)
        return false;
    arena_reset(guess->values);
    Value *values = ARENA_ARRAY(guess->values, Value, frame->spec.count);
    Status status = decoder_decode(frame->decoder, bytes, guess->values, values, &err);
    if (status == E_WAIT) /* it had the schema a moment ago, and may not have kept it */
        guess->registry = NULL;
    if (status != OK)
        return false;
    bool unwrapped = frame->spec.format.format->facts.unwraps;
    if (out != NULL)
        json_write_value(frame->row, unwrapped ? values[0] : value_array(values, frame->spec.count),
                         JSON_STYLE_REST, out);
    return true;
}
