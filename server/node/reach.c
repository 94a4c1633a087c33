/*
 * reach.c - see reach.h.
 */
#include "server/node/reach.h"

#include "core/logger.h"

Reach reach_of(Str url)
{
    static const char *const loopback[] = {"127.", "localhost:", "[::1]:"};
    ptrdiff_t                scheme     = str_find(url, STR_LIT("://"), 0);
    if (str_starts_with(url, STR_LIT("unix:")))
        return REACH_USER;
    Str host = scheme >= 0 ? str_n(url.ptr + scheme + 3, url.len - (size_t)scheme - 3) : url;
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
        Str prefix = str_c(loopback[i]);
        if (host.len >= prefix.len && str_equal_nocase(str_n(host.ptr, prefix.len), prefix))
            return REACH_MACHINE;
    }
    return REACH_NETWORK;
}

void reach_tell(Str url, int port, bool authenticated)
{
    bool clear = !str_starts_with(url, STR_LIT("https:"));
    switch (reach_of(url)) {
    case REACH_USER:
        log_line(LOG_INFO, "listening on " STR_FMT ", for this user only", STR_ARG(url));
        return;
    case REACH_MACHINE:
        log_line(LOG_INFO,
                 "listening on " STR_FMT
                 " (port %d), for this machine only; the setting listeners lets others in",
                 STR_ARG(url), port);
        return;
    case REACH_NETWORK:
        if (!authenticated)
            log_line(LOG_WARN,
                     "listening on " STR_FMT " (port %d), for everybody who can reach it: "
                     "authentication.method is not set",
                     STR_ARG(url), port);
        else if (clear)
            log_line(LOG_WARN,
                     "listening on " STR_FMT
                     " (port %d), where passwords and tokens cross the network in the "
                     "clear: https:// addresses encrypt them",
                     STR_ARG(url), port);
        else
            log_line(LOG_INFO, "listening on " STR_FMT " (port %d)", STR_ARG(url), port);
        return;
    }
}
