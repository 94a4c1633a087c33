/*
 * pull_forms.c - see pull_forms.h.
 *
 * Which literals may be any is found out from the tree and the plan together: WHERE is a conjunction, in
 * which each key column is compared once, by `=`, with a literal whose place is one of the text's; the plan
 * looks up that very key; and exactly those comparisons can be taken out of the typed condition, for they are
 * true of whatever row is found by the key. If one of this does not hold, the form is good for the same
 * literals only.
 */
#include "server/rest/pull_forms.h"

#include <stdatomic.h>

#include "core/value.h"

enum {
    BYTES_MOST    = 16 * 1024 * 1024,
    OPEN_MOST     = 4, /* prepared queries that are kept with a form */
    INTEGER_MOST  = 9, /* digits that surely fit */
    BIGINT_MOST   = 18,
    FIXED         = -1,
    COST_UNKNOWN  = 4096, /* of what an arena does not count */
    QUICK_COLUMNS = 256
};

typedef struct {
    Str  text;
    bool number;
    int  column; /* of the key, or FIXED */
} Slot;

struct PullForm {
    atomic_int     refs;
    PullForm      *next; /* of its bucket; as the next two under the lock of the forms */
    uint64_t       used, generation;
    PullQuery     *open[OPEN_MOST];
    size_t         open_count;
    PlanRef       *writer; /* of the table */
    Arena         *arena;
    Str            pattern, scope;
    uint64_t       hash;
    size_t         bytes, count;
    Slot           slots[PULL_LITERALS];
    bool           free_key, quick, works;
    TransientQuery query;
    PullPlan       any; /* free_key: without the comparisons of the key */
};

/* ---- life ---- */

void pull_forms_init(PullForms *forms)
{
    *forms = (PullForms){0};
    pthread_mutex_init(&forms->lock, NULL);
}

void pull_form_unref(PullForm *form)
{
    if (form == NULL || atomic_fetch_sub(&form->refs, 1) != 1)
        return;
    for (size_t i = 0; i < form->open_count; i++)
        pull_close(form->open[i]);
    plan_unref(form->writer);
    arena_free(form->arena);
    mem_free(form);
}

static void drop_all(PullForms *forms)
{
    for (size_t i = 0; i < PULL_FORMS && forms->count > 0; i++)
        while (forms->buckets[i] != NULL) {
            PullForm *form    = forms->buckets[i];
            forms->buckets[i] = form->next;
            forms->count--;
            pull_form_unref(form);
        }
    forms->bytes = 0;
}

void pull_forms_clear(PullForms *forms)
{
    drop_all(forms);
    pthread_mutex_destroy(&forms->lock);
}

/* ---- finding ---- */

static void add_piece(StrBuf *out, Str text)
{
    strbuf_addf(out, "%zu:", text.len);
    strbuf_add(out, text);
}

Str pull_forms_scope(const Session *session, Arena *arena)
{
    StrBuf out   = {0};
    size_t count = properties_count(session->overrides);
    Str    name, value;
    if (count == 0 && !session->restricted)
        return STR_LIT("");
    for (size_t i = 0; i < count; i++) {
        properties_at(session->overrides, i, &name, &value);
        add_piece(&out, name);
        add_piece(&out, value);
    }
    if (session->restricted) {
        strbuf_adds(&out, "by ");
        add_piece(&out, session->identity.name);
        add_piece(&out, session->identity.roles);
    }
    Str scope = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return scope;
}

/* May this literal stand in the place of the one that was planned? */
static bool fits(const PullForm *form, const Slot *slot, const PullLiteral *literal)
{
    const Schema *schema = form->query.pull->schema;
    if (slot->column == FIXED)
        return str_equal(slot->text, literal->text);
    if (!slot->number)
        return true;
    return literal->text.len <=
           (schema->columns[slot->column].type->kind == T_INTEGER ? INTEGER_MOST : BIGINT_MOST);
}

