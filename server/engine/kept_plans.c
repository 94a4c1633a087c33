/*
 * kept_plans.c - see kept_plans.h.
 *
 * The file is JSON: {"version": 1, "kept": [{"key", "text", "plan"}]}, written whole beside itself and
 * renamed, so that a kill leaves the one or the other. A statement is known by its command id, an INSERT
 * INTO, of which a stream may have several, by its text; a query whose place in the file has moved keeps the
 * id that it was made with.
 */
#include "server/engine/kept_plans.h"

#include <errno.h>
#include <unistd.h>

#include "core/file_trouble.h"
#include "core/logger.h"
#include "planner/plan_partial.h"
#include "planner/plan_starts.h"

enum { FILE_VERSION = 1 };

typedef struct {
    Str  key, text, document;
    bool chosen;  /* by a statement of this run */
    bool changed; /* its text is another than before: who reads the source may mean something else */
} Kept;

struct KeptPlans {
    Arena           *arena;
    const char      *path;
    const Functions *functions;
    Kept            *items;
    size_t           count, capacity;
    bool             dirty;
};

static Kept *add(KeptPlans *kept)
{
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity * 2 + 16;
        kept->items    = mem_realloc(kept->items, kept->capacity * sizeof *kept->items);
    }
    kept->items[kept->count] = (Kept){.chosen = false};
    return &kept->items[kept->count++];
}

/* ---- the file ---- */

static Status refuse_file(const KeptPlans *kept, const char *why, Error *err)
{
    return error_set(
        err, E_CONFIG, NO_POS,
        "%s: %s. It keeps what the queries of the file were made as: restore it, or remove the state "
        "directory to begin anew",
        kept->path, why);
}

static Status read_items(KeptPlans *kept, const DocNode *json, Error *err)
{
    int64_t version;
    if (!doc_whole(doc_member(json, "version"), &version))
        return refuse_file(kept, "it is damaged", err);
    if (version > FILE_VERSION)
        return refuse_file(kept, "it was written by a later version of Sluice", err);
    for (const DocNode *at = doc_first(doc_member(json, "kept")); at != NULL; at = doc_next(at)) {
        Str key = doc_string(doc_member(at, "key")), text = doc_string(doc_member(at, "text"));
        Str document = doc_string(doc_member(at, "plan"));
        if (str_is_null(key) || str_is_null(text) || str_is_null(document))
            return refuse_file(kept, "it is damaged", err);
        Kept *item     = add(kept);
        item->key      = key;
        item->text     = text;
        item->document = document;
    }
    return OK;
}

static Status read_file(KeptPlans *kept, Error *err)
{
    FILE  *file = fopen(kept->path, "rb");
    StrBuf text = {0};
    char   piece[65536];
    size_t n;
    if (file == NULL && errno == ENOENT)
        return OK;
    if (file == NULL) {
        Status refused = refuse_file(kept, strerror(errno), err);
        file_explain_trouble(kept->path, err);
        return refused;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        strbuf_add(&text, str_n(piece, n));
    bool failed = ferror(file) != 0;
    fclose(file);
    const DocNode *json;
    Error          ignored;
    Status         status = OK;
    if (failed || doc_parse(str_dup(kept->arena, strbuf_str(&text)), kept->arena, &json, &ignored) != OK)
        status = refuse_file(kept, "it cannot be read", err);
    strbuf_clear(&text);
    return status == OK ? read_items(kept, json, err) : status;
}

Status kept_plans_open(const char *path, const Functions *functions, KeptPlans **out, Error *err)
{
    KeptPlans *kept = mem_calloc(1, sizeof *kept);
    kept->arena     = arena_new(0);
    kept->path      = str_to_c(kept->arena, str_c(path));
    kept->functions = functions;
    Status status   = read_file(kept, err);
    if (status == OK)
        *out = kept;
    else
        kept_plans_close(kept);
    return status;
}

void kept_plans_close(KeptPlans *kept)
{
    if (kept == NULL)
        return;
    mem_free(kept->items);
    arena_free(kept->arena);
    mem_free(kept);
}

static json_t *items_json(const KeptPlans *kept)
{
    json_t *array = json_array();
    for (size_t i = 0; i < kept->count; i++)
        json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "key", json_str(kept->items[i].key), "text",
                                               json_str(kept->items[i].text), "plan",
                                               json_str(kept->items[i].document)));
    return array;
}

static Status write_file(const KeptPlans *kept, Error *err)
{
    char   *beside = str_to_c(kept->arena, str_printf(kept->arena, "%s.new", kept->path));
    json_t *json   = json_pack("{s:i, s:o}", "version", (int)FILE_VERSION, "kept", items_json(kept));
    FILE   *file   = fopen(beside, "wb");
    bool    done   = file != NULL && json_dumpf(json, file, JSON_INDENT(1)) == 0 && fflush(file) == 0 &&
                fsync(fileno(file)) == 0;
    if (file != NULL)
        done &= fclose(file) == 0;
    json_decref(json);
    if (done && rename(beside, kept->path) == 0)
        return OK;
    error_set(err, E_IO, NO_POS, "%s cannot be written: %m", kept->path);
    file_explain_trouble(kept->path, err);
    return E_IO;
}

