/*
 * http_client.c - libcurl for few and small questions; see http_client.h.
 *
 * A handle keeps its connection, so handles are kept and lent out, one a request. The server that answered
 * last is asked first the next time. A client that rests asks nobody for a while after a failure, a while
 * that doubles, up to half a minute: thousands of records that need a schema must not become thousands of
 * connections to a server that is ill. It is not shorter than the failure took to show, or a server that
 * is silent would be waited for nearly all the time; and when it is over, one question finds out for all.
 */
#include "web/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/address.h"

enum {
    HANDLES_MOST  = 8, /* kept; more are made when needed */
    ROUNDS        = 3, /* over all servers */
    PAUSE_MS      = 100,
    CONNECT_MS    = 3000,
    ANSWER_MOST   = 16 * 1024 * 1024,
    REST_FIRST_MS = 200,
    REST_MOST_MS  = 30000,
};

typedef struct {
    char *url;   /* without a slash at the end */
    char *shown; /* without user and password, for messages */
} Address;

struct HttpClient {
    HttpClientOptions  options; /* with texts of our own */
    Address           *addresses;
    size_t             address_count;
    struct curl_slist *headers;
    atomic_bool        stopping;
    pthread_mutex_t    lock; /* of what follows */
    CURL              *idle[HANDLES_MOST];
    size_t             idle_count, preferred;
    int64_t            rest_until_us;
    int                rest_ms; /* the last rest; 0: all was well */
    bool               probing; /* a question finds out whether all is well again */
    Error              why;     /* it rests */
};

/* What came of one attempt. */
typedef struct {
    bool   answered; /* with a status that settles the question */
    bool   begun;    /* the server may have begun with it */
    long   status;   /* 0: nobody said anything */
    StrBuf body;
    Error  why; /* unless answered */
} Attempt;

/* ---- making ---- */

static char *copy(const char *text) { return text != NULL ? mem_strdup(text) : NULL; }

static char *without_user(Str url)
{
    StrBuf shown = {0};
    address_add_shown(&shown, url);
    char *text = str_to_heap(strbuf_str(&shown));
    strbuf_clear(&shown);
    return text;
}

static Status add_address(HttpClient *client, Str url, Error *err)
{
    url = str_trim(url);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    char *shown = without_user(url);
    bool  good  = str_starts_with(url, STR_LIT("http://")) || str_starts_with(url, STR_LIT("https://"));
    if (!good) {
        Status status = error_set(err, E_CONFIG, NO_POS, "'%s' is no http:// or https:// address", shown);
        mem_free(shown);
        return status;
    }
    client->addresses =
        mem_realloc(client->addresses, (client->address_count + 1) * sizeof *client->addresses);
    client->addresses[client->address_count++] = (Address){str_to_heap(url), shown};
    return OK;
}

static Status add_addresses(HttpClient *client, Str list, Error *err)
{
    for (size_t from = 0; from <= list.len;) {
        ptrdiff_t comma = str_find(list, STR_LIT(","), from);
        size_t    end   = comma < 0 ? list.len : (size_t)comma;
        TRY(add_address(client, str_n(list.ptr + from, end - from), err));
        from = end + 1;
    }
    return OK;
}

static void add_headers(HttpClient *client)
{
    const char *own  = client->options.media_type;
    StrBuf      text = {0};
    strbuf_addf(&text, "Content-Type: %s%c", own != NULL ? own : "application/json", '\0');
    client->headers = curl_slist_append(NULL, text.ptr);
    strbuf_reset(&text);
    strbuf_addf(&text, "Accept: %s%sapplication/json%c", own != NULL ? own : "", own != NULL ? ", " : "",
                '\0');
    client->headers = curl_slist_append(client->headers, text.ptr);
    client->headers = curl_slist_append(client->headers, "Expect:");
    strbuf_clear(&text);
}

