/*
 * sql.y - the grammar of the dialect (sql.md 2), for Lemon.
 *
 * Actions only build nodes. Keywords that are not reserved fall back to identifiers where their token does not fit; those that
 * would fit in both ways (ARRAY, MAP, STRUCT, IF) are told apart by the driver, which looks one token ahead (parse.c).
 * The first token tells what is parsed: a script, one expression or one type.
 */
%name SqlParse
%token_prefix TK_
%token_type {Token}
%default_type {AstExpr *}
%extra_argument {ParseState *state}
%start_symbol start

/* A tree is at most AST_MAX_DEPTH deep; a level of it takes at most eight entries here, and brackets take one each. */
%stack_size 4000
%stack_overflow { parse_too_deep(state); }
%syntax_error { parse_syntax_error(state, yypParser, &TOKEN); } /* the driver asks first, so this is a second line */

%include {
#include "parser/parse_state.h"
}

/* Tokens no rule uses: words reserved all the same, and what the lexer cannot make sense of. */
%token CATALOG EXPORT LOAD MATERIALIZED MONTHS NAMESPACE RENAME TO VIEW YEARS AT.
%token UNRECOGNIZED DIRECTIVE.

%fallback IDENTIFIER
  ADD AGGREGATE ALTER ANALYZE ARRAY ARRAY_OF ARRAY_TYPE ASSERT CHANGES COLUMN DAY DEFINE DETERMINISTIC EMIT ESCAPE EXPLAIN FINAL FUNCTION FUNCTIONS GRACE GRANT GRANTS
  HEADER HEADERS HOUR ID IF INTERVAL KEY LANGUAGE MAP MAP_OF MAP_TYPE MINUTE PARTITION PERIOD PLUGINS PRIMARY REPLACE RETURNS REVOKE SCHEMA SECOND
  SESSION SET SHOW SINK SOURCE STATE STRICT STRING_WORD STRUCT STRUCT_OF STRUCT_TYPE SUBJECT SYSTEM TABLES TIMEOUT TYPE TYPES UNDEFINE
  VARIABLES.

%left OR.
%left AND.
%right NOT.
%left CONCAT.
%left PLUS MINUS.
%left STAR SLASH PERCENT.
%right SIGN.

start ::= statements.
start ::= START_EXPRESSION expr(E).   { state->expression = E; }
start ::= START_TYPE type(T).         { state->type = T; }

statements ::= .
statements ::= statements statement(S) SEMI(E). { build_script_add(state, S, &E); }

/* ---- names ---- */

%type plain_name {AstName}
plain_name(A) ::= IDENTIFIER(T).            { A = build_name(state, &T); }
plain_name(A) ::= DIGIT_IDENTIFIER(T).      { A = build_name(state, &T); }
plain_name(A) ::= QUOTED_IDENTIFIER(T).     { A = build_quoted_name(state, &T); }
plain_name(A) ::= BACKQUOTED_IDENTIFIER(T). { A = build_quoted_name(state, &T); }

%type name {AstName}
name(A) ::= plain_name(N). { A = N; }
name(A) ::= VARIABLE(T).   { A = build_variable_name(state, &T); }

%type source_name {AstName}
source_name(A) ::= name(N). { A = build_source_name(state, N); }

/* Topics and subjects keep their case. */
%type resource {AstName}
resource(A) ::= IDENTIFIER(T).            { A = build_resource(state, &T); }
resource(A) ::= DIGIT_IDENTIFIER(T).      { A = build_resource(state, &T); }
resource(A) ::= QUOTED_IDENTIFIER(T).     { A = build_quoted_name(state, &T); }
resource(A) ::= BACKQUOTED_IDENTIFIER(T). { A = build_quoted_name(state, &T); }
resource(A) ::= VARIABLE(T).              { A = build_variable_name(state, &T); }
resource(A) ::= STRING(T).                { A = build_string_name(state, &T); }

%type names {Vec *}
names(A) ::= name(N).                { A = vec_new(state->arena); build_add_name(A, N); }
names(A) ::= names(L) COMMA name(N). { A = L; build_add_name(A, N); }

/* ---- literals ---- */

%type number {Token}
number(A) ::= INTEGER_VALUE(T).        { A = T; }
number(A) ::= DECIMAL_VALUE(T).        { A = T; }
number(A) ::= FLOATING_POINT_VALUE(T). { A = T; }

literal(A) ::= NULL(T).     { A = build_expr(state, AST_NULL, T.pos, 0); }
literal(A) ::= TRUE(T).     { A = build_boolean(state, &T, true); }
literal(A) ::= FALSE(T).    { A = build_boolean(state, &T, false); }
literal(A) ::= STRING(T).   { A = build_string(state, &T); }
literal(A) ::= VARIABLE(T). { A = build_variable_literal(state, &T); }
literal(A) ::= number(T).   { A = build_number(state, &T); }

