/*
 * source_spec.c - what a SOURCE node reads, compared and joined: see source_decoder.h.
 */
#include "executor/dataflow/source_decoder.h"
#include "planner/nodes/node_source.h"

static unsigned pseudo_columns(const Schema *schema)
{
    unsigned bits = 0;
    for (size_t i = 0; i < schema->count; i++)
        if (schema->columns[i].role >= COLUMN_ROWTIME)
            bits |= 1u << schema->columns[i].role;
    return bits;
}

SourceSpec source_spec(const PlanNode *node)
{
    const PlanSource *source = plan_source(node);
    return (SourceSpec){.topic            = source->topic,
                        .key_format       = node->key_format,
                        .value_format     = source->value_format,
                        .window           = node->window,
                        .declared         = source->declared,
                        .timestamp_slot   = source->timestamp_slot,
                        .timestamp_format = source->timestamp_format,
                        .wanted           = source->wanted,
                        .pseudo           = pseudo_columns(node->schema)};
}

static Str copy_text(Arena *arena, Str text) { return str_is_null(text) ? STR_NULL : str_dup(arena, text); }

static FormatSpec copy_format(Arena *arena, FormatSpec format)
{
    format.delimiter               = copy_text(arena, format.delimiter);
    format.full_schema_name        = copy_text(arena, format.full_schema_name);
    format.nullable_representation = copy_text(arena, format.nullable_representation);
    return format;
}

/* What either wants. */
static const Wanted *const *join_wanted(Arena *arena, const SourceSpec *a, const SourceSpec *b)
{
    const Schema *schema = a->declared;
    if (a->wanted == NULL || b->wanted == NULL)
        return NULL;
    const Wanted **out = ARENA_ARRAY(arena, const Wanted *, schema->count + 1);
    for (size_t i = 0; i < schema->count; i++)
        out[i] = wanted_union(arena, a->wanted[i], b->wanted[i], schema->columns[i].type);
    return out;
}

SourceSpec source_spec_copy(Arena *arena, const SourceSpec *spec)
{
    SourceSpec copy       = *spec;
    copy.topic            = copy_text(arena, spec->topic);
    copy.key_format       = copy_format(arena, spec->key_format);
    copy.value_format     = copy_format(arena, spec->value_format);
    copy.declared         = schema_copy(arena, spec->declared);
    copy.timestamp_format = copy_text(arena, spec->timestamp_format);
    copy.wanted           = join_wanted(arena, spec, spec);
    return copy;
}

static bool same_text(Str a, Str b) { return str_is_null(a) == str_is_null(b) && str_equal(a, b); }

static bool same_format(const FormatSpec *a, const FormatSpec *b)
{
    return a->format == b->format && a->wrapping == b->wrapping && same_text(a->delimiter, b->delimiter) &&
           a->schema_id == b->schema_id && same_text(a->full_schema_name, b->full_schema_name) &&
           same_text(a->nullable_representation, b->nullable_representation);
}

bool source_spec_alike(const SourceSpec *a, const SourceSpec *b)
{
    return str_equal(a->topic, b->topic) && same_format(&a->key_format, &b->key_format) &&
           same_format(&a->value_format, &b->value_format) && a->window.kind == b->window.kind &&
           a->window.size_ms == b->window.size_ms && a->timestamp_slot == b->timestamp_slot &&
           same_text(a->timestamp_format, b->timestamp_format) && schema_equal(a->declared, b->declared);
}

bool source_spec_covers(const SourceSpec *a, const SourceSpec *b)
{
    for (size_t i = 0; a->wanted != NULL && i < a->declared->count; i++)
        if (!wanted_covers(a->wanted[i], b->wanted == NULL ? NULL : b->wanted[i],
                           a->declared->columns[i].type))
            return false;
    return true;
}

void source_spec_add(Arena *arena, SourceSpec *spec, const SourceSpec *more)
{
    spec->wanted = join_wanted(arena, spec, more);
    spec->pseudo |= more->pseudo;
}

size_t source_spec_slot(const SourceSpec *spec, ColumnRole pseudo)
{
    return spec->declared->count + (size_t)__builtin_popcount(spec->pseudo & ((1u << pseudo) - 1));
}