Status http_client_new(const HttpClientOptions *options, HttpClient **out, Error *err)
{
    HttpClient *client = mem_calloc(1, sizeof *client);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->options              = *options;
    client->options.service      = copy(options->service);
    client->options.urls         = NULL; /* in addresses */
    client->options.user         = copy(options->user);
    client->options.password     = copy(options->password);
    client->options.token        = copy(options->token);
    client->options.ca_file      = copy(options->ca_file);
    client->options.cert_file    = copy(options->cert_file);
    client->options.key_password = copy(options->key_password);
    client->options.media_type   = copy(options->media_type);
    pthread_mutex_init(&client->lock, NULL);
    add_headers(client);
    Status status = add_addresses(client, str_c(options->urls), err);
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
    const HttpClientOptions *o      = &client->options;
    const char              *mine[] = {o->service, o->user,      o->password,     o->token,
                                       o->ca_file, o->cert_file, o->key_password, o->media_type};
    for (size_t i = 0; i < ARRAY_LEN(mine); i++)
        mem_free((char *)mine[i]);
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    for (size_t i = 0; i < client->address_count; i++) {
        mem_free(client->addresses[i].url);
        mem_free(client->addresses[i].shown);
    }
    mem_free(client->addresses);
    curl_slist_free_all(client->headers);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

void http_client_stop(HttpClient *client) { atomic_store(&client->stopping, true); }

/* ---- handles ---- */

static void set_security(CURL *easy, const HttpClientOptions *options)
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

/* libcurl asks at least once a second whether to go on. */
static int is_stopping(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    return atomic_load(&((HttpClient *)context)->stopping);
}

static void set_request(CURL *easy, HttpClient *client, HttpMethod method, const char *body, StrBuf *answer)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
    curl_easy_reset(easy); /* its connections stay */
    set_security(easy, &client->options);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)client->options.answer_ms);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, is_stopping);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    if (method != HTTP_GET)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, names[method]);
}

/* The server has not seen the request. */
static bool never_sent(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT;
}

/* With another server, or later, it may be better. */
static bool is_no_answer(const HttpClient *client, long status)
{
    return status >= 500 || status == 429 || (client->options.rests && (status == 401 || status == 403));
}

const char *http_answer_message(const json_t *json)
{
    return json_string_value(json_object_get(json, "message"));
}

static void no_answer(const HttpClient *client, const char *shown, const char *why, Attempt *out)
{
    error_set(&out->why, E_WAIT, NO_POS, "%s at %s does not answer: %s", client->options.service, shown, why);
}

static void tell_status(const HttpClient *client, const char *shown, Attempt *out)
{
    json_t     *json = json_loadb(out->body.ptr != NULL ? out->body.ptr : "", out->body.len, 0, NULL);
    const char *said = http_answer_message(json);
    error_set(&out->why, E_WAIT, NO_POS, "%s at %s answers with status %ld%s%s", client->options.service,
              shown, out->status, said != NULL ? ": " : "", said != NULL ? said : "");
    json_decref(json);
}

static void transfer(HttpClient *client, CURL *easy, const HttpQuestion *question, const char *url,
                     const char *shown, const char *body, Attempt *out)
{
    char reason[CURL_ERROR_SIZE] = "";
    set_request(easy, client, question->method, body, &out->body);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    out->begun = !never_sent(code);
    if (code != CURLE_OK) {
        const char *why = code == CURLE_WRITE_ERROR ? "the answer is larger than 16 MB"
                          : reason[0] != '\0'       ? reason
                                                    : curl_easy_strerror(code);
        no_answer(client, shown, why, out);
        return;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out->status);
    out->answered = !is_no_answer(client, out->status);
    if (!out->answered)
        tell_status(client, shown, out);
}

static void ask_one(HttpClient *client, size_t server, const HttpQuestion *question, const char *body,
                    Attempt *out)
{
    const Address *address = &client->addresses[server];
    StrBuf         url = {0}, shown = {0};
    CURL          *easy = borrow(client);
    strbuf_reset(&out->body);
    out->answered = out->begun = false;
    out->status                = 0;
    strbuf_addf(&url, "%s" STR_FMT "%c", address->url, STR_ARG(question->path), '\0');
    strbuf_addf(&shown, "%s" STR_FMT "%c", address->shown, STR_ARG(question->path), '\0');
    if (easy != NULL)
        transfer(client, easy, question, url.ptr, shown.ptr, body, out);
    else
        no_answer(client, shown.ptr, "no memory for a request", out);
    strbuf_clear(&url);
    strbuf_clear(&shown);
    if (easy != NULL)
        give_back(client, easy);
}

