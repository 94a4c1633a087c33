/*
 * analysis.h - a SELECT with its names resolved: what sql.md 5.2 calls sanitise and analysis.
 *
 * Two forms of every expression follow from the written one: `qualified` (SRC.COL: messages of analysis, join
 * conditions and statement texts print it) and `flat` (COL with one source, SRC_COL in joins: the columns of
 * the plan's edges; messages of typing print it). Typing works on the flat form over an edge's schema, so no
 * stage needs to know where a column came from.
 */
#ifndef SLUICE_PLANNER_ANALYSIS_H
#define SLUICE_PLANNER_ANALYSIS_H

#include "planner/planner.h"

typedef struct {
    Str           alias;
    const Source *source;
    Pos           pos;
} FromItem;

typedef struct {
    const AstExpr *qualified, *flat;
    Str            alias;     /* name of the result column */
    bool           generated; /* the alias was not written */
    bool           from_star; /* came from `*` or `alias.*` */
    Pos            pos;
} SelectItem;

typedef struct {
    const AstExpr *qualified, *flat;
} BothForms;

typedef struct {
    const Planner  *planner;
    const AstQuery *query;
    bool            persistent;     /* CREATE ... AS, INSERT INTO ... SELECT */
    Str             sink_name;      /* for messages; ptr NULL when there is none */
    const char     *statement_kind; /* "CREATE TABLE AS SELECT", for messages */
    FromItem       *from;           /* FROM, then the joined sources in order */
    size_t          from_count;
    SelectItem     *items; /* stars expanded */
    size_t          item_count;
    bool            has_star;      /* an unqualified * */
    BothForms       where, having; /* NULL when there is none */
    BothForms      *group_by, *partition_by, *join_on;
    bool            uses_rowtime, uses_rowpartition, uses_rowoffset, uses_windowstart, uses_windowend;
    Str  *generated_keys; /* names for expression keys (5.3), one per GROUP BY / PARTITION BY item */
    Typer typer;
} Analysis;

/* Steps 2 and 3 of sql.md 5.2. Everything is in planner->arena. */
Status analyze_query(const Planner *planner, const AstQuery *query, bool persistent, Str sink_name,
                     const char *statement_kind, Analysis **out, Error *err);

/* True when the analysis is of a join. */
static inline bool analysis_is_join(const Analysis *a) { return a->from_count > 1; }
/* What the source's topic has now; of a topic that is not there, what it had when the source was created. */
int analysis_partitions(const Analysis *a, size_t from);
/* Name of a source's column on the plan's edges. */
Str analysis_flat_name(const Analysis *a, size_t from, Str column);
/* Does the query aggregate: GROUP BY, or an aggregate function in SELECT or HAVING? */
bool analysis_aggregates(const Analysis *a);
/* Calls `visit` for every call of an aggregate function in the expression, outermost first. */
void visit_aggregates(const Functions *functions, const AstExpr               *expr,
                      void (*visit)(void *context, const AstExpr *call), void *context);

/* ---- rewriting expressions ---- */

typedef struct AstRewriter AstRewriter;
struct AstRewriter {
    Arena *arena;
    /* A replacement for the node, or NULL to copy it and go on below. Columns that are lambda parameters
     * never get here. */
    Status (*replace)(AstRewriter *self, const AstExpr *expr, const AstExpr **out, Error *err);
};
/* A copy of the tree. */
Status ast_rewrite(AstRewriter *rewriter, const AstExpr *expr, const AstExpr **out, Error *err);

#endif