%type unit {AstUnit}
unit(A) ::= plural_unit(U). { A = U; }
unit(A) ::= DAY.            { A = UNIT_DAYS; }
unit(A) ::= HOUR.           { A = UNIT_HOURS; }
unit(A) ::= MINUTE.         { A = UNIT_MINUTES; }
unit(A) ::= SECOND.         { A = UNIT_SECONDS; }
%type plural_unit {AstUnit}
plural_unit(A) ::= DAYS.         { A = UNIT_DAYS; }
plural_unit(A) ::= HOURS.        { A = UNIT_HOURS; }
plural_unit(A) ::= MINUTES.      { A = UNIT_MINUTES; }
plural_unit(A) ::= SECONDS.      { A = UNIT_SECONDS; }
plural_unit(A) ::= MILLISECONDS. { A = UNIT_MILLISECONDS; }
plural_unit(A) ::= MILLISECOND.  { A = UNIT_MILLISECONDS; }

%type span {AstSpan}
span(A) ::= number(N) unit(U). { A = build_span(state, &N, U); }

/* ---- types ---- */

%type type {AstType *}
type(A) ::= type(E) ARRAY.                             { A = build_type_array(state, E->pos, E); }
type(A) ::= ARRAY_TYPE(T) LT type(E) GT.               { A = build_type_array(state, T.pos, E); }
type(A) ::= MAP_TYPE(T) LT type(K) COMMA type(E) GT.   { A = build_type_map(state, T.pos, K, E); }
type(A) ::= STRUCT_TYPE(T) LT GT.                      { A = build_type_struct(state, T.pos, vec_new(state->arena)); }
type(A) ::= STRUCT_TYPE(T) LT fields(F) GT.            { A = build_type_struct(state, T.pos, F); }
type(A) ::= DECIMAL(T) LP number(P) COMMA number(S) RP. { A = build_type_decimal(state, T.pos, &P, &S); }
type(A) ::= name(N).                                   { A = build_type_named(state, N); }
type(A) ::= name(N) LP type_parameters RP.             { A = build_type_named(state, N); }

type_parameters ::= type_parameter.
type_parameters ::= type_parameters COMMA type_parameter.
type_parameter ::= INTEGER_VALUE.
type_parameter ::= STRING_WORD.

%type fields {Vec *}
fields(A) ::= name(N) type(T).                 { A = vec_new(state->arena); build_add_field(state, A, N, T); }
fields(A) ::= fields(L) COMMA name(N) type(T). { A = L; build_add_field(state, A, N, T); }

/* ---- expressions: OR, AND, NOT, one predicate, then arithmetic ---- */

expr(A) ::= expr(L) OR expr(R).  { A = build_binary(state, OP_OR, L, R); }
expr(A) ::= expr(L) AND expr(R). { A = build_binary(state, OP_AND, L, R); }
expr(A) ::= NOT(T) expr(E).      { A = build_unary(state, AST_NOT, T.pos, E); }
expr(A) ::= predicate(P).        { A = P; }

predicate(A) ::= value(V).                                    { A = V; }
predicate(A) ::= value(L) compare(O) value(R).                { A = build_binary(state, O, L, R); }
predicate(A) ::= value(V) IS NULL.                            { A = build_unary(state, AST_IS_NULL, V->pos, V); }
predicate(A) ::= value(V) IS NOT NULL.                        { A = build_unary(state, AST_IS_NULL, V->pos, V); A->negated = true; }
predicate(A) ::= value(L) IS DISTINCT FROM value(R).          { A = build_binary(state, OP_DISTINCT, L, R); }
predicate(A) ::= value(L) IS NOT DISTINCT FROM value(R).      { A = build_binary(state, OP_NOT_DISTINCT, L, R); }
predicate(A) ::= value(V) not(N) BETWEEN value(L) AND value(H). { A = build_negated(state, N, build_between(state, V, L, H)); }
predicate(A) ::= value(V) not(N) IN LP exprs(L) RP.           { A = build_negated(state, N, build_in(state, V, L)); }
predicate(A) ::= value(V) not(N) LIKE value(P).               { A = build_negated(state, N, build_like(state, V, P, NULL)); }
predicate(A) ::= value(V) not(N) LIKE value(P) ESCAPE STRING(E). { A = build_negated(state, N, build_like(state, V, P, &E)); }

%type not {bool}
not(A) ::= .    { A = false; }
not(A) ::= NOT. { A = true; }

%type compare {AstOp}
compare(A) ::= EQ. { A = OP_EQUAL; }
compare(A) ::= NE. { A = OP_NOT_EQUAL; }
compare(A) ::= LT. { A = OP_LESS; }
compare(A) ::= LE. { A = OP_LESS_EQUAL; }
compare(A) ::= GT. { A = OP_GREATER; }
compare(A) ::= GE. { A = OP_GREATER_EQUAL; }

value(A) ::= value(L) CONCAT value(R).  { A = build_concat(state, L, R); }
value(A) ::= value(L) PLUS value(R).    { A = build_binary(state, OP_ADD, L, R); }
value(A) ::= value(L) MINUS value(R).   { A = build_binary(state, OP_SUBTRACT, L, R); }
value(A) ::= value(L) STAR value(R).    { A = build_binary(state, OP_MULTIPLY, L, R); }
value(A) ::= value(L) SLASH value(R).   { A = build_binary(state, OP_DIVIDE, L, R); }
value(A) ::= value(L) PERCENT value(R). { A = build_binary(state, OP_MODULO, L, R); }
value(A) ::= MINUS(T) value(V). [SIGN]  { A = build_unary(state, AST_NEGATE, T.pos, V); }
value(A) ::= PLUS(T) value(V). [SIGN]   { A = build_unary(state, AST_PLUS, T.pos, V); }
value(A) ::= primary(P).                { A = P; }

