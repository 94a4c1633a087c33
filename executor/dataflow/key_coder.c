/*
 * key_coder.c - see key_coder.h.
 */
#include "executor/dataflow/key_coder.h"

static bool names_matter(const FormatSpec *format, size_t count)
{
    return format_facts(format->format)->named && !serde_is_unwrapped(format, SIDE_KEY, count);
}

/* Are key bytes of `from`'s edge, as they are within the query, those of the format? */
static bool same_bytes(const PlanNode *from, const FormatSpec *format, const Schema *schema)
{
    FormatSpec inside = format_inside(&from->key_format);
    if (inside.format != format->format || !str_equal(inside.delimiter, format->delimiter) ||
        from->schema->key_count != schema->key_count)
        return false;
    for (size_t i = 0; names_matter(format, schema->key_count) && i < schema->key_count; i++)
        if (!str_equal(from->schema->columns[i].name, schema->columns[i].name))
            return false;
    return true;
}

Status key_coder_open(Operator *op, const FormatSpec *format, const Schema *schema, Str topic, KeyCoder *out,
                      Error *err)
{
    *out = (KeyCoder){NULL, false};
    if (format->format == NULL || schema->key_count == 0)
        return OK;
    SerdeSpec spec = {.format  = *format,
                      .side    = SIDE_KEY,
                      .topic   = topic,
                      .columns = schema->columns,
                      .count   = schema->key_count};
    out->reuse     = op->node->input_count > 0 && same_bytes(op->node->inputs[0], format, schema);
    return op_encoder(op, &spec, &out->encoder, err);
}

Status key_coder_open_inside(Operator *op, const Schema *schema, Str topic, KeyCoder *out, Error *err)
{
    FormatSpec inside = format_inside(&op->node->key_format);
    return key_coder_open(op, &inside, schema, topic, out, err);
}

Status key_coder_bytes(KeyCoder *coder, const Row *row, Arena *arena, Str *out, Error *err)
{
    *out = STR_NULL;
    if (row->key == NULL || coder->encoder == NULL)
        return OK;
    if (!coder->reuse || str_is_null(row->key_bytes))
        return encoder_encode(coder->encoder, row->key, arena, out, err);
    *out = row->key_bytes;
    return OK;
}
