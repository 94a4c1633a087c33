/*
 * client.c - HTTP by libcurl; see client.h.
 *
 * The multi interface, though one transfer runs at a time: between its steps we look for Ctrl-C and let the
 * caller show what has come. Server that is just starting: refused connections, and 503 with Retry-After, are
 * tried again for a moment.
 */
#include "shell/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/value.h"
#include "shell/interrupt.h"

enum {
    POLL_MS          = 50,
    CONNECT_MS       = 5000,
    BACKGROUND_MS    = 5000,
    RETRY_MS         = 100,
    RETRY_CONNECT_US = 1000 * 1000,      /* nobody listens: perhaps not yet */
    RETRY_READY_US   = 10 * 1000 * 1000, /* it is starting */
};

struct Client {
    CURL              *easy;
    CURLM             *multi;
    struct curl_slist *headers;
    const ClientAuth  *auth;
    char              *url;       /* without a slash at the end */
    char              *socket;    /* of unix:PATH, as an address has room for it; NULL: the URL says where */
    int                folder;    /* that `socket` goes through; -1: none */
    StrBuf             token;     /* of the last reply */
    void (*waits)(void *context); /* NULL: none */
    void              *waits_context;
    const atomic_bool *stop; /* in the background: instead of Ctrl-C; NULL: in the foreground */
};

typedef struct {
    Client             *client;
    const ClientStream *stream; /* NULL: all to body */
    StrBuf             *body;
    bool                stopped;  /* by the stream's own wish */
    bool                starting; /* the server says when to try again */
    Pos                 mistake;
} Transfer;