primary(A) ::= literal(L).                      { A = L; }
primary(A) ::= plain_name(N).                   { A = build_column(state, NULL, N); }
primary(A) ::= name(Q) DOT name(N).             { A = build_column(state, &Q, N); }
primary(A) ::= LP expr(E) RP.                   { A = E; }
primary(A) ::= primary(B) LBRACKET value(I) RBRACKET. { A = build_subscript(state, B, I); }
primary(A) ::= primary(B) DEREF name(N).        { A = build_field(state, B, N); }
primary(A) ::= CAST(T) LP expr(E) AS type(Y) RP. { A = build_cast(state, T.pos, E, Y); }
primary(A) ::= CASE(T) whens(W) else(E) END.    { A = build_case(state, T.pos, NULL, W, E); }
primary(A) ::= CASE(T) value(O) whens(W) else(E) END. { A = build_case(state, T.pos, O, W, E); }
primary(A) ::= ARRAY_OF(T) LBRACKET RBRACKET.   { A = build_list(state, AST_ARRAY_OF, T.pos, NULL); }
primary(A) ::= ARRAY_OF(T) LBRACKET exprs(L) RBRACKET. { A = build_list(state, AST_ARRAY_OF, T.pos, L); }
primary(A) ::= MAP_OF(T) LP RP.                 { A = build_list(state, AST_MAP_OF, T.pos, NULL); }
primary(A) ::= MAP_OF(T) LP entries(L) RP.      { A = build_list(state, AST_MAP_OF, T.pos, L); }
primary(A) ::= STRUCT_OF(T) LP RP.              { A = build_struct(state, T.pos, NULL); }
primary(A) ::= STRUCT_OF(T) LP members(L) RP.   { A = build_struct(state, T.pos, L); }
primary(A) ::= name(N) LP STAR RP.              { A = build_call(state, N, NULL); A->star = true; }
primary(A) ::= name(N) LP RP.                   { A = build_call(state, N, NULL); }
primary(A) ::= name(N) LP arguments(L) RP.      { A = build_call(state, N, L); }
primary(A) ::= name(N) LP lambda_arguments(L) RP. { A = build_call(state, N, L); }

%type whens {Vec *}
whens(A) ::= WHEN expr(C) THEN expr(R).          { A = vec_new(state->arena); vec_add(A, C); vec_add(A, R); }
whens(A) ::= whens(L) WHEN expr(C) THEN expr(R). { A = L; vec_add(A, C); vec_add(A, R); }
else(A) ::= .              { A = NULL; }
else(A) ::= ELSE expr(E).  { A = E; }

%type entries {Vec *}
entries(A) ::= expr(K) ASSIGN expr(V).                  { A = vec_new(state->arena); vec_add(A, K); vec_add(A, V); }
entries(A) ::= entries(L) COMMA expr(K) ASSIGN expr(V). { A = L; vec_add(A, K); vec_add(A, V); }

%type members {Vec *}
members(A) ::= name(N) ASSIGN expr(V).                  { A = vec_new(state->arena); build_add_member(state, A, N, V); }
members(A) ::= members(L) COMMA name(N) ASSIGN expr(V). { A = L; build_add_member(state, A, N, V); }

%type exprs {Vec *}
exprs(A) ::= expr(E).                { A = vec_new(state->arena); vec_add(A, E); }
exprs(A) ::= exprs(L) COMMA expr(E). { A = L; vec_add(A, E); }
%type values {Vec *}
values(A) ::= value(E).                 { A = vec_new(state->arena); vec_add(A, E); }
values(A) ::= values(L) COMMA value(E). { A = L; vec_add(A, E); }

/* `()` or at least two expressions in brackets: a key list, or the parameters of a lambda. One is just an expression. */
%type tuple {Vec *}
tuple(A) ::= LP RP.                      { A = vec_new(state->arena); }
tuple(A) ::= LP expr(E) COMMA exprs(L) RP. { A = L; vec_add_first(A, E); }

argument(A) ::= expr(E).           { A = E; }
argument(A) ::= plural_unit(U).    { A = build_unit(state, U); }
%type arguments {Vec *}
arguments(A) ::= argument(E).                    { A = vec_new(state->arena); vec_add(A, E); }
arguments(A) ::= arguments(L) COMMA argument(E). { A = L; vec_add(A, E); }
%type lambda_arguments {Vec *}
lambda_arguments(A) ::= arguments(L) COMMA lambda(E).        { A = L; vec_add(A, E); }
lambda_arguments(A) ::= lambda_arguments(L) COMMA lambda(E). { A = L; vec_add(A, E); }

lambda(A) ::= name(N) ARROW expr(E).       { A = build_lambda_of_one(state, N, E); }
lambda(A) ::= LP(T) expr(P) RP ARROW(R) expr(E). { A = build_lambda(state, T.pos, vec_of(state->arena, P), &R, E); }
lambda(A) ::= tuple(P) ARROW(R) expr(E).   { A = build_lambda(state, R.pos, P, &R, E); }

/* ---- queries ---- */

