/*
 * plan_document.h - plans and sources as JSON documents (docs/plan-format.md): what the command log keeps,
 * what EXPLAIN shows.
 *
 * A document holds everything that was decided when the statement was accepted; reading it decides nothing.
 * Written, read and written again it is the same text. Documents have a version: this one reads those up to
 * its own.
 */
#ifndef SLUICE_PLANNER_PLAN_DOCUMENT_H
#define SLUICE_PLANNER_PLAN_DOCUMENT_H

#include <jansson.h>

#include "planner/document/doc_tree.h"
#include "planner/plan.h"

/* What is read. What is written has the lowest version that can say it, so that nodes of an earlier version
 * go on with what they know. 2: PARTIAL. */
enum { PLAN_VERSION = 2 };

/* The version of the plan's document. NULL: of one without a plan. */
int plan_document_version(const QueryPlan *plan);

/* New references. */
json_t *plan_to_json(const QueryPlan *plan);
json_t *source_to_json(const Source *source);

/* Everything in `arena`. E_UNSUPPORTED: written by a later version. E_PLAN: damaged, or of functions and
 * formats that this version lacks; the message tells where. */
Status plan_from_json(const DocNode *json, const Functions *functions, Arena *arena, QueryPlan **out,
                      Error *err);
Status source_from_json(const DocNode *json, Arena *arena, Source **out, Error *err);

/* Graphviz: a node per step, an edge per stream or table. */
void plan_print_dot(const QueryPlan *plan, StrBuf *out);

#endif
