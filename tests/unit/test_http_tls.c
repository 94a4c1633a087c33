/*
 * test_http_tls.c - a handler of an https listener learns who asks, by whatever protocol; a refusal names its
 * setting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/http.h"

static const char ann[] = "CN=Ann\\, \xc3\xa9,O=x"; /* as RFC 2253 writes "Ann, \xe9" */

typedef struct {
    char        directory[64];
    char        server[96], client[96];
    HttpServer *http;
    int         port, plain_port;
} Fixture;

/* ---- certificates that sign themselves ---- */

static void add_to(X509_NAME *name, const char *field, const char *text)
{
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0), 1);
}

/* Certificate and key, into a PEM file. */
static void make_pem(const char *path, const char *common_name)
{
    EVP_PKEY *key  = EVP_EC_gen("P-256");
    X509     *x509 = X509_new();
    FILE     *file = fopen(path, "we");
    assert_non_null(file);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    add_to(X509_get_subject_name(x509), "O", "x");
    add_to(X509_get_subject_name(x509), "CN", common_name);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, key);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(file, x509), 1);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* ---- a server that says who asks ---- */

static void tell_principal(void *context, HttpExchange *x)
{
    Str principal = http_principal(x);
    http_respond(x, 200, "text/plain", str_is_null(principal) ? STR_LIT("nobody") : principal);
}

static int open_server(void **state)
{
    static Fixture f       = {.directory = "/tmp/sluice-tls-XXXXXX"};
    HttpOptions    options = {.handle = tell_principal, .max_body = 4096, .threads = 1, .idle_timeout_s = 60};
    Error          err;
    signal(SIGPIPE, SIG_IGN); /* as the server does */
    assert_non_null(mkdtemp(f.directory));
    snprintf(f.server, sizeof f.server, "%s/server.pem", f.directory);
    snprintf(f.client, sizeof f.client, "%s/client.pem", f.directory);
    make_pem(f.server, "localhost");
    make_pem(f.client, "Ann, \xc3\xa9");
    HttpTls tls = {
        .keystore = f.server, .truststore = f.client, .client_certificate = HTTP_CERTIFICATE_REQUESTED};
    assert_int_equal(http_open(&options, &f.http, &err), OK);
    assert_int_equal(http_listen(f.http, STR_LIT("https://127.0.0.1:0"), &f.port, &err), E_CONFIG);
    assert_int_equal(http_use_tls(f.http, &tls, &err), OK);
    assert_int_equal(http_listen(f.http, STR_LIT("https://127.0.0.1:0"), &f.port, &err), OK);
    assert_int_equal(http_listen(f.http, STR_LIT("http://127.0.0.1:0"), &f.plain_port, &err), OK);
    *state = &f;
    return 0;
}

static int close_server(void **state)
{
    Fixture *f = *state;
    http_close(f->http);
    unlink(f->server);
    unlink(f->client);
    return rmdir(f->directory);
}

/* ---- clients ---- */

static int connect_to(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Does the answer to `request` hold `wanted`? On a connection of its own; `alpn` may be NULL. */
static bool is_answered(const Fixture *f, const char *pem, Str alpn, Str request, const char *wanted)
{
    char     answer[4096];
    size_t   len = 0;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int      fd  = connect_to(f->port), n;
    if (pem != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_file(ctx, pem, SSL_FILETYPE_PEM), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM), 1);
    }
    SSL *ssl = SSL_new(ctx);
    if (!str_is_null(alpn))
        assert_int_equal(SSL_set_alpn_protos(ssl, (const unsigned char *)alpn.ptr, (unsigned)alpn.len), 0);
    SSL_set_fd(ssl, fd);
    bool found = false;
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, request.ptr, (int)request.len) > 0)
        while (!found && len < sizeof answer &&
               (n = SSL_read(ssl, answer + len, (int)(sizeof answer - len))) > 0) {
            len += (size_t)n;
            found = str_find(str_n(answer, len), str_c(wanted), 0) >= 0;
        }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    return found;
}

static const Str http1 = STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
/* The preface, SETTINGS, and HEADERS of GET / at x, by what is in HPACK's table. */
static const Str http2 = STR_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                 "\0\0\0\4\0\0\0\0\0"
                                 "\0\0\6\1\5\0\0\0\1\x82\x84\x87\1\1x");

static void whoever_shows_a_certificate_is_known(void **state)
{
    const Fixture *f      = *state;
    const Str      alpn_2 = STR_LIT("\2h2"), alpn_1 = STR_LIT("\x08http/1.1");
    assert_true(is_answered(f, f->client, alpn_1, http1, ann));
    assert_true(is_answered(f, f->client, STR_NULL, http1, ann));
    assert_true(is_answered(f, f->client, alpn_2, http2, ann));
    assert_true(is_answered(f, f->client, STR_NULL, http2, ann));
    assert_true(is_answered(f, NULL, alpn_1, http1, "nobody"));
    assert_true(is_answered(f, NULL, alpn_2, http2, "nobody"));
    assert_false(is_answered(f, f->server, alpn_1, http1, "HTTP/1.1 ")); /* one that nobody has signed */
}

static void who_comes_in_plain_is_nobody(void **state)
{
    const Fixture *f = *state;
    for (int i = 0; i < 20; i++) { /* sockets get the numbers of earlier ones */
        char answer[512] = "";
        assert_true(is_answered(f, f->client, STR_NULL, http1, ann));
        int fd = connect_to(f->plain_port);
        assert_int_equal(send(fd, http1.ptr, http1.len, 0), (ssize_t)http1.len);
        assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
        if (strstr(answer, "nobody") == NULL) /* headers and body may come apart */
            assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
        assert_non_null(strstr(answer, "nobody"));
        close(fd);
    }
}

static void what_cannot_be_done_is_refused_by_name(void **state)
{
    const Fixture *f = *state;
    const struct {
        HttpTls     tls;
        const char *refusal;
    } refusals[] = {
        {{0}, "needs ssl.keystore.location"},
        {{.keystore = "/nowhere"}, "ssl.keystore.location: No such file"},
        {{.keystore = f->server, .keystore_type = "JCEKS"}, "ssl.keystore.type: String must be one of"},
        {{.keystore = f->server, .protocols = "SSLv3"}, "ssl.enabled.protocols: Sluice speaks"},
        {{.keystore = f->server, .protocols = " , "}, "it names no protocol"},
        {{.keystore = f->server, .cipher_suites = "AES:!NULL"}, "ssl.cipher.suites: it is no name"},
        {{.keystore = f->server, .client_certificate = HTTP_CERTIFICATE_REQUIRED},
         "needs ssl.truststore.location"},
        {{.keystore = f->server, .truststore = f->directory, .client_certificate = HTTP_CERTIFICATE_REQUIRED},
         "for configuration ssl.truststore.location"},
    };
    HttpOptions options = {.handle = tell_principal, .max_body = 4096, .threads = 1, .idle_timeout_s = 60};
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        HttpServer *http;
        Error       err;
        assert_int_equal(http_open(&options, &http, &err), OK);
        assert_int_equal(http_use_tls(http, &refusals[i].tls, &err), E_CONFIG);
        if (strstr(err.message, refusals[i].refusal) == NULL)
            fail_msg("%s", err.message);
        http_close(http);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_shows_a_certificate_is_known),
        cmocka_unit_test(who_comes_in_plain_is_nobody),
        cmocka_unit_test(what_cannot_be_done_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
