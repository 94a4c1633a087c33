/*
 * engine.c - what a node is: its catalog, its plans, the outcome of its commands; made, looked at, closed.
 *
 * What is fixed when the engine is opened (log, clock, functions, host) is handed out as it is. What
 * statements change is copied or counted under the lock: nobody outside holds a pointer into what the next
 * one may free. How they change it is told in execution.c and request.c.
 */
#include "server/engine/engine_state.h"

Status engine_open(const EngineOptions *options, Engine **out, Error *err)
{
    Engine *engine    = mem_calloc(1, sizeof *engine);
    engine->options   = *options;
    engine->functions = functions_open();
    engine->catalog   = catalog_new();
    engine->altered   = properties_new(NULL);
    if (options->extension_dir != NULL)
        engine->extensions = extensions_load(engine->functions, options->extension_dir);
    engine->statuses     = json_object();
    engine->last_command = -1;
    atomic_init(&engine->generation, 1);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->altered_lock, NULL);
    *out = engine;
    return OK;
}

void engine_close(Engine *engine)
{
    if (engine == NULL)
        return;
    plans_clear(&engine->plans);
    json_decref(engine->statuses);
    catalog_free(engine->catalog);
    functions_close(engine->functions);
    extensions_close(engine->extensions);
    pthread_mutex_destroy(&engine->lock);
    pthread_mutex_destroy(&engine->altered_lock);
    properties_free(engine->altered);
    mem_free(engine);
}

static void copy_all(const Properties *from, Properties *to)
{
    Str name, value;
    for (size_t i = 0; i < properties_count(from); i++) {
        properties_at(from, i, &name, &value);
        properties_set(to, name, value);
    }
}

void session_init(Session *session, Engine *engine)
{
    uint64_t generation = engine_generation(engine); /* before anything that it counts is looked at */
    *session = (Session){.generation = generation, .system = properties_new(engine->options.properties)};
    session->overrides = properties_new(session->system);
    session->variables = properties_new(NULL);
    if (!atomic_load(&engine->is_altered)) /* every pull query comes by */
        return;
    pthread_mutex_lock(&engine->altered_lock);
    copy_all(engine->altered, session->system);
    pthread_mutex_unlock(&engine->altered_lock);
}

void session_copy(Session *session, const Session *from)
{
    *session           = (Session){.system     = properties_new(from->system),
                                   .restricted = from->restricted,
                                   .identity   = from->identity}; /* what is tried inserts nothing */
    session->overrides = properties_new(session->system);
    session->variables = properties_new(NULL);
    copy_all(from->overrides, session->overrides);
    copy_all(from->variables, session->variables);
}

void session_clear(Session *session)
{
    properties_free(session->overrides);
    properties_free(session->system);
    properties_free(session->variables);
    offset_vector_clear(&session->written);
}

uint64_t engine_generation(const Engine *engine) { return atomic_load(&engine->generation); }

void engine_alter_system(Engine *engine, Str name, Str value)
{
    pthread_mutex_lock(&engine->altered_lock);
    properties_set(engine->altered, name, value);
    pthread_mutex_unlock(&engine->altered_lock);
    atomic_store(&engine->is_altered, true);
    atomic_fetch_add(&engine->generation, 1);
}

static Str find_variable(const void *context, Str name)
{
    Arena *arena = arena_new(0);
    Str    value = properties_get(context, str_upper(arena, name));
    arena_free(arena);
    return value;
}

void session_give_variables(const Session *session, ParseOptions *options)
{
    bool on = properties_is_true(session->overrides, "ksql.variable.substitution.enable", true);
    if (on && properties_count(session->variables) > 0) {
        options->find_variable    = find_variable;
        options->variable_context = session->variables;
    }
    options->keep_variables = options->keep_variables || !on;
}

/* What is set is kept in order, at a price that grows with what is there. */
static Status check_room(const Properties *properties, Str name, const char *what, Error *err)
{
    if (properties_count(properties) < SESSION_NAMES_MAX || !str_is_null(properties_get(properties, name)))
        return OK;
    return error_set(err, E_LIMIT, NO_POS,
                     "With '" STR_FMT "' this session would have more than %d %s, which is their limit",
                     STR_ARG(name), SESSION_NAMES_MAX, what);
}

