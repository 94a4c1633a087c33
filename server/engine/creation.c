/*
 * creation.c - see creation.h.
 *
 * What runs is what was read back from the document, also on the node that was asked: a plan that would not
 * survive a restart is found at once, and no plan points into a statement. Each part has a checksum, for a
 * flipped bit may give another plan that is as good as any.
 */
#include "server/engine/creation.h"

#include "planner/plan_document.h"
#include "server/engine/engine_state.h"
#include "server/engine/kept_plans.h"
#include "server/engine/starts.h"

/* ---- document ---- */

static const char *const kind_names[] = {
    [CREATION_SOURCE] = "SOURCE", [CREATION_ALTERED_SOURCE] = "ALTERED_SOURCE", [CREATION_QUERY] = "QUERY"};
static const char *const query_names[] = {[QUERY_PERSISTENT_STREAM] = "STREAM",
                                          [QUERY_PERSISTENT_TABLE]  = "TABLE",
                                          [QUERY_INSERT]            = "INSERT",
                                          [QUERY_SOURCE_TABLE]      = "SOURCE_TABLE"};

static void print_hash(uint64_t hash, char digits[17])
{
    snprintf(digits, 17, "%016llx", (unsigned long long)hash);
}

/* Of the part as it will be read; null if it cannot be: a statement that nests too deep, which reading
 * refuses. */
static json_t *checksum(const json_t *part)
{
    char           digits[17];
    const DocNode *node  = NULL;
    Arena         *arena = arena_new(0);
    char          *text  = json_dumps(part, JSON_COMPACT);
    Error          err;
    Status         status = doc_parse(str_c(text), arena, &node, &err);
    if (status == OK)
        print_hash(doc_hash(node), digits);
    arena_free(arena);
    free(text); /* jansson's */
    return status == OK ? json_string(digits) : json_null();
}

static void put_part(json_t *json, const char *name, json_t *part)
{
    json_t *sum = checksum(part);
    json_object_set_new(json, name, json_pack("{s:o, s:o}", "checksum", sum, "is", part));
}

static json_t *names_json(const Creation *creation)
{
    json_t *array = json_array();
    for (size_t i = 0; i < creation->read_count; i++)
        json_array_append_new(array, json_str(creation->reads[i]));
    return array;
}

static json_t *creation_to_json(const Creation *creation)
{
    json_t *json = json_pack("{s:i, s:s, s:o}", "version", plan_document_version(creation->query), "creates",
                             kind_names[creation->kind], "text", json_str(creation->text));
    if (creation->source != NULL)
        put_part(json, "source", source_to_json(creation->source));
    if (creation->query == NULL)
        return json;
    json_object_set_new(json, "id", json_str(creation->query->id));
    json_object_set_new(json, "kind", json_string(query_names[creation->query_kind]));
    json_object_set_new(json, "sink", json_str(creation->sink));
    json_object_set_new(json, "reads", names_json(creation));
    put_part(json, "query", plan_to_json(creation->query));
    return json;
}

char *creation_to_text(const Creation *creation)
{
    json_t *json = creation_to_json(creation);
    char   *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static Status damaged(const char *what, Error *err)
{
    return error_set(err, E_PLAN, NO_POS, "The plan is damaged: %s", what);
}

static Status find_name(const DocNode *json, const char *member, const char *const *names, size_t count,
                        int *out, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (doc_string_is(doc_member(json, member), names[i])) {
            *out = (int)i;
            return OK;
        }
    return damaged(member, err);
}

static Status text_of(const DocNode *json, Arena *arena, Str *out, Error *err)
{
    if (!doc_is_text(json))
        return damaged("a text is missing", err);
    *out = str_dup(arena, doc_string(json));
    return OK;
}

static Status read_part(const DocNode *json, const char *name, const DocNode **out, Error *err)
{
    const DocNode *part = doc_member(json, name);
    *out                = doc_member(part, "is");
    if (part == NULL)
        return OK;
    char digits[17];
    print_hash(doc_hash(*out), digits);
    bool same = *out != NULL && doc_string_is(doc_member(part, "checksum"), digits);
    return same ? OK : damaged("its checksum is another", err);
}

/* Its query as SHOW QUERIES lists it. */
static Status read_listing(const DocNode *json, Arena *arena, Creation *out, Error *err)
{
    const DocNode *reads = doc_member(json, "reads");
    int            kind;
    TRY(find_name(json, "kind", query_names, ARRAY_LEN(query_names), &kind, err));
    out->query_kind = (QueryKind)kind;
    TRY(text_of(doc_member(json, "sink"), arena, &out->sink, err));
    Str *names = ARENA_ARRAY(arena, Str, doc_count(reads) + 1);
    for (size_t i = 0; i < doc_count(reads); i++)
        TRY(text_of(doc_item(reads, i), arena, &names[i], err));
    out->reads      = names;
    out->read_count = doc_count(reads);
    return OK;
}

/* The query, or where it has none the statement. */
static Str whose(const DocNode *json)
{
    Str id = doc_string(doc_member(json, "id")), text = doc_string(doc_member(json, "text"));
    return !str_is_null(id) ? id : !str_is_null(text) ? text : STR_LIT("a statement");
}

static Status read_frame(const DocNode *json, Arena *arena, Creation *out, Error *err)
{
    int     kind;
    int64_t version;
    *out = (Creation){.kind = CREATION_SOURCE};
    if (doc_whole(doc_member(json, "version"), &version) && version > PLAN_VERSION)
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "The plan of " STR_FMT
                         " was written by a later version of Sluice (it is of version %lld, "
                         "this one reads up "
                         "to %d): start that version here, too",
                         STR_ARG(whose(json)), (long long)version, PLAN_VERSION);
    TRY(find_name(json, "creates", kind_names, ARRAY_LEN(kind_names), &kind, err));
    out->kind = (CreationKind)kind;
    TRY(text_of(doc_member(json, "text"), arena, &out->text, err));
    return doc_member(json, "query") == NULL ? OK : read_listing(json, arena, out, err);
}