%type query {AstQuery *}
query(A) ::= SELECT(T) items(I) FROM relation(Q) window(W) where(X) group_by(G) partition_by(P) having(H) emit(E) limit(L).
{
    A = build_query(state, &T, Q, I);
    A->window = W;
    A->where = X;
    A->having = H;
    A->emit = E;
    build_set_keys(A, G, P);
    build_set_limit(state, A, &L);
}

%type items {Vec *}
items(A) ::= item(I).                { A = vec_new(state->arena); vec_add(A, I); }
items(A) ::= items(L) COMMA item(I). { A = L; vec_add(A, I); }
%type item {AstSelectItem *}
item(A) ::= STAR(T).                   { A = build_item(state, SELECT_STAR, T.pos, NULL); }
item(A) ::= name(N) DOT STAR.          { A = build_item(state, SELECT_SOURCE_STAR, N.pos, NULL); A->source = N; build_use_qualifier(state, N); }
item(A) ::= primary(E) DEREF STAR.     { A = build_item(state, SELECT_STRUCT_STAR, E->pos, E); }
item(A) ::= expr(E).                   { A = build_item(state, SELECT_EXPR, E->pos, E); }
item(A) ::= expr(E) name(N).           { A = build_item(state, SELECT_EXPR, E->pos, E); A->alias = N; }
item(A) ::= expr(E) AS name(N).        { A = build_item(state, SELECT_EXPR, E->pos, E); A->alias = N; }

%type relation {AstQuery *}
relation(A) ::= source(S).                        { A = build_relation(state, S); }
relation(A) ::= relation(Q) join_kind(K) source(S) within(W) ON(T) expr(E). { A = Q; build_add_join(state, A, K, S, W, T.pos, E); }

%type source {AstSource}
source(A) ::= source_name(N).                   { A = build_source(state, N, N); }
source(A) ::= source_name(N) source_name(L).    { A = build_source(state, N, L); }
source(A) ::= source_name(N) AS source_name(L). { A = build_source(state, N, L); }

%type join_kind {AstJoinKind}
join_kind(A) ::= JOIN.             { A = JOIN_INNER; }
join_kind(A) ::= INNER JOIN.       { A = JOIN_INNER; }
join_kind(A) ::= LEFT outer JOIN.  { A = JOIN_LEFT; }
join_kind(A) ::= RIGHT outer JOIN. { A = JOIN_RIGHT; }
join_kind(A) ::= FULL outer JOIN.  { A = JOIN_FULL; }
outer ::= .
outer ::= OUTER.

%type within {AstJoin *}
within(A) ::= .                                           { A = build_within(state, NULL, NULL, NULL); }
within(A) ::= WITHIN span(S) grace(G).                    { A = build_within(state, &S, &S, G); }
within(A) ::= WITHIN LP span(B) COMMA span(F) RP grace(G). { A = build_within(state, &B, &F, G); }
%type grace {AstSpan *}
grace(A) ::= .                       { A = NULL; }
grace(A) ::= GRACE PERIOD span(S).   { A = build_span_copy(state, S); }

%type window {AstWindow}
window(A) ::= .                             { A = (AstWindow){ .kind = WINDOW_NONE }; }
window(A) ::= WINDOW(T) window_body(W).            { A = W; A.pos = T.pos; }
window(A) ::= WINDOW(T) IDENTIFIER window_body(W). { A = W; A.pos = T.pos; } /* the name means nothing */
%type window_body {AstWindow}
window_body(A) ::= TUMBLING LP SIZE span(S) window_options(O) RP.
{
    A = O;
    A.kind = WINDOW_TUMBLING;
    A.size = S;
}
window_body(A) ::= HOPPING LP SIZE span(S) COMMA ADVANCE BY span(V) window_options(O) RP.
{
    A = O;
    A.kind = WINDOW_HOPPING;
    A.size = S;
    A.advance = V;
}
window_body(A) ::= SESSION LP span(S) window_options(O) RP.
{
    A = O;
    A.kind = WINDOW_SESSION;
    A.size = S;
}
%type window_options {AstWindow}
window_options(A) ::= . { A = (AstWindow){ 0 }; }
window_options(A) ::= COMMA RETENTION span(R). { A = (AstWindow){ .has_retention = true, .retention = R }; }
window_options(A) ::= COMMA GRACE PERIOD span(G). { A = (AstWindow){ .has_grace = true, .grace = G }; }
window_options(A) ::= COMMA RETENTION span(R) COMMA GRACE PERIOD span(G).
{
    A = (AstWindow){ .has_retention = true, .retention = R, .has_grace = true, .grace = G };
}

where(A) ::= .               { A = NULL; }
where(A) ::= WHERE expr(E).  { A = E; }
having(A) ::= .              { A = NULL; }
having(A) ::= HAVING expr(E). { A = E; }

%type group_by {Vec *}
group_by(A) ::= .                        { A = NULL; }
group_by(A) ::= GROUP(T) BY key_list(L). { A = build_keys(state, T.pos, "GROUP BY", L); }
%type partition_by {Vec *}
partition_by(A) ::= .                         { A = NULL; }
partition_by(A) ::= PARTITION(T) BY key_list(L). { A = build_keys(state, T.pos, "PARTITION BY", L); }
%type key_list {Vec *}
key_list(A) ::= values(L). { A = L; }
key_list(A) ::= tuple(L).  { A = L; }

