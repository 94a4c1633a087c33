/* Records whose schema cannot be fetched are neither bad nor lost: they wait, and are read once the registry
 * answers. And who must not wait for a registry does not. */
#include <pthread.h>
#include <time.h>

#include "executor/dataflow/source_decoder.h"
#include "registry/registry_background.h"
#include "registry/registry_notes.h"
#include "registry_rows.h"

typedef struct {
    SchemaRegistry  base;
    SchemaRegistry *behind;
    bool            away;
} ShyRegistry;

static Status shy_by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    ShyRegistry *self = (ShyRegistry *)base;
    if (self->away)
        return error_set(err, E_WAIT, NO_POS, "it does not answer");
    return self->behind->by_id(self->behind, id, arena, out, err);
}

static void records_wait_for_their_schema(void **state)
{
    RegistryRows   r;
    SourceDecoder *decoder;
    SourceRows     rows;
    Clock          clock;
    clock_init_virtual(&clock, 0, 1);
    registry_rows_init(&r, "AVRO", SIDE_VALUE, "A INT");
    registry_rows_add(&r,
                      "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"A\",\"type\":\"int\"}]}");
    ShyRegistry shy       = {.base = {.by_id = shy_by_id}, .behind = r.registry, .away = true};
    SourceSpec  spec      = {.topic          = STR_LIT("T"),
                             .declared       = schema_new(r.rows.arena, r.rows.columns, 1),
                             .key_format     = {.format = format_keyless()},
                             .value_format   = r.rows.spec.format,
                             .timestamp_slot = -1};
    LogRecord   records[] = {{.value = from_hex(r.rows.arena, "00 00000001 0e"), .key = STR_NULL},
                             {.value = from_hex(r.rows.arena, "01 00000001 0e"), .key = STR_NULL},
                             {.value = from_hex(r.rows.arena, "00 00000009 0e"), .key = STR_NULL}};
    assert_int_equal(source_decoder_open(&spec, &clock, NULL, &shy.base, r.rows.arena, &decoder, &r.rows.err),
                     OK);
    source_decoder_read(decoder, 0, records, 3, r.rows.arena, &rows);
    assert_true(rows.waits);
    assert_int_equal(rows.faults[0]->kind, FAULT_REGISTRY);
    assert_int_equal(rows.faults[1]->kind, FAULT_VALUE); /* no registry makes that one good */
    shy.away = false;
    source_decoder_read(decoder, 0, records, 3, r.rows.arena, &rows);
    assert_false(rows.waits);
    assert_null(rows.faults[0]);
    assert_int_equal(value_int(rows.rows[0].columns[0]), 7);
    assert_int_equal(rows.faults[2]->kind, FAULT_VALUE); /* it answers: there is no such schema */
    source_decoder_close(decoder);
    registry_rows_clear(&r);
}

/* Answers when it is let go. */
typedef struct {
    SchemaRegistry  base;
    SchemaRegistry *behind;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    bool            silent;
    int             asked;
} SilentRegistry;

