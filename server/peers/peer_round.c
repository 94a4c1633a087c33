/*
 * peer_round.c - see peer_round.h.
 *
 * The client's thread tells that something has come, perhaps when the asker has gone: so what it tells is
 * shared, and goes with the last of those who may still speak.
 */
#include "server/peers/peer_round.h"

#include <pthread.h>
#include <time.h>

enum { CONNECT_MS = 500, ANSWER_MOST = 16 * 1024 * 1024 };

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    bool            news;
    size_t          refs; /* under the lock */
} Bell;

static void ring(void *context)
{
    Bell *bell = context;
    pthread_mutex_lock(&bell->lock);
    bell->news = true;
    pthread_cond_signal(&bell->changed);
    pthread_mutex_unlock(&bell->lock);
}

static void release(void *context)
{
    Bell *bell = context;
    pthread_mutex_lock(&bell->lock);
    bool last = --bell->refs == 0;
    pthread_mutex_unlock(&bell->lock);
    if (!last)
        return;
    pthread_cond_destroy(&bell->changed);
    pthread_mutex_destroy(&bell->lock);
    mem_free(bell);
}

static Bell *bell_new(size_t refs)
{
    Bell              *bell = mem_calloc(1, sizeof *bell);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&bell->lock, NULL);
    pthread_cond_init(&bell->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    bell->refs = refs;
    return bell;
}

/* False: it is over. */
static bool wait_for_news(Bell *bell, const struct timespec *until)
{
    int rc = 0;
    pthread_mutex_lock(&bell->lock);
    while (!bell->news && rc == 0)
        rc = pthread_cond_timedwait(&bell->changed, &bell->lock, until);
    bell->news = false;
    pthread_mutex_unlock(&bell->lock);
    return rc == 0;
}

static struct timespec after_ms(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* ---- the calls ---- */

typedef struct {
    PeerCall *call; /* NULL: it is over */
    StrBuf    bytes;
} Asked;

static PeerCall *start(PeerClient *client, const Directory *directory, const char *path,
                       const PeerQuestion *question, int timeout_ms, Bell *bell, Arena *arena)
{
    Str         credential = directory_credential(directory, arena);
    const char *headers[]  = {
         "Content-Type: application/json",
         str_to_c(arena, str_printf(arena, DIRECTORY_HEADER ": " STR_FMT, STR_ARG(credential)))};
    char       *body    = json_dumps(question->body, JSON_COMPACT);
    PeerRequest request = {
        .url          = str_to_c(arena, str_printf(arena, STR_FMT "%s", STR_ARG(question->address), path)),
        .headers      = headers,
        .header_count = ARRAY_LEN(headers),
        .body         = str_c(body != NULL ? body : "{}"),
        .connect_ms   = CONNECT_MS < timeout_ms ? CONNECT_MS : timeout_ms,
        .answer_ms    = timeout_ms,
        .silent_s     = timeout_ms / 1000 + 1,
        .changed      = ring,
        .released     = release,
        .context      = bell};
    PeerCall *call = peer_call_start(client, &request);
    free(body); /* jansson's */
    return call;
}

/* False: it is over. */
static bool take(Asked *asked, PeerQuestion *question)
{
    json_error_t ignored;
    int          status;
    PeerState    state = peer_call_take(asked->call, &asked->bytes, &status, NULL);
    if (state == PEER_UNDER_WAY && asked->bytes.len <= ANSWER_MOST)
        return true;
    if (state == PEER_ANSWERED && status == 200 && asked->bytes.len > 0)
        question->answer = json_loadb(asked->bytes.ptr, asked->bytes.len, 0, &ignored);
    peer_call_end(asked->call);
    asked->call = NULL;
    return false;
}

void peer_round(PeerClient *client, const Directory *directory, const char *path, PeerQuestion *questions,
                size_t count, int timeout_ms)
{
    struct timespec until = after_ms(timeout_ms);
    Arena          *arena = arena_new(0);
    Asked          *asked = mem_calloc(count + 1, sizeof *asked);
    Bell           *bell  = bell_new(count + 1);
    bool            open  = count > 0;
    for (size_t i = 0; i < count; i++) {
        questions[i].answer = NULL;
        asked[i].call       = start(client, directory, path, &questions[i], timeout_ms, bell, arena);
    }
    while (open) {
        bool in_time = wait_for_news(bell, &until);
        open         = false;
        for (size_t i = 0; i < count; i++)
            open |= asked[i].call != NULL && take(&asked[i], &questions[i]);
        open &= in_time;
    }
    for (size_t i = 0; i < count; i++) {
        peer_call_end(asked[i].call);
        strbuf_clear(&asked[i].bytes);
    }
    mem_free(asked);
    arena_free(arena);
    release(bell);
}