static void set_auth(Client *client)
{
    const ClientAuth *auth = client->auth;
    if (auth->token != NULL) {
        curl_easy_setopt(client->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(client->easy, CURLOPT_XOAUTH2_BEARER, auth->token);
    } else if (auth->user != NULL) {
        curl_easy_setopt(client->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(client->easy, CURLOPT_USERNAME, auth->user);
        curl_easy_setopt(client->easy, CURLOPT_PASSWORD, auth->password != NULL ? auth->password : "");
    }
    if (auth->ca_file != NULL)
        curl_easy_setopt(client->easy, CURLOPT_CAINFO, auth->ca_file);
    if (auth->cert_file != NULL)
        curl_easy_setopt(client->easy, CURLOPT_SSLCERT, auth->cert_file);
    if (auth->key_file != NULL)
        curl_easy_setopt(client->easy, CURLOPT_SSLKEY, auth->key_file);
    if (auth->key_password != NULL)
        curl_easy_setopt(client->easy, CURLOPT_KEYPASSWD, auth->key_password);
}

Client *client_new(const ClientAuth *auth)
{
    Client *client = mem_calloc(1, sizeof *client);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->easy    = curl_easy_init();
    client->multi   = curl_multi_init();
    client->auth    = auth;
    client->headers = curl_slist_append(NULL, "Content-Type: application/vnd.ksql.v1+json");
    client->headers =
        curl_slist_append(client->headers, "Accept: application/vnd.ksql.v1+json, application/json;q=0.9");
    client->headers = curl_slist_append(
        client->headers, "Expect:"); /* no 100-continue: it costs a second with servers that ignore it */
    client->url    = mem_strdup("");
    client->folder = -1;
    return client;
}

static void forget_socket(Client *client)
{
    if (client->folder >= 0)
        close(client->folder);
    mem_free(client->socket);
    client->folder = -1;
    client->socket = NULL;
}

void client_free(Client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    forget_socket(client);
    mem_free(client->url);
    strbuf_clear(&client->token);
    mem_free(client);
}

/* unix:DIRECTORY/NAME. An address has room for 107 bytes: a longer path goes by its directory's descriptor.
 */
static Status set_socket(Client *client, Str url, Error *err)
{
    enum { ROOM = sizeof((struct sockaddr_un *)0)->sun_path };
    char *path  = str_to_heap(str_n(url.ptr + strlen("unix:"), url.len - strlen("unix:")));
    char *slash = strrchr(path, '/');
    forget_socket(client);
    if (slash == NULL || slash == path || slash[1] == '\0') {
        mem_free(path);
        return error_set(err, E_CONFIG, NO_POS, "'" STR_FMT "' is no unix:DIRECTORY/NAME", STR_ARG(url));
    }
    if (strlen(path) >= ROOM) {
        StrBuf by      = {0};
        *slash         = '\0';
        client->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        strbuf_addf(&by, "/proc/self/fd/%d/%s", client->folder, slash + 1);
        client->socket = str_to_heap(strbuf_str(&by));
        strbuf_clear(&by);
        mem_free(path);
    } else
        client->socket = path;
    mem_free(client->url);
    client->url = str_to_heap(url);
    return OK;
}

Status client_set_url(Client *client, Str url, Error *err)
{
    if (str_starts_with(url, STR_LIT("unix:")))
        return set_socket(client, url, err);
    StrBuf text  = {0};
    CURLU *parts = curl_url();
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    if (str_find(url, STR_LIT("://"), 0) < 0)
        strbuf_adds(&text, "http://");
    strbuf_add(&text, url);
    strbuf_addc(&text, '\0');
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, text.ptr, 0);
    bool      http = strncmp(text.ptr, "http://", 7) == 0 || strncmp(text.ptr, "https://", 8) == 0;
    curl_url_cleanup(parts);
    if (code != CURLUE_OK || !http) {
        strbuf_clear(&text);
        return error_set(err, E_CONFIG, NO_POS, "'" STR_FMT "' is no http:// or https:// address",
                         STR_ARG(url));
    }
    forget_socket(client);
    mem_free(client->url);
    client->url = mem_strdup(text.ptr);
    strbuf_clear(&text);
    return OK;
}

void client_in_background(Client *client, const atomic_bool *stop) { client->stop = stop; }

void client_while_waiting(Client *client, void (*waits)(void *context), void *context)
{
    client->waits         = waits;
    client->waits_context = context;
}

static bool is_cancelled(const Client *client)
{
    bool cancelled = client->stop != NULL ? atomic_load(client->stop) : interrupt_pending();
    if (client->waits != NULL)
        client->waits(client->waits_context);
    return cancelled;
}

Str client_token(const Client *client) { return strbuf_str(&client->token); }

const char *client_url(const Client *client) { return client->url; }

static size_t on_data(char *bytes, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    long      status   = 0;
    size_t    len      = size * count;
    curl_easy_getinfo(transfer->client->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->stream == NULL || status != 200)
        strbuf_add(transfer->body, str_n(bytes, len));
    else if (!transfer->stream->data(transfer->stream->context, str_n(bytes, len))) {
        transfer->stopped = true;
        return 0;
    }
    return len;
}

/* The value of a header's line "Name: value\r\n"; STR_NULL: it is another's, or the first line of a reply. */
static Str header_value(Str line, const char *name)
{
    size_t len = strlen(name);
    bool   right =
        line.len > len && line.ptr[len] == ':' && str_equal_nocase(str_n(line.ptr, len), str_c(name));
    return right ? str_trim(str_n(line.ptr + len + 1, line.len - len - 1)) : STR_NULL;
}

/* "LINE:COLUMN" */
static Pos read_position(Str text)
{
    int64_t   line, column;
    ptrdiff_t colon = str_find(text, STR_LIT(":"), 0);
    bool      good  = colon > 0 && int64_parse(str_n(text.ptr, (size_t)colon), &line) &&
                int64_parse(str_n(text.ptr + colon + 1, text.len - (size_t)colon - 1), &column) && line > 0 &&
                line < UINT32_MAX && column > 0 && column < UINT32_MAX;
    return good ? (Pos){(unsigned)line, (unsigned)column} : NO_POS;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    Str       line     = str_n(bytes, size * count);
    strbuf_add(&transfer->client->token, header_value(line, "Sluice-Consistency-Token"));
    transfer->starting |= !str_is_null(header_value(line, "Retry-After"));
    Str position = header_value(line, "Sluice-Error-Position");
    if (!str_is_null(position))
        transfer->mistake = read_position(position);
    return line.len;
}

static void prepare(Client *client, const char *method, const char *path, Str request, Transfer *transfer,
                    char reason[CURL_ERROR_SIZE])
{
    StrBuf url  = {0};
    CURL  *easy = client->easy;
    curl_easy_reset(easy);
    strbuf_addf(&url, "%s%s", client->socket != NULL ? "http://localhost" : client->url, path);
    strbuf_addc(&url, '\0');
    reason[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, url.ptr);
    if (client->socket != NULL)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    if (client->stop != NULL)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)BACKGROUND_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    strbuf_reset(&client->token);
    set_auth(client);
    if (strcmp(method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.len > 0 ? request.ptr : "");
    }
    strbuf_clear(&url);
}

