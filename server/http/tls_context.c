/*
 * tls_context.c - the settings of https listeners, made into what OpenSSL shakes hands with; see tls.h.
 *
 * What a setting asks for is done or refused, by its name. Stores of keys are PEM or PKCS#12; which one a
 * file is stands in its first bytes, so that ssl.*.type need not be said. The same code reads both stores,
 * for a certificate to show and for those to trust differ in what is done with what was read.
 *
 * TLS 1.2 and 1.3, without renegotiation and compression, with ciphers that HTTP/2 allows. Tickets are for
 * clients without certificates: who resumes a session shows none, so an expired one would go on to be
 * believed. Files are read when a context is made; a new one takes the old one's place.
 */
#include "server/http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>

#include "core/logger.h"

/* Keys are agreed on anew for each session, and what is encrypted is authenticated (RFC 9113, 9.2.2). */
static const char default_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";

/* ---- what went wrong ---- */

/* The reason that OpenSSL gives. */
static const char *reason(void)
{
    unsigned long error = ERR_peek_last_error();
    const char   *text =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    return error != 0 && text != NULL ? text : "OpenSSL does not say why";
}

static Status refuse(const char *setting, const char *value, const char *why, Error *err)
{
    return error_set(err, E_CONFIG, NO_POS, "Invalid value %s for configuration %s: %s", value, setting, why);
}

/* ---- stores: files of certificates and keys ---- */

typedef enum { STORE_PEM, STORE_PKCS12, STORE_JKS } StoreForm;

/* Where a store's settings stand. */
typedef struct {
    const char *path, *type, *password;
    const char *path_name, *type_name, *password_name;
} Store;

static Status open_file(const Store *store, BIO **out, Error *err)
{
    errno = 0;
    *out  = BIO_new_file(store->path, "rb");
    if (*out != NULL)
        return OK;
    return refuse(store->path_name, store->path, errno != 0 ? strerror(errno) : reason(), err);
}

static Status look_at(const Store *store, StoreForm *form, Error *err)
{
    unsigned char first[4] = {0};
    BIO          *file;
    TRY(open_file(store, &file, err));
    int n = BIO_read(file, first, sizeof first);
    BIO_free(file);
    if (n <= 0)
        return refuse(store->path_name, store->path, "the file is empty", err);
    bool java = memcmp(first, "\xfe\xed\xfe\xed", 4) == 0 || memcmp(first, "\xce\xce\xce\xce", 4) == 0;
    *form     = java ? STORE_JKS : first[0] == 0x30 /* a SEQUENCE */ ? STORE_PKCS12 : STORE_PEM;
    return OK;
}

static Status refuse_java(const Store *store, Error *err)
{
    return error_set(
        err, E_CONFIG, NO_POS,
        "Invalid value %s for configuration %s: only Java reads the format JKS. Convert it with "
        "keytool -importkeystore -srckeystore %s -destkeystore %s.p12 -deststoretype PKCS12, and set "
        "%s=%s.p12 and %s=PKCS12",
        store->path, store->path_name, store->path, store->path, store->path_name, store->path,
        store->type_name);
}

/* What its type says and what its bytes say. Java's own reader takes PKCS#12 for JKS as well. */
static Status find_form(const Store *store, StoreForm *form, Error *err)
{
    Str type = str_c(store->type);
    TRY(look_at(store, form, err));
    if (*form == STORE_JKS)
        return refuse_java(store, err);
    bool pem = str_equal_nocase(type, STR_LIT("PEM"));
    bool p12 = str_equal_nocase(type, STR_LIT("PKCS12")) || str_equal_nocase(type, STR_LIT("JKS"));
    if (store->type != NULL && !pem && !p12)
        return refuse(store->type_name, store->type, "String must be one of: PEM, PKCS12", err);
    if ((pem && *form != STORE_PEM) || (p12 && *form != STORE_PKCS12))
        return refuse(
            store->type_name, store->type,
            *form == STORE_PEM ? "the file is no PKCS12; is it PEM?" : "the file is PKCS12, not PEM", err);
    if (*form == STORE_PEM && store->password != NULL)
        return error_set(err, E_CONFIG, NO_POS,
                         "%s has no effect: %s is a PEM file, which has no password as a whole",
                         store->password_name, store->path);
    return OK;
}

typedef struct {
    EVP_PKEY *key;
    X509     *certificate;
    STACK_OF(X509) * others;
} Opened;

static void opened_clear(Opened *opened)
{
    EVP_PKEY_free(opened->key);
    X509_free(opened->certificate);
    sk_X509_pop_free(opened->others, X509_free);
}

