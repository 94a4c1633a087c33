/*
 * open_sql.c - state/open.sql, for people: `sqlite3 -init state/open.sql` shows every table whole.
 *
 * A table's partitions are spread over the workers' files. The script attaches the files and makes one TEMP
 * VIEW per table over those that have it: of each worker the partitions whose tasks it runs now, of the
 * columns those that people want, and no rows that HAVING hides. Written anew when that changes, and at the
 * end, so that a short run leaves one, too.
 */
#include <errno.h>

#include "executor/dataflow/task.h"
#include "executor/runtime/open_sql.h"
#include "executor/runtime/query.h"
#include "executor/runtime/runtime_core.h"

typedef struct {
    const Runtime      *runtime;
    const RunningQuery *query;
    Arena              *arena;
    StrBuf             *out;
    bool                missing; /* a table of which no partition runs here */
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

/* The partitions of the node's store that the worker runs, "0, 1, 4"; nothing when there are none. */
static Str partitions_of(const RunningQuery *query, const PlanNode *node, int worker, Arena *arena)
{
    StrBuf list = {0};
    for (size_t s = 0; s < query->sub_count; s++) {
        const QuerySub *sub = &query->subs[s];
        if (!query_sub_has(sub, node))
            continue;
        for (int p = 0; p < sub->tasks; p++)
            if (task_state_is_live(view_state(&sub->views[p])) &&
                atomic_load(&sub->views[p].worker) == worker)
                strbuf_addf(&list, "%s%d", list.len > 0 ? ", " : "", p);
    }
    Str copy = str_dup(arena, strbuf_str(&list));
    strbuf_clear(&list);
    return copy;
}

static void add_view(Script *self, const PlanNode *node, size_t store)
{
    StoreSpec   spec;
    const char *before = " AS ";
    if (plan_store_spec(node, store, self->arena, &spec, NULL) != OK)
        return;
    Str columns = store_column_list(&spec, self->arena);
    for (int i = 0; i < self->runtime->worker_count; i++) {
        Str partitions = partitions_of(self->query, node, i, self->arena);
        if (partitions.len == 0)
            continue;
        if (strcmp(before, " AS ") == 0) {
            strbuf_adds(self->out, "CREATE TEMP VIEW ");
            quote(self->out, spec.name, '"');
        }
        strbuf_addf(self->out, "%sSELECT " STR_FMT " FROM w%d.", before, STR_ARG(columns), i);
        quote(self->out, spec.name, '"');
        strbuf_addf(self->out, " WHERE _visible AND _partition IN (" STR_FMT ")", STR_ARG(partitions));
        before = " UNION ALL ";
    }
    self->missing |= strcmp(before, " AS ") == 0;
    strbuf_adds(self->out, strcmp(before, " AS ") == 0 ? "" : ";\n");
}

static void add_views(void *context, const PlanNode *node)
{
    for (size_t i = 0; i < node->store_count; i++)
        add_view(context, node, i);
}

/* False when a table is missing. */
static bool make_script(Runtime *runtime, Arena *arena, StrBuf *out)
{
    bool whole = true;
    strbuf_adds(out, "-- All tables of this node: sqlite3 -init open.sql\n");
    for (int i = 0; i < runtime->worker_count; i++) {
        char *path = realpath(runtime->files[i], NULL);
        strbuf_adds(out, "ATTACH ");
        quote(out, str_c(path != NULL ? path : runtime->files[i]), '\'');
        strbuf_addf(out, " AS w%d;\n", i);
        free(path);
    }
    pthread_mutex_lock(&runtime->lock);
    for (const RunningQuery *query = runtime->queries; query != NULL; query = query->next) {
        Script script = {runtime, query, arena, out, false};
        plan_visit(query->plan, add_views, &script);
        whole &= !script.missing;
    }
    pthread_mutex_unlock(&runtime->lock);
    return whole;
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

Status open_sql_refresh(Runtime *runtime, bool at_end, Arena *arena, StrBuf *last, Error *err)
{
    StrBuf text   = {0};
    Status status = OK;
    bool   whole  = make_script(runtime, arena, &text);
    if ((whole || !at_end) && !str_equal(strbuf_str(&text), strbuf_str(last))) {
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
