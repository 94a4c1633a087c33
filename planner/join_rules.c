/*
 * join_rules.c - see join_rules.h. Messages print references as SRC.COL.
 */
#include "planner/join_rules.h"

#include "parser/parser.h"

/* ---- printing ---- */

static const char *print_to(Arena *arena, const AstExpr *expr)
{
    StrBuf text = {0};
    ast_print_expr(expr, &text);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static const char *type_name(const AstJoin *join)
{
    switch (join->kind) {
    case JOIN_INNER:
        return "[INNER] JOIN";
    case JOIN_LEFT:
        return "LEFT [OUTER] JOIN";
    case JOIN_RIGHT:
        return "RIGHT [OUTER] JOIN";
    default:
        return "[FULL] OUTER JOIN";
    }
}

/* ---- the condition ---- */

/* Sources that an expression refers to, as bits. */
static uint64_t sources_of(const Analysis *a, const AstExpr *expr)
{
    uint64_t found = 0;
    if (expr->kind == AST_COLUMN)
        for (size_t i = 0; i < a->from_count; i++)
            if (str_equal(a->from[i].alias, expr->qualifier.text))
                found |= UINT64_C(1) << i;
    for (size_t i = 0; i < expr->count; i++)
        found |= sources_of(a, expr->operands[i]);
    return found;
}

static Status one_source(const Analysis *a, const AstExpr *side, const AstExpr *on, size_t *from, Error *err)
{
    uint64_t sources = sources_of(a, side);
    for (size_t i = 0; i < a->from_count; i++) {
        if (sources == UINT64_C(1) << i) {
            *from = i;
            return OK;
        }
    }
    return error_set(err, E_PLAN, side->pos,
                     "Invalid comparison expression '%s' in join '%s'. Each side of the join comparision "
                     "must contain references from exactly one source.",
                     print_to(a->planner->arena, side), print_to(a->planner->arena, on));
}

static Status check_comparison(const Analysis *a, const AstExpr *on, Error *err)
{
    const char *text = print_to(a->planner->arena, on);
    if (on->kind != AST_BINARY)
        return error_set(err, E_PLAN, on->pos, "Unsupported join expression: %s", text);
    if (on->op == OP_AND || on->op == OP_OR)
        return error_set(
            err, E_PLAN, on->pos,
            "Invalid join condition: joins on multiple conditions are not yet supported. Got %s.", text);
    if (on->op < OP_EQUAL)
        return error_set(err, E_PLAN, on->pos, "Unsupported join expression: %s", text);
    if (on->op != OP_EQUAL)
        return error_set(err, E_PLAN, on->pos, "Only equality join criteria is supported.");
    return OK;
}

static Status check_sides(const Analysis *a, size_t join, const AstExpr *on, size_t left, size_t right,
                          Error *err)
{
    if (left == right)
        return error_set(err, E_PLAN, on->pos,
                         "Each side of the join must reference exactly one source and not the same source. "
                         "Left side references `" STR_FMT "` and right references `" STR_FMT "`",
                         STR_ARG(a->from[left].alias), STR_ARG(a->from[right].alias));
    if (left != join + 1 && right != join + 1)
        return error_set(err, E_PLAN, on->pos,
                         "A join criteria is expected to reference the source (`" STR_FMT
                         "`) in the FROM clause, instead the right source "
                         "references `" STR_FMT "` and the left source references `" STR_FMT "`",
                         STR_ARG(a->from[join + 1].alias), STR_ARG(a->from[right].alias),
                         STR_ARG(a->from[left].alias));
    if (left > join + 1 || right > join + 1)
        return error_set(err, E_PLAN, on->pos,
                         "Cannot build JOIN tree; neither source in the join is the FROM source or included "
                         "in a previous JOIN: %s",
                         print_to(a->planner->arena, on));
    return OK;
}

Status join_condition(const Analysis *a, size_t join, JoinCondition *out, Error *err)
{
    const AstExpr *on = a->join_on[join].qualified, *flat = a->join_on[join].flat;
    size_t         first = 0, second = 0;
    TRY(check_comparison(a, on, err));
    TRY(one_source(a, on->operands[0], on, &first, err));
    TRY(one_source(a, on->operands[1], on, &second, err));
    TRY(check_sides(a, join, on, first, second, err));
    bool swapped    = first == join + 1;
    out->join       = &a->query->joins[join];
    out->left       = (BothForms){on->operands[swapped], flat->operands[swapped]};
    out->right      = (BothForms){on->operands[!swapped], flat->operands[!swapped]};
    out->left_from  = swapped ? second : first;
    out->right_from = swapped ? first : second;
    out->text       = str_to_c(a->planner->arena, str_printf(a->planner->arena, "%s = %s",
                                                             print_to(a->planner->arena, on->operands[0]),
                                                             print_to(a->planner->arena, on->operands[1])));
    return OK;
}

/* ---- kinds ---- */

static Status stream_table_kind(const Analysis *a, const JoinCondition *on, bool left_is_table, Error *err)
{
    Str left = a->from[on->left_from].alias, right = a->from[on->right_from].alias;
    if (left_is_table)
        return error_set(
            err, E_PLAN, on->join->pos,
            "Invalid join order: table-stream joins are not supported; only stream-table joins. Got " STR_FMT
            " %s " STR_FMT ".",
            STR_ARG(left), type_name(on->join), STR_ARG(right));
    if (on->join->kind == JOIN_FULL)
        return error_set(
            err, E_PLAN, on->join->pos,
            "Invalid join type: full-outer join not supported for stream-table join. Got " STR_FMT
            " %s " STR_FMT ".",
            STR_ARG(left), type_name(on->join), STR_ARG(right));
    if (on->join->kind == JOIN_RIGHT)
        return error_set(err, E_PLAN, on->join->pos, "Invalid join type encountered: RIGHT [OUTER] JOIN");
    if (on->join->has_within)
        return error_set(err, E_PLAN, on->join->pos,
                         "A window definition was provided for a Stream-Table join. These joins are not "
                         "windowed. Please drop the window definition "
                         "(ie. the WITHIN clause) and try to execute your join again.");
    return OK;
}

Status join_kind(const Analysis *a, const JoinCondition *on, bool left_is_table, PlanJoinKind *kind,
                 Error *err)
{
    bool right_is_table = a->from[on->right_from].source->is_table;
    if (left_is_table != right_is_table) {
        *kind = PLAN_JOIN_STREAM_TABLE;
        return stream_table_kind(a, on, left_is_table, err);
    }
    *kind = left_is_table ? PLAN_JOIN_TABLE_TABLE : PLAN_JOIN_STREAM_STREAM;
    if (left_is_table && on->join->has_within)
        return error_set(err, E_PLAN, on->join->pos,
                         "A window definition was provided for a Table-Table join. These joins are not "
                         "windowed. Please drop the window definition "
                         "(i.e. the WITHIN clause) and try to execute your Table-Table join again.");
    if (!left_is_table && !on->join->has_within)
        return error_set(err, E_PLAN, on->join->pos,
                         "Stream-Stream joins must have a WITHIN clause specified. None was provided. To "
                         "learn about how to specify a WITHIN clause "
                         "with a stream-stream join, please visit: "
                         "https://docs.confluent.io/current/ksql/docs/syntax-reference.html"
                         "#create-stream-as-select");
    return OK;
}

static bool is_windowed(const Analysis *a, size_t from)
{
    return a->from[from].source->window.kind != WINDOWED_NO;
}

Status join_table_keys(const Analysis *a, const JoinCondition *on, bool left_is_key, bool right_is_key,
                       PlanJoinKind *kind, Error *err)
{
    if (*kind == PLAN_JOIN_STREAM_STREAM)
        return OK;
    if (!right_is_key)
        return error_set(err, E_PLAN, on->join->on->pos,
                         *kind == PLAN_JOIN_STREAM_TABLE
                             ? "Invalid join condition: stream-table joins require to join on the table's "
                               "primary key. Got %s."
                             : "Invalid join condition: table-table joins require to join on the primary key "
                               "of the right input table. Got %s.",
                         on->text);
    if (*kind == PLAN_JOIN_STREAM_TABLE || left_is_key)
        return OK;
    *kind = PLAN_JOIN_FOREIGN_KEY;
    if (on->right_from > 1)
        return error_set(err, E_PLAN, on->join->on->pos,
                         "Invalid join condition: foreign-key table-table joins are not supported as part of "
                         "n-way joins. Got %s.",
                         on->text);
    if (on->join->kind == JOIN_FULL)
        return error_set(
            err, E_PLAN, on->join->pos,
            "Invalid join type: full-outer join not supported for foreign-key table-table join. Got " STR_FMT
            " %s " STR_FMT ".",
            STR_ARG(a->from[on->left_from].alias), type_name(on->join),
            STR_ARG(a->from[on->right_from].alias));
    if (on->join->kind == JOIN_RIGHT)
        return error_set(err, E_PLAN, on->join->pos, "RIGHT OUTER JOIN on a foreign key is not supported");
    if (is_windowed(a, on->left_from) || is_windowed(a, on->right_from))
        return error_set(err, E_PLAN, on->join->pos,
                         "Foreign-key table-table joins are not supported on windowed tables.");
    return OK;
}

Status join_types(const JoinCondition *on, PlanJoinKind kind, const SqlType *left, const SqlType *right,
                  Error *err)
{
    if (type_equal(left, right))
        return OK;
    StrBuf text = {0};
    if (kind == PLAN_JOIN_TABLE_TABLE || kind == PLAN_JOIN_FOREIGN_KEY) {
        strbuf_adds(&text, "Invalid join condition: types don't match. Got ");
        ast_print_expr(on->left.qualified, &text);
        strbuf_addc(&text, '{');
        type_print(left, &text);
        strbuf_adds(&text, "} = ");
        ast_print_expr(on->right.qualified, &text);
        strbuf_addc(&text, '{');
        type_print(right, &text);
        strbuf_adds(&text, "}.");
    } else {
        strbuf_adds(&text, "Invalid join. Key types differ: ");
        type_print(left, &text);
        strbuf_adds(&text, " vs ");
        type_print(right, &text);
    }
    error_set(err, E_PLAN, on->join->on->pos, STR_FMT, STR_ARG(strbuf_str(&text)));
    strbuf_clear(&text);
    return E_PLAN;
}

/* ---- windows and partitions ---- */

static const char *window_name(WindowedKind kind)
{
    static const char *const names[] = {"not", "TUMBLING", "HOPPING", "SESSION"};
    return names[kind];
}

Status join_windows(const Analysis *a, const JoinCondition *on, const PlanNode *left, const PlanNode *right,
                    Error *err)
{
    WindowedKind l = left->window.kind, r = right->window.kind;
    if ((l == WINDOWED_NO) != (r == WINDOWED_NO))
        return error_set(err, E_PLAN, on->join->pos,
                         "Can not join windowed source to non-windowed source.\n`" STR_FMT
                         "` is %s windowed\n`" STR_FMT "` is %s windowed",
                         STR_ARG(a->from[on->left_from].alias), window_name(l),
                         STR_ARG(a->from[on->right_from].alias), window_name(r));
    if ((l == WINDOWED_SESSION) != (r == WINDOWED_SESSION))
        return error_set(err, E_PLAN, on->join->pos,
                         "Incompatible windowed sources.\nLeft source: %s\nRight source: %s\nSession "
                         "windowed sources can only be joined to other "
                         "session windowed sources, and may still not result in expected behaviour as "
                         "session bounds must be an exact match for "
                         "the join to work\nHopping and tumbling windowed sources can only be joined to "
                         "other hopping and tumbling windowed sources",
                         window_name(l), window_name(r));
    /* Another size is another key format, which would have to be repartitioned; formats of a registry are
     * taken as they are (build_join.c). */
    bool registry = format_facts(left->key_format.format)->registry &&
                    left->key_format.format == right->key_format.format;
    if (!registry && (l != r || left->window.size_ms != right->window.size_ms))
        return error_set(err, E_PLAN, on->join->pos,
                         "Implicit repartitioning of windowed sources is not supported. See "
                         "https://github.com/confluentinc/ksql/issues/4385.");
    return OK;
}

Status join_partitions(const Analysis *a, const JoinCondition *on, Error *err)
{
    int left = analysis_partitions(a, on->left_from), right = analysis_partitions(a, on->right_from);
    if (left == right || left == 0 || right == 0)
        return OK;
    Str l = a->from[on->left_from].alias, r = a->from[on->right_from].alias;
    return error_set(
        err, E_PLAN, on->join->pos,
        "Can't join `" STR_FMT "` with `" STR_FMT "` since the number of partitions don't match. `" STR_FMT
        "` partitions = %d; `" STR_FMT
        "` partitions = %d. Please repartition either one so that the number of partitions match.",
        STR_ARG(l), STR_ARG(r), STR_ARG(l), left, STR_ARG(r), right);
}
