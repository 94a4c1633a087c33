/*
 * peer_client.c - see peer_client.h.
 *
 * A call is in the list of its client from its start until both sides have let go of it: its owner by
 * peer_call_end, and the thread, which alone touches libcurl's handles, once the transfer is over. Who comes
 * second frees it.
 */
#include "server/peers/peer_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <time.h>

#include "core/clock.h"
#include "server/peers/peer_tls.h"

enum {
    HELD_MOST   = 1024 * 1024, /* bytes that an owner has not taken; beyond, libcurl stops reading */
    IDLE_MS     = 60000,
    KEPT        = 64, /* connections */
    TOLD_MOST   = 64, /* of peer_client_tell under way */
    KEEPALIVE_S = 10,
};

struct PeerCall {
    PeerClient        *client;
    PeerCall          *next;
    CURL              *easy; /* thread: the client's, as what follows up to `lock`'s */
    struct curl_slist *headers;
    char              *url, *body;
    char               reason[CURL_ERROR_SIZE];
    bool               added, pause;
    int                answer_ms;
    int64_t            due_us; /* end of a pause; when an answer must have begun */
    void (*changed)(void *context);
    void (*released)(void *context);
    void *context;
    /* Thread: any, under the client's lock */
    StrBuf    received;
    int       status;
    PeerState state;
    bool      held; /* libcurl waits until something is taken */
    bool      told; /* of peer_client_tell: nobody will take it */
    bool      ended, over;
};

struct PeerClient {
    pthread_t thread;
    PeerTls   tls;
    /* Thread: any, under lock */
    pthread_mutex_t lock;
    pthread_cond_t  woken_up;
    CURLM          *multi; /* made by the client's thread for the first call that is no pause */
    PeerCall       *calls;
    int             told;
    bool            running, woken, stopping;
};

/* ---- a call, on the client's thread ---- */

static int64_t monotonic_us(void) { return clock_system()->monotonic_us(clock_system()); }

static void call_free(PeerCall *call)
{
    curl_slist_free_all(call->headers);
    strbuf_clear(&call->received);
    mem_free(call->url);
    mem_free(call->body);
    mem_free(call);
}

static size_t on_bytes(char *bytes, size_t one, size_t count, void *context)
{
    PeerCall   *call   = context;
    PeerClient *client = call->client;
    long        status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    pthread_mutex_lock(&client->lock);
    call->status = (int)status;
    call->held   = !call->told && call->received.len >= HELD_MOST;
    bool held    = call->held;
    if (!held && !call->told && !call->ended)
        strbuf_add(&call->received, str_n(bytes, count));
    pthread_mutex_unlock(&client->lock);
    if (held)
        return CURL_WRITEFUNC_PAUSE; /* it comes again */
    if (call->changed != NULL)
        call->changed(call->context);
    return count;
}

static void set_options(PeerCall *call, const PeerRequest *request)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    peer_tls_set(&call->client->tls, easy);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* the environment's is for the world outside */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)request->silent_s);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
}

static void set_over(PeerCall *call, PeerState state, int status)
{
    PeerClient *client = call->client;
    pthread_mutex_lock(&client->lock);
    call->state  = state;
    call->status = status;
    pthread_mutex_unlock(&client->lock);
    if (call->changed != NULL)
        call->changed(call->context);
}

static void finish(PeerCall *call, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && call->reason[0] == '\0')
        snprintf(call->reason, sizeof call->reason, "%s", curl_easy_strerror(code));
    set_over(call, code == CURLE_OK ? PEER_ANSWERED : PEER_FAILED, (int)status);
}

/* The transfer is over, or nobody wants it any more: libcurl's part goes. Freed if the owner has let go, too.
 * Lock held on entry and on return, and not in between: the list may have changed. */
