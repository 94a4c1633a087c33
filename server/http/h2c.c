/*
 * h2c.c - see h2c.h.
 *
 * Nobody has to grant it, and HTTP has dropped it since (RFC 9113): clients that want HTTP/2 in plain know
 * that they get it. It is granted to those that ask as the old rules say, over TCP and without TLS, and not
 * to whoever says that a proxy is between us: what follows would go through the proxy as bytes, past whatever
 * the proxy lets through and what it does not.
 */
#include "server/http/h2c.h"

#include "core/value.h"

enum { SETTING_BYTES = 6, MOST_SETTINGS = 256 };

typedef struct {
    H2c *h2c;
    Str  upgrade, connection, settings;
    int  settings_count;
    bool by_proxy;
} Reading;

static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    static const char *const proxies[] = {"Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"};
    Reading                 *reading   = context;
    Str                      key = str_c(name), text = str_c(value != NULL ? value : "");
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++)
        reading->by_proxy = reading->by_proxy || str_equal_nocase(key, str_c(proxies[i]));
    if (str_equal_nocase(key, STR_LIT("Upgrade")))
        reading->upgrade = text;
    else if (str_equal_nocase(key, STR_LIT("Connection")))
        reading->connection = text;
    else if (str_equal_nocase(key, STR_LIT("HTTP2-Settings"))) {
        reading->settings = text;
        reading->settings_count++;
    }
    strbuf_add(&reading->h2c->headers, key);
    strbuf_addc(&reading->h2c->headers, '\0');
    strbuf_add(&reading->h2c->headers, text);
    strbuf_addc(&reading->h2c->headers, '\0');
    return MHD_YES;
}

static bool list_has(Str list, Str wanted)
{
    for (size_t at = 0; at < list.len;) {
        const char *comma = memchr(list.ptr + at, ',', list.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        if (str_equal_nocase(str_trim(str_n(list.ptr + at, end - at)), wanted))
            return true;
        at = end + 1;
    }
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

static bool is_plain_tcp(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info != NULL && info->client_addr != NULL &&
           (info->client_addr->sa_family == AF_INET || info->client_addr->sa_family == AF_INET6);
}

H2c *h2c_asked(struct MHD_Connection *connection, HttpExchange *x)
{
    Str upgrade = str_c(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Upgrade"));
    if (x->version != HTTP_1_1 || x->submitted || !list_has(upgrade, STR_LIT("h2c")) ||
        !is_plain_tcp(connection))
        return NULL;
    H2c    *h2c     = mem_calloc(1, sizeof *h2c);
    Reading reading = {.h2c = h2c};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, read_header, &reading);
    bool granted = !reading.by_proxy && reading.settings_count == 1 &&
                   list_has(reading.connection, STR_LIT("Upgrade")) &&
                   list_has(reading.connection, STR_LIT("HTTP2-Settings")) &&
                   read_settings(reading.settings, x->arena, &h2c->settings);
    if (granted)
        return h2c;
    h2c_free(h2c);
    return NULL;
}

void h2c_free(H2c *h2c)
{
    if (h2c == NULL)
        return;
    strbuf_clear(&h2c->headers);
    strbuf_clear(&h2c->settings);
    mem_free(h2c);
}