static Status open_pkcs12(const Store *store, Opened *out, Error *err)
{
    BIO *file;
    *out = (Opened){0};
    TRY(open_file(store, &file, err));
    PKCS12     *p12 = d2i_PKCS12_bio(file, NULL);
    const char *why = p12 == NULL ? "the file is no PKCS12" : NULL;
    BIO_free(file);
    if (p12 != NULL && PKCS12_parse(p12, store->password != NULL ? store->password : "", &out->key,
                                    &out->certificate, &out->others) != 1)
        why = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE ? "the password is wrong"
                                                                                   : reason();
    PKCS12_free(p12);
    return why == NULL ? OK : refuse(store->path_name, store->path, why, err);
}

/* ---- what we show ---- */

static const char another_key[] = "the key is not that of the certificate";

/* Instead of OpenSSL's own, which would ask the terminal. */
static int give_password(char *out, int size, int writes, void *password)
{
    Str text = str_c(password);
    if ((int)text.len > size)
        return -1;
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    return (int)text.len;
}

static Status use_pem(SSL_CTX *ctx, const HttpTls *options, const Store *store, Error *err)
{
    const char *key = options->key != NULL ? options->key : store->path;
    if (SSL_CTX_use_certificate_chain_file(ctx, store->path) != 1)
        return refuse(store->path_name, store->path, reason(), err);
    /* Whoever is asked and has nothing to say ends the reading, without an answer that would be wrong. */
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)options->key_password); /* it is read alone */
    int used = SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    const char *why = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ? another_key
                      : options->key_password != NULL
                          ? reason()
                          : "no private key is there that needs no ssl.key.password";
    return used == 1 ? OK
                     : refuse(options->key != NULL ? "ssl.key.location" : store->path_name, key, why, err);
}

static Status use_pkcs12(SSL_CTX *ctx, const HttpTls *options, const Store *store, Error *err)
{
    Opened opened;
    if (options->key != NULL)
        return error_set(err, E_CONFIG, NO_POS,
                         "ssl.key.location has no effect: the PKCS12 file %s has the key", store->path);
    if (options->key_password != NULL && !str_equal(str_c(options->key_password), str_c(store->password)))
        return error_set(err, E_CONFIG, NO_POS,
                         "ssl.key.password differs from %s: a PKCS12 file has one password for both",
                         store->password_name);
    Status status = open_pkcs12(store, &opened, err);
    if (status == OK && (opened.key == NULL || opened.certificate == NULL))
        status = refuse(store->path_name, store->path, "no private key with its certificate is in it", err);
    if (status == OK && SSL_CTX_use_cert_and_key(ctx, opened.certificate, opened.key, opened.others, 1) != 1)
        status = refuse(store->path_name, store->path, reason(), err);
    if (status == OK) /* the chain in its order, without what is no part of it */
        (void)SSL_CTX_build_cert_chain(ctx, SSL_BUILD_CHAIN_FLAG_CHECK | SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                                SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
    opened_clear(&opened);
    return status;
}

static void warn_of_dates(SSL_CTX *ctx, const char *path)
{
    const X509 *certificate = SSL_CTX_get0_certificate(ctx);
    if (X509_cmp_time(X509_get0_notAfter(certificate), NULL) < 0)
        log_line(LOG_WARN, "the certificate in %s has expired: clients will refuse it", path);
    else if (X509_cmp_time(X509_get0_notBefore(certificate), NULL) > 0)
        log_line(LOG_WARN, "the certificate in %s is not valid yet: clients will refuse it", path);
}

static Status use_keystore(SSL_CTX *ctx, const HttpTls *options, Error *err)
{
    const Store store = {options->keystore,       options->keystore_type, options->keystore_password,
                         "ssl.keystore.location", "ssl.keystore.type",    "ssl.keystore.password"};
    StoreForm   form;
    if (store.path == NULL)
        return error_set(
            err, E_CONFIG, NO_POS,
            "listeners: https needs ssl.keystore.location, a PEM or PKCS12 file with the server's "
            "certificate and its key");
    TRY(find_form(&store, &form, err));
    TRY(form == STORE_PEM ? use_pem(ctx, options, &store, err) : use_pkcs12(ctx, options, &store, err));
    if (SSL_CTX_check_private_key(ctx) != 1)
        return refuse(store.path_name, store.path, another_key, err);
    warn_of_dates(ctx, store.path);
    return OK;
}

/* ---- whom we believe ---- */

/* Its name is told to clients, so that they know which of their certificates is wanted. */
static bool trust(SSL_CTX *ctx, X509 *certificate)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), certificate) == 1 &&
           SSL_CTX_add_client_CA(ctx, certificate) == 1;
}