static void let_go(PeerClient *client, PeerCall *call)
{
    PeerCall **at = &client->calls;
    pthread_mutex_unlock(&client->lock);
    if (call->easy != NULL && call->added)
        curl_multi_remove_handle(client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
    if (call->released != NULL)
        call->released(call->context);
    pthread_mutex_lock(&client->lock);
    call->over = true;
    if (!call->ended && !call->told)
        return; /* its owner frees it */
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    client->told -= call->told;
    call_free(call);
}

/* What has to be done now, outside of the lock, for one call. */
typedef enum { NOTHING, ADD, RESUME, PAUSE_OVER, TOO_LATE, LET_GO } Deed;

static Deed next_deed(const PeerClient *client, const PeerCall *call, int64_t now_us)
{
    if (call->over)
        return NOTHING;
    if (call->state != PEER_UNDER_WAY || call->ended || client->stopping)
        return LET_GO;
    if (call->pause)
        return now_us >= call->due_us ? PAUSE_OVER : NOTHING;
    if (!call->added)
        return ADD;
    if (call->status == 0 && now_us >= call->due_us)
        return TOO_LATE;
    return call->held && call->received.len < HELD_MOST / 2 ? RESUME : NOTHING;
}

/* Pauses alone need no libcurl, which most servers never load (core/late_curl.c). */
static bool has_multi(PeerClient *client)
{
    if (client->multi != NULL)
        return true;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    pthread_mutex_lock(&client->lock);
    client->multi = multi;
    pthread_mutex_unlock(&client->lock);
    return multi != NULL;
}

static void add(PeerClient *client, PeerCall *call)
{
    call->added = has_multi(client) && call->easy != NULL &&
                  curl_multi_add_handle(client->multi, call->easy) == CURLM_OK;
    if (!call->added)
        set_over(call, PEER_FAILED, 0);
}

static void give_up(PeerCall *call)
{
    snprintf(call->reason, sizeof call->reason, "no answer within %d ms", call->answer_ms);
    set_over(call, PEER_FAILED, 0);
}

/* Lock held on entry and on return. */
static void do_deed(PeerClient *client, PeerCall *call, Deed deed)
{
    if (deed == LET_GO) {
        let_go(client, call);
        return;
    }
    call->held &= deed != RESUME;
    pthread_mutex_unlock(&client->lock); /* on_bytes may be called from within */
    if (deed == ADD)
        add(client, call);
    else if (deed == RESUME)
        curl_easy_pause(call->easy, CURLPAUSE_CONT);
    else if (deed == TOO_LATE)
        give_up(call);
    else
        set_over(call, PEER_ANSWERED, 0);
    pthread_mutex_lock(&client->lock);
}

/* Does what there is to do, until there is nothing; returns how long that will stay so, in ms. */
static int look_at_calls(PeerClient *client)
{
    int64_t now = monotonic_us(), wait_us = IDLE_MS * 1000LL;
    pthread_mutex_lock(&client->lock);
    for (PeerCall *call = client->calls; call != NULL;) {
        Deed deed = next_deed(client, call, now);
        if (deed != NOTHING) {
            do_deed(client, call, deed);
            call = client->calls; /* the list may have changed */
            continue;
        }
        bool awaited = !call->over && (call->pause || call->status == 0);
        if (awaited && call->due_us - now < wait_us)
            wait_us = call->due_us - now;
        call = call->next;
    }
    pthread_mutex_unlock(&client->lock);
    return (int)((wait_us + 999) / 1000);
}

/* True: some have come to their end. */
static bool take_finished(PeerClient *client)
{
    bool any = false;
    int  left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        PeerCall *call = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        finish(call, message->data.result);
        any = true;
    }
    return any;
}

/* Until somebody wakes the client, or something comes, or the time is over. */
static void wait_for_more(PeerClient *client, int wait_ms)
{
    struct timespec until;
    if (client->multi != NULL) {
        curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + wait_ms * 1000000LL;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&client->lock);
    while (!client->woken && pthread_cond_timedwait(&client->woken_up, &client->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&client->lock);
}

/* What was told before is seen after. */
static bool goes_on(PeerClient *client)
{
    pthread_mutex_lock(&client->lock);
    bool on       = !client->stopping;
    client->woken = false;
    pthread_mutex_unlock(&client->lock);
    return on;
}

static void *client_main(void *argument)
{
    PeerClient *client = argument;
    int         running;
    while (goes_on(client)) {
        int wait_ms = look_at_calls(client);
        if (client->multi != NULL)
            curl_multi_perform(client->multi, &running);
        if (client->multi == NULL || !take_finished(client))
            wait_for_more(client, wait_ms);
    }
    look_at_calls(client);
    return NULL;
}

/* ---- for owners ---- */

PeerClient *peer_client_new(const Properties *properties)
{
    PeerClient *client = mem_calloc(1, sizeof *client);
    peer_tls_init(&client->tls, properties);
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->woken_up, NULL);
    return client;
}