%type emit {AstEmit}
emit(A) ::= .             { A = EMIT_NONE; }
emit(A) ::= EMIT CHANGES. { A = EMIT_CHANGES; }
emit(A) ::= EMIT FINAL.   { A = EMIT_FINAL; }

%type limit {Token}
limit(A) ::= .                { A = (Token){ 0 }; }
limit(A) ::= LIMIT number(N). { A = N; }

/* ---- statements: sources ---- */

%type statement {AstStatement *}
statement(A) ::= query(Q). { A = build_query_statement(state, Q); }

%type create {AstStatement *}
create(A) ::= CREATE(T).                   { A = build_statement(state, STMT_CREATE_SOURCE, &T); }
create(A) ::= CREATE(T) SOURCE.            { A = build_statement(state, STMT_CREATE_SOURCE, &T); A->source_keyword = true; }
create(A) ::= CREATE(T) OR REPLACE.        { A = build_statement(state, STMT_CREATE_SOURCE, &T); A->or_replace = true; }
create(A) ::= CREATE(T) OR REPLACE SOURCE. { A = build_statement(state, STMT_CREATE_SOURCE, &T); A->or_replace = A->source_keyword = true; }

%type create_named {AstStatement *}
create_named(A) ::= create(S) stream_or_table(K) if_not_exists(I) source_name(N).
{
    A = S;
    A->is_table = K;
    A->if_not_exists = I;
    A->name = N;
}
%type stream_or_table {bool}
stream_or_table(A) ::= STREAM. { A = false; }
stream_or_table(A) ::= TABLE.  { A = true; }
%type if_not_exists {bool}
if_not_exists(A) ::= .              { A = false; }
if_not_exists(A) ::= IF NOT EXISTS. { A = true; }
%type if_exists {bool}
if_exists(A) ::= .          { A = false; }
if_exists(A) ::= IF EXISTS. { A = true; }

statement(A) ::= create_named(S) with(W).                 { A = S; build_set_source(state, A, NULL, W); }
statement(A) ::= create_named(S) LP elements(E) RP with(W). { A = S; build_set_source(state, A, E, W); }
statement(A) ::= create_named(S) with(W) AS(T) query(Q).  { A = S; build_set_query(state, A, &T, W, Q); }

%type elements {Vec *}
elements(A) ::= element(E).                   { A = vec_new(state->arena); vec_add(A, E); }
elements(A) ::= elements(L) COMMA element(E). { A = L; vec_add(A, E); }
%type element {AstElement *}
element(A) ::= name(N) type(T).                        { A = build_element(state, ELEMENT_VALUE, N, T, NULL); }
element(A) ::= name(N) type(T) KEY.                    { A = build_element(state, ELEMENT_KEY, N, T, NULL); }
element(A) ::= name(N) type(T) PRIMARY KEY.            { A = build_element(state, ELEMENT_PRIMARY_KEY, N, T, NULL); }
element(A) ::= name(N) type(T) HEADERS.                { A = build_element(state, ELEMENT_HEADERS, N, T, NULL); }
element(A) ::= name(N) type(T) HEADER LP STRING(K) RP. { A = build_element(state, ELEMENT_HEADER, N, T, &K); }

%type with {Vec *}
with(A) ::= .                        { A = NULL; }
with(A) ::= WITH LP properties(L) RP. { A = L; }
%type properties {Vec *}
properties(A) ::= property(P).                     { A = vec_new(state->arena); vec_add(A, P); }
properties(A) ::= properties(L) COMMA property(P). { A = L; vec_add(A, P); }
%type property {AstProperty *}
property(A) ::= name(N) EQ literal(V).   { A = build_property(state, N, V); }
property(A) ::= STRING(T) EQ literal(V). { A = build_property(state, build_string_name(state, &T), V); }

statement(A) ::= INSERT(T) INTO source_name(N) with(W) query(Q).
{
    A = build_statement(state, STMT_INSERT_INTO, &T);
    A->name = N;
    build_set_properties(state, A, W);
    A->query = Q;
}
statement(A) ::= INSERT(T) INTO source_name(N) VALUES LP value_list(V) RP.
{
    A = build_statement(state, STMT_INSERT_VALUES, &T);
    A->name = N;
    build_set_values(state, A, NULL, V);
}
statement(A) ::= INSERT(T) INTO source_name(N) LP names(C) RP VALUES LP value_list(V) RP.
{
    A = build_statement(state, STMT_INSERT_VALUES, &T);
    A->name = N;
    build_set_values(state, A, C, V);
}
%type value_list {Vec *}
value_list(A) ::= .          { A = vec_new(state->arena); }
value_list(A) ::= values(L). { A = L; }

statement(A) ::= DROP(T) stream_or_table(K) if_exists(I) source_name(N) delete_topic(D).
{
    A = build_statement(state, STMT_DROP_SOURCE, &T);
    A->is_table = K;
    A->if_exists = I;
    A->name = N;
    A->delete_topic = D;
}
%type delete_topic {bool}
delete_topic(A) ::= .             { A = false; }
delete_topic(A) ::= DELETE TOPIC. { A = true; }