static Status define(Session *session, Str given, Str name, Str value, Error *err)
{
    if (value.len > VARIABLE_MAX)
        return error_set(err, E_LIMIT, NO_POS,
                         "The value of variable '" STR_FMT
                         "' has %zu bytes. The limit of a variable is %d bytes.",
                         STR_ARG(given), value.len, VARIABLE_MAX);
    if (properties_size(session->variables) + name.len + value.len > SUBSTITUTED_MAX)
        return error_set(err, E_LIMIT, NO_POS,
                         "With variable '" STR_FMT "' of %zu bytes the variables of this session would have "
                         "more than %d bytes, which is their limit",
                         STR_ARG(given), value.len, SUBSTITUTED_MAX);
    TRY(check_room(session->variables, name, "variables", err));
    properties_set(session->variables, name, value);
    return OK;
}

Status session_define(Session *session, Str name, Str value, Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = define(session, name, str_upper(arena, name), value, err);
    arena_free(arena);
    return status;
}

Status session_override(Session *session, Str name, Str value, Error *err)
{
    TRY(check_room(session->overrides, name, "settings", err));
    properties_set(session->overrides, name, value);
    return OK;
}

Log                   *engine_log(Engine *engine) { return engine->options.log; }
Clock                 *engine_clock(Engine *engine) { return engine->options.clock; }
const Functions       *engine_functions(Engine *engine) { return engine->functions; }
SchemaRegistry        *engine_registry(Engine *engine) { return engine->options.registry; }
const ConnectSettings *engine_connect(Engine *engine) { return engine->options.connect; }
QueryHost             *engine_host(Engine *engine) { return engine->options.host; }
Str                    engine_service_id(Engine *engine) { return engine->options.service_id; }
bool                   engine_is_test(const Engine *engine) { return engine->options.test_mode; }

Catalog *engine_catalog(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    Catalog *copy = catalog_copy(engine->catalog);
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

void engine_set_command_sink(Engine *engine, CommandSink *sink)
{
    pthread_mutex_lock(&engine->lock);
    engine->sink = sink;
    pthread_mutex_unlock(&engine->lock);
}

Status engine_erase_commands(Engine *engine, Error *err)
{
    pthread_mutex_lock(&engine->lock);
    CommandSink *sink = engine->sink;
    pthread_mutex_unlock(&engine->lock);
    return sink != NULL ? sink->erase(sink, err) : OK;
}

PlanRef *engine_query_plan(Engine *engine, Str id)
{
    pthread_mutex_lock(&engine->lock);
    PlanRef *ref = plans_get(&engine->plans, id);
    if (ref != NULL)
        plan_ref(ref);
    pthread_mutex_unlock(&engine->lock);
    return ref;
}

json_t *engine_command_statuses(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    json_t *copy = json_deep_copy(engine->statuses);
    pthread_mutex_unlock(&engine->lock);
    return copy;
}

void engine_set_kept_plans(Engine *engine, KeptPlans *kept)
{
    pthread_mutex_lock(&engine->lock);
    engine->kept = kept;
    pthread_mutex_unlock(&engine->lock);
}

size_t engine_replanned(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    size_t count = engine->replanned;
    pthread_mutex_unlock(&engine->lock);
    return count;
}

int64_t engine_last_command(Engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    int64_t number = engine->last_command;
    pthread_mutex_unlock(&engine->lock);
    return number;
}

void engine_set_transients(Engine *engine, Transients *transients)
{
    pthread_mutex_lock(&engine->lock);
    engine->transients = transients;
    pthread_mutex_unlock(&engine->lock);
}

Transients *engine_transients(Engine *engine) { return engine->transients; }
void        engine_set_degraded(Engine *engine) { atomic_store(&engine->degraded, true); }
bool        engine_is_degraded(Engine *engine) { return atomic_load(&engine->degraded); }
