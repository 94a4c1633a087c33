/*
 * peer_tls.c - see peer_tls.h. The HTTP room has seen to it at the start that the files are what they should
 * be.
 *
 * libcurl takes authorities as PEM alone: where the trust store is PKCS12, the system's are asked.
 */
#include "server/peers/peer_tls.h"

#include <fcntl.h>
#include <unistd.h>

/* PEM is text; PKCS12 begins as every structure of ASN.1. */
static bool is_pkcs12(const char *path)
{
    char first = '\0';
    int  fd    = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool is    = fd >= 0 && read(fd, &first, 1) == 1 && first == 0x30;
    if (fd >= 0)
        close(fd);
    return is;
}

static char *text(const Properties *properties, const char *name)
{
    Str value = properties != NULL ? properties_get_c(properties, name) : STR_NULL;
    return str_is_null(value) || value.len == 0 ? NULL : str_to_heap(value);
}

void peer_tls_init(PeerTls *tls, const Properties *properties)
{
    *tls = (PeerTls){.authorities = text(properties, "ssl.truststore.location"),
                     .certificate = text(properties, "ssl.keystore.location"),
                     .key         = text(properties, "ssl.key.location"),
                     .password    = text(properties, "ssl.key.password")};
    if (is_pkcs12(tls->authorities)) {
        mem_free(tls->authorities);
        tls->authorities = NULL;
    }
    tls->pkcs12 = is_pkcs12(tls->certificate);
    if (tls->pkcs12 && tls->password == NULL)
        tls->password = text(properties, "ssl.keystore.password");
}

void peer_tls_clear(PeerTls *tls)
{
    mem_free(tls->authorities);
    mem_free(tls->certificate);
    mem_free(tls->key);
    mem_free(tls->password);
}

void peer_tls_set(const PeerTls *tls, CURL *easy)
{
    if (tls->authorities != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, tls->authorities);
    if (tls->certificate == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->certificate);
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, tls->pkcs12 ? "P12" : "PEM");
    if (!tls->pkcs12)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key != NULL ? tls->key : tls->certificate);
    if (tls->password != NULL)
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, tls->password);
}