static Status read_source(const DocNode *json, Arena *arena, Creation *out, Error *err)
{
    const DocNode *part;
    Source        *source = NULL;
    TRY(read_part(json, "source", &part, err));
    if (part != NULL)
        TRY(source_from_json(part, arena, &source, err));
    out->source = source;
    return OK;
}

static Status read_query(const DocNode *json, const Functions *functions, Arena *arena, Creation *out,
                         Error *err)
{
    const DocNode *part;
    QueryPlan     *plan = NULL;
    TRY(read_part(json, "query", &part, err));
    if (part != NULL)
        TRY(plan_from_json(part, functions, arena, &plan, err));
    out->query = plan;
    return OK;
}

Status creation_from_json(const DocNode *json, const Functions *functions, Arena *arena, Creation *out,
                          Error *err)
{
    TRY(read_frame(json, arena, out, err));
    TRY(read_source(json, arena, out, err));
    return read_query(json, functions, arena, out, err);
}

/* ---- carrying out ---- */

static void register_query(Execution *x, const Creation *creation, Str id, Str failure)
{
    QueryEntry entry = {.id           = id,
                        .kind         = creation->query_kind,
                        .statement    = creation->text,
                        .sink         = creation->sink,
                        .sources      = creation->reads,
                        .source_count = creation->read_count,
                        .failure      = failure};
    catalog_put_query(x->catalog, &entry);
}

static json_t *answer(Execution *x, const Creation *creation, Str command_id)
{
    const Source *source = creation->source;
    bool          table  = source != NULL && source->is_table;
    Str           id     = STR_NULL;
    Str           message;
    switch (creation->kind) {
    case CREATION_SOURCE:
        message = str_c(table ? "Table created" : "Stream created");
        break;
    case CREATION_ALTERED_SOURCE:
        message = str_printf(x->arena, "%s " STR_FMT " altered.", table ? "Table" : "Stream",
                             STR_ARG(source->name));
        break;
    default:
        id      = creation->query->id;
        message = str_printf(x->arena, "Created query with ID " STR_FMT, STR_ARG(id));
    }
    return entity_status(x, creation->text, command_id, str_to_c(x->arena, message), id);
}

/* First what can fail for the world's sake, then the catalog. */
static Status carry_out(Execution *x, const Creation *creation, PlanRef *ref, Error *err)
{
    if (ref != NULL)
        TRY(execution_start(x, ref, err));
    if (creation->source != NULL)
        catalog_put_source(x->catalog, creation->source);
    if (creation->query != NULL) {
        register_query(x, creation, creation->query->id, STR_NULL);
        x->number++; /* counts queries where no command log gives numbers */
    }
    return OK;
}

/* Tests look whether every plan that they make is written as it was read. */
static Status check_round_trip(const Execution *x, Str text, const Creation *kept, Error *err)
{
    if (!x->engine->options.test_mode)
        return OK;
    char *again = creation_to_text(kept);
    bool  same  = str_equal(text, str_c(again));
    free(again); /* jansson's */
    return same ? OK : error_set(err, E_PLAN, NO_POS, "The plan reads back as another one");
}

/* What was decided, or for a file's statement what was kept of it; a text in `arena`. */
static Status choose_document(Execution *x, const Creation *decided, Str command_id, Str logged_text,
                              Arena *arena, Str *out, Error *err)
{
    if (x->engine->kept != NULL)
        return kept_plans_choose(x->engine->kept, command_id, logged_text, decided, arena, out, err);
    char *text = creation_to_text(decided);
    *out       = str_dup(arena, str_c(text));
    free(text); /* jansson's */
    return OK;
}

