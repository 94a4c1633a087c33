/*
 * http_client.c - libcurl for few and small questions; see http_client.h.
 *
 * A handle keeps its connection, so handles are kept and lent out, one a request. The server that answered
 * last is asked first the next time. After a failure nobody is asked for a while that doubles, up to half a
 * minute: thousands of records that need a schema must not become thousands of connections to a server that
 * is ill.
 */
#include "registry/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <time.h>

enum {
    HANDLES_MOST  = 8, /* kept; more are made when needed */
    ROUNDS        = 3, /* over all servers */
    PAUSE_MS      = 100,
    CONNECT_MS    = 3000,
    ANSWER_MS     = 10000,
    ANSWER_MOST   = 16 * 1024 * 1024,
    REST_FIRST_MS = 200,
    REST_MOST_MS  = 30000,
};

struct HttpClient {
    RegistryHttpOptions options; /* with texts of our own */
    char              **urls;    /* without a slash at the end */
    size_t              url_count;
    struct curl_slist  *headers;
    pthread_mutex_t     lock; /* of what follows */
    CURL               *idle[HANDLES_MOST];
    size_t              idle_count, preferred;
    int64_t             rest_until_us;
    int                 rest_ms;
    Error               why; /* it rests */
};

/* ---- making ---- */

static char *copy(const char *text) { return text != NULL ? mem_strdup(text) : NULL; }

static Status add_url(HttpClient *client, Str url, Error *err)
{
    url = str_trim(url);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    if (!str_starts_with(url, STR_LIT("http://")) && !str_starts_with(url, STR_LIT("https://")))
        return error_set(err, E_CONFIG, NO_POS, "'" STR_FMT "' is no http:// or https:// address",
                         STR_ARG(url));
    client->urls = mem_realloc(client->urls, (client->url_count + 1) * sizeof *client->urls);
    client->urls[client->url_count++] = str_to_heap(url);
    return OK;
}

static Status add_urls(HttpClient *client, Str list, Error *err)
{
    for (size_t from = 0; from <= list.len;) {
        ptrdiff_t comma = str_find(list, STR_LIT(","), from);
        size_t    end   = comma < 0 ? list.len : (size_t)comma;
        TRY(add_url(client, str_n(list.ptr + from, end - from), err));
        from = end + 1;
    }
    return OK;
}

Status http_client_new(const RegistryHttpOptions *options, HttpClient **out, Error *err)
{
    HttpClient *client = mem_calloc(1, sizeof *client);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->options = (RegistryHttpOptions){
        .user         = copy(options->user),
        .password     = copy(options->password),
        .token        = copy(options->token),
        .ca_file      = copy(options->ca_file),
        .cert_file    = copy(options->cert_file),
        .key_password = copy(options->key_password),
        .any_host     = options->any_host,
        .clock        = options->clock,
    };
    pthread_mutex_init(&client->lock, NULL);
    client->headers = curl_slist_append(NULL, "Content-Type: application/vnd.schemaregistry.v1+json");
    client->headers = curl_slist_append(client->headers,
                                        "Accept: application/vnd.schemaregistry.v1+json, application/json");
    client->headers = curl_slist_append(client->headers, "Expect:");
    Status status   = add_urls(client, str_c(options->urls), err);
    if (status != OK) {
        http_client_free(client);
        return status;
    }
    *out = client;
    return OK;
}

void http_client_free(HttpClient *client)
{
    if (client == NULL)
        return;
    const RegistryHttpOptions *o = &client->options;
    const char *mine[] = {o->user, o->password, o->token, o->ca_file, o->cert_file, o->key_password};
    for (size_t i = 0; i < ARRAY_LEN(mine); i++)
        mem_free((char *)mine[i]);
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    for (size_t i = 0; i < client->url_count; i++)
        mem_free(client->urls[i]);
    mem_free(client->urls);
    curl_slist_free_all(client->headers);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

/* ---- handles ---- */

static void set_security(CURL *easy, const RegistryHttpOptions *options)
{
    if (options->token != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, options->token);
    } else if (options->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, options->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, options->password != NULL ? options->password : "");
    }
    if (options->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    if (options->cert_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, options->cert_file);
    }
    if (options->key_password != NULL)
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, options->key_password);
    if (options->any_host)
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

static CURL *borrow(HttpClient *client)
{
    pthread_mutex_lock(&client->lock);
    CURL *easy = client->idle_count > 0 ? client->idle[--client->idle_count] : NULL;
    pthread_mutex_unlock(&client->lock);
    return easy != NULL ? easy : curl_easy_init();
}