/* Runs the prepared transfer to its end, to Ctrl-C or until the caller has enough. */
static CURLcode perform(Client *client, Transfer *transfer, bool *cancelled)
{
    CURLcode code    = CURLE_OK;
    int      running = 1, left;
    *cancelled       = false;
    curl_multi_add_handle(client->multi, client->easy);
    while (running > 0 && !transfer->stopped && !*cancelled) {
        if (curl_multi_perform(client->multi, &running) != CURLM_OK) {
            code = CURLE_RECV_ERROR;
            break;
        }
        if (transfer->stream != NULL && transfer->stream->tick != NULL &&
            !transfer->stream->tick(transfer->stream->context))
            transfer->stopped = true;
        else if (running > 0)
            curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
        *cancelled = is_cancelled(client);
    }
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;)
        if (message->msg == CURLMSG_DONE)
            code = message->data.result;
    curl_multi_remove_handle(client->multi,
                             client->easy); /* in the middle: closes the connection, and so ends the query */
    return transfer->stopped ? CURLE_OK : code;
}

/* It failed before there was somebody to talk to. */
static bool no_connection(Client *client, CURLcode code)
{
    double connected = 0;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION:
        return true;
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(client->easy, CURLINFO_CONNECT_TIME, &connected);
        return connected <= 0;
    default:
        return false;
    }
}

static Status exchange(Client *client, const char *method, const char *path, Str request,
                       const ClientStream *stream, StrBuf *body, ClientReply *reply, Error *err)
{
    char     reason[CURL_ERROR_SIZE];
    bool     cancelled;
    Transfer transfer = {.client = client, .stream = stream, .body = body};
    strbuf_reset(body);
    prepare(client, method, path, request, &transfer, reason);
    CURLcode code = perform(client, &transfer, &cancelled);
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    reply->starting = reply->status == 503 && transfer.starting;
    reply->mistake  = transfer.mistake;
    reply->reached  = reply->status != 0 || !no_connection(client, code);
    if (cancelled)
        return error_set(err, E_CANCELLED, NO_POS, "interrupted");
    if (code == CURLE_OK)
        return OK;
    const char *why = reason[0] != '\0' ? reason : curl_easy_strerror(code);
    if (reply->reached)
        return error_set(err, E_IO, NO_POS, "The connection to %s broke: %s", client->url, why);
    return error_set(err, E_IO, NO_POS, "Cannot reach the server at %s: %s", client->url, why);
}

static bool worth_another_try(Status status, const ClientReply *reply, int64_t waited_us)
{
    if (status == E_IO && !reply->reached)
        return waited_us < RETRY_CONNECT_US;
    return status == OK && reply->starting && waited_us < RETRY_READY_US;
}

static Status exchange_patiently(Client *client, const char *method, const char *path, Str request,
                                 const ClientStream *stream, StrBuf *body, ClientReply *reply, Error *err)
{
    Clock  *clock = clock_system();
    int64_t start = clock->monotonic_us(clock);
    for (;;) {
        Status status = exchange(client, method, path, request, stream, body, reply, err);
        if (client->stop != NULL || !worth_another_try(status, reply, clock->monotonic_us(clock) - start))
            return status;
        usleep(RETRY_MS * 1000);
        if (is_cancelled(client))
            return error_set(err, E_CANCELLED, NO_POS, "interrupted");
    }
}

Status client_call(Client *client, const char *method, const char *path, Str request, StrBuf *body,
                   ClientReply *reply, Error *err)
{
    return exchange_patiently(client, method, path, request, NULL, body, reply, err);
}

Status client_stream(Client *client, const char *path, Str request, const ClientStream *stream, StrBuf *body,
                     ClientReply *reply, Error *err)
{
    return exchange_patiently(client, "POST", path, request, stream, body, reply, err);
}
