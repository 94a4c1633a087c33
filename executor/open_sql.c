/*
 * open_sql.c - state/open.sql, for people: `sqlite3 -init state/open.sql` shows every table whole.
 *
 * A table's partitions are spread over the workers' files. The script attaches the files and makes one TEMP
 * VIEW per table over those that have it: the workers that run tasks with the store now. Written anew when
 * that changes.
 */
#include <errno.h>

#include "executor/task.h"
#include "executor/worker.h"

typedef struct {
    const Runtime *runtime;
    const Query   *query;
    Arena         *arena;
    StrBuf        *out;
} Script;

static void quote(StrBuf *out, Str name, char with)
{
    strbuf_addc(out, with);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == with)
            strbuf_addc(out, with);
        strbuf_addc(out, name.ptr[i]);
    }
    strbuf_addc(out, with);
}

static bool has_node(const PlanNode *node, const PlanNode *root, const PlanNode *wanted)
{
    bool found = node == wanted;
    if (node != root && node->kind == PLAN_REKEY && node->u.rekey.repartition)
        return false;
    for (size_t i = 0; !found && i < node->input_count; i++)
        found = has_node(node->inputs[i], root, wanted);
    return found;
}

/* Which workers have tasks with the node's store. */
static unsigned workers_of(const Query *query, const PlanNode *node)
{
    unsigned set = 0;
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!has_node(sub->sub.root, sub->sub.root, node))
            continue;
        for (int p = 0; p < sub->sub.partitions; p++)
            if (view_state(&sub->views[p]) == TASK_RUNNING)
                set |= 1u << atomic_load(&sub->views[p].worker);
    }
    return set;
}

static void add_view(void *context, const PlanNode *node)
{
    Script   *self = context;
    StoreSpec spec;
    unsigned  workers = workers_of(self->query, node);
    if (plan_node_store(node) == NULL || workers == 0 ||
        plan_store_spec(node, self->arena, &spec, NULL) != OK)
        return;
    strbuf_adds(self->out, "CREATE TEMP VIEW ");
    quote(self->out, spec.name, '"');
    const char *before  = " AS ";
    Str         columns = store_column_list(&spec, self->arena); /* a file whose table was widened has them in
                                                                    another order */
    for (int i = 0; i < self->runtime->worker_count; i++) {
        if ((workers & 1u << i) == 0)
            continue;
        strbuf_addf(self->out, "%sSELECT " STR_FMT " FROM w%d.", before, STR_ARG(columns), i);
        quote(self->out, spec.name, '"');
        before = " UNION ALL ";
    }
    strbuf_adds(self->out, ";\n");
}

static void make_script(Runtime *runtime, Arena *arena, StrBuf *out)
{
    strbuf_adds(out, "-- All tables of this node: sqlite3 -init open.sql\n");
    for (int i = 0; i < runtime->worker_count; i++) {
        char *path = realpath(runtime->files[i], NULL);
        strbuf_adds(out, "ATTACH ");
        quote(out, str_c(path != NULL ? path : runtime->files[i]), '\'');
        strbuf_addf(out, " AS w%d;\n", i);
        free(path);
    }
    pthread_mutex_lock(&runtime->lock);
    for (const Query *query = runtime->queries; query != NULL; query = query->next) {
        Script script = {runtime, query, arena, out};
        plan_visit(query->plan->root, add_view, &script);
    }
    pthread_mutex_unlock(&runtime->lock);
}

static Status write_file(const char *path, const char *draft, Str text, Error *err)
{
    FILE *file = fopen(draft, "w");
    bool  good = file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len;
    if (file != NULL)
        good &= fclose(file) == 0;
    if (good && rename(draft, path) == 0)
        return OK;
    return error_set(err, E_IO, NO_POS, "cannot write %s: %s", path, strerror(errno));
}

/* `last` is what was written before. Thread: helper. */
Status open_sql_refresh(Runtime *runtime, Arena *arena, StrBuf *last, Error *err)
{
    StrBuf text   = {0};
    Status status = OK;
    make_script(runtime, arena, &text);
    if (!str_equal(strbuf_str(&text), strbuf_str(last))) {
        const char *dir = runtime->options.state_dir;
        status          = write_file(str_to_c(arena, str_printf(arena, "%s/state/open.sql", dir)),
                                     str_to_c(arena, str_printf(arena, "%s/state/open.sql.new", dir)),
                                     strbuf_str(&text), err);
        strbuf_reset(last);
        strbuf_add(last, strbuf_str(&text));
    }
    strbuf_clear(&text);
    return status;
}
