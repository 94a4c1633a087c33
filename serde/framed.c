/*
 * framed.c - see framed.h.
 *
 * A decoder asks the registry once per id and keeps the plan that schema and columns make. What it cannot
 * learn it forgets again: an id that is unknown now may be known later, and the registry itself remembers
 * that it was asked (registry.h). An encoder asks when it writes its first record, so that a query can be
 * opened while the registry is away, and waits only when it needs an id.
 */
#include "serde/framed.h"

#include "serde/connect.h"

enum { FRAME_SIZE = 5 };

typedef struct {
    int32_t     id;
    void       *plan;
    const char *refusal; /* NULL: there is a plan; else why there is none */
} KnownSchema;

typedef struct {
    Decoder            base;
    const SchemaClass *schemas;
    SerdeSpec          spec; /* in the arena, all of it */
    Arena             *arena;
    KnownSchema       *known;
    size_t             count, capacity;
    KnownSchema       *last; /* most topics have one schema for a long time */
} FramedDecoder;

typedef struct {
    Encoder            base;
    const SchemaClass *schemas;
    SerdeSpec          spec;
    Arena             *arena;
    void              *plan; /* NULL: the id is not known yet */
    bool               unwrapped;
    char               frame[FRAME_SIZE];
    StrBuf             bytes;
} FramedEncoder;

/* ---- the spec, kept: plans are made long after the opener is gone ---- */

static Str keep_text(Str text, Arena *arena) { return str_is_null(text) ? STR_NULL : str_dup(arena, text); }

static SerdeSpec keep_spec(const SerdeSpec *spec, Arena *arena)
{
    SerdeSpec      kept    = *spec;
    Column        *columns = ARENA_ARRAY(arena, Column, spec->count + 1);
    const Wanted **wanted  = ARENA_ARRAY(arena, const Wanted *, spec->count + 1);
    for (size_t i = 0; i < spec->count; i++) {
        columns[i]      = spec->columns[i];
        columns[i].name = str_dup(arena, spec->columns[i].name);
        columns[i].type = type_copy(arena, spec->columns[i].type);
        if (spec->wanted != NULL && spec->wanted[i] != NULL)
            wanted[i] = wanted_union(arena, spec->wanted[i], spec->wanted[i], columns[i].type);
    }
    kept.columns                        = columns;
    kept.wanted                         = spec->wanted != NULL ? wanted : NULL;
    kept.topic                          = str_dup(arena, spec->topic);
    kept.format.full_schema_name        = keep_text(spec->format.full_schema_name, arena);
    kept.format.nullable_representation = keep_text(spec->format.nullable_representation, arena);
    return kept;
}

static Status need_registry(const SerdeSpec *spec, Error *err)
{
    if (spec->registry != NULL)
        return OK;
    return error_set(err, E_PLAN, NO_POS,
                     "Cannot use the format %s for topic '" STR_FMT
                     "' without configuring 'ksql.schema.registry.url'",
                     format_name(spec->format.format), STR_ARG(spec->topic));
}

/* ---- reading ---- */

static KnownSchema *find_known(FramedDecoder *self, int32_t id)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->known[i].id == id)
            return &self->known[i];
    return NULL;
}

static KnownSchema *add_known(FramedDecoder *self, int32_t id, void *plan, const char *refusal)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 4;
        self->known    = mem_realloc(self->known, self->capacity * sizeof *self->known);
    }
    self->known[self->count] = (KnownSchema){id, plan, refusal};
    return &self->known[self->count++];
}

/* A schema that does not fit the columns never will: that is kept. Whether it exists is not. */
static Status learn(FramedDecoder *self, int32_t id, KnownSchema **out, Error *err)
{
    RegisteredSchema schema;
    void            *plan   = NULL;
    const char      *why    = NULL;
    Status           status = registry_by_id(self->spec.registry, id, self->arena, &schema, err);
    if (status == OK && schema.kind != self->schemas->kind)
        status =
            error_set(err, E_DATA, NO_POS, "its schema is of the kind %s", schema_kind_name(schema.kind));
    if (status == OK)
        status = self->schemas->reader(&self->spec, &schema, self->arena, &plan, err);
    if (status == E_WAIT)
        return error_prefix(err, "Waiting for the schema registry: schema %d: ", (int)id);
    if (status == E_NOT_FOUND) {
        err->code = E_DATA;
        return error_prefix(
            err, "Error retrieving %s schema for id %d: ", schema_kind_name(self->schemas->kind), (int)id);
    }
    if (status != OK)
        why = str_to_c(self->arena, str_c(err->message));
    *out       = add_known(self, id, plan, why);
    self->last = NULL; /* the array may have moved */
    return OK;
}