statement(A) ::= ALTER(T) stream_or_table(K) source_name(N) additions(L).
{
    A = build_statement(state, STMT_ALTER_SOURCE, &T);
    A->is_table = K;
    A->name = N;
    build_set_elements(state, A, L);
}
%type additions {Vec *}
additions(A) ::= addition(E).                    { A = vec_new(state->arena); vec_add(A, E); }
additions(A) ::= additions(L) COMMA addition(E). { A = L; vec_add(A, E); }
%type addition {AstElement *}
addition(A) ::= ADD name(N) type(T).        { A = build_element(state, ELEMENT_VALUE, N, T, NULL); }
addition(A) ::= ADD COLUMN name(N) type(T). { A = build_element(state, ELEMENT_VALUE, N, T, NULL); }

/* ---- statements: types and connectors ---- */

statement(A) ::= CREATE(T) TYPE if_not_exists(I) name(N) AS type(Y).
{
    A = build_statement(state, STMT_CREATE_TYPE, &T);
    A->if_not_exists = I;
    A->name = N;
    A->type = Y;
}
statement(A) ::= DROP(T) TYPE if_exists(I) name(N).
{
    A = build_named(state, STMT_DROP_TYPE, &T, N);
    A->if_exists = I;
}
statement(A) ::= CREATE(T) SINK CONNECTOR if_not_exists(I) name(N) WITH LP properties(W) RP.
{
    A = build_connector(state, &T, I, N, W);
    A->connector_sink = true;
}
statement(A) ::= CREATE(T) SOURCE CONNECTOR if_not_exists(I) name(N) WITH LP properties(W) RP.
{
    A = build_connector(state, &T, I, N, W);
    A->connector_source = true;
}
statement(A) ::= DROP(T) CONNECTOR if_exists(I) name(N).
{
    A = build_named(state, STMT_DROP_CONNECTOR, &T, N);
    A->if_exists = I;
}

/* ---- statements: functions ---- */

statement(A) ::= create(S) FUNCTION name(N) LP parameters(P) RP RETURNS type(Y) function_body(B).
{
    A = S;
    build_set_function(state, A, FUNCTION_SCALAR, N, P, Y, &B);
}
statement(A) ::= create(S) FUNCTION name(N) LP parameters(P) RP RETURNS TABLE(T) LP fields(F) RP function_body(B).
{
    A = S;
    build_set_function(state, A, FUNCTION_TABLE, N, P, build_type_struct(state, T.pos, F), &B);
}
statement(A) ::= create(S) AGGREGATE FUNCTION name(N) LP parameters(P) RP RETURNS type(Y) state_type(Z) function_body(B).
{
    A = S;
    A->state = Z;
    build_set_function(state, A, FUNCTION_AGGREGATE, N, P, Y, &B);
}
statement(A) ::= DROP(T) FUNCTION if_exists(I) name(N).
{
    A = build_named(state, STMT_DROP_FUNCTION, &T, N);
    A->if_exists = I;
}
%type parameters {Vec *}
parameters(A) ::= .            { A = NULL; }
parameters(A) ::= elements(L). { A = L; }
%type state_type {AstType *}
state_type(A) ::= .              { A = NULL; }
state_type(A) ::= STATE type(Y). { A = Y; }
%type function_body {FunctionBody}
function_body(A) ::= LANGUAGE name(L) promises(F) AS DOLLAR_TEXT(B). { A = build_function_body(L, F, &B); }
%type promises {unsigned}
promises(A) ::= .                          { A = 0; }
promises(A) ::= promises(F) DETERMINISTIC. { A = F | PROMISE_DETERMINISTIC; }
promises(A) ::= promises(F) STRICT.        { A = F | PROMISE_STRICT; }

/* ---- statements: who may do what ---- */

%type privilege {unsigned}
privilege(A) ::= SELECT.    { A = PRIVILEGE_SELECT; }
privilege(A) ::= INSERT.    { A = PRIVILEGE_INSERT; }
privilege(A) ::= CREATE.    { A = PRIVILEGE_CREATE; }
privilege(A) ::= ALTER.     { A = PRIVILEGE_ALTER; }
privilege(A) ::= DROP.      { A = PRIVILEGE_DROP; }
privilege(A) ::= TERMINATE. { A = PRIVILEGE_TERMINATE; }
privilege(A) ::= DESCRIBE.  { A = PRIVILEGE_DESCRIBE; }
%type privilege_list {unsigned}
privilege_list(A) ::= privilege(P).                         { A = P; }
privilege_list(A) ::= privilege_list(L) COMMA privilege(P). { A = L | P; }
%type privileges {unsigned}
privileges(A) ::= ALL.               { A = PRIVILEGE_ALL; }
privileges(A) ::= privilege_list(L). { A = L; }
%type grant_object {AstName}
grant_object(A) ::= ALL.            { A = (AstName){0}; }
grant_object(A) ::= source_name(N). { A = N; }

statement(A) ::= GRANT(T) privileges(P) ON grant_object(O) TO resource(N).
{
    A = build_grant(state, STMT_GRANT, &T, P, O, NULL, N);
}
statement(A) ::= GRANT(T) privileges(P) ON grant_object(O) TO resource(K) resource(N).
{
    A = build_grant(state, STMT_GRANT, &T, P, O, &K, N);
}
statement(A) ::= REVOKE(T) privileges(P) ON grant_object(O) FROM resource(N).
{
    A = build_grant(state, STMT_REVOKE, &T, P, O, NULL, N);
}
statement(A) ::= REVOKE(T) privileges(P) ON grant_object(O) FROM resource(K) resource(N).
{
    A = build_grant(state, STMT_REVOKE, &T, P, O, &K, N);
}

