/*
 * tls_settings.c - see tls_settings.h. What a key store holds is the HTTP room's to find out
 * (server/http/tls_context.c).
 */
#include "server/node/tls_settings.h"

#include <sys/stat.h>

#include "core/logger.h"

/* NULL: not set, or empty. */
static const char *setting(const Properties *properties, const char *name, Arena *arena)
{
    Str value = properties_get_c(properties, name);
    return str_is_null(value) || value.len == 0 ? NULL : str_to_c(arena, value);
}

/* ssl.client.auth is how ksqlDB asked before it had three answers. */
static HttpClientCertificate client_certificate(const Properties *properties)
{
    Str asked = properties_get_c(properties, "ssl.client.authentication");
    if (str_is_null(asked))
        return properties_is_true(properties, "ssl.client.auth", false) ? HTTP_CERTIFICATE_REQUIRED
                                                                        : HTTP_CERTIFICATE_NONE;
    return str_equal_nocase(asked, STR_LIT("REQUIRED"))    ? HTTP_CERTIFICATE_REQUIRED
           : str_equal_nocase(asked, STR_LIT("REQUESTED")) ? HTTP_CERTIFICATE_REQUESTED
                                                           : HTTP_CERTIFICATE_NONE;
}

/* Is there a listener whose address begins so? */
static bool listens_with(Str listeners, Str scheme)
{
    for (size_t at = 0; at < listeners.len;) {
        const char *comma = memchr(listeners.ptr + at, ',', listeners.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - listeners.ptr) : listeners.len;
        if (str_starts_with(str_trim(str_n(listeners.ptr + at, end - at)), scheme))
            return true;
        at = end + 1;
    }
    return false;
}

static HttpTls read_settings(const Properties *properties, Arena *arena)
{
    return (HttpTls){
        .keystore            = setting(properties, "ssl.keystore.location", arena),
        .keystore_type       = setting(properties, "ssl.keystore.type", arena),
        .keystore_password   = setting(properties, "ssl.keystore.password", arena),
        .key                 = setting(properties, "ssl.key.location", arena),
        .key_password        = setting(properties, "ssl.key.password", arena),
        .truststore          = setting(properties, "ssl.truststore.location", arena),
        .truststore_type     = setting(properties, "ssl.truststore.type", arena),
        .truststore_password = setting(properties, "ssl.truststore.password", arena),
        .revoked             = setting(properties, "sluice.ssl.crl.location", arena),
        .protocols           = setting(properties, "ssl.enabled.protocols", arena),
        .cipher_suites       = setting(properties, "ssl.cipher.suites", arena),
        .client_certificate  = client_certificate(properties),
    };
}

Status tls_settings_apply_again(const Properties *properties, HttpServer *http, Error *err)
{
    Arena  *arena  = arena_new(0);
    HttpTls tls    = read_settings(properties, arena);
    Status  status = http_use_tls(http, &tls, err);
    arena_free(arena);
    return status;
}

/* Of one that is written anew or replaced by another. */
static uint64_t stamp_of(const char *path)
{
    struct stat info;
    if (path == NULL || stat(path, &info) != 0)
        return 0;
    uint64_t parts[] = {(uint64_t)info.st_mtim.tv_sec, (uint64_t)info.st_mtim.tv_nsec, (uint64_t)info.st_size,
                        (uint64_t)info.st_ino};
    return str_hash(str_n((const char *)parts, sizeof parts));
}

uint64_t tls_settings_stamp(const Properties *properties)
{
    Arena   *arena = arena_new(0);
    HttpTls  tls   = read_settings(properties, arena);
    uint64_t stamp = stamp_of(tls.keystore) + 3 * stamp_of(tls.key) + 5 * stamp_of(tls.truststore) +
                     7 * stamp_of(tls.revoked);
    arena_free(arena);
    return stamp;
}

bool tls_settings_ask(const Properties *properties)
{
    return client_certificate(properties) != HTTP_CERTIFICATE_NONE;
}

bool tls_settings_ask_everybody(const Properties *properties)
{
    return client_certificate(properties) == HTTP_CERTIFICATE_REQUIRED;
}

bool tls_settings_are_kafkas(const Properties *properties)
{
    Str protocol = properties_get(properties, STR_LIT("security.protocol"));
    return !str_is_null(protocol) && str_ends_with(protocol, STR_LIT("SSL"));
}

static Status check_listeners(const HttpTls *tls, Str listeners, bool https, Error *err)
{
    if (tls->client_certificate == HTTP_CERTIFICATE_NONE)
        return OK;
    if (!https)
        return error_set(
            err, E_CONFIG, NO_POS,
            "Clients are to show certificates (ssl.client.authentication), but none of the listeners "
            "is an https:// address: " STR_FMT,
            STR_ARG(listeners));
    if (listens_with(listeners, STR_LIT("http://")))
        log_line(LOG_WARN,
                 "certificates are asked for on https listeners only: who comes by http shows none");
    return OK;
}

Status tls_settings_apply(const Properties *properties, Str listeners, HttpServer *http, Error *err)
{
    Arena  *arena  = arena_new(0);
    HttpTls tls    = read_settings(properties, arena);
    bool    https  = listens_with(listeners, STR_LIT("https://"));
    Status  status = check_listeners(&tls, listeners, https, err);
    if (status == OK && https)
        status = http_use_tls(http, &tls, err);
    else if (status == OK && tls.keystore != NULL && !tls_settings_are_kafkas(properties))
        log_line(LOG_WARN,
                 "ssl.keystore.location has no effect: none of the listeners is an https:// address");
    arena_free(arena);
    return status;
}