static bool is_of(const PullForm *form, const PullText *text, Str scope)
{
    if (form->hash != text->hash || !str_equal(form->pattern, text->pattern) ||
        !str_equal(form->scope, scope))
        return false;
    for (size_t i = 0; i < form->count; i++) /* one pattern, so they are as many, and of the same kinds */
        if (!fits(form, &form->slots[i], &text->literals[i]))
            return false;
    return true;
}

PullForm *pull_forms_find(PullForms *forms, const PullText *text, Str scope, uint64_t generation)
{
    pthread_mutex_lock(&forms->lock);
    PullForm *form = forms->generation == generation ? forms->buckets[text->hash % PULL_FORMS] : NULL;
    while (form != NULL && !is_of(form, text, scope))
        form = form->next;
    if (form != NULL) {
        form->used = ++forms->clock;
        atomic_fetch_add(&form->refs, 1);
    }
    pthread_mutex_unlock(&forms->lock);
    return form;
}

/* ---- which literals may be any ---- */

static const PullLiteral *literal_at(const PullText *text, Pos pos, size_t *index)
{
    for (*index = 0; *index < text->count; (*index)++)
        if (text->literals[*index].pos.line == pos.line && text->literals[*index].pos.col == pos.col)
            return &text->literals[*index];
    return NULL;
}

/* Is the literal the key that the plan looks up, in a type that another one would have, too? */
static bool is_key(const PullPlan *plan, int column, const AstExpr *ast, const PullLiteral *literal)
{
    SqlKind kind = plan->schema->columns[column].type->kind;
    Value   key  = plan->keys[0][column];
    int64_t number;
    if (kind == T_STRING)
        return ast->kind == AST_STRING && !literal->number && str_equal(ast->text, literal->text) &&
               str_equal(value_str(key), literal->text);
    return (kind == T_INTEGER || kind == T_BIGINT) && ast->kind == AST_INTEGER && literal->number &&
           literal->text.len <= (kind == T_INTEGER ? INTEGER_MOST : BIGINT_MOST) &&
           int64_parse(literal->text, &number) && number == value_int(key);
}

/* Marks the literal of one comparison with a key column. */
static void mark(PullForm *form, const PullText *text, const AstExpr *leaf)
{
    const PullPlan *plan = form->query.pull;
    size_t          index;
    if (leaf->kind != AST_BINARY || leaf->op != OP_EQUAL)
        return;
    bool               left   = leaf->operands[0]->kind == AST_COLUMN;
    const AstExpr     *column = leaf->operands[left ? 0 : 1], *other = leaf->operands[left ? 1 : 0];
    int                slot = column->kind == AST_COLUMN ? schema_find(plan->schema, column->name.text) : -1;
    const PullLiteral *literal = literal_at(text, other->pos, &index);
    if (slot >= 0 && (size_t)slot < plan->schema->key_count && literal != NULL &&
        is_key(plan, slot, other, literal))
        form->slots[index].column = slot;
}

static void mark_conjuncts(PullForm *form, const PullText *text, const AstExpr *where)
{
    if (where->kind != AST_BINARY || where->op != OP_AND) {
        mark(form, text, where);
        return;
    }
    mark_conjuncts(form, text, where->operands[0]);
    mark_conjuncts(form, text, where->operands[1]);
}

static bool is_constant(const Expr *expr)
{
    return expr->kind == EXPR_CONST || (expr->kind == EXPR_CAST && expr->args[0]->kind == EXPR_CONST);
}

/* `key column = constant`, on either side. */
static bool binds_key(const Expr *expr, size_t key_count)
{
    if (expr->kind != EXPR_COMPARE || expr->op != EXPR_EQUAL)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (expr->args[i]->kind == EXPR_COLUMN && (size_t)expr->args[i]->slot < key_count &&
            is_constant(expr->args[1 - i]))
            return true;
    return false;
}

