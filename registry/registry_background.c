/*
 * registry_background.c - see registry_background.h.
 *
 * One thread, so that questions are asked one after the other: they go to the same registry, and while that
 * is silent there is nothing to be won by asking it more. Who waits for the same question shares the answer;
 * then it is forgotten, for what may be kept is kept by the registry behind, which knows when it is void. An
 * answer that nobody fetched goes after a minute.
 *
 * Why nothing has come yet is told in the words of the last failure, if there was one: a text that changed
 * with each attempt would be logged each time.
 */
#include "registry/registry_background.h"

#include <pthread.h>
#include <time.h>

#include "registry/registry_question.h"

enum { MOMENT_US = 250000, UNFETCHED_US = 60 * 1000000, ASKED_MOST = 4096 };

typedef struct Asked Asked;
struct Asked {
    Asked           *next;
    Arena           *arena; /* holds all of it */
    RegistryQuestion question;
    RegistryAnswer   answer;
    int64_t          since_us; /* asked, then answered */
    int              waiting;  /* who has not fetched it yet */
    bool             done;
};

typedef struct {
    RegistryProxy   proxy; /* first */
    SchemaRegistry *behind;
    Clock          *clock;
    pthread_mutex_t lock;    /* of what follows */
    pthread_cond_t  changed; /* something to ask, an answer, the end */
    Asked          *first;   /* in the order in which they came */
    size_t          count;
    pthread_t       thread;
    bool            started, stopping;
    bool            failed; /* the last answer was none */
    Error           why;    /* of that */
} Background;

static int64_t now_us(const Background *self) { return self->clock->monotonic_us(self->clock); }

/* ---- the list, under the lock ---- */

static Asked *find(const Background *self, const RegistryQuestion *question)
{
    for (Asked *asked = self->first; asked != NULL; asked = asked->next)
        if (registry_question_same(&asked->question, question))
            return asked;
    return NULL;
}

static void drop(Background *self, Asked *gone)
{
    Asked **link = &self->first;
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    self->count--;
    arena_free(gone->arena);
}

static void drop_old(Background *self)
{
    int64_t now = now_us(self);
    for (Asked *asked = self->first, *next; asked != NULL; asked = next) {
        next = asked->next;
        if (asked->done && asked->waiting == 0 && now - asked->since_us > UNFETCHED_US)
            drop(self, asked);
    }
}

static Asked *add(Background *self, const RegistryQuestion *question)
{
    Arena  *arena   = arena_new(0);
    Asked  *asked   = ARENA_NEW(arena, Asked);
    Asked **link    = &self->first;
    *asked          = (Asked){.arena = arena, .question = registry_question_copy(question, arena)};
    asked->since_us = now_us(self);
    while (*link != NULL)
        link = &(*link)->next;
    *link = asked;
    self->count++;
    pthread_cond_broadcast(&self->changed);
    return asked;
}

static Asked *next_to_ask(const Background *self)
{
    Asked *asked = self->first;
    while (asked != NULL && asked->done)
        asked = asked->next;
    return asked;
}

/* Somebody has waited for a moment already, in vain. */
static bool is_slow(const Background *self)
{
    const Asked *oldest = next_to_ask(self);
    return self->failed || (oldest != NULL && now_us(self) - oldest->since_us >= MOMENT_US);
}

/* ---- the thread that asks ---- */

/* The question is nobody's to drop while it is not done. */
static void ask_now(Background *self, Asked *asked)
{
    RegistryAnswer answer;
    pthread_mutex_unlock(&self->lock);
    registry_question_ask(self->behind, &asked->question, asked->arena, &answer);
    pthread_mutex_lock(&self->lock);
    asked->answer   = answer;
    asked->since_us = now_us(self);
    asked->done     = true;
    self->failed    = answer.status == E_WAIT;
    if (self->failed)
        self->why = *answer.why;
    pthread_cond_broadcast(&self->changed);
}

static void *run(void *argument)
{
    Background *self = argument;
    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        Asked *asked = next_to_ask(self);
        if (asked != NULL)
            ask_now(self, asked);
        else
            pthread_cond_wait(&self->changed, &self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* ---- those who want to know, under the lock ---- */

static void wait_a_moment(Background *self, Asked *asked)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)MOMENT_US * 1000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    asked->waiting++; /* it stays in the list */
    while (!asked->done && !self->stopping &&
           pthread_cond_timedwait(&self->changed, &self->lock, &until) == 0)
        ;
    asked->waiting--;
}

static Status say_nothing_yet(const Background *self, Error *err)
{
    if (!self->failed)
        return error_set(err, E_WAIT, NO_POS, "The schema registry has not answered yet");
    if (err != NULL)
        *err = self->why;
    return E_WAIT;
}

static Status hand_out(Background *self, Asked *asked, Arena *arena, RegistryAnswer *out, Error *err)
{
    *out = asked->answer;
    if (out->status == OK)
        out->schema = registered_schema_copy(&asked->answer.schema, arena);
    else if (err != NULL)
        *err = *asked->answer.why;
    Status status = out->status;
    if (asked->waiting == 0)
        drop(self, asked);
    return status;
}

/* NULL: it cannot be asked. */
static Asked *find_or_add(Background *self, const RegistryQuestion *question)
{
    drop_old(self);
    Asked *asked = find(self, question);
    if (asked != NULL)
        return asked;
    if (self->count >= ASKED_MOST)
        return NULL;
    if (!self->started && pthread_create(&self->thread, NULL, run, self) != 0)
        return NULL;
    self->started = true;
    return add(self, question);
}

static Status answer(RegistryProxy *proxy, const RegistryQuestion *question, Arena *arena,
                     RegistryAnswer *out, Error *err)
{
    Background *self = (Background *)proxy;
    pthread_mutex_lock(&self->lock);
    bool   slow  = is_slow(self);
    Asked *asked = find_or_add(self, question);
    if (asked != NULL && !asked->done && !slow)
        wait_a_moment(self, asked);
    Status status =
        asked != NULL && asked->done ? hand_out(self, asked, arena, out, err) : say_nothing_yet(self, err);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static void refresh(SchemaRegistry *base, int32_t id) { registry_refresh(((Background *)base)->behind, id); }

static void close_background(SchemaRegistry *base)
{
    Background *self = (Background *)base;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (self->started)
        pthread_join(self->thread, NULL);
    while (self->first != NULL)
        drop(self, self->first);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    mem_free(self);
}

SchemaRegistry *registry_background_new(SchemaRegistry *behind, Clock *clock)
{
    Background        *self = mem_calloc(1, sizeof *self);
    pthread_condattr_t monotonic;
    registry_proxy_init(&self->proxy);
    self->proxy.base.refresh = refresh;
    self->proxy.base.close   = close_background;
    self->proxy.answer       = answer;
    self->behind             = behind;
    self->clock              = clock;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return &self->proxy.base;
}