static Status trust_pem(SSL_CTX *ctx, const Store *store, Error *err)
{
    BIO   *file;
    size_t count = 0;
    TRY(open_file(store, &file, err));
    Status status = OK;
    for (X509 *one; status == OK && (one = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL; count++) {
        if (!trust(ctx, one))
            status = refuse(store->path_name, store->path, reason(), err);
        X509_free(one);
    }
    BIO_free(file);
    bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (status == OK && count == 0)
        status = refuse(store->path_name, store->path, "no certificate is in it", err);
    else if (status == OK && !to_the_end)
        status = refuse(store->path_name, store->path, reason(), err);
    return status;
}

static Status trust_pkcs12(SSL_CTX *ctx, const Store *store, Error *err)
{
    Opened opened;
    Status status = open_pkcs12(store, &opened, err);
    int    count  = opened.others != NULL ? sk_X509_num(opened.others) : 0;
    bool   right  = opened.certificate == NULL || trust(ctx, opened.certificate);
    for (int i = 0; status == OK && right && i < count; i++)
        right = trust(ctx, sk_X509_value(opened.others, i));
    if (status == OK && !right)
        status = refuse(store->path_name, store->path, reason(), err);
    else if (status == OK && count == 0 && opened.certificate == NULL)
        status = refuse(store->path_name, store->path, "no certificate is in it", err);
    opened_clear(&opened);
    return status;
}

/* An authority without a list here, or with one that is out of date, vouches for nobody: that is the way of
 * such lists. */
static Status use_revoked(SSL_CTX *ctx, const char *path, Error *err)
{
    static const char name[] = "sluice.ssl.crl.location";
    const Store       store  = {.path = path, .path_name = name};
    X509_STORE       *known  = SSL_CTX_get_cert_store(ctx);
    BIO              *file;
    size_t            count  = 0;
    Status            status = OK;
    if (path == NULL)
        return OK;
    TRY(open_file(&store, &file, err));
    for (X509_CRL *one; status == OK && (one = PEM_read_bio_X509_CRL(file, NULL, NULL, NULL)) != NULL;
         count++) {
        if (X509_STORE_add_crl(known, one) != 1)
            status = refuse(name, path, reason(), err);
        X509_CRL_free(one);
    }
    BIO_free(file);
    bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (status == OK && (count == 0 || !to_the_end))
        return refuse(name, path, count == 0 ? "no list of revoked certificates is in it" : reason(), err);
    TRY(status);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_CRL_CHECK);
    return OK;
}

