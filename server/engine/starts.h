/*
 * starts.h - where a new query begins (planner/plan_starts.h), decided before its statement is logged.
 */
#ifndef SLUICE_SERVER_ENGINE_STARTS_H
#define SLUICE_SERVER_ENGINE_STARTS_H

#include "server/engine/execution.h"

/* Puts into the plan where it begins: where its former version did, else the ends of its topics as they are
 * now, at the price of one question per topic. In the execution's arena. Whatever the log answers that
 * cannot be had just now is the statement's error: nothing was logged. */
Status starts_decide(Execution *x, QueryPlan *plan, Error *err);

#endif
