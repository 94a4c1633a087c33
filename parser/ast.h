/*
 * ast.h - the syntax tree. Pure data in an arena, read-only once built; every node knows where it stands in
 * the text.
 *
 * Names are as the dialect resolves them: unquoted ones folded to upper case, quoted ones as written
 * (sql.md 1.3). Nothing is looked up here: types of columns keep custom type names, columns keep their
 * qualifier.
 */
#ifndef SLUICE_PARSER_AST_H
#define SLUICE_PARSER_AST_H

#include "core/type.h"

/* No tree is deeper, so that whoever walks one may recurse; a deeper text is refused (sql.md 2.5). */
enum { AST_MAX_DEPTH = 500 };
/* Nor has a statement more expressions, columns and literals included: each takes up to a KB by the time it
 * is planned, so a request of 16 MB would take some GB. */
enum { AST_MAX_EXPRESSIONS = 250000 };

/* ---- names and types ---- */

typedef struct {
    Str  text;
    bool quoted;
    Pos  pos;
} AstName;

typedef struct AstType AstType;

typedef struct {
    AstName  name;
    AstType *type;
} AstField;

typedef enum { AST_TYPE_NAMED, AST_TYPE_DECIMAL, AST_TYPE_ARRAY, AST_TYPE_MAP, AST_TYPE_STRUCT } AstTypeKind;

struct AstType {
    AstTypeKind kind;
    Pos         pos;
    Str         name; /* NAMED: primitive or custom type, folded; parameters are dropped (sql.md 2.3) */
    int64_t     precision, scale; /* DECIMAL */
    AstType    *key;              /* MAP */
    AstType    *element;          /* ARRAY, MAP value */
    AstField   *fields;           /* STRUCT */
    size_t      field_count;
    unsigned    depth; /* 1 for a leaf, at most AST_MAX_DEPTH */
};

/* ---- expressions ---- */

typedef enum {
    AST_NULL,
    AST_BOOLEAN,
    AST_INTEGER, /* INTEGER or BIGINT by its size */
    AST_DECIMAL,
    AST_DOUBLE,
    AST_STRING,
    AST_COLUMN, /* name, or qualifier.name */
    AST_BINARY, /* + - * / % and comparisons, AND, OR; `||` is a call of CONCAT */
    AST_NOT,
    AST_NEGATE,      /* unary - */
    AST_PLUS,        /* unary + */
    AST_IS_NULL,     /* negated: IS NOT NULL */
    AST_BETWEEN,     /* operands: value, low, high */
    AST_IN,          /* operands: value, items... */
    AST_LIKE,        /* operands: value, pattern; escape in text (STR_NULL: none) */
    AST_CASE,        /* operands: when, then, when, then, ..., [else]; has_else */
    AST_SIMPLE_CASE, /* operands: operand, when, then, ..., [else] */
    AST_CAST,
    AST_CALL,      /* name(operands); star: name(*) */
    AST_SUBSCRIPT, /* operands: base, index */
    AST_FIELD,     /* operands: base; name is the field */
    AST_ARRAY_OF,  /* ARRAY[operands] */
    AST_MAP_OF,    /* operands: key, value, key, value, ... */
    AST_STRUCT_OF, /* names and operands, pairwise */
    AST_LAMBDA,    /* names are the parameters; operands: body */
    AST_UNIT,      /* interval unit as argument: unit */
} AstExprKind;

typedef enum {
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_DISTINCT,
    OP_NOT_DISTINCT, /* IS [NOT] DISTINCT FROM */
    OP_AND,
    OP_OR,
} AstOp;

typedef enum { UNIT_MILLISECONDS, UNIT_SECONDS, UNIT_MINUTES, UNIT_HOURS, UNIT_DAYS } AstUnit;

typedef struct AstExpr AstExpr;
struct AstExpr {
    AstExprKind kind;
    Pos         pos; /* of its first token */
    AstOp       op;  /* BINARY */
    bool negated; /* IS_NULL: IS NOT NULL. `x NOT IN ...` is parsed as NOT (x IN ...), as the dialect prints
                     it */
    bool    has_else; /* CASE */
    bool    star;     /* CALL: name(*) */
    AstUnit unit;
    int64_t integer; /* INTEGER; BOOLEAN 0/1 */
    double  number;  /* DOUBLE */
    Str text; /* STRING: contents; DECIMAL: digits as written, sign included, without leading zeros (`.5` is
               * 0.5); LIKE: escape */
    AstName         qualifier; /* COLUMN: text.ptr NULL when there is none */
    AstName         name;      /* COLUMN, CALL, FIELD */
    AstType        *type;      /* CAST */
    AstName        *names;     /* STRUCT_OF, LAMBDA */
    size_t          name_count;
    const AstExpr **operands; /* trees are read-only, once they are built */
    size_t          count;
    unsigned
        depth; /* levels of the tree from here down, types not counted: 1 for a leaf, at most AST_MAX_DEPTH */
    bool pipes; /* CALL of CONCAT: written as `||` */
};

/* ---- queries ---- */

typedef enum { SELECT_EXPR, SELECT_STAR, SELECT_SOURCE_STAR, SELECT_STRUCT_STAR } AstSelectKind;

typedef struct {
    AstSelectKind  kind;
    Pos            pos;
    const AstExpr *expr;   /* EXPR; STRUCT_STAR: the struct */
    AstName        source; /* SOURCE_STAR */
    AstName        alias;  /* text.ptr NULL when there is none */
} AstSelectItem;

