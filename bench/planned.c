/*
 * planned.c - see planned.h.
 */
#include "bench/planned.h"

#include <stdlib.h>

#include "parser/parser.h"

void check(Status status, const Error *err)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

void planned_init(Planned *self)
{
    *self = (Planned){.arena = arena_new(0), .catalog = catalog_new(), .functions = functions_open()};
    clock_init_virtual(&self->clock, 0, 1);
}

void planned_clear(Planned *self)
{
    functions_close(self->functions);
    catalog_free(self->catalog);
    arena_free(self->arena);
}

static Str no_property(const PlannerHost *self, const char *name) { return STR_NULL; }

static bool any_topic(const PlannerHost *self, Str topic, int *partitions, int *replicas)
{
    *partitions = *replicas = 1;
    return true;
}

static int64_t no_retention(const PlannerHost *self, Str topic) { return -1; }

static const PlannerHost host = {no_property, any_topic, no_retention};

static Planner planner_of(Planned *self)
{
    return (Planner){.catalog    = self->catalog,
                     .functions  = self->functions,
                     .host       = &host,
                     .clock      = &self->clock,
                     .arena      = self->arena,
                     .service_id = STR_LIT("bench_")};
}

/* The first `count` statements of the script; all of them for -1. */
static AstScript add_sources(Planned *self, const char *sql, int left)
{
    Error     err;
    Planner   planner = planner_of(self);
    AstScript script;
    check(parse_script(self->arena, str_c(sql), &(ParseOptions){0}, &script, &err), &err);
    for (size_t i = 0; i + (size_t)left < script.count; i++) {
        Source    *source;
        TopicWish  topic;
        QueryPlan *none = NULL;
        check(plan_create_source(&planner, script.items[i], &source, &topic, &none, &err), &err);
        catalog_put_source(self->catalog, source);
    }
    return script;
}

void planned_sources(Planned *self, const char *sql) { (void)add_sources(self, sql, 0); }

const QueryPlan *planned_query(Planned *self, const char *sql)
{
    Error            err;
    PersistentQuery *query;
    AstScript        script  = add_sources(self, sql, 1);
    Planner          planner = planner_of(self);
    planner.query_number++;
    check(plan_persistent_query(&planner, script.items[script.count - 1], &query, &err), &err);
    QueryEntry entry = {.id = query->plan->id, .kind = query->kind, .sink = query->sink->name};
    catalog_put_source(self->catalog, query->sink);
    catalog_put_query(self->catalog, &entry);
    return query->plan;
}

void planned_pull(Planned *self, const char *sql)
{
    Error     err;
    Planner   planner = planner_of(self);
    AstScript script;
    PullPlan *pull;
    check(parse_script(self->arena, str_c(sql), &(ParseOptions){0}, &script, &err), &err);
    check(plan_pull_query(&planner, script.items[0], &pull, &err), &err);
}
