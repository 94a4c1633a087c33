/*
 * tls.c - one session of TLS: its handshake, its bytes, whom its client has proved to be. See tls.h.
 */
#include "server/http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "core/logger.h"

TlsSession *tls_new(TlsContext *context, int fd)
{
    SSL *ssl = SSL_new(context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    else
        ERR_clear_error();
    return ssl;
}

void tls_free(TlsSession *tls)
{
    if (tls == NULL)
        return;
    if (SSL_is_init_finished(tls))
        (void)SSL_shutdown(
            tls); /* without it a client takes the end for an attack; its answer is not waited for */
    ERR_clear_error();
    SSL_free(tls);
}

/* Who was refused for a certificate wants to read in the log why; that somebody knocked at the wrong door is
 * of no interest to most. */
static void tell_failure(const TlsSession *tls)
{
    unsigned long error   = ERR_peek_last_error();
    long          verdict = SSL_get_verify_result(tls);
    const char   *reason  = error != 0 ? ERR_reason_error_string(error) : NULL;
    if (verdict != X509_V_OK)
        log_line(LOG_INFO, "http: a client's certificate is refused: %s",
                 X509_verify_cert_error_string(verdict));
    else if (ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        log_line(LOG_INFO, "http: a client is refused: it shows no certificate");
    else
        log_line(LOG_DEBUG, "http: a handshake of TLS failed: %s",
                 reason != NULL ? reason : "the client left");
}

TlsStep tls_shake_hands(TlsSession *tls)
{
    ERR_clear_error(); /* SSL_get_error takes what is left of others for its own */
    int result = SSL_do_handshake(tls);
    if (result == 1)
        return TLS_SHAKEN;
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    default:
        tell_failure(tls);
        ERR_clear_error();
        return TLS_FAILED;
    }
}

TlsProtocol tls_protocol(const TlsSession *tls)
{
    const unsigned char *name;
    unsigned             len;
    SSL_get0_alpn_selected(tls, &name, &len);
    return len == 0 ? TLS_NOTHING_AGREED : len == 2 && memcmp(name, "h2", 2) == 0 ? TLS_HTTP_2 : TLS_HTTP_1;
}

char *tls_principal(const TlsSession *tls)
{
    enum { FORM = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB }; /* UTF-8 as it is; control characters escaped */
    X509 *certificate = SSL_get0_peer_certificate(tls);
    BIO  *text        = certificate != NULL ? BIO_new(BIO_s_mem()) : NULL;
    char *name        = NULL, *bytes;
    if (text == NULL || SSL_get_verify_result(tls) != X509_V_OK) {
        BIO_free(text);
        return NULL;
    }
    if (X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, FORM) > 0) {
        long len = BIO_get_mem_data(text, &bytes);
        name     = len > 0 ? str_to_heap(str_n(bytes, (size_t)len)) : NULL;
    }
    BIO_free(text);
    return name;
}

/* What recv or send would have answered for it. */
static ssize_t failure_of(TlsSession *tls, int result)
{
    int reason = errno;
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        errno = reason != 0 ? reason : ECONNRESET;
        break;
    default:
        errno = EPROTO;
    }
    ERR_clear_error();
    return -1;
}

ssize_t tls_recv(TlsSession *tls, int fd, void *out, size_t max)
{
    if (tls == NULL)
        return recv(fd, out, max, MSG_DONTWAIT);
    ERR_clear_error();
    errno      = 0;
    int result = SSL_read(tls, out, max > INT32_MAX ? INT32_MAX : (int)max);
    return result > 0 ? result : failure_of(tls, result);
}

ssize_t tls_send(TlsSession *tls, int fd, const void *bytes, size_t len)
{
    if (tls == NULL)
        return send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    ERR_clear_error();
    errno      = 0;
    int result = SSL_write(tls, bytes, len > INT32_MAX ? INT32_MAX : (int)len);
    if (result > 0)
        return result;
    ssize_t answer = failure_of(tls, result);
    if (answer == 0) { /* nobody reads any more */
        errno  = EPIPE;
        answer = -1;
    }
    return answer;
}