/* ---- statements: looking around ---- */

%type show {Token}
show(A) ::= SHOW(T). { A = T; }
show(A) ::= LIST(T). { A = T; }
%type extended {bool}
extended(A) ::= .         { A = false; }
extended(A) ::= EXTENDED. { A = true; }

statement(A) ::= show(T) PROPERTIES.               { A = build_show(state, &T, SHOW_PROPERTIES, false); }
statement(A) ::= show(T) TOPICS extended(X).       { A = build_show(state, &T, SHOW_TOPICS, X); }
statement(A) ::= show(T) ALL TOPICS extended(X).   { A = build_show(state, &T, SHOW_TOPICS, X); A->all = true; }
statement(A) ::= show(T) STREAMS extended(X).      { A = build_show(state, &T, SHOW_STREAMS, X); }
statement(A) ::= show(T) TABLES extended(X).       { A = build_show(state, &T, SHOW_TABLES, X); }
statement(A) ::= show(T) FUNCTIONS.                { A = build_show(state, &T, SHOW_FUNCTIONS, false); }
statement(A) ::= show(T) CONNECTORS.               { A = build_show(state, &T, SHOW_CONNECTORS, false); }
statement(A) ::= show(T) SOURCE CONNECTORS.        { A = build_show(state, &T, SHOW_CONNECTORS, false); A->connector_source = true; }
statement(A) ::= show(T) SINK CONNECTORS.          { A = build_show(state, &T, SHOW_CONNECTORS, false); A->connector_sink = true; }
statement(A) ::= show(T) CONNECTOR PLUGINS.        { A = build_show(state, &T, SHOW_CONNECTOR_PLUGINS, false); }
statement(A) ::= show(T) TYPES.                    { A = build_show(state, &T, SHOW_TYPES, false); }
statement(A) ::= show(T) VARIABLES.                { A = build_show(state, &T, SHOW_VARIABLES, false); }
statement(A) ::= show(T) QUERIES extended(X).      { A = build_show(state, &T, SHOW_QUERIES, X); }
statement(A) ::= show(T) GRANTS.                   { A = build_show(state, &T, SHOW_GRANTS, false); }

statement(A) ::= DESCRIBE(T) STREAMS extended(X).  { A = build_statement(state, STMT_DESCRIBE_SOURCES, &T); A->extended = X; }
statement(A) ::= DESCRIBE(T) TABLES extended(X).   { A = build_statement(state, STMT_DESCRIBE_SOURCES, &T); A->extended = X; A->is_table = true; }
statement(A) ::= DESCRIBE(T) FUNCTION name(N).     { A = build_named(state, STMT_DESCRIBE_FUNCTION, &T, N); }
statement(A) ::= DESCRIBE(T) CONNECTOR name(N).    { A = build_named(state, STMT_DESCRIBE_CONNECTOR, &T, N); }
statement(A) ::= DESCRIBE(T) source_name(N) extended(X). { A = build_named(state, STMT_DESCRIBE_SOURCE, &T, N); A->extended = X; }

statement(A) ::= EXPLAIN(T) statement(S).          { A = build_explain(state, &T, S); }
statement(A) ::= EXPLAIN(T) name(N).               { A = build_named(state, STMT_EXPLAIN, &T, N); }
statement(A) ::= EXPLAIN(T) ANALYZE QUERY name(N). { A = build_named(state, STMT_EXPLAIN, &T, N); A->analyze = true; }
statement(A) ::= EXPLAIN(T) LP name(K) name(V) RP statement(S). { A = build_explain_as(state, build_explain(state, &T, S), K, V); }
statement(A) ::= EXPLAIN(T) LP name(K) name(V) RP name(N). { A = build_explain_as(state, build_named(state, STMT_EXPLAIN, &T, N), K, V); }

statement(A) ::= PRINT(T) resource(N) from_beginning(B) interval(I) limit(L).
{
    A = build_named(state, STMT_PRINT, &T, N);
    A->from_beginning = B;
    build_set_print(state, A, &I, &L);
}
%type from_beginning {bool}
from_beginning(A) ::= .               { A = false; }
from_beginning(A) ::= FROM BEGINNING. { A = true; }
%type interval {Token}
interval(A) ::= .                   { A = (Token){ 0 }; }
interval(A) ::= INTERVAL number(N). { A = N; }
interval(A) ::= SAMPLE number(N).   { A = N; }

/* ---- statements: queries and settings ---- */

statement(A) ::= TERMINATE(T) name(N). { A = build_named(state, STMT_TERMINATE, &T, N); }
statement(A) ::= TERMINATE(T) ALL.     { A = build_statement(state, STMT_TERMINATE, &T); A->all = true; }
statement(A) ::= PAUSE(T) name(N).     { A = build_named(state, STMT_PAUSE, &T, N); }
statement(A) ::= PAUSE(T) ALL.         { A = build_statement(state, STMT_PAUSE, &T); A->all = true; }
statement(A) ::= RESUME(T) name(N).    { A = build_named(state, STMT_RESUME, &T, N); }
statement(A) ::= RESUME(T) ALL.        { A = build_statement(state, STMT_RESUME, &T); A->all = true; }

