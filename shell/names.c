/*
 * names.c - see names.h.
 */
#include "shell/names.h"

#include <pthread.h>
#include <time.h>

#include "core/value.h"
#include "shell/jtext.h"

/* What one look found, in one arena; replaced whole. */
typedef struct {
    Arena     *arena;
    KnownName *names;
    size_t     count, capacity;
} Found;

struct Names {
    const ClientAuth *auth;
    pthread_t         thread;
    pthread_mutex_t   lock; /* of what follows */
    pthread_cond_t    changed;
    char             *url;
    bool              wanted, looked;
    atomic_bool       closing; /* set under the lock; the thread's client looks at it meanwhile */
    Found             found;
};

static void found_clear(Found *found)
{
    mem_free(found->names);
    arena_free(found->arena);
    *found = (Found){0};
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

static void add_columns(Found *found, KnownName *name, JsonText fields)
{
    size_t   count = jtext_count(fields), at = 0;
    Str     *columns = ARENA_ARRAY(found->arena, Str, count + 1);
    JsonIter iter    = jtext_iter(fields);
    JsonText field;
    while (at < count && jtext_next(&iter, NULL, &field))
        columns[at++] =
            str_dup(found->arena, jtext_field(found->arena, field, "name")); /* may point into the reply */
    name->columns      = columns;
    name->column_count = at;
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
};

static void add_answer(Found *found, const Question *question, JsonText entity)
{
    JsonIter iter = jtext_iter(jtext_get(entity, question->list));
    JsonText item;
    Str      key;
    while (jtext_next(&iter, &key, &item)) {
        Str        name  = question->field != NULL ? jtext_field(found->arena, item, question->field) : key;
        KnownName *known = name.len > 0 ? found_add(found, question->kind, name) : NULL;
        if (known != NULL && (question->kind == NAME_STREAM || question->kind == NAME_TABLE))
            add_columns(found, known, jtext_get(item, "fields"));
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

static void *names_main(void *context)
{
    Names *names = context;
    pthread_mutex_lock(&names->lock);
    while (!atomic_load(&names->closing)) {
        if (!names->wanted) {
            pthread_cond_wait(&names->changed, &names->lock);
            continue;
        }
        Found found   = {0};
        char *url     = mem_strdup(names->url);
        names->wanted = false;
        pthread_mutex_unlock(&names->lock);
        look(names, url, &found);
        mem_free(url);
        pthread_mutex_lock(&names->lock);
        found_clear(&names->found);
        names->found  = found;
        names->looked = true;
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
    if (pthread_create(&names->thread, NULL, names_main, names) == 0)
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
    found_clear(&names->found);
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
    names->url    = mem_strdup(url);
    names->wanted = true;
    pthread_cond_broadcast(&names->changed);
    pthread_mutex_unlock(&names->lock);
}

static void wait_for_first(Names *names, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (!names->looked && pthread_cond_timedwait(&names->changed, &names->lock, &until) == 0)
        ;
}

NameList names_take(Names *names, Arena *arena, int wait_ms)
{
    if (names == NULL)
        return (NameList){0};
    pthread_mutex_lock(&names->lock);
    wait_for_first(names, wait_ms);
    const Found *found = &names->found;
    KnownName   *copy  = ARENA_ARRAY(arena, KnownName, found->count + 1);
    for (size_t i = 0; i < found->count; i++) {
        const KnownName *from    = &found->names[i];
        Str             *columns = ARENA_ARRAY(arena, Str, from->column_count + 1);
        for (size_t j = 0; j < from->column_count; j++)
            columns[j] = str_dup(arena, from->columns[j]);
        copy[i] = (KnownName){from->kind, str_dup(arena, from->name), columns, from->column_count};
    }
    NameList list = {copy, found->count};
    pthread_mutex_unlock(&names->lock);
    return list;
}
