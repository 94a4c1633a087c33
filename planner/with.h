/*
 * with.h - WITH clauses: which properties a statement takes, and what their values mean (sql.md 4.1.2).
 */
#ifndef SLUICE_PLANNER_WITH_H
#define SLUICE_PLANNER_WITH_H

#include "planner/planner.h"

/* What a WITH clause said; nothing is filled in. Names of formats are upper case. */
typedef struct {
    Str       topic;                /* ptr NULL: not said, as for every Str here */
    int       partitions, replicas; /* 0: not said */
    bool      has_retention;
    int64_t   retention_ms;
    Str       key_format, value_format; /* FORMAT sets both */
    Pos       key_format_pos, value_format_pos;
    Str       key_delimiter, value_delimiter; /* already one character */
    bool      has_wrap, wrap;
    Str       timestamp_column; /* folded unless it was quoted */
    Str       timestamp_format;
    KeyWindow window; /* kind NO: not said */
    bool      has_key_schema_id, has_value_schema_id;
    int64_t   key_schema_id, value_schema_id;
    Str       key_schema_name, value_schema_name;
    Str       key_nullable, value_nullable; /* OPTIONAL, WRAPPER */
    Str       query_id;                     /* INSERT INTO ... SELECT */
} WithClause;

typedef enum { WITH_CREATE, WITH_CREATE_AS, WITH_INSERT, WITH_ASSERT } WithUse;

/* Checks names and values. E_PLAN with the texts of sql.md 4.1.2, "Failed to prepare statement: " included.
 */
Status with_parse(Arena *arena, const AstStatement *statement, WithUse use, WithClause *out, Error *err);

/* The format of one side: `name` in upper case, with its properties. E_PLAN "Unknown format: X", properties
 * that the format does not take. */
Status with_format(const WithClause *with, int side, Str name, FormatSpec *out, Error *err);
/* WRAP_SINGLE_VALUE, or the property ksql.persistence.wrap.single.values, for a value side of that many
 * columns. */
Status with_wrapping(const WithClause *with, const PlannerHost *host, FormatSpec *value_format,
                     size_t value_columns, Error *err);
/* TIMESTAMP and TIMESTAMP_FORMAT against a schema: the column's index in *slot, or -1. */
Status with_timestamp(const WithClause *with, const Schema *schema, int *slot, Error *err);
/* E_PLAN: no column has the name that TIMESTAMP says. */
Status with_refuse_timestamp(const WithClause *with, Error *err);

#endif
