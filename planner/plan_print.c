/*
 * plan_print.c - a plan as text (EXPLAIN), and its hash: equal texts of everything that stored state depends
 * on.
 */
#include "planner/query_build.h"

static const char *const kind_names[] = {"SOURCE",    "FILTER", "PROJECT", "FLATTEN", "REKEY",
                                         "AGGREGATE", "JOIN",   "SINK",    "OUTPUT"};

static void print_exprs(const char *label, const Expr *const *exprs, size_t count, const Schema *schema,
                        StrBuf *out)
{
    strbuf_addf(out, " | %s: ", label);
    for (size_t i = 0; i < count; i++) {
        strbuf_adds(out, i ? ", " : "");
        expr_print(exprs[i], schema, out);
    }
}

static void print_calls(const PlanNode *node, StrBuf *out)
{
    const PlanAggregate *agg = &node->u.aggregate;
    strbuf_adds(out, " | Aggregates: ");
    for (size_t i = 0; i < agg->call_count; i++) {
        strbuf_addf(out, "%s%s(", i ? ", " : "", agg->calls[i].function->name);
        for (size_t arg = 0; arg < agg->calls[i].arg_count; arg++) {
            strbuf_adds(out, arg ? ", " : "");
            expr_print(agg->calls[i].args[arg], node->inputs[0]->schema, out);
        }
        strbuf_addc(out, ')');
    }
    if (agg->window.kind != WINDOWED_NO)
        strbuf_addf(
            out, " | Window: size %lld ms, advance %lld ms, gap %lld ms, grace %lld ms, retention %lld ms%s",
            (long long)agg->window.size_ms, (long long)agg->advance_ms, (long long)agg->gap_ms,
            (long long)agg->grace_ms, (long long)agg->retention_ms, agg->emit_final ? ", EMIT FINAL" : "");
}

static void print_wanted(const PlanNode *node, StrBuf *out)
{
    if (node->u.source.wanted == NULL)
        return;
    strbuf_adds(out, " | Reads: ");
    size_t read = 0;
    for (size_t i = 0; i < node->schema->count; i++) {
        const Wanted *wanted = node->u.source.wanted[i];
        if (wanted->none)
            continue;
        strbuf_addf(out, "%s" STR_FMT "%s", read++ ? ", " : "", STR_ARG(node->schema->columns[i].name),
                    wanted->fields ? "->(...)" : "");
    }
}

/* What kinds of nodes have beside the common line. `state_only`: just what stored state and positions depend
 * on. */
static void print_details(const PlanNode *node, bool state_only, StrBuf *out)
{
    switch (node->kind) {
    case PLAN_SOURCE:
        strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(node->u.source.topic),
                    format_name(node->u.source.value_format.format));
        if (!state_only)
            print_wanted(node, out);
        break;
    case PLAN_FILTER:
        if (!state_only)
            print_exprs("Condition", &node->u.filter.condition, 1, node->inputs[0]->schema, out);
        break;
    case PLAN_PROJECT:
        if (!state_only)
            print_exprs("Values", node->u.project.values, node->schema->value_count, node->inputs[0]->schema,
                        out);
        break;
    case PLAN_FLATTEN:
        print_exprs("Functions", node->u.flatten.functions, node->u.flatten.count, node->inputs[0]->schema,
                    out);
        break;
    case PLAN_REKEY:
        print_exprs("Keys", node->u.rekey.keys, node->u.rekey.key_count, node->inputs[0]->schema, out);
        strbuf_adds(out, node->u.rekey.repartition ? " | Repartition" : "");
        break;
    case PLAN_AGGREGATE:
        print_calls(node, out);
        break;
    case PLAN_SINK:
        strbuf_addf(out, " | Topic: " STR_FMT " | Format: %s", STR_ARG(node->u.sink.topic),
                    format_name(node->u.sink.value_format.format));
        break;
    default:
        break;
    }
}

static void print_node(const PlanNode *node, Str query_id, int depth, StrBuf *out)
{
    for (int i = 0; i < depth; i++)
        strbuf_adds(out, "\t\t");
    strbuf_addf(out, " > [ %s ] | Schema: ", kind_names[node->kind]);
    schema_print(node->schema, node->is_table, out);
    strbuf_addf(out, " | Logger: " STR_FMT "." STR_FMT, STR_ARG(query_id), STR_ARG(node->step));
    print_details(node, false, out);
    strbuf_addc(out, '\n');
    for (size_t i = 0; i < node->input_count; i++)
        print_node(node->inputs[i], query_id, depth + 1, out);
}

void plan_print(const QueryPlan *plan, StrBuf *out) { print_node(plan->root, plan->id, 0, out); }

void plan_visit(const PlanNode *root, void (*visit)(void *context, const PlanNode *node), void *context)
{
    for (size_t i = 0; i < root->input_count; i++)
        plan_visit(root->inputs[i], visit, context);
    visit(context, root);
}

/* An upgrade may add, remove and change FILTER and PROJECT (sql.md 5.11, plan_upgrade.c), and go on from the
 * positions. */
static void print_state(void *context, const PlanNode *node)
{
    StrBuf *out = context;
    if (node->kind == PLAN_FILTER || node->kind == PLAN_PROJECT)
        return;
    strbuf_addf(out, "%s %s", kind_names[node->kind], format_name(node->key_format.format));
    print_details(node, true, out);
    strbuf_addc(out, '\n');
}

uint64_t plan_hash(const PlanNode *root)
{
    StrBuf text = {0};
    plan_visit(root, print_state, &text);
    uint64_t hash = str_hash(strbuf_str(&text));
    strbuf_clear(&text);
    return hash;
}