/* ---- several servers, several times ---- */

/* Also while another question finds out whether the rest is over. *probes: this one is to. */
static bool is_resting(HttpClient *client, int64_t now_us, size_t *preferred, bool *probes, Error *err)
{
    pthread_mutex_lock(&client->lock);
    bool resting = client->rest_ms > 0 && (now_us < client->rest_until_us || client->probing);
    if (resting && err != NULL)
        *err = client->why;
    *probes    = !resting && client->rest_ms > 0;
    *preferred = client->preferred;
    client->probing |= *probes;
    pthread_mutex_unlock(&client->lock);
    return resting;
}

static void end_probe(HttpClient *client)
{
    pthread_mutex_lock(&client->lock);
    client->probing = false;
    pthread_mutex_unlock(&client->lock);
}

static void note_answer(HttpClient *client, size_t server)
{
    pthread_mutex_lock(&client->lock);
    client->preferred = server;
    client->rest_ms   = 0;
    pthread_mutex_unlock(&client->lock);
}

static void note_failure(HttpClient *client, int64_t began_us, const Error *why)
{
    int64_t now     = client->options.clock->monotonic_us(client->options.clock);
    int64_t took_ms = (now - began_us) / 1000;
    pthread_mutex_lock(&client->lock);
    int64_t next          = client->rest_ms == 0 ? REST_FIRST_MS : (int64_t)client->rest_ms * 2;
    next                  = next < took_ms ? took_ms : next;
    client->rest_ms       = next < REST_MOST_MS ? (int)next : REST_MOST_MS;
    client->rest_until_us = now + (int64_t)client->rest_ms * 1000;
    client->why           = *why;
    pthread_mutex_unlock(&client->lock);
}

static void pause_before(HttpClient *client, int round)
{
    Clock          *clock = client->options.clock;
    int64_t         ms    = ((int64_t)PAUSE_MS << (round - 1)) + (int64_t)(clock->random(clock) % PAUSE_MS);
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

/* Until one has answered, or trying again is of no use. */
static void ask_all(HttpClient *client, size_t first, int64_t start, const HttpQuestion *question,
                    const char *body, Attempt *out)
{
    Clock *clock = client->options.clock;
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0 && (clock->monotonic_us(clock) - start) / 1000 >= client->options.patience_ms)
            return;
        if (round > 0)
            pause_before(client, round);
        for (size_t i = 0; i < client->address_count; i++) {
            size_t server = (first + i) % client->address_count;
            ask_one(client, server, question, body, out);
            if (out->answered)
                note_answer(client, server);
            if (out->answered || atomic_load(&client->stopping) || (question->once && out->begun))
                return;
        }
    }
}

/* What the attempts mean for who asked. */
static Status conclude(HttpClient *client, int64_t start, const Attempt *last, HttpAnswer *answer, Error *err)
{
    bool said = last->answered || (last->status != 0 && !client->options.rests);
    if (!said) {
        if (client->options.rests)
            note_failure(client, start, &last->why);
        if (err != NULL)
            *err = last->why;
        return last->why.code;
    }
    answer->status = last->status;
    answer->json =
        json_loadb(last->body.ptr != NULL ? last->body.ptr : "", last->body.len, JSON_DECODE_ANY, NULL);
    return OK;
}

Status http_client_ask(HttpClient *client, const HttpQuestion *question, HttpAnswer *answer, Error *err)
{
    size_t  first  = 0;
    bool    probes = false;
    Attempt last   = {0};
    int64_t start  = client->options.clock->monotonic_us(client->options.clock);
    *answer        = (HttpAnswer){0};
    if (atomic_load(&client->stopping))
        return error_set(err, E_WAIT, NO_POS, "%s is not asked any more: told to stop",
                         client->options.service);
    if (is_resting(client, start, &first, &probes, err))
        return E_WAIT;
    char *body = question->body != NULL ? json_dumps(question->body, JSON_COMPACT) : NULL;
    ask_all(client, first, start, question, body, &last);
    Status result = conclude(client, start, &last, answer, err);
    if (probes)
        end_probe(client);
    free(body); /* of jansson */
    strbuf_clear(&last.body);
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