/* The conjunction without what binds the key, which is counted; NULL: nothing is left. */
static const Expr *without_key(Arena *arena, const Expr *where, size_t key_count, size_t *taken)
{
    if (where->kind != EXPR_AND) {
        bool binds = binds_key(where, key_count);
        *taken += binds;
        return binds ? NULL : where;
    }
    const Expr **args = ARENA_ARRAY(arena, const Expr *, where->count);
    Expr        *kept = ARENA_NEW(arena, Expr);
    *kept             = *where;
    kept->args        = args;
    kept->count       = 0;
    for (size_t i = 0; i < where->count; i++) {
        const Expr *arg = without_key(arena, where->args[i], key_count, taken);
        if (arg != NULL)
            args[kept->count++] = arg;
    }
    return kept->count == 0 ? NULL : kept->count == 1 ? args[0] : kept;
}

/* Each key column by one literal, and by nothing else. */
static bool binds_each_once(const PullForm *form, size_t key_count)
{
    for (size_t column = 0; column < key_count; column++) {
        size_t times = 0;
        for (size_t i = 0; i < form->count; i++)
            times += form->slots[i].column == (int)column;
        if (times != 1)
            return false;
    }
    return true;
}

static void free_the_key(PullForm *form, const PullText *text, const AstExpr *where)
{
    const PullPlan *plan = form->query.pull;
    size_t          keys = plan->schema->key_count, taken = 0;
    bool            looks = plan->access == PULL_LOOKUP && plan->lookup_count == 1 && where != NULL;
    if (looks)
        mark_conjuncts(form, text, where);
    form->any = *plan;
    if (looks && binds_each_once(form, keys))
        form->any.where = without_key(form->arena, plan->where, keys, &taken);
    form->free_key = looks && taken == keys && binds_each_once(form, keys);
    for (size_t i = 0; i < form->count && !form->free_key; i++)
        form->slots[i].column = FIXED;
}

/* ---- what can be one ---- */

/* What calls a function may mean something else in a moment: the key, and the bounds, were found by it. */
static bool is_timeless(const AstExpr *expr)
{
    bool good = expr == NULL || (expr->kind <= AST_LIKE && expr->kind != AST_DOUBLE);
    for (size_t i = 0; expr != NULL && i < expr->count && good; i++)
        good = is_timeless(expr->operands[i]);
    return good;
}

/* Takes next to nothing, whatever the row is. */
static bool is_light(const Expr *expr)
{
    bool good = expr->kind <= EXPR_COLUMN ||
                (expr->kind == EXPR_ARITHMETIC && expr->type->kind != T_DECIMAL) ||
                expr->kind == EXPR_COMPARE || expr->kind == EXPR_AND || expr->kind == EXPR_OR ||
                expr->kind == EXPR_NOT || expr->kind == EXPR_IS_NULL || expr->kind == EXPR_FIELD ||
                (expr->kind == EXPR_CAST && expr->type->kind < T_STRING);
    for (size_t i = 0; i < expr->count && good; i++)
        good = is_light(expr->args[i]);
    return good;
}

static bool is_quick(const PullPlan *plan)
{
    bool quick = plan->access == PULL_LOOKUP && plan->lookup_count == 1 &&
                 plan->result->count <= QUICK_COLUMNS && (plan->where == NULL || is_light(plan->where));
    for (size_t i = 0; i < plan->result->count && quick; i++)
        quick = is_light(plan->values[i]);
    return quick;
}

static void forget_oldest(PullForms *forms)
{
    PullForm **oldest = NULL;
    for (size_t i = 0; i < PULL_FORMS; i++)
        for (PullForm **at = &forms->buckets[i]; *at != NULL; at = &(*at)->next)
            if (oldest == NULL || (*at)->used < (*oldest)->used)
                oldest = at;
    if (oldest == NULL)
        return;
    PullForm *form = *oldest;
    *oldest        = form->next;
    forms->count--;
    forms->bytes -= form->bytes;
    pull_form_unref(form);
}