static void wait_for_word(SilentRegistry *self)
{
    pthread_mutex_lock(&self->lock);
    self->asked++;
    while (self->silent)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void let_go(SilentRegistry *self)
{
    pthread_mutex_lock(&self->lock);
    self->silent = false;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static Status silent_by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    SilentRegistry *self = (SilentRegistry *)base;
    wait_for_word(self);
    return self->behind->by_id(self->behind, id, arena, out, err);
}

static Status silent_by_version(SchemaRegistry *base, Str subject, int version, Arena *arena,
                                RegisteredSchema *out, Error *err)
{
    SilentRegistry *self = (SilentRegistry *)base;
    wait_for_word(self);
    return self->behind->by_version(self->behind, subject, version, arena, out, err);
}

static Status silent_enroll(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, int32_t *id,
                            Error *err)
{
    SilentRegistry *self = (SilentRegistry *)base;
    wait_for_word(self);
    return self->behind->enroll(self->behind, subject, schema, id, err);
}

static SilentRegistry *silent_new(bool silent)
{
    SilentRegistry *self = mem_calloc(1, sizeof *self);
    self->base =
        (SchemaRegistry){.by_id = silent_by_id, .by_version = silent_by_version, .enroll = silent_enroll};
    self->behind = registry_memory_new();
    self->silent = silent;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    return self;
}

static void silent_free(SilentRegistry *self)
{
    registry_close(self->behind);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    mem_free(self);
}

static int64_t ms_of(SchemaRegistry *registry, Arena *arena, Status expected)
{
    Clock           *clock = clock_system();
    int64_t          began = clock->monotonic_us(clock);
    RegisteredSchema schema;
    Error            err;
    assert_int_equal(registry_by_id(registry, 1, arena, &schema, &err), expected);
    return (clock->monotonic_us(clock) - began) / 1000;
}

static void workers_wait_for_a_moment_once(void **state)
{
    SilentRegistry  *silent     = silent_new(true);
    SchemaRegistry  *background = registry_background_new(&silent->base, clock_system());
    Arena           *arena      = arena_new(0);
    RegisteredSchema schema     = {.kind = SCHEMA_AVRO, .text = STR_LIT("\"int\"")};
    int32_t          id;
    assert_int_equal(registry_enroll(silent->behind, STR_LIT("s"), &schema, &id, NULL), OK);
    int64_t ms = ms_of(background, arena, E_WAIT);
    for (int i = 0; i < 100; i++) /* 25 s if each waited for its moment */
        ms += ms_of(background, arena, E_WAIT);
    assert_true(ms < 10000);
    let_go(silent);
    struct timespec pause = {0, 20000000};
    Status          status;
    while ((status = registry_by_id(background, 1, arena, &schema, NULL)) == E_WAIT)
        nanosleep(&pause, NULL);
    assert_int_equal(status, OK);
    assert_true(str_equal(schema.text, STR_LIT("\"int\"")));
    assert_int_equal(silent->asked, 1); /* it was one question all the time */
    registry_close(background);
    arena_free(arena);
    silent_free(silent);
}

static void a_request_notes_what_it_has_to_ask(void **state)
{
    SilentRegistry  *silent   = silent_new(false);
    RegistryNotes   *notes    = registry_notes_new(&silent->base);
    SchemaRegistry  *registry = registry_notes_registry(notes);
    Arena           *arena    = arena_new(0);
    RegisteredSchema schema   = {.kind = SCHEMA_AVRO, .text = STR_LIT("\"int\"")}, found;
    int32_t          id       = 0;
    assert_int_equal(registry_latest(registry, STR_LIT("s"), arena, &found, NULL), E_WAIT);
    assert_int_equal(silent->asked, 0);
    assert_true(registry_notes_are_open(notes));
    registry_notes_ask(notes);
    assert_false(registry_notes_are_open(notes));
    assert_int_equal(registry_latest(registry, STR_LIT("s"), arena, &found, NULL), E_NOT_FOUND);
    assert_int_equal(registry_enroll(registry, STR_LIT("s"), &schema, &id, NULL), E_WAIT);
    registry_notes_ask(notes);
    assert_int_equal(registry_enroll(registry, STR_LIT("s"), &schema, &id, NULL), OK);
    assert_int_equal(id, 1);
    /* What was said of the subject before is void, and nothing else. */
    assert_int_equal(registry_latest(registry, STR_LIT("s"), arena, &found, NULL), E_WAIT);
    registry_notes_ask(notes);
    assert_int_equal(registry_latest(registry, STR_LIT("s"), arena, &found, NULL), OK);
    assert_int_equal(silent->asked, 3);
    registry_notes_free(notes);
    arena_free(arena);
    silent_free(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_wait_for_their_schema),
                                       cmocka_unit_test(workers_wait_for_a_moment_once),
                                       cmocka_unit_test(a_request_notes_what_it_has_to_ask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