static Status open_frame(FramedDecoder *self, Str bytes, KnownSchema **out, Error *err)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    if (bytes.len < FRAME_SIZE)
        return error_set(err, E_DATA, NO_POS, "The payload is too short to name its schema");
    if (at[0] != 0)
        return error_set(err, E_DATA, NO_POS, "Unknown magic byte!");
    int32_t id = (int32_t)((uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4]);
    *out       = self->last != NULL && self->last->id == id ? self->last : find_known(self, id);
    if (*out == NULL)
        TRY(learn(self, id, out, err));
    self->last = *out;
    if ((*out)->refusal != NULL)
        return error_set(err, E_DATA, NO_POS, "%s", (*out)->refusal);
    return OK;
}

static Status decode(Decoder *base, Str bytes, Arena *arena, Value *out, Error *err)
{
    FramedDecoder *self   = (FramedDecoder *)base;
    KnownSchema   *schema = NULL;
    Error          unasked;
    if (err == NULL)
        err = &unasked; /* its text is looked at below */
    Status status = open_frame(self, bytes, &schema, err);
    if (status == OK)
        status = self->schemas->read(schema->plan, str_n(bytes.ptr + FRAME_SIZE, bytes.len - FRAME_SIZE),
                                     arena, out, err);
    return status == OK ? OK : connect_fail(&self->spec, err);
}

static void close_decoder(Decoder *base)
{
    FramedDecoder *self = (FramedDecoder *)base;
    for (size_t i = 0; i < self->count; i++)
        if (self->schemas->free_reader != NULL && self->known[i].refusal == NULL)
            self->schemas->free_reader(self->known[i].plan);
    mem_free(self->known);
}

Status framed_open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err)
{
    TRY(need_registry(spec, err));
    FramedDecoder *self = ARENA_NEW(arena, FramedDecoder);
    self->base          = (Decoder){.decode = decode, .close = close_decoder};
    self->schemas       = spec->format.format->schemas;
    self->spec          = keep_spec(spec, arena);
    self->arena         = arena;
    *out                = &self->base;
    return OK;
}

/* ---- writing ---- */

static Status choose_schema(FramedEncoder *self, Error *err)
{
    RegisteredSchema schema;
    int32_t          id = self->spec.format.schema_id;
    if (id == 0)
        TRY(schema_enroll(&self->spec, &id, err));
    TRY(registry_by_id(self->spec.registry, id, self->arena, &schema, err));
    for (int i = 1; i < FRAME_SIZE; i++)
        self->frame[i] = (char)(uint8_t)((uint32_t)id >> (8 * (FRAME_SIZE - 1 - i)));
    return self->schemas->writer(&self->spec, &schema, self->arena, &self->plan, err);
}

static Status encode(Encoder *base, const Value *values, Arena *arena, Str *out, Error *err)
{
    FramedEncoder *self = (FramedEncoder *)base;
    *out                = STR_NULL;
    if (self->unwrapped && value_is_null(values[0]))
        return OK;
    if (self->plan == NULL && choose_schema(self, err) != OK)
        return error_prefix(err, "Error serializing message to topic: " STR_FMT ". ",
                            STR_ARG(self->spec.topic));
    strbuf_reset(&self->bytes);
    strbuf_add(&self->bytes, str_n(self->frame, FRAME_SIZE));
    if (self->schemas->write(self->plan, values, &self->bytes, err) != OK)
        return error_prefix(err, "Error serializing message to topic: " STR_FMT ". ",
                            STR_ARG(self->spec.topic));
    return encoder_hand_out(&self->bytes, arena, out, err);
}

static void close_encoder(Encoder *base) { strbuf_clear(&((FramedEncoder *)base)->bytes); }

Status framed_open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err)
{
    TRY(need_registry(spec, err));
    FramedEncoder *self = ARENA_NEW(arena, FramedEncoder);
    self->base          = (Encoder){.encode = encode, .close = close_encoder};
    self->schemas       = spec->format.format->schemas;
    self->spec          = keep_spec(spec, arena);
    self->arena         = arena;
    self->unwrapped     = serde_is_unwrapped(&spec->format, spec->side, spec->count);
    *out                = &self->base;
    return OK;
}

/* ---- columns ---- */

Status framed_columns(const SchemaQuestion *question, bool has_fields, const SqlType *type, Arena *arena,
                      Column **out, size_t *count, Error *err)
{
    bool whole = question->unwrapped;
    *count     = 0;
    *out       = NULL;
    if (!whole && !has_fields)
        return error_set(
            err, E_PLAN, NO_POS,
            "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
            "'WRAP_SINGLE_VALUE=false' in the WITH clause properties.");
    if (type == NULL)
        return OK;
    *count = whole ? 1 : type->field_count;
    *out   = ARENA_ARRAY(arena, Column, *count + 1);
    if (whole)
        (*out)[0] = (Column){.name = question->side == SIDE_KEY ? STR_LIT("ROWKEY") : STR_LIT("ROWVAL"),
                             .type = type};
    for (size_t i = 0; !whole && i < *count; i++)
        (*out)[i] = (Column){.name = type->fields[i].name, .type = type->fields[i].type};
    return OK;
}