statement(A) ::= SET(T) STRING(K) EQ STRING(V).          { A = build_setting(state, STMT_SET, &T, &K, &V); }
statement(A) ::= UNSET(T) STRING(K).                     { A = build_setting(state, STMT_UNSET, &T, &K, NULL); }
statement(A) ::= ALTER(T) SYSTEM STRING(K) EQ STRING(V). { A = build_setting(state, STMT_ALTER_SYSTEM, &T, &K, &V); }
statement(A) ::= DEFINE(T) IDENTIFIER(K) EQ STRING(V).   { A = build_setting(state, STMT_DEFINE, &T, &K, &V); }
statement(A) ::= UNDEFINE(T) IDENTIFIER(K).              { A = build_setting(state, STMT_UNDEFINE, &T, &K, NULL); }

/* ---- statements: ASSERT; those of the test runner are let in by the driver ---- */

%type assert {AstStatement *}
assert(A) ::= ASSERT(T).            { A = build_statement(state, STMT_ASSERT_TOPIC, &T); }
assert(A) ::= ASSERT(T) NOT EXISTS. { A = build_statement(state, STMT_ASSERT_TOPIC, &T); A->not_exists = true; }

statement(A) ::= assert(S) TOPIC resource(N) with(W) timeout(M).
{
    A = S;
    A->name = N;
    build_set_properties(state, A, W);
    build_set_timeout(A, M);
}
statement(A) ::= assert(S) SCHEMA subject(N) schema_id(I) timeout(M).
{
    A = S;
    build_set_schema(state, A, N, I);
    build_set_timeout(A, M);
}
%type subject {AstName}
subject(A) ::= .                     { A = (AstName){ .text = STR_NULL }; }
subject(A) ::= SUBJECT resource(N).  { A = N; }
schema_id(A) ::= .                   { A = NULL; }
schema_id(A) ::= ID literal(L).      { A = L; }
%type timeout {AstSpan *}
timeout(A) ::= .                { A = NULL; }
timeout(A) ::= TIMEOUT span(S). { A = build_span_copy(state, S); }

statement(A) ::= ASSERT(T) VALUES source_name(N) VALUES LP value_list(V) RP.
{
    A = build_named(state, STMT_ASSERT_VALUES, &T, N);
    build_set_values(state, A, NULL, V);
}
statement(A) ::= ASSERT(T) VALUES source_name(N) LP names(C) RP VALUES LP value_list(V) RP.
{
    A = build_named(state, STMT_ASSERT_VALUES, &T, N);
    build_set_values(state, A, C, V);
}
statement(A) ::= ASSERT(T) NULL VALUES source_name(N) KEY LP value_list(V) RP.
{
    A = build_named(state, STMT_ASSERT_NULL, &T, N);
    build_set_values(state, A, NULL, V);
}
statement(A) ::= ASSERT(T) NULL VALUES source_name(N) LP names(C) RP KEY LP value_list(V) RP.
{
    A = build_named(state, STMT_ASSERT_NULL, &T, N);
    build_set_values(state, A, C, V);
}
statement(A) ::= ASSERT(T) stream_or_table(K) source_name(N) with(W).
{
    A = build_named(state, STMT_ASSERT_SOURCE, &T, N);
    A->is_table = K;
    build_set_source(state, A, NULL, W);
}
statement(A) ::= ASSERT(T) stream_or_table(K) source_name(N) LP elements(E) RP with(W).
{
    A = build_named(state, STMT_ASSERT_SOURCE, &T, N);
    A->is_table = K;
    build_set_source(state, A, E, W);
}
statement(A) ::= RUN(T) SCRIPT STRING(V). { A = build_setting(state, STMT_RUN_SCRIPT, &T, NULL, &V); }

/* What a syntax error may say: would `token` fit next? Plays the reductions on a copy of the top of the stack. */
%code {
const int sql_token_max = YYNTOKEN - 1;

bool sql_parser_accepts(void *parser, int token)
{
    const yyParser *real = parser;
    enum { PUSHED_MAX = 64 };
    YYACTIONTYPE pushed[PUSHED_MAX];
    size_t       pushed_count = 0, base = (size_t)(real->yytos - real->yystack);
    for (;;) {
        YYACTIONTYPE top = pushed_count > 0 ? pushed[pushed_count - 1] : real->yystack[base].stateno;
        YYACTIONTYPE action = yy_find_shift_action((YYCODETYPE)token, top);
        if (action <= YY_MAX_SHIFTREDUCE || action == YY_ACCEPT_ACTION)
            return true;
        if (action < YY_MIN_REDUCE)
            return false;
        unsigned rule = action - YY_MIN_REDUCE;
        size_t   pop = (size_t)-yyRuleInfoNRhs[rule];
        size_t   from_pushed = pop < pushed_count ? pop : pushed_count;
        pushed_count -= from_pushed;
        base -= pop - from_pushed;
        YYACTIONTYPE below = pushed_count > 0 ? pushed[pushed_count - 1] : real->yystack[base].stateno;
        if (pushed_count == PUSHED_MAX)
            return false;
        pushed[pushed_count++] = yy_find_reduce_action(below, yyRuleInfoLhs[rule]);
    }
}
}