static Status use_truststore(SSL_CTX *ctx, const HttpTls *options, Error *err)
{
    const Store store = {options->truststore,       options->truststore_type, options->truststore_password,
                         "ssl.truststore.location", "ssl.truststore.type",    "ssl.truststore.password"};
    StoreForm   form;
    if (options->client_certificate == HTTP_CERTIFICATE_NONE)
        return options->revoked == NULL ? OK
                                        : refuse("sluice.ssl.crl.location", options->revoked,
                                                 "it has no effect: no client is asked for a certificate "
                                                 "(ssl.client.authentication)",
                                                 err);
    if (store.path == NULL)
        return error_set(
            err, E_CONFIG, NO_POS,
            "ssl.client.authentication needs ssl.truststore.location: whose signature makes a client's "
            "certificate a good one");
    TRY(find_form(&store, &form, err));
    TRY(form == STORE_PEM ? trust_pem(ctx, &store, err) : trust_pkcs12(ctx, &store, err));
    TRY(use_revoked(ctx, options->revoked, err));
    /* As Java: what is in the store is trusted, whether it has signed itself or not. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(
        ctx,
        SSL_VERIFY_PEER |
            (options->client_certificate == HTTP_CERTIFICATE_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 ? OK : error_set(err, E_CONFIG, NO_POS, "TLS: %s", reason());
}

/* ---- versions and ciphers ---- */

typedef struct {
    bool tls12, tls13;
} Versions;

/* The next of a comma list; false: that was all. */
static bool next_item(Str list, size_t *at, Str *out)
{
    while (*at < list.len) {
        const char *comma = memchr(list.ptr + *at, ',', list.len - *at);
        size_t      end   = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        *out              = str_trim(str_n(list.ptr + *at, end - *at));
        *at               = end + 1;
        if (out->len > 0)
            return true;
    }
    return false;
}

static Status read_versions(const char *list, Versions *out, Error *err)
{
    Str name;
    *out = (Versions){list == NULL, list == NULL};
    for (size_t at = 0; list != NULL && next_item(str_c(list), &at, &name);) {
        if (str_equal_nocase(name, STR_LIT("TLSv1.2")))
            out->tls12 = true;
        else if (str_equal_nocase(name, STR_LIT("TLSv1.3")))
            out->tls13 = true;
        else
            return refuse("ssl.enabled.protocols", list,
                          "Sluice speaks TLSv1.2 and TLSv1.3; what is older is not safe any more", err);
    }
    return out->tls12 || out->tls13 ? OK : refuse("ssl.enabled.protocols", list, "it names no protocol", err);
}

/* `name` as the standards (and Java) or OpenSSL call it, into the list it belongs to: suites of TLS 1.3 are
 * settled apart. */
static Status add_suite(Str name, StrBuf *old, StrBuf *new, Error *err)
{
    char text[128];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
    bool        is_new   = str_starts_with(name, STR_LIT("TLS_")) && str_find(name, STR_LIT("_WITH_"), 0) < 0;
    const char *standard = is_new ? "(NONE)" : OPENSSL_cipher_name(text);
    StrBuf     *list     = is_new ? new : old;
    if (name.len >= sizeof text || strpbrk(text, ":!+@ ") != NULL)
        return refuse("ssl.cipher.suites", text, "it is no name of a cipher suite", err);
    strbuf_addf(list, "%s%s", list->len > 0 ? ":" : "", strcmp(standard, "(NONE)") == 0 ? text : standard);
    return OK;
}

static bool has_only_known(SSL_CTX *ctx, const StrBuf *list, bool is_new)
{
    Str name;
    for (size_t at = 0, end; at < list->len; at = end + 1) {
        const char *colon = memchr(list->ptr + at, ':', list->len - at);
        end               = colon != NULL ? (size_t)(colon - list->ptr) : list->len;
        name              = str_n(list->ptr + at, end - at);
        char one[128];
        snprintf(one, sizeof one, STR_FMT, STR_ARG(name));
        if ((is_new ? SSL_CTX_set_ciphersuites(ctx, one) : SSL_CTX_set_cipher_list(ctx, one)) != 1)
            return false;
    }
    return true;
}

/* A list of suites of one version alone leaves the other without any: then it is not spoken. */
static Status use_suites(SSL_CTX *ctx, const char *list, Versions *versions, Error *err)
{
    StrBuf old = {0}, new = {0};
    Str    name;
    Status status = OK;
    if (list == NULL)
        return SSL_CTX_set_cipher_list(ctx, default_ciphers) == 1
                   ? OK
                   : error_set(err, E_CONFIG, NO_POS, "TLS: %s", reason());
    for (size_t at = 0; status == OK && next_item(str_c(list), &at, &name);)
        status = add_suite(name, &old, &new, err);
    strbuf_addc(&old, '\0'), old.len--;
    strbuf_addc(&new, '\0'), new.len--;
    if (status == OK && !(has_only_known(ctx, &old, false) && has_only_known(ctx, &new, true)))
        status = refuse("ssl.cipher.suites", list, "OpenSSL knows not all of them", err);
    versions->tls12 = versions->tls12 && old.len > 0;
    versions->tls13 = versions->tls13 && new.len > 0;
    if (status == OK && !versions->tls12 && !versions->tls13)
        status = refuse("ssl.cipher.suites", list, "none of them is for a protocol that is enabled", err);
    if (status == OK && ((old.len > 0 && SSL_CTX_set_cipher_list(ctx, old.ptr) != 1) ||
                         (new.len > 0 && SSL_CTX_set_ciphersuites(ctx, new.ptr) != 1)))
        status = refuse("ssl.cipher.suites", list, reason(), err);
    strbuf_clear(&old);
    strbuf_clear(&new);
    return status;
}

static Status use_versions(SSL_CTX *ctx, const HttpTls *options, Error *err)
{
    Versions versions;
    TRY(read_versions(options->protocols, &versions, err));
    TRY(use_suites(ctx, options->cipher_suites, &versions, err));
    if (SSL_CTX_set_min_proto_version(ctx, versions.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, versions.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
        return error_set(err, E_CONFIG, NO_POS, "TLS: %s", reason());
    return OK;
}

/* ---- the whole ---- */

/* HTTP/2 where the client can; a client that wants neither of ours is told so. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *context)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char             *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static Status configure(SSL_CTX *ctx, const HttpTls *options, Error *err)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* What a send leaves over is sent from wherever it lies by then; idle connections keep no buffers. */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets are kept by clients */
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    TRY(use_versions(ctx, options, err));
    TRY(use_keystore(ctx, options, err));
    return use_truststore(ctx, options, err);
}

Status tls_context_open(const HttpTls *options, TlsContext **out, Error *err)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    Status   status =
        ctx != NULL ? configure(ctx, options, err) : error_set(err, E_LIMIT, NO_POS, "TLS: %s", reason());
    ERR_clear_error();
    if (status != OK) {
        SSL_CTX_free(ctx);
        return status;
    }
    *out = ctx;
    return OK;
}

TlsContext *tls_context_ref(TlsContext *context)
{
    SSL_CTX_up_ref(context);
    return context;
}

void tls_context_close(TlsContext *context) { SSL_CTX_free(context); }
