/*
 * doc.h - pieces of the plan's document (docs/plan-format.md) written to JSON and read from it.
 *
 * Reading is of foreign bytes: a document may be damaged, or of somebody's own making. A DocReader keeps the
 * first thing that is wrong and answers everything after it with something harmless, so that readers are
 * lists of fields; who reads looks at `status` before it relies on what it got, and each expression is
 * checked as it is read (doc_check.c): nothing that was read without an error makes the executor reach
 * outside of a row.
 *
 * All fields are written and all must be there: what may be absent is null. So a name that was damaged is
 * noticed.
 */
#ifndef SLUICE_PLANNER_DOCUMENT_DOC_H
#define SLUICE_PLANNER_DOCUMENT_DOC_H

#include <jansson.h>

#include "planner/document/doc_tree.h"
#include "planner/node.h"

struct DocReader {
    Arena           *arena; /* of everything that is read */
    const Functions *functions;
    const FnConfig  *config;    /* settings that functions were bound with */
    char             where[96]; /* "node 3 (AGGREGATE)": for messages */
    Status           status;
    Error           *err;
    int              depth;       /* of the expression or type being read */
    int              params;      /* of the lambdas around it */
    bool             table_calls; /* FLATTEN: the expression itself may be a call of a table function */
};

enum { DOC_DEPTH_MAX = 1200 }; /* AST_MAX_DEPTH, a cast around each, and some */

/* Keeps the first failure: E_PLAN "<where>: ...". */
void               doc_fail(DocReader *r, const char *fmt, ...) SL_PRINTF(2, 3);
static inline bool doc_ok(const DocReader *r) { return r->status == OK; }

/* ---- plain fields ---- */

/* NULL, and a failure, when it is missing or `object` is none. */
const DocNode *doc_field(DocReader *r, const DocNode *object, const char *name);
bool           doc_bool(DocReader *r, const DocNode *object, const char *name);
int64_t        doc_int(DocReader *r, const DocNode *object, const char *name, int64_t least, int64_t most);
/* A text, or null. */
Str doc_text_of(DocReader *r, const DocNode *json);
/* Copies; never ptr NULL but where `null` allows that. */
Str doc_text(DocReader *r, const DocNode *object, const char *name);
Str doc_text_or_null(DocReader *r, const DocNode *object, const char *name);
/* The field's array, of `count` elements; 0 after a failure. */
const DocNode *doc_array(DocReader *r, const DocNode *object, const char *name, size_t *count);
/* The same where null stands for none: NULL. */
const DocNode *doc_array_or_null(DocReader *r, const DocNode *object, const char *name, size_t *count);
/* Which of `names`; 0 after a failure. */
int doc_choice(DocReader *r, const DocNode *object, const char *name, const char *const *names, size_t count);
/* An array of `count` numbers. */
const int *doc_slots(DocReader *r, const DocNode *object, const char *name, size_t count, int least,
                     int most);

void    doc_put(json_t *object, const char *name, json_t *value); /* takes it over */
json_t *doc_json_text(Str text);                                  /* ptr NULL: null */
void    doc_put_text(json_t *object, const char *name, Str text);
void    doc_put_slots(json_t *object, const char *name, const int *slots, size_t count);

/* ---- types, values, schemas (doc_type.c) ---- */

json_t        *doc_json_type(const SqlType *type);
const SqlType *doc_type_of(DocReader *r, const DocNode *json); /* &type_null after a failure */
const SqlType *doc_type(DocReader *r, const DocNode *object, const char *name);
json_t        *doc_json_value(const SqlType *type, Value value); /* exact */
Value          doc_value_of(DocReader *r, const DocNode *json, const SqlType *type);
json_t        *doc_json_schema(const Schema *schema);
const Schema  *doc_schema(DocReader *r, const DocNode *object, const char *name);
json_t        *doc_json_window(KeyWindow window);
KeyWindow      doc_window(DocReader *r, const DocNode *object, const char *name);

/* ---- formats and pruning (doc_format.c) ---- */

json_t              *doc_json_format(const FormatSpec *format);
FormatSpec           doc_format(DocReader *r, const DocNode *object, const char *name);
json_t              *doc_json_wanted(const Wanted *const *wanted, const Schema *schema); /* NULL: null */
const Wanted *const *doc_wanted(DocReader *r, const DocNode *object, const char *name, const Schema *schema);

/* ---- expressions (doc_expr.c, doc_function.c) ---- */

json_t *doc_json_expr(const Expr *expr); /* NULL: null */
json_t *doc_json_exprs(const Expr *const *exprs, size_t count);
/* Over `schema`, of that type (NULL: any). */
const Expr *doc_expr(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                     const SqlType *type);
const Expr *doc_expr_or_null(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                             const SqlType *type);
const Expr *doc_expr_of(DocReader *r, const DocNode *json, const Schema *schema);
/* Any number of them. */
const Expr *const *doc_exprs(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                             size_t *count);
/* As many as there are columns [from, from + count) of `to`, with their types. */
const Expr *const *doc_columns(DocReader *r, const DocNode *object, const char *name, const Schema *schema,
                               const Schema *to, size_t from, size_t count);

json_t *doc_json_function(const FnResolved *function);
/* The overload that was resolved then, for these arguments. NULL after a failure. */
const FnResolved *doc_function(DocReader *r, const DocNode *object, const char *name, FnKind kind,
                               const Expr *const *args, size_t count);

/* Columns [from, from + count) of the schemas are of the same types; a failure otherwise. */
void doc_same_columns(DocReader *r, const Schema *a, size_t from_a, const Schema *b, size_t from_b,
                      size_t count);
/* Column `slot` is there and of that kind; a failure otherwise. */
void doc_is_column(DocReader *r, const Schema *schema, size_t slot, SqlKind kind);
/* All of them, in the same roles. */
void doc_same_schema(DocReader *r, const Schema *a, const Schema *b);
/* A value of the one type may stand for one of the other. */
bool doc_type_fits(const SqlType *a, const SqlType *b);
/* Whatever its type says about its arguments is so (doc_check.c); a failure otherwise. */
void doc_check_expr(DocReader *r, const Expr *expr, const Schema *schema);

#endif
