/*
 * node_source.h - SOURCE reads a topic and decodes it; a table keeps its rows in a store.
 */
#ifndef SLUICE_PLANNER_NODES_NODE_SOURCE_H
#define SLUICE_PLANNER_NODES_NODE_SOURCE_H

#include "planner/node.h"

/* The columns of a SOURCE that hands out records as they are (PRINT); key and value are BYTES, NULL where the
 * record's are null. */
enum { RECORD_TIME, RECORD_PARTITION, RECORD_KEY, RECORD_VALUE, RECORD_COLUMNS };

typedef struct {
    Str                  source_name;
    Str                  topic;
    int                  partitions;
    FormatSpec           value_format;
    Str                  timestamp_column; /* as in catalog's Source */
    int                  timestamp_slot;   /* of that column in the schema, or -1 */
    Str                  timestamp_format;
    const Wanted *const *wanted; /* one per column of the schema; NULL = all */
    bool          records; /* rows are the records as they are; of the rest only topic and partitions count */
    bool          materialize; /* the store is what pull queries read (SOURCE TABLE) */
    const Schema *declared;    /* the columns under their names in the records; the schema has them first,
                                  maybe under other names (joins) */
} PlanSource;

static inline const PlanSource *plan_source(const PlanNode *node) { return node_details(node, &node_source); }

#endif
