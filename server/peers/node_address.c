/*
 * node_address.c - see node_address.h.
 */
#include "server/peers/node_address.h"

#include <unistd.h>

#include "core/value.h"
#include "server/peers/node_record.h"

static Str without_scheme(Str address, int *port)
{
    bool   secure = str_starts_with(address, STR_LIT("https://"));
    size_t scheme = secure ? strlen("https://") : strlen("http://");
    *port         = secure ? 443 : 80;
    return str_n(address.ptr + scheme, address.len - scheme);
}

/* "[::1]:8088" has colons before the one that counts. */
static const char *last_colon(Str host)
{
    const char *colon = memrchr(host.ptr, ':', host.len);
    return colon != NULL && memchr(colon, ']', host.len - (size_t)(colon - host.ptr)) == NULL ? colon : NULL;
}

bool node_address_split(Str address, Str *host, int *port)
{
    int64_t number;
    if (!node_address_is_valid(address))
        return false;
    Str         rest  = without_scheme(address, port);
    const char *colon = last_colon(rest);
    *host             = colon != NULL ? str_n(rest.ptr, (size_t)(colon - rest.ptr)) : rest;
    if (colon == NULL)
        return host->len > 0;
    if (!int64_parse(str_n(colon + 1, rest.len - host->len - 1), &number) || number < 0 || number > 65535)
        return false;
    *port = (int)number;
    return host->len > 0;
}

Str node_address_host_port(Str address, Arena *arena)
{
    Str host = STR_NULL;
    int port = 0;
    if (!node_address_split(address, &host, &port))
        return str_dup(arena, address);
    return str_printf(arena, STR_FMT ":%d", STR_ARG(host), port);
}

static bool is_everywhere(Str host)
{
    return str_equal(host, STR_LIT("0.0.0.0")) || str_equal(host, STR_LIT("[::]")) ||
           str_equal(host, STR_LIT("*"));
}

static Str without_slash(Str address)
{
    address = str_trim(address);
    while (address.len > 0 && address.ptr[address.len - 1] == '/')
        address.len--;
    return address;
}

/* A socket of this machine's is for nobody else. Empty: there is no other. */
static Str first_of_network(Str listeners)
{
    for (size_t at = 0; at < listeners.len;) {
        const char *comma = memchr(listeners.ptr + at, ',', listeners.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - listeners.ptr) : listeners.len;
        Str         item  = without_slash(str_n(listeners.ptr + at, end - at));
        if (!str_starts_with(item, STR_LIT("unix:")))
            return item;
        at = end + 1;
    }
    return STR_LIT("");
}

Status node_address(const Properties *properties, Str listeners, int port, Arena *arena, Str *out, Error *err)
{
    Str said = properties_get_c(properties, "ksql.advertised.listener"), host;
    int named;
    if (!str_is_null(said) && str_trim(said).len > 0) {
        *out = str_dup(arena, without_slash(said));
        if (node_address_split(*out, &host, &named) && !is_everywhere(host) && named > 0)
            return OK;
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value " STR_FMT
                         " for configuration ksql.advertised.listener: an address at which other servers "
                         "reach this one is wanted, http://host:port or https://host:port",
                         STR_ARG(said));
    }
    Str first = first_of_network(listeners);
    *out      = STR_LIT("");
    if (first.len == 0)
        return OK;
    char machine[256] = "localhost";
    if (!node_address_split(first, &host, &named) || is_everywhere(host)) {
        if (gethostname(machine, sizeof machine - 1) != 0 || machine[0] == '\0')
            snprintf(machine, sizeof machine, "localhost");
        host = str_c(machine);
    }
    *out = str_printf(arena, "%s://" STR_FMT ":%d",
                      str_starts_with(first, STR_LIT("https://")) ? "https" : "http", STR_ARG(host), port);
    return OK;
}