/* Lock held, here and below. */
static void wake(PeerClient *client)
{
    client->woken = true;
    pthread_cond_signal(&client->woken_up);
    if (client->multi != NULL)
        curl_multi_wakeup(client->multi);
}

static bool start(PeerClient *client)
{
    if (client->running)
        return true;
    client->running = pthread_create(&client->thread, NULL, client_main, client) == 0;
    if (client->running)
        pthread_setname_np(client->thread, "peers");
    return client->running;
}

void peer_client_free(PeerClient *client)
{
    if (client == NULL)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    wake(client);
    pthread_mutex_unlock(&client->lock);
    if (client->running)
        pthread_join(client->thread, NULL);
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    peer_tls_clear(&client->tls);
    pthread_cond_destroy(&client->woken_up);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

static PeerCall *call_new(PeerClient *client, const PeerRequest *request)
{
    PeerCall *call  = mem_calloc(1, sizeof *call);
    call->client    = client;
    call->changed   = request->changed;
    call->released  = request->released;
    call->context   = request->context;
    call->pause     = request->url == NULL;
    call->answer_ms = request->answer_ms;
    call->due_us    = monotonic_us() + (call->pause ? request->pause_ms : request->answer_ms) * 1000LL;
    if (call->pause)
        return call;
    call->url  = mem_strdup(request->url);
    call->body = str_to_heap(request->body);
    for (size_t i = 0; i < request->header_count; i++)
        call->headers = curl_slist_append(call->headers, request->headers[i]);
    call->headers = curl_slist_append(call->headers, "Expect:");
    call->easy    = curl_easy_init();
    if (call->easy != NULL)
        set_options(call, request);
    return call;
}

/* Where no thread can be started, the call is over at once. */
static void enlist(PeerClient *client, PeerCall *call)
{
    pthread_mutex_lock(&client->lock);
    call->next    = client->calls;
    client->calls = call;
    bool started  = start(client);
    if (started)
        wake(client);
    pthread_mutex_unlock(&client->lock);
    if (started)
        return;
    set_over(call, PEER_FAILED, 0);
    pthread_mutex_lock(&client->lock);
    let_go(client, call);
    pthread_mutex_unlock(&client->lock);
}

PeerCall *peer_call_start(PeerClient *client, const PeerRequest *request)
{
    PeerCall *call = call_new(client, request);
    enlist(client, call);
    return call;
}

bool peer_client_tell(PeerClient *client, const PeerRequest *request)
{
    pthread_mutex_lock(&client->lock);
    bool room = client->told < TOLD_MOST;
    client->told += room;
    pthread_mutex_unlock(&client->lock);
    if (!room)
        return false;
    PeerCall *call = call_new(client, request);
    call->told     = true;
    enlist(client, call);
    return true;
}

PeerState peer_call_take(PeerCall *call, StrBuf *out, int *status, Error *err)
{
    PeerClient *client = call->client;
    pthread_mutex_lock(&client->lock);
    strbuf_add(out, strbuf_str(&call->received));
    strbuf_reset(&call->received);
    *status         = call->status;
    PeerState state = call->state;
    if (call->held)
        wake(client);
    if (state == PEER_FAILED)
        error_set(err, E_IO, NO_POS, "%s", call->reason[0] != '\0' ? call->reason : "no request can be made");
    pthread_mutex_unlock(&client->lock);
    return state;
}

void peer_call_end(PeerCall *call)
{
    if (call == NULL)
        return;
    PeerClient *client = call->client;
    PeerCall  **at     = &client->calls;
    pthread_mutex_lock(&client->lock);
    call->ended = true;
    bool over   = call->over;
    while (over && *at != call)
        at = &(*at)->next;
    if (over)
        *at = call->next;
    else
        wake(client);
    pthread_mutex_unlock(&client->lock);
    if (over)
        call_free(call);
}
