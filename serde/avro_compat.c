/*
 * avro_compat.c - may data written by one Avro schema be read by another (Avro 1.11, "Schema Resolution")?
 *
 * What a registry asks before it takes a new version: backward compatible is a schema that reads what the
 * version before it wrote.
 */
#include "core/name_set.h"
#include "serde/avro_schema.h"

/* Pairs that are being compared: one that comes again holds if the rest does. */
typedef struct Pair Pair;
struct Pair {
    const Pair     *up;
    const AvroType *reader, *writer;
    size_t         *budget; /* types that are used many times multiply */
    int             depth;
};

enum { MOST_PAIRS = 100000, DEEPEST = 1000 };

static Status can_read(const AvroType *reader, const AvroType *writer, Str path, const Pair *up, Error *err);

static Status refuse(Str path, const char *why, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "%s (at %s" STR_FMT ")", why, path.len ? "" : "the root",
                     STR_ARG(path));
}

/* int fits long, float and double, and so on. */
static bool promotes(AvroKind writer, AvroKind reader)
{
    switch (writer) {
    case AVRO_INT:
        return reader == AVRO_LONG || reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_LONG:
        return reader == AVRO_FLOAT || reader == AVRO_DOUBLE;
    case AVRO_FLOAT:
        return reader == AVRO_DOUBLE;
    case AVRO_STRING:
        return reader == AVRO_BYTES;
    case AVRO_BYTES:
        return reader == AVRO_STRING;
    default:
        return false;
    }
}

static Str simple_name(Str name)
{
    while (memchr(name.ptr, '.', name.len) != NULL)
        name = str_n(name.ptr + 1, name.len - 1);
    return name;
}

static bool is_among(Str name, const Str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

/* By its own name without the namespace, or by one of the reader's aliases. */
static bool same_name(const AvroType *reader, const AvroType *writer)
{
    return str_is_null(reader->name) || str_is_null(writer->name) ||
           str_equal(simple_name(reader->name), simple_name(writer->name)) ||
           is_among(writer->name, reader->aliases, reader->alias_count);
}

/* Where names stand among themselves: of one that is there twice the first. */
static void put_name(NameSet *places, Str name, size_t at)
{
    bool    added;
    size_t *place = name_set_put(places, name, &added);
    if (added)
        *place = at;
}

/* What the writer calls the reader's field: the same, or by the first of its fields that an alias names. */
static const AvroField *find_field(const AvroType *writer, const NameSet *places, const AvroField *field)
{
    const size_t *at   = name_set_get(places, field->name);
    size_t        best = writer->count;
    for (size_t i = 0; at == NULL && i < field->alias_count; i++) {
        const size_t *called = name_set_get(places, field->aliases[i]);
        if (called != NULL && *called < best)
            best = *called;
    }
    if (at != NULL)
        best = *at;
    return best < writer->count ? &writer->fields[best] : NULL;
}

static Status each_can_read(const AvroType *reader, const AvroType *writer, const NameSet *places,
                            const Pair *up, Error *err)
{
    for (size_t i = 0; i < reader->count; i++) {
        const AvroField *field = &reader->fields[i], *written = find_field(writer, places, field);
        if (written != NULL)
            TRY(can_read(field->type, written->type, field->name, up, err));
        else if (str_is_null(field->fallback))
            return refuse(field->name, "a new field without a default", err);
    }
    return OK;
}

static Status fields_can_read(const AvroType *reader, const AvroType *writer, const Pair *up, Error *err)
{
    Arena   *arena  = arena_new(0);
    NameSet *places = name_set_new(arena);
    for (size_t i = 0; i < writer->count; i++)
        put_name(places, writer->fields[i].name, i);
    Status status = each_can_read(reader, writer, places, up, err);
    arena_free(arena);
    return status;
}

static Status symbols_can_read(const AvroType *reader, const AvroType *writer, Str path, Error *err)
{
    if (!str_is_null(reader->fallback)) /* which stands for those that are lost */
        return OK;
    Arena   *arena = arena_new(0);
    NameSet *known = name_set_new(arena);
    bool     lost  = false;
    for (size_t i = 0; i < reader->count; i++)
        put_name(known, reader->symbols[i], i);
    for (size_t i = 0; i < writer->count && !lost; i++)
        lost = name_set_get(known, writer->symbols[i]) == NULL;
    arena_free(arena);
    return lost ? refuse(path, "an enum lost a symbol", err) : OK;
}

static Status some_branch_reads(const AvroType *reader, const AvroType *writer, Str path, const Pair *up,
                                Error *err)
{
    Error ignored;
    for (size_t i = 0; i < reader->count; i++)
        if (can_read(reader->branches[i], writer, path, up, &ignored) == OK)
            return OK;
    return refuse(path, "a union lost a branch", err);
}

static Status same_kinds(const AvroType *reader, const AvroType *writer, Str path, const Pair *here,
                         Error *err)
{
    if (!same_name(reader, writer))
        return refuse(path, "a named type got another name", err);
    switch (reader->kind) {
    case AVRO_RECORD:
        return fields_can_read(reader, writer, here, err);
    case AVRO_ENUM:
        return symbols_can_read(reader, writer, path, err);
    case AVRO_FIXED:
        return reader->size == writer->size ? OK : refuse(path, "a fixed got another size", err);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return can_read(reader->element, writer->element, path, here, err);
    default:
        return OK;
    }
}

static Status can_read(const AvroType *reader, const AvroType *writer, Str path, const Pair *up, Error *err)
{
    Pair here = {up, reader, writer, up->budget, up->depth + 1};
    if (++*up->budget > MOST_PAIRS || here.depth > DEEPEST)
        return refuse(path, "the schemas are too large to compare", err);
    for (const Pair *at = up; at != NULL; at = at->up)
        if (at->reader == reader && at->writer == writer)
            return OK;
    if (writer->kind == AVRO_UNION) { /* whatever it wrote */
        for (size_t i = 0; i < writer->count; i++)
            TRY(can_read(reader, writer->branches[i], path, &here, err));
        return OK;
    }
    if (reader->kind == AVRO_UNION)
        return some_branch_reads(reader, writer, path, &here, err);
    if (reader->kind == writer->kind)
        return same_kinds(reader, writer, path, &here, err);
    return promotes(writer->kind, reader->kind) ? OK : refuse(path, "a type was changed", err);
}

Status avro_can_read(const AvroType *reader, const AvroType *writer, Error *err)
{
    size_t budget = 0;
    return can_read(reader, writer, STR_LIT(""), &(Pair){.budget = &budget}, err);
}
