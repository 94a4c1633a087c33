/*
 * host_driver.h - an engine whose queries are run by the deterministic driver: no threads, no wall clock
 * (`sluice test`).
 */
#ifndef SLUICE_SERVER_TESTING_HOST_DRIVER_H
#define SLUICE_SERVER_TESTING_HOST_DRIVER_H

#include "executor/dataflow/driver.h"
#include "server/engine/engine.h"

typedef struct {
    QueryHost base;
    Driver   *driver;
    bool      depth_first; /* inserted records go through all queries at once (scripts) */
    PlanRef **plans;       /* kept alive as long as the driver */
    size_t    plan_count, plan_capacity;
} DriverHost;

void driver_host_init(DriverHost *host, Driver *driver, bool depth_first);
void driver_host_clear(DriverHost *host); /* after driver_close */

#endif
