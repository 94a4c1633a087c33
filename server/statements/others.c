/*
 * others.c - see others.h.
 */
#include "server/statements/others.h"

void others_ask(Execution *x, bool positions)
{
    QueryHost *host = engine_host(x->engine);
    if (x->sandbox || x->session->alone || host->ask_others == NULL || x->others != NULL)
        return;
    execution_leave_engine(x);
    json_t *others = host->ask_others(host, positions, x->arena, &x->own_name);
    execution_enter_engine(x);
    x->others = others;
}

/* NULL: it does not know the query. */
static const json_t *facts_of(const json_t *queries, Str id, Arena *arena)
{
    return json_object_get(queries, str_to_c(arena, id));
}

/* A node that has not heard of the query yet says nothing of it. */
static const char *state_on(const json_t *queries, Str id, Arena *arena)
{
    if (!json_is_object(queries))
        return "UNRESPONSIVE";
    return json_string_value(json_object_get(facts_of(queries, id, arena), "state"));
}

void others_count(const Execution *x, Str id, json_t *status_count)
{
    const char *host;
    json_t     *queries;
    json_object_foreach(x->others, host, queries)
    {
        const char *state = state_on(queries, id, x->arena);
        if (state != NULL)
            json_object_set_new(status_count, state,
                                json_integer(json_integer_value(json_object_get(status_count, state)) + 1));
    }
}

const char *others_state(const json_t *status_count)
{
    static const char *const order[] = {"ERROR", "UNRESPONSIVE", "PAUSED", "RUNNING"};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (json_object_get(status_count, order[i]) != NULL)
            return order[i];
    return "RUNNING";
}

json_t *others_hosts(const Execution *x, Str id, const char *own)
{
    const char *host;
    json_t     *queries;
    if (x->others == NULL)
        return NULL;
    json_t *hosts = json_pack("{s:s}", str_to_c(x->arena, x->own_name), own);
    json_object_foreach(x->others, host, queries)
    {
        const char *state = state_on(queries, id, x->arena);
        if (state != NULL)
            json_object_set_new(hosts, host, json_string(state));
    }
    return hosts;
}

void others_each(const Execution *x, Str id, void (*add)(void *context, const json_t *facts), void *context)
{
    const char *host;
    json_t     *queries;
    json_object_foreach(x->others, host, queries)
    {
        const json_t *facts = facts_of(queries, id, x->arena);
        if (json_is_object(facts))
            add(context, facts);
    }
}

/* ---- operators ---- */

static bool is_same(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "step"), json_object_get(b, "step")) &&
           json_equal(json_object_get(a, "subTopology"), json_object_get(b, "subTopology"));
}

static void add_figures(json_t *to, const json_t *from)
{
    const char *name;
    json_t     *value;
    json_object_foreach(to, name, value) if (json_is_integer(value) && strcmp(name, "subTopology") != 0)
        json_integer_set(value, json_integer_value(value) + json_integer_value(json_object_get(from, name)));
}

static void add_operators(void *operators, const json_t *facts)
{
    size_t  i, j;
    json_t *to, *from;
    json_array_foreach((json_t *)operators, i, to)
        json_array_foreach(json_object_get(facts, "operators"), j, from) if (is_same(to, from))
            add_figures(to, from);
}

void others_add_operators(const Execution *x, Str id, json_t *operators)
{
    others_each(x, id, add_operators, operators);
}
