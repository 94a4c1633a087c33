/*
 * names.c - see names.h.
 */
#include "shell/names.h"

#include <pthread.h>
#include <time.h>

#include "core/clock.h"
#include "core/value.h"
#include "shell/interrupt.h"
#include "shell/jtext.h"

enum { NESTING_MAX = 16, STALE_US = 5 * 1000 * 1000 };

/* What one look found, in one arena; replaced whole. Nobody changes it once it is to be seen. */
typedef struct {
    Arena     *arena;
    KnownName *names;
    size_t     count, capacity;
    size_t     holders; /* under the lock */
} Found;

struct Names {
    const ClientAuth *auth;
    pthread_t         thread;
    pthread_mutex_t   lock; /* of what follows */
    pthread_cond_t    changed;
    char             *url;
    bool              wanted;    /* another look */
    bool              fresh;     /* what was wanted last is found */
    int64_t           looked_us; /* when */
    atomic_bool       closing;   /* set under the lock; the thread's client looks at it meanwhile */
    Found            *found;     /* NULL: nothing yet */
};

/* Under the lock. */
static void found_drop(Found *found)
{
    if (found == NULL || --found->holders > 0)
        return;
    mem_free(found->names);
    arena_free(found->arena);
    mem_free(found);
}

static KnownName *found_add(Found *found, NameKind kind, Str name)
{
    if (found->count == found->capacity) {
        found->capacity = found->capacity > 0 ? found->capacity * 2 : 64;
        found->names    = mem_realloc(found->names, found->capacity * sizeof *found->names);
    }
    found->names[found->count] = (KnownName){.kind = kind, .name = str_dup(found->arena, name)};
    return &found->names[found->count++];
}

/* ---- what the server answers ---- */

static KnownFields read_fields(Found *found, JsonText fields, int depth);

/* The schema of a column: fields of its own, or of its elements. */
static KnownFields fields_of(Found *found, JsonText schema, int depth)
{
    JsonText fields = jtext_get(schema, "fields"), member = jtext_get(schema, "memberSchema");
    for (int level = 0; member.kind == JTEXT_OBJECT && level < NESTING_MAX; level++) {
        fields = jtext_get(member, "fields");
        member = jtext_get(member, "memberSchema");
    }
    bool known = fields.kind == JTEXT_ARRAY && depth < NESTING_MAX;
    return known ? read_fields(found, fields, depth + 1) : (KnownFields){0};
}

static KnownFields read_fields(Found *found, JsonText fields, int depth)
{
    size_t      count = jtext_count(fields), at = 0;
    KnownField *items = ARENA_ARRAY(found->arena, KnownField, count + 1);
    JsonIter    iter  = jtext_iter(fields);
    JsonText    field;
    for (; at < count && jtext_next(&iter, NULL, &field); at++)
        items[at] = (KnownField){/* may point into the reply */
                                 str_dup(found->arena, jtext_field(found->arena, field, "name")),
                                 fields_of(found, jtext_get(field, "schema"), depth)};
    return (KnownFields){items, at};
}

typedef struct {
    NameKind    kind;
    const char *statement, *list,
        *field; /* list: an array of objects with that field; field NULL: an object's names */
} Question;

static const Question questions[] = {
    {NAME_STREAM, "SHOW STREAMS EXTENDED;", "sourceDescriptions", "name"},
    {NAME_TABLE, "SHOW TABLES EXTENDED;", "sourceDescriptions", "name"},
    {NAME_TOPIC, "SHOW TOPICS;", "topics", "name"},
    {NAME_QUERY, "SHOW QUERIES;", "queries", "id"},
    {NAME_FUNCTION, "SHOW FUNCTIONS;", "functions", "name"},
    {NAME_TYPE, "SHOW TYPES;", "types", NULL},
    {NAME_PROPERTY, "SHOW PROPERTIES;", "properties", "name"},
    {NAME_CONNECTOR, "SHOW CONNECTORS;", "connectors", "name"}, /* the last: it asks others */
};

/* What SET takes: names of queries' settings also without the prefix that the server's have. */
static void add_property(Found *found, JsonText item, Str name)
{
    const Str prefix   = STR_LIT("ksql.streams.");
    JsonText  editable = jtext_get(item, "editable");
    if (editable.kind == JTEXT_BOOL && !jtext_is_true(editable))
        return;
    if (str_starts_with(name, prefix))
        found_add(found, NAME_PROPERTY, str_n(name.ptr + prefix.len, name.len - prefix.len));
    found_add(found, NAME_PROPERTY, name);
}

static void add_answer(Found *found, const Question *question, JsonText entity)
{
    JsonIter iter = jtext_iter(jtext_get(entity, question->list));
    JsonText item;
    Str      key;
    while (jtext_next(&iter, &key, &item)) {
        Str name = question->field != NULL ? jtext_field(found->arena, item, question->field) : key;
        if (name.len == 0)
            continue;
        if (question->kind == NAME_PROPERTY) {
            add_property(found, item, name);
            continue;
        }
        KnownName *known = found_add(found, question->kind, name);
        if (question->kind == NAME_STREAM || question->kind == NAME_TABLE)
            known->columns = read_fields(found, jtext_get(item, "fields"), 0);
    }
}

