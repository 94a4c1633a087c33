/*
 * json_sr_compat.c - may JSON written by one schema be read by another?
 *
 * By what the schemas say about types, which is all that is read of them: a property that both have must not
 * become something else. What only validates does not count, as nothing is validated.
 */
#include "serde/json_sr_schema.h"

static Status refuse(Str path, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "a type was changed (at %s" STR_FMT ")", path.len ? "" : "the root",
                     STR_ARG(path));
}

static bool scalar_reads(const SqlType *reader, const SqlType *writer)
{
    bool wider = (reader->kind == T_BIGINT && writer->kind == T_INTEGER) ||
                 (reader->kind == T_DOUBLE && (writer->kind == T_INTEGER || writer->kind == T_BIGINT));
    return wider || type_equal(reader, writer);
}

static Status can_read(const JsonSrType *reader, const JsonSrType *writer, Str path, Error *err)
{
    if (reader->form != writer->form)
        return refuse(path, err);
    switch (reader->form) {
    case FORM_SCALAR:
        return scalar_reads(reader->scalar, writer->scalar) ? OK : refuse(path, err);
    case FORM_STRUCT:
        break;
    default:
        return can_read(reader->element, writer->element, path, err);
    }
    for (size_t i = 0; i < reader->count; i++)
        for (size_t j = 0; j < writer->count; j++)
            if (str_equal(reader->fields[i].name, writer->fields[j].name))
                TRY(can_read(reader->fields[i].type, writer->fields[j].type, reader->fields[i].name, err));
    return OK;
}

Status json_sr_can_read(const JsonSrType *reader, const JsonSrType *writer, Error *err)
{
    return reader == NULL || writer == NULL
               ? OK
               : can_read(reader, writer, STR_LIT(""), err); /* a tree, not a graph */
}
