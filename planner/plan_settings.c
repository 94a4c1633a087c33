/*
 * plan_settings.c - the settings that a plan keeps: those that a query is told (query_settings.def), and
 * those that the planner looked at. A changed configuration of the server changes no query that exists.
 */
#include "planner/plan_settings.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return str_compare(((const PlanSetting *)a)->name, ((const PlanSetting *)b)->name);
}

Str plan_setting(const QueryPlan *plan, Str name)
{
    PlanSetting wanted = {.name = name};
    if (plan->setting_count == 0)
        return STR_NULL;
    const PlanSetting *found = bsearch(&wanted, plan->settings, plan->setting_count, sizeof wanted, compare);
    return found == NULL ? STR_NULL : found->value;
}

/* Names with and without that prefix are the same setting. */
static Str bare(Str name)
{
    Str prefix = STR_LIT("ksql.streams.");
    return str_starts_with(name, prefix) ? str_n(name.ptr + prefix.len, name.len - prefix.len) : name;
}

static PlanSetting *find(PlanSetting *settings, size_t count, Str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(bare(settings[i].name), bare(name)))
            return &settings[i];
    return NULL;
}

void plan_keep_settings(QueryPlan *plan, const QuerySettings *told, const PlanSetting *asked,
                        size_t asked_count, Arena *arena)
{
    PlanSetting *settings = ARENA_ARRAY(arena, PlanSetting, query_settings_count() + asked_count);
    size_t       count    = 0;
    for (size_t i = 0; i < query_settings_count(); i++)
        settings[count++] = (PlanSetting){.name  = str_c(query_settings_name(i)),
                                          .value = query_settings_text(told, i, arena)};
    for (size_t i = 0; i < asked_count; i++) {
        PlanSetting *known = find(settings, count, asked[i].name);
        if (known == NULL)
            settings[count++] = asked[i];
        else
            known->overridden |= asked[i].overridden;
    }
    /* By name: for plan_setting, and so that equal plans have equal documents and checksums. */
    qsort(settings, count, sizeof *settings, compare);
    plan->settings      = settings;
    plan->setting_count = count;
}

/* A row that a plan lacks is newer than the plan and has its default; a value that a row does not take any
 * more, too: what it means was decided by a version that is gone. */
void plan_query_settings(const QueryPlan *plan, QuerySettings *out)
{
    Error ignored;
    query_settings_init(out);
    for (size_t i = 0; i < plan->setting_count; i++)
        if (!str_is_null(plan->settings[i].value) &&
            query_settings_set(out, plan->settings[i].name, plan->settings[i].value, &ignored) != OK)
            error_clear(&ignored); /* no row of a query's: the planner looked at it */
}