typedef struct {
    int64_t amount;
    AstUnit unit;
    Pos     pos;
} AstSpan;

/* Milliseconds of a span; E_PLAN when it overflows. */
Status ast_span_ms(const AstSpan *span, int64_t *ms, Error *err);

typedef struct {
    AstName name;
    AstName alias; /* the name itself when none was given */
} AstSource;

typedef enum { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL } AstJoinKind;

typedef struct {
    AstJoinKind    kind;
    AstSource      source;
    bool           has_within, has_grace;
    AstSpan        before, after, grace;
    const AstExpr *on;
    Pos            pos;
} AstJoin;

typedef enum { WINDOW_NONE, WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION } AstWindowKind;

typedef struct {
    AstWindowKind kind;
    Pos           pos;
    AstSpan       size; /* SESSION: the gap */
    AstSpan       advance;
    bool          has_retention, has_grace;
    AstSpan       retention, grace;
} AstWindow;

typedef enum { EMIT_NONE, EMIT_CHANGES, EMIT_FINAL } AstEmit;

typedef struct {
    Pos             pos;
    AstSelectItem  *items;
    size_t          item_count;
    AstSource       from;
    AstJoin        *joins;
    size_t          join_count;
    AstWindow       window;
    const AstExpr  *where, *having; /* or NULL */
    const AstExpr **group_by;
    size_t          group_count;
    bool            has_group_by;
    const AstExpr **partition_by;
    size_t          partition_count;
    bool            has_partition_by;
    AstEmit         emit;
    bool            has_limit;
    int64_t         limit;
} AstQuery;

/* ---- statements ---- */

typedef struct {
    AstName
        name; /* folded even when it was quoted, as WITH keys are; a connector's keys are kept when quoted */
    const AstExpr *value; /* a literal */
} AstProperty;

typedef enum {
    ELEMENT_VALUE,
    ELEMENT_KEY,
    ELEMENT_PRIMARY_KEY,
    ELEMENT_HEADERS,
    ELEMENT_HEADER
} AstElementKind;

typedef struct {
    AstElementKind kind;
    AstName        name;
    AstType       *type;
    Str            header_key; /* HEADER('key') */
} AstElement;

/* In the order of the rows, so a kind is an index into statement_texts. What a kind means is in its row;
 * EXPLAIN has a statement, or a query id in `name`. */
typedef enum {
#define STATEMENT(kind, words, handler, changes, printer, syntax, example) kind,
#define STATEMENT_ELSEWHERE(kind, words, place, printer, syntax, example) kind,
#include "core/statements.def"
#undef STATEMENT
#undef STATEMENT_ELSEWHERE
} AstStatementKind;

typedef enum {
    SHOW_PROPERTIES,
    SHOW_TOPICS,
    SHOW_STREAMS,
    SHOW_TABLES,
    SHOW_FUNCTIONS,
    SHOW_CONNECTORS,
    SHOW_CONNECTOR_PLUGINS,
    SHOW_TYPES,
    SHOW_VARIABLES,
    SHOW_QUERIES,
    SHOW_GRANTS,
} AstShowKind;

typedef enum { FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_TABLE } AstFunctionKind;

/* What CREATE FUNCTION promises. */
enum { PROMISE_DETERMINISTIC = 1, PROMISE_STRICT = 2 /* NULL for a NULL */ };

typedef struct AstStatement AstStatement;
struct AstStatement {
    AstStatementKind kind;
    Pos              pos;
    Str              text; /* the slice of the source from the first token to `;` (sql.md 1.5) */

    AstName name;  /* the thing the statement is about: source, type, connector, query id, function, topic */
    bool is_table; /* CREATE, DROP, ALTER, ASSERT source, DESCRIBE_SOURCES: TABLE(S) rather than STREAM(S) */
    bool or_replace, if_not_exists, if_exists, source_keyword /* CREATE SOURCE */, delete_topic, all,
        extended, not_exists;
    bool            connector_sink, connector_source;
    AstFunctionKind function; /* CREATE_FUNCTION; parameters in elements, language in key, body in value;
                                 result in type, of a table function a STRUCT of its columns */
    unsigned promises;
    AstType *state; /* of an aggregate function; NULL: as its result */

    AstElement     *elements; /* CREATE_SOURCE, ALTER_SOURCE (ADD), ASSERT_SOURCE */
    size_t          element_count;
    AstProperty    *properties; /* WITH */
    size_t          property_count;
    AstQuery       *query;
    AstType        *type;    /* CREATE_TYPE */
    AstName        *columns; /* INSERT/ASSERT VALUES: the column list; NULL when none was given */
    size_t          column_count;
    const AstExpr **values;
    size_t          value_count;

    unsigned privileges; /* GRANT, REVOKE: core/privilege.h's; on `name`, or `all` */
    AstName  grantee;
    bool     to_user; /* rather than to a role */

    AstShowKind    show;
    AstStatement  *explained;  /* EXPLAIN statement; NULL: name is a query id */
    AstName        form;       /* EXPLAIN (FORMAT form); text ptr NULL: not said */
    bool           analyze;    /* EXPLAIN ANALYZE QUERY name */
    Str            key, value; /* SET, UNSET, ALTER SYSTEM, DEFINE, UNDEFINE, RUN SCRIPT (value) */
    bool           from_beginning, has_interval, has_limit; /* PRINT */
    int64_t        interval, limit;
    bool           has_timeout; /* ASSERT */
    AstSpan        timeout;
    bool           has_subject, has_id; /* ASSERT SCHEMA: subject in name */
    const AstExpr *id;
};

#endif