Status kept_plans_save(KeptPlans *kept, Error *err)
{
    for (size_t i = 0; i < kept->count; i++)
        if (!kept->items[i].chosen)
            log_line(LOG_WARN, "no longer in the file, and not run; what it has stored stays: " STR_FMT,
                     STR_ARG(kept->items[i].text));
    if (!kept->dirty)
        return OK;
    kept->dirty = false;
    return write_file(kept, err);
}

/* ---- choosing ---- */

static Kept *find(KeptPlans *kept, Str key)
{
    for (size_t i = 0; i < kept->count; i++)
        if (str_equal(kept->items[i].key, key))
            return &kept->items[i];
    return NULL;
}

/* Does it read a source that is declared otherwise than before? Then the same text may mean another thing. */
static bool reads_changed(const KeptPlans *kept, const Creation *decided)
{
    for (size_t i = 0; i < kept->count; i++) {
        const Kept *item = &kept->items[i];
        for (size_t read = 0; item->changed && read < decided->read_count; read++) {
            Str name = decided->reads[read];
            Str end  = str_printf(kept->arena, "/`" STR_FMT "`/create", STR_ARG(name));
            if (str_ends_with(item->key, end))
                return true;
        }
    }
    return false;
}

static Status refuse_change(const Kept *item, Str id, const char *why, Error *err)
{
    return error_set(err, E_PLAN, NO_POS,
                     "Query " STR_FMT
                     " was made by another statement, and what it has stored does not fit the new one: %s\n"
                     "It was: " STR_FMT "\n"
                     "Put that statement back, or give the new query another name or the service another id "
                     "(ksql.service.id) to begin anew.",
                     STR_ARG(id), why, STR_ARG(item->text));
}

/* The changed query with the state of the old one. */
static Status upgrade(KeptPlans *kept, const Kept *item, const Creation *decided, Arena *arena, Str *document,
                      Error *err)
{
    const DocNode *json;
    Creation       old;
    Error          why;
    TRY(doc_parse(item->document, arena, &json, err));
    TRY(creation_from_json(json, kept->functions, arena, &old, err));
    if (old.query != NULL && decided->query != NULL) {
        if (!str_equal(old.query->id, decided->query->id))
            return refuse_change(item, old.query->id, "its place in the file is another, and so its id", err);
        if (plan_check_upgrade(old.query, decided->query, &why) != OK)
            return refuse_change(item, old.query->id, why.message, err);
    }
    Creation  next = *decided;
    QueryPlan plan;
    if (old.query != NULL && decided->query != NULL) {
        plan            = *decided->query;
        plan.generation = old.query->generation;
        plan_set_partials(&plan, plan_partials(old.query), arena);
        plan_keep_starts(&plan, old.query);
        next.query = &plan;
    }
    char *text = creation_to_text(&next);
    *document  = str_dup(arena, str_c(text));
    free(text); /* jansson's */
    return OK;
}

/* INSERT INTO has an id by its place in the file, which a kept one may have already. */
static Status check_id(const KeptPlans *kept, const Creation *decided, Arena *arena, Error *err)
{
    for (size_t i = 0; decided->query != NULL && i < kept->count; i++) {
        const DocNode *json;
        TRY(doc_parse(kept->items[i].document, arena, &json, err));
        if (str_equal(doc_string(doc_member(json, "id")), decided->query->id))
            return refuse_change(
                &kept->items[i], decided->query->id,
                "it is another query. WITH (QUERY_ID='...') gives an INSERT INTO an id of its own", err);
    }
    return OK;
}

Status kept_plans_choose(KeptPlans *kept, Str command_id, Str text, const Creation *decided, Arena *arena,
                         Str *document, Error *err)
{
    bool  insert = decided->query != NULL && decided->source == NULL;
    Str   key    = insert ? text : command_id;
    Kept *item   = find(kept, key);
    if (item != NULL && str_equal(item->text, text) && !reads_changed(kept, decided)) {
        item->chosen = true;
        *document    = item->document;
        return OK;
    }
    if (item != NULL) {
        TRY(upgrade(kept, item, decided, arena, document, err));
    } else {
        TRY(check_id(kept, decided, arena, err));
        char *made = creation_to_text(decided);
        *document  = str_dup(arena, str_c(made));
        free(made); /* jansson's */
        item = add(kept);
    }
    item->changed =
        !str_is_null(item->text) && !(str_equal(item->text, text) && str_equal(item->document, *document));
    item->key      = str_dup(kept->arena, key);
    item->text     = str_dup(kept->arena, text);
    item->document = str_dup(kept->arena, *document);
    item->chosen   = true;
    kept->dirty    = true;
    return OK;
}