static void give_back(HttpClient *client, CURL *easy)
{
    pthread_mutex_lock(&client->lock);
    if (client->idle_count < HANDLES_MOST) {
        client->idle[client->idle_count++] = easy;
        easy                               = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    curl_easy_cleanup(easy);
}

/* ---- one request ---- */

static size_t take_bytes(char *bytes, size_t one, size_t count, void *context)
{
    StrBuf *body = context;
    if (body->len + count > ANSWER_MOST)
        return 0;
    strbuf_add(body, str_n(bytes, count));
    return count;
}

static Status transfer(HttpClient *client, CURL *easy, const char *url, const char *body, long *status,
                       StrBuf *answer, Error *err)
{
    char reason[CURL_ERROR_SIZE] = "";
    curl_easy_reset(easy); /* its connections stay */
    set_security(easy, &client->options);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    if (code != CURLE_OK)
        return error_set(err, E_WAIT, NO_POS, "The schema registry at %s does not answer: %s", url,
                         reason[0] != '\0' ? reason : curl_easy_strerror(code));
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    if (*status >= 500 || *status == 429 || *status == 401 || *status == 403)
        return error_set(err, E_WAIT, NO_POS, "The schema registry at %s answers with status %ld", url,
                         *status);
    return OK;
}

static Status ask_one(HttpClient *client, size_t server, Str path, const char *body, long *status,
                      StrBuf *answer, Error *err)
{
    StrBuf url  = {0};
    CURL  *easy = borrow(client);
    if (easy == NULL)
        return error_set(err, E_WAIT, NO_POS, "no memory for a request to the schema registry");
    strbuf_addf(&url, "%s" STR_FMT "%c", client->urls[server], STR_ARG(path), '\0');
    strbuf_reset(answer);
    Status sent = transfer(client, easy, url.ptr, body, status, answer, err);
    strbuf_clear(&url);
    give_back(client, easy);
    return sent;
}

/* ---- several servers, several times ---- */

static bool is_resting(HttpClient *client, int64_t now_us, size_t *preferred, Error *err)
{
    pthread_mutex_lock(&client->lock);
    bool resting = now_us < client->rest_until_us;
    if (resting && err != NULL)
        *err = client->why;
    *preferred = client->preferred;
    pthread_mutex_unlock(&client->lock);
    return resting;
}

static void note(HttpClient *client, size_t answered, const Error *failed)
{
    int64_t now = client->options.clock->monotonic_us(client->options.clock);
    pthread_mutex_lock(&client->lock);
    if (failed == NULL) {
        client->preferred = answered;
        client->rest_ms   = 0;
    } else {
        int next              = client->rest_ms == 0 ? REST_FIRST_MS : client->rest_ms * 2;
        client->rest_ms       = next < REST_MOST_MS ? next : REST_MOST_MS;
        client->rest_until_us = now + (int64_t)client->rest_ms * 1000;
        client->why           = *failed;
    }
    pthread_mutex_unlock(&client->lock);
}

static void pause_before(HttpClient *client, int round)
{
    Clock          *clock = client->options.clock;
    int64_t         ms    = ((int64_t)PAUSE_MS << (round - 1)) + (int64_t)(clock->random(clock) % PAUSE_MS);
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

static Status ask_all(HttpClient *client, size_t first, Str path, const char *body, long *status,
                      StrBuf *answer, Error *err)
{
    Error why;
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0)
            pause_before(client, round);
        for (size_t i = 0; i < client->url_count; i++) {
            size_t server = (first + i) % client->url_count;
            if (ask_one(client, server, path, body, status, answer, &why) == OK) {
                note(client, server, NULL);
                return OK;
            }
        }
    }
    note(client, 0, &why);
    if (err != NULL)
        *err = why;
    return why.code;
}

Status http_client_ask(HttpClient *client, Str path, const json_t *body, long *status, json_t **answer,
                       Error *err)
{
    size_t first = 0;
    StrBuf text  = {0};
    *answer      = NULL;
    *status      = 0;
    if (is_resting(client, client->options.clock->monotonic_us(client->options.clock), &first, err))
        return E_WAIT;
    char  *sent   = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    Status result = ask_all(client, first, path, sent, status, &text, err);
    if (result == OK)
        *answer = json_loadb(text.ptr != NULL ? text.ptr : "", text.len, JSON_DECODE_ANY, NULL);
    free(sent); /* of jansson */
    strbuf_clear(&text);
    return result;
}

void http_client_escape(StrBuf *path, Str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            strchr("-._~", c) != NULL) {
            strbuf_addc(path, (char)c);
            continue;
        }
        strbuf_addc(path, '%');
        strbuf_addc(path, hex[c >> 4]);
        strbuf_addc(path, hex[c & 15]);
    }
}
