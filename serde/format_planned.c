/*
 * format_planned.c - the formats of the schema registry, which the dialect knows and Sluice cannot read or
 * write yet.
 *
 * Their names, features and schema checks are here already, so that statements about them are refused for the
 * reason ksqlDB gives where there is one, and only otherwise because they are not built. Each moves to a file
 * of its own.
 */
#include "serde/format.h"

static Status check_json_sr(const FormatClass *format, int side, const Column *columns, size_t count,
                            Error *err)
{
    return columns_check_map_keys(columns, count, "JSON only supports MAP types with STRING keys", err);
}

static bool has_nested_array(const SqlType *type)
{
    switch (type->kind) {
    case T_ARRAY:
        return type->element->kind == T_ARRAY || has_nested_array(type->element);
    case T_MAP:
        return has_nested_array(type->element);
    case T_STRUCT:
        for (size_t i = 0; i < type->field_count; i++)
            if (has_nested_array(type->fields[i].type))
                return true;
        return false;
    default:
        return false;
    }
}

static Status check_protobuf(const FormatClass *format, int side, const Column *columns, size_t count,
                             Error *err)
{
    TRY(columns_check_map_keys(columns, count,
                               "PROTOBUF format only supports MAP types with STRING keys. "
                               "See https://github.com/confluentinc/ksql/issues/6177.",
                               err));
    for (size_t i = 0; i < count; i++)
        if (has_nested_array(columns[i].type))
            return error_set(
                err, E_PLAN, NO_POS,
                "PROTOBUF format does not support an ARRAY directly in an ARRAY, column: `" STR_FMT "`",
                STR_ARG(columns[i].name));
    return OK;
}

const FormatClass format_json_sr = {
    .name  = "JSON_SR",
    .facts = {.payload  = PAYLOAD_RECORD,
              .wraps    = true,
              .unwraps  = true,
              .infers   = true,
              .registry = true,
              .exact    = true,
              .named    = true},
    .check = check_json_sr,
};
const FormatClass format_protobuf = {
    .name  = "PROTOBUF",
    .facts = {.payload                 = PAYLOAD_RECORD,
              .wraps                   = true,
              .infers                  = true,
              .registry                = true,
              .named                   = true,
              .nullable_representation = true},
    .check = check_protobuf,
};
const FormatClass format_protobuf_nosr = {
    .name  = "PROTOBUF_NOSR",
    .facts = {.payload = PAYLOAD_RECORD, .wraps = true, .unwraps = true, .nullable_representation = true},
    .check = check_protobuf,
};
