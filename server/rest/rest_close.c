/*
 * rest_close.c - POST /close-query: ends a push query that runs here (rest.md 5.8).
 */
#include "server/rest/rest.h"

void rest_close_query(Rest *rest, HttpExchange *x)
{
    json_t *request = rest_request(x);
    if (request == NULL)
        return;
    Session asker = {0};
    Str     id    = rest_field(request, "queryId");
    rest_identify(rest, x, &asker);
    if (str_is_null(id))
        rest_error(x, 400, 40000, "Invalid JSON in request: Missing required creator property 'queryId'");
    else if (!rest_close(rest, id, &asker))
        rest_error(x, 400, 40000, "No query with id " STR_FMT, STR_ARG(id));
    else
        http_respond(x, 200, NULL, STR_NULL);
    json_decref(request);
}