static Status read_document(Execution *x, Str text, Arena *scratch, Arena *arena, Creation *out, Error *err)
{
    const DocNode *json;
    TRY(doc_parse(text, scratch, &json, err));
    TRY(creation_from_json(json, x->functions, arena, out, err));
    return check_round_trip(x, text, out, err);
}

/* `arena` is the reference's, if there is a query. */
static Status log_and_run(Execution *x, const AstStatement *statement, Str command_id, Str logged_text,
                          Str text, const Creation *kept, PlanRef *ref, Error *err)
{
    x->creation   = text;
    Status status = execution_log(x, command_id, statement, logged_text, err);
    x->creation   = STR_NULL;
    return status == OK ? carry_out(x, kept, ref, err) : status;
}

/* A command of version 18, planned anew at each start, has no place to keep it. */
static Status decide_starts(Execution *x, Creation *creation, QueryPlan *plan, Error *err)
{
    if (creation->query == NULL || x->command != NULL)
        return OK;
    *plan           = *creation->query;
    creation->query = plan;
    return starts_decide(x, plan, err);
}

static Status log_and_carry_out(Execution *x, const Creation *decided, const AstStatement *statement,
                                Str command_id, Str logged_text, Error *err)
{
    /* The document and its tree go with the scratch arena; what is made of them is copied. */
    Arena   *arena = arena_new(0), *scratch = arena_new(0);
    PlanRef *ref = NULL;
    Creation kept;
    Str      text;
    Status   status = choose_document(x, decided, command_id, logged_text, scratch, &text, err);
    if (status == OK)
        status = read_document(x, text, scratch, arena, &kept, err);
    if (status == OK && kept.query != NULL)
        ref = plan_ref_new(arena, kept.query);
    if (status == OK)
        status = log_and_run(x, statement, command_id, logged_text, text, &kept, ref, err);
    if (ref != NULL)
        plan_unref(ref);
    else
        arena_free(arena);
    arena_free(scratch);
    return status;
}

Status execution_create(Execution *x, const Creation *creation, const AstStatement *statement, Str command_id,
                        Str logged_text, json_t **entity, Error *err)
{
    if (x->sandbox) {
        TRY(execution_log(x, command_id, statement, logged_text, err));
        TRY(carry_out(x, creation, NULL, err));
    } else {
        Creation  decided = *creation;
        QueryPlan plan;
        TRY(decide_starts(x, &decided, &plan, err));
        TRY(log_and_carry_out(x, &decided, statement, command_id, logged_text, err));
    }
    *entity = answer(x, creation, command_id);
    return OK;
}

/* ---- at a start, on another node ---- */

/* What can be known of a query whose plan cannot be read: it is listed, with the reason, and can be dropped.
 */
static Status list_failed(Execution *x, const DocNode *json, Arena *arena, Creation *creation, Error *err)
{
    Error ignored;
    Str   id;
    if (creation->source == NULL && read_source(json, arena, creation, &ignored) != OK)
        creation->source = NULL;
    if (creation->source != NULL)
        catalog_put_source(x->catalog, creation->source);
    if (text_of(doc_member(json, "id"), arena, &id, &ignored) != OK)
        return err->code;
    register_query(x, creation, id, str_c(err->message));
    return error_prefix(err,
                        "query " STR_FMT
                        " does not run, and what it has stored is left as it is (restore the command "
                        "topic from a backup, or drop the query and create it again): ",
                        STR_ARG(id));
}

static Status replay(Execution *x, const DocNode *json, Arena *arena, PlanRef **ref, json_t **entity,
                     Error *err)
{
    Creation creation;
    TRY(read_frame(json, arena, &creation, err));
    Status status = read_source(json, arena, &creation, err);
    if (status == OK)
        status = read_query(json, x->functions, arena, &creation, err);
    if (status == E_UNSUPPORTED)
        return status;
    if (status != OK)
        return list_failed(x, json, arena, &creation, err);
    if (creation.query != NULL)
        *ref = plan_ref_new(arena, creation.query);
    TRY(carry_out(x, &creation, *ref, err));
    *entity = answer(x, &creation, x->command->id);
    return OK;
}

Status execution_replay(Execution *x, json_t **entity, Error *err)
{
    Arena   *arena  = arena_new(0);
    PlanRef *ref    = NULL;
    Status   status = replay(x, x->command->plan, arena, &ref, entity, err);
    if (ref != NULL)
        plan_unref(ref);
    else
        arena_free(arena);
    return status;
}
