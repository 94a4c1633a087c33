/*
 * host_driver.c - see host_driver.h.
 */
#include "server/testing/host_driver.h"

static Status host_start(QueryHost *self, PlanRef *plan, const QuerySettings *settings, Error *err)
{
    DriverHost *host = (DriverHost *)self;
    if (host->plan_count == host->plan_capacity) {
        host->plan_capacity = host->plan_capacity ? host->plan_capacity * 2 : 8;
        host->plans         = mem_realloc(host->plans, host->plan_capacity * sizeof(PlanRef *));
    }
    host->plans[host->plan_count++] = plan_ref(plan);
    return driver_add_query(host->driver, plan_ref_plan(plan), err);
}

static Status host_stop(QueryHost *self, Str id, bool forget, Error *err)
{
    driver_remove_query(((DriverHost *)self)->driver, id);
    return OK;
}

static Status host_pause(QueryHost *self, Str id, bool paused, Error *err)
{
    return error_set(err, E_UNSUPPORTED, NO_POS, "Queries cannot be paused in tests");
}

/* A driver's queries run on the thread that stops them. */
static void host_settle(QueryHost *self) {}

/* They have taken a record when this returns: there is nothing to wait for. */
static Status host_insert(QueryHost *self, Str topic, const LogRecord *records, size_t count,
                          OffsetVector *written, Error *err)
{
    DriverHost *host = (DriverHost *)self;
    for (size_t i = 0; i < count; i++)
        TRY(driver_insert(host->driver, topic, 0, &records[i], false, host->depth_first, err));
    return OK;
}

static json_t *host_describe(QueryHost *self, Str id, bool positions) { return NULL; }

void driver_host_init(DriverHost *host, Driver *driver, bool depth_first)
{
    *host = (DriverHost){.base = {host_start, host_stop, host_pause, host_settle, host_insert, host_describe},
                         .driver      = driver,
                         .depth_first = depth_first};
}

void driver_host_clear(DriverHost *host)
{
    for (size_t i = 0; i < host->plan_count; i++)
        plan_unref(host->plans[i]);
    mem_free(host->plans);
}
