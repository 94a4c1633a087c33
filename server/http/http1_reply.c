/*
 * http1_reply.c - see http1_reply.h.
 */
#include "server/http/http1_reply.h"

#include <time.h>

static const char *reason_of(int status)
{
    static const struct {
        int         status;
        const char *reason;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {204, "No Content"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status"; /* a reason is for people, and may be any */
}

static void add_date(StrBuf *out)
{
    char      text[64];
    time_t    now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts) != NULL &&
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0)
        strbuf_addf(out, "Date: %s\r\n", text);
}

static void start_reply(StrBuf *out, int status)
{
    strbuf_addf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    add_date(out);
}

void http1_print_head(const HttpExchange *x, StrBuf *out)
{
    start_reply(out, x->status);
    for (size_t i = 0; i < x->header_count; i++)
        strbuf_addf(out, "%s: %s\r\n", x->headers[i].name, x->headers[i].value);
}

void http1_print_refusal(int status, const char *message, StrBuf *out)
{
    StrBuf body = {0};
    exchange_print_refusal(status, message, &body);
    start_reply(out, status);
    strbuf_addf(out, "Content-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                body.len);
    strbuf_add(out, strbuf_str(&body));
    strbuf_clear(&body);
}