/* Whoever was planned before the last change has come too late. */
static void put(PullForms *forms, PullForm *form)
{
    pthread_mutex_lock(&forms->lock);
    if (form->generation > forms->generation) {
        drop_all(forms);
        forms->generation = form->generation;
    }
    while (forms->count > 0 && (forms->count >= PULL_FORMS || forms->bytes + form->bytes > BYTES_MOST))
        forget_oldest(forms);
    if (form->generation == forms->generation && form->bytes <= BYTES_MOST) {
        PullForm **bucket = &forms->buckets[form->hash % PULL_FORMS];
        form->next        = *bucket;
        form->used        = ++forms->clock;
        *bucket           = form;
        forms->count++;
        forms->bytes += form->bytes;
        atomic_fetch_add(&form->refs, 1);
    }
    pthread_mutex_unlock(&forms->lock);
}

PullForm *pull_forms_remember(PullForms *forms, const PullMaking *making)
{
    const PullText *text  = making->text;
    const AstExpr  *where = making->statement->query->where;
    Arena          *arena = making->arena;
    if (making->writer == NULL || making->query->kind != QUERY_PULL_TABLE || !is_timeless(where))
        return NULL;
    PullForm *form = mem_calloc(1, sizeof *form);
    *form          = (PullForm){.arena      = arena,
                                .generation = making->generation,
                                .writer     = plan_ref(making->writer),
                                .pattern    = str_dup(arena, text->pattern),
                                .scope      = str_dup(arena, making->scope),
                                .hash       = text->hash,
                                .query      = *making->query,
                                .count      = text->count};
    for (size_t i = 0; i < text->count; i++)
        form->slots[i] = (Slot){str_dup(arena, text->literals[i].text), text->literals[i].number, FIXED};
    atomic_init(&form->refs, 1);
    free_the_key(form, text, where);
    form->works = ast_work(making->statement) != WORK_LITTLE;
    form->quick = making->plain && is_quick(&form->any);
    form->bytes = arena_used(arena) + sizeof *form + COST_UNKNOWN;
    put(forms, form);
    return form;
}

/* ---- using one ---- */

const Value *pull_form_key(const PullForm *form, const PullText *text, Arena *arena)
{
    const PullPlan *plan = form->query.pull;
    if (!form->free_key)
        return NULL;
    Value *key = ARENA_ARRAY(arena, Value, plan->schema->key_count + 1);
    for (size_t i = 0; i < form->count; i++) {
        const PullLiteral *literal = &text->literals[i];
        int64_t            number  = 0;
        if (form->slots[i].column == FIXED)
            continue;
        if (literal->number)
            (void)int64_parse(literal->text, &number); /* so many digits always are one */
        key[form->slots[i].column] = literal->number ? value_from_int(number) : value_from_str(literal->text);
    }
    return key;
}

void pull_form_bind(const PullForm *form, const PullText *text, Arena *arena, TransientQuery *out)
{
    const Value *key  = pull_form_key(form, text, arena);
    PullPlan    *plan = ARENA_NEW(arena, PullPlan);
    *out              = form->query;
    *plan             = form->any;
    if (key != NULL) {
        plan->keys    = ARENA_ARRAY(arena, const Value *, 1);
        plan->keys[0] = key;
    }
    out->pull = plan;
}

bool                  pull_form_works(const PullForm *form) { return form->works; }
bool                  pull_form_is_quick(const PullForm *form) { return form->quick; }
const TransientQuery *pull_form_query(const PullForm *form) { return &form->query; }
PlanRef              *pull_form_writer(const PullForm *form) { return form->writer; }

PullQuery *pull_form_take(PullForms *forms, PullForm *form, PullHost *host)
{
    PullQuery *query = NULL;
    Error      ignored;
    pthread_mutex_lock(&forms->lock);
    if (form->open_count > 0)
        query = form->open[--form->open_count];
    pthread_mutex_unlock(&forms->lock);
    if (query != NULL)
        return query;
    return pull_prepare(host, &form->any, plan_ref_plan(form->writer), &query, &ignored) == OK ? query : NULL;
}

void pull_form_give_back(PullForms *forms, PullForm *form, PullQuery *query)
{
    pthread_mutex_lock(&forms->lock);
    bool kept = form->open_count < OPEN_MOST;
    if (kept)
        form->open[form->open_count++] = query;
    pthread_mutex_unlock(&forms->lock);
    if (!kept)
        pull_close(query);
}
