/*
 * rest.c - from a request to its endpoint: CORS, who asks, readiness, the table of routes.
 *
 * In two steps: what the headers alone can decide is decided before the body is read (rest_admit), so that
 * nobody whose request will be refused has it kept.
 */
#include "server/rest/rest.h"

#include "core/logger.h"

enum { ROUTE_ANYTIME = 1, ROUTE_STATEMENTS = 2, ROUTE_READS = 4 };

typedef struct {
    const char *method, *path;
    RestHandler handler;
    RestGuard   permit;
    unsigned    flags;
} Route;

static const Route routes[] = {
#define ROUTE(method, path, handler, permit, flags) {method, path, handler, permit, flags},
#include "server/rest/routes.def"
#undef ROUTE
};

static bool path_matches(const char *pattern, Str path)
{
    size_t len = strlen(pattern);
    if (len > 1 && pattern[len - 1] == '*')
        return path.len > len - 1 && memcmp(path.ptr, pattern, len - 1) == 0;
    return str_equal(str_c(pattern), path);
}

/* *path_known: the path is served, by another method perhaps. */
static const Route *find_route(Str method, Str path, bool *path_known)
{
    *path_known = false;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (path_matches(routes[i].path, path)) {
            *path_known = true;
            if (routes[i].method[0] == '*' || str_equal(str_c(routes[i].method), method))
                return &routes[i];
        }
    return NULL;
}

/* True when it was a preflight request, which is answered here. */
static bool answer_cors(const Rest *rest, HttpExchange *x)
{
    Str    origin = properties_get_c(rest->properties, "access.control.allow.origin");
    Arena *arena  = http_arena(x);
    if (str_is_null(origin) || origin.len == 0)
        return false;
    http_set_header(x, "Access-Control-Allow-Origin", str_to_c(arena, origin));
    if (!str_equal(http_method(x), STR_LIT("OPTIONS")))
        return false;
    Str methods = properties_get_c(rest->properties, "access.control.allow.methods");
    Str headers = properties_get_c(rest->properties, "access.control.allow.headers");
    http_set_header(x, "Access-Control-Allow-Methods",
                    str_is_null(methods) ? "GET,POST,HEAD" : str_to_c(arena, methods));
    http_set_header(x, "Access-Control-Allow-Headers",
                    str_is_null(headers) ? "X-Requested-With,Content-Type,Accept,Origin"
                                         : str_to_c(arena, headers));
    http_respond(x, 200, NULL, STR_NULL);
    return true;
}

/* "GET, POST": what the path is served by. */
static void allow_methods(HttpExchange *x)
{
    StrBuf allowed = {0};
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (path_matches(routes[i].path, http_path(x)))
            strbuf_addf(&allowed, "%s%s", allowed.len > 0 ? ", " : "", routes[i].method);
    http_set_header(x, "Allow", str_to_c(http_arena(x), strbuf_str(&allowed)));
    strbuf_clear(&allowed);
}

static void refuse_path(HttpExchange *x, bool path_known)
{
    Str path = utf8_repair(http_arena(x), http_path(x));
    if (!path_known) {
        rest_error(x, 404, 40400, "Not Found: " STR_FMT, STR_ARG(path));
        return;
    }
    allow_methods(x);
    rest_error(x, 405, 40500, "Method Not Allowed: " STR_FMT " " STR_FMT,
               STR_ARG(utf8_repair(http_arena(x), http_method(x))), STR_ARG(path));
}

static const Route *route_of(const HttpExchange *x, bool *path_known)
{
    bool head = str_equal(http_method(x), STR_LIT("HEAD"));
    return find_route(head ? STR_LIT("GET") : http_method(x), http_path(x), path_known);
}

bool rest_may_all(Rest *rest, HttpExchange *x) { return true; }

/* False: it was answered. */
static bool is_served(Rest *rest, HttpExchange *x)
{
    bool         path_known;
    const Route *route   = route_of(x, &path_known);
    bool         anytime = route != NULL && (route->flags & ROUTE_ANYTIME) != 0;
    bool         ready   = atomic_load(&rest->ready);
    if (atomic_load(&rest->terminated) && !anytime)
        rest_error(x, 503, 50304, "The cluster has been terminated.");
    else if (route == NULL && (ready || !path_known))
        refuse_path(x, path_known);
    else if (!ready && !anytime) {
        http_set_header(x, "Retry-After", "10");
        rest_error(x, 503, 50302, "KSQL is not yet ready to serve requests.");
    } else if (rest->headless && (route->flags & ROUTE_STATEMENTS))
        rest_error(x, 400, 40000, "This server runs a queries file and takes no statements");
    else
        return route->permit(rest, x);
    return false;
}

bool rest_admit(void *context, HttpExchange *x)
{
    Rest *rest = context;
    Str   claimed;
    if (answer_cors(rest, x))
        return false;
    if (!rest_authenticate(rest, x, &claimed) || !is_served(rest, x)) {
        rest_audit_refusal(rest, x, claimed);
        return false;
    }
    if (rest->authentication == NULL || !authentication_is_open(http_path(x)))
        http_welcome(x);
    return true;
}

/* Everything may have changed while the body came, but for who asks. */
void rest_handle(void *context, HttpExchange *x)
{
    Rest *rest = context;
    bool  path_known;
    if (is_served(rest, x))
        route_of(x, &path_known)->handler(rest, x);
    rest_audit(rest, x);
}

/* What will be refused is not read as it comes. */
bool rest_streams_body(void *context, Str method, Str path)
{
    bool         path_known;
    const Route *route = find_route(method, path, &path_known);
    return route != NULL && (route->flags & ROUTE_READS) != 0;
}

static bool transients_close(Transients *self, Str id, const Session *asker)
{
    return rest_close((Rest *)self->context, id, asker);
}

void rest_init(Rest *rest, Engine *engine, Runtime *runtime, const Properties *properties,
               const FnConfig *config)
{
    *rest            = (Rest){.engine = engine, .runtime = runtime, .properties = properties};
    rest->transients = (Transients){rest, transients_close, rest_list_queries};
    atomic_init(&rest->ready, false);
    atomic_init(&rest->terminated, false);
    pthread_mutex_init(&rest->lock, NULL);
    pthread_mutex_init(&rest->health.lock, NULL);
    rest->peers = peer_client_new(properties);
    pull_limits_init(&rest->limits, properties);
    pull_forms_init(&rest->forms);
    pull_host_init(&rest->pull, runtime, engine_clock(engine), config);
    engine_set_transients(engine, &rest->transients);
}

void rest_clear(Rest *rest)
{
    engine_set_transients(rest->engine, NULL);
    peer_client_free(rest->peers);
    pull_forms_clear(&rest->forms);
    pull_host_clear(&rest->pull);
    pull_limits_clear(&rest->limits);
    pthread_mutex_destroy(&rest->health.lock);
    pthread_mutex_destroy(&rest->lock);
}