/* One statement a request: one that fails takes no other with it. */
static void ask(Client *client, Found *found, const Question *question)
{
    StrBuf      request = {0}, body = {0};
    ClientReply reply = {0};
    Error       err;
    strbuf_addf(&request, "{\"ksql\":\"%s\",\"streamsProperties\":{}}", question->statement);
    Status status = client_call(client, "POST", "/ksql", strbuf_str(&request), &body, &reply, &err);
    if (status == OK && reply.status == 200) {
        JsonIter iter = jtext_iter(jtext_parse(strbuf_str(&body)));
        JsonText entity;
        while (jtext_next(&iter, NULL, &entity))
            add_answer(found, question, entity);
    }
    strbuf_clear(&request);
    strbuf_clear(&body);
}

static void look(const Names *names, const char *url, Found *found)
{
    Error   err;
    Client *client = client_new(names->auth);
    client_in_background(client, &names->closing);
    found->arena = arena_new(SIZE_MAX);
    if (client_set_url(client, str_c(url), &err) == OK)
        for (size_t i = 0; i < ARRAY_LEN(questions); i++)
            ask(client, found, &questions[i]);
    client_free(client);
}

/* ---- the thread ---- */

static int64_t now_us(void)
{
    Clock *clock = clock_system();
    return clock->monotonic_us(clock);
}

/* Under the lock. */
static void want_look(Names *names)
{
    names->wanted = true;
    names->fresh  = false;
    pthread_cond_broadcast(&names->changed);
}

static void *names_main(void *context)
{
    Names *names = context;
    pthread_mutex_lock(&names->lock);
    while (!atomic_load(&names->closing)) {
        if (!names->wanted) {
            pthread_cond_wait(&names->changed, &names->lock);
            continue;
        }
        Found *found   = mem_calloc(1, sizeof *found);
        char  *url     = mem_strdup(names->url);
        found->holders = 1;
        names->wanted  = false;
        pthread_mutex_unlock(&names->lock);
        look(names, url, found);
        mem_free(url);
        pthread_mutex_lock(&names->lock);
        found_drop(names->found);
        names->found     = found;
        names->fresh     = !names->wanted;
        names->looked_us = now_us();
        pthread_cond_broadcast(&names->changed);
    }
    pthread_mutex_unlock(&names->lock);
    return NULL;
}

Names *names_open(const char *url, const ClientAuth *auth)
{
    Names *names = mem_calloc(1, sizeof *names);
    *names       = (Names){.auth = auth, .url = mem_strdup(url), .wanted = true};
    pthread_mutex_init(&names->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&names->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    sigset_t before;
    interrupt_block(&before); /* Ctrl-C is the shell's, and must wake the thread that waits for keys */
    bool running = pthread_create(&names->thread, NULL, names_main, names) == 0;
    interrupt_unblock(&before);
    if (running)
        return names;
    pthread_cond_destroy(&names->changed);
    pthread_mutex_destroy(&names->lock);
    mem_free(names->url);
    mem_free(names);
    return NULL; /* without names: completion knows the words of the language */
}

void names_close(Names *names)
{
    if (names == NULL)
        return;
    pthread_mutex_lock(&names->lock);
    atomic_store(&names->closing, true);
    pthread_cond_broadcast(&names->changed);
    pthread_mutex_unlock(&names->lock);
    pthread_join(names->thread, NULL);
    found_drop(names->found);
    pthread_cond_destroy(&names->changed);
    pthread_mutex_destroy(&names->lock);
    mem_free(names->url);
    mem_free(names);
}

void names_refresh(Names *names, const char *url)
{
    if (names == NULL)
        return;
    pthread_mutex_lock(&names->lock);
    mem_free(names->url);
    names->url = mem_strdup(url);
    want_look(names);
    pthread_mutex_unlock(&names->lock);
}

static void wait_for_look(Names *names, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (!names->fresh && pthread_cond_timedwait(&names->changed, &names->lock, &until) == 0)
        ;
}

NameList names_take(Names *names, int wait_ms)
{
    NameList list = {0};
    if (names == NULL)
        return list;
    pthread_mutex_lock(&names->lock);
    if (wait_ms > 0 && names->fresh && now_us() - names->looked_us > STALE_US)
        want_look(names); /* others make things, too */
    if (wait_ms > 0)
        wait_for_look(names, wait_ms);
    if (names->found != NULL) {
        names->found->holders++;
        list = (NameList){names->found->names, names->found->count, names->found};
    }
    pthread_mutex_unlock(&names->lock);
    return list;
}

void names_release(Names *names, NameList *list)
{
    if (list->held == NULL)
        return;
    pthread_mutex_lock(&names->lock);
    found_drop(list->held);
    pthread_mutex_unlock(&names->lock);
    *list = (NameList){0};
}
