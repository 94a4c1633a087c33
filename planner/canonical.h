/*
 * canonical.h - the text of a query as SHOW QUERIES, DESCRIBE and error messages show it (sql.md 6.5).
 */
#ifndef SLUICE_PLANNER_CANONICAL_H
#define SLUICE_PLANNER_CANONICAL_H

#include "planner/analysis.h"

/* CREATE ... AS SELECT or INSERT INTO ... SELECT with every column qualified and every item named; EMIT
 * CHANGES when nothing was said. With a `sink` and its `topic`, WITH says what they got, too. Without a
 * semicolon; in planner->arena. */
Str canonical_statement(const Analysis *a, const AstStatement *statement, const Source *sink,
                        const TopicWish *topic);

#endif
