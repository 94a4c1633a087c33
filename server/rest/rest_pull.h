/*
 * rest_pull.h - a pull query that is being answered, for the two files that do it: rest_pull.c reads what is
 * here, rest_route.c has the rest read on other nodes.
 *
 * Thread: the exchange's handler and steps.
 */
#ifndef SLUICE_SERVER_REST_REST_PULL_H
#define SLUICE_SERVER_REST_REST_PULL_H

#include "server/rest/rest.h"

typedef struct Route Route;

/* In `requestProperties` of a part: the bound of standby_lag. Of another node alone: a client says it by a
 * property, which may be denied to him. */
#define PULL_STANDBY_LAG "request.sluice.query.pull.standby.lag"

typedef struct {
    Rest          *rest;
    HttpExchange  *x;
    Arena         *arena; /* owned */
    TransientQuery query;
    Str            text;
    PullOrigin     origin;
    RowForm        form;
    PullForm      *known; /* the form that `query` was made from; NULL: none */
    PlanRef       *writer;
    PullQuery     *here;
    Route         *route;                  /* NULL: nobody else is asked */
    bool           brief;                  /* a few look-ups; else it runs in the lane of long work */
    bool           over;                   /* it counts no more among those that run */
    bool           begun;                  /* the header is out: errors go into the stream */
    OffsetVector   written;                /* what the client says that it has inserted or seen */
    OffsetVector   reflected;              /* what the answer reflects */
    bool           restricted;             /* the client is told only of `seen` */
    OffsetVector   seen;                   /* the topics that it may see */
    bool           wants_token, ends_with; /* the client, or who asks for a part, wants to know that */
    int            wait_ms;                /* how long may be waited for what was written */
    int64_t        standby_lag; /* copies may be read that are at most so far behind; -1: none may */
    int64_t        left;        /* rows, of LIMIT; < 0: all */
    size_t         before;
    StrBuf         scratch;
} Pull;

/* Moves to the lane of long work where it has to: then the caller, a step, returns true. */
bool pull_moves(const Pull *pull);
/* The header, if it is not out yet. */
void pull_begin(Pull *pull);
/* A row that another node has made. False: there are enough. */
bool pull_pass_on(Pull *pull, Str row);
/* The rows that are here, and the end. Nothing may be missing. */
void pull_finish(Pull *pull);
/* An error, and the end: as a status if the header is not out. */
void pull_fail(Pull *pull, int status, int code, const char *message);

/* Leaves a stream behind which answers the query and frees it with pull_free. */
void route_begin(Pull *pull, const Session *session);
/* Ends what is under way. */
void route_free(Route *route);
void pull_free(Pull *pull);

#endif
