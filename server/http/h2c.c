/*
 * h2c.c - see h2c.h.
 *
 * Nobody has to grant it, and HTTP has dropped it since (RFC 9113): clients that want HTTP/2 in plain know
 * that they get it. It is granted to those that ask as the old rules say, over TCP and without TLS, and not
 * to whoever says that a proxy is between us: what follows would go through the proxy as bytes, past whatever
 * the proxy lets through and what it does not.
 */
#include "server/http/h2c.h"

#include <sys/socket.h>

#include "core/value.h"

enum { SETTING_BYTES = 6, MOST_SETTINGS = 256 };

/* A proxy has passed it on, or says so. */
static bool came_by_proxy(const Fields *fields)
{
    static const char *const proxies[] = {"Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"};
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
        if (!str_is_null(fields_find(fields, str_c(proxies[i]))))
            return true;
    return false;
}

/* Base64 in the alphabet for addresses, of whole settings. */
static bool read_settings(Str text, Arena *arena, StrBuf *out)
{
    char *standard = str_to_c(arena, text);
    Str   bytes;
    for (char *c = standard; *c != '\0'; c++)
        *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
    if (text.len > MOST_SETTINGS || base64_decode(arena, str_c(standard), &bytes, NULL) != OK ||
        bytes.len % SETTING_BYTES != 0)
        return false;
    strbuf_add(out, bytes);
    return true;
}

/* Sent twice, they are not to be believed (RFC 7540, 3.2.1). */
static Str find_settings(const Fields *fields)
{
    Str name, value, found = STR_NULL;
    for (size_t at = 0, count = 0; fields_next(fields, &at, &name, &value);)
        if (str_equal_nocase(name, STR_LIT("HTTP2-Settings")))
            found = ++count == 1 ? value : STR_NULL;
    return found;
}

static bool is_tcp(int fd)
{
    struct sockaddr_storage address;
    socklen_t               size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

H2c *h2c_asked(Fields *fields, int fd, HttpExchange *x)
{
    Str upgrade    = fields_find(fields, STR_LIT("Upgrade"));
    Str connection = fields_find(fields, STR_LIT("Connection"));
    Str settings   = find_settings(fields);
    if (x->version != HTTP_1_1 || !fields_list_has(upgrade, STR_LIT("h2c"), NULL) || str_is_null(settings) ||
        !fields_list_has(connection, STR_LIT("Upgrade"), NULL) ||
        !fields_list_has(connection, STR_LIT("HTTP2-Settings"), NULL) || came_by_proxy(fields) || !is_tcp(fd))
        return NULL;
    H2c *h2c = mem_calloc(1, sizeof *h2c);
    if (!read_settings(settings, x->arena, &h2c->settings)) {
        h2c_free(h2c);
        return NULL;
    }
    h2c->fields = *fields;
    *fields     = (Fields){0};
    return h2c;
}

void h2c_free(H2c *h2c)
{
    if (h2c == NULL)
        return;
    fields_clear(&h2c->fields);
    strbuf_clear(&h2c->settings);
    mem_free(h2c);
}
