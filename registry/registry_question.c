/*
 * registry_question.c - see registry_question.h: the one place that knows which function of a registry a
 * question is, both ways.
 */
#include "registry/registry_question.h"

/* ---- a question ---- */

RegistryQuestion registry_question_copy(const RegistryQuestion *from, Arena *arena)
{
    RegistryQuestion copy = *from;
    if (!str_is_null(from->subject))
        copy.subject = str_dup(arena, from->subject);
    copy.schema = registered_schema_copy(&from->schema, arena);
    return copy;
}

bool registry_question_same(const RegistryQuestion *a, const RegistryQuestion *b)
{
    return a->ask == b->ask && a->number == b->number && str_is_null(a->subject) == str_is_null(b->subject) &&
           str_equal(a->subject, b->subject) && a->schema.kind == b->schema.kind &&
           str_equal(a->schema.text, b->schema.text) &&
           registered_schema_same_references(&a->schema, &b->schema);
}

static Status ask(SchemaRegistry *registry, const RegistryQuestion *question, Arena *arena,
                  RegistryAnswer *out, Error *err)
{
    switch (question->ask) {
    case ASK_BY_ID:
        return registry_by_id(registry, question->number, arena, &out->schema, err);
    case ASK_BY_VERSION:
        return registry_by_version(registry, question->subject, question->number, arena, &out->schema, err);
    case ASK_ENROLL:
        return registry_enroll(registry, question->subject, &question->schema, &out->id, err);
    case ASK_CHECK:
        return registry_check(registry, question->subject, &question->schema, err);
    case ASK_IN_SUBJECT:
        return registry_in_subject(registry, question->subject, question->number, err);
    default:
        return registry_forget(registry, question->subject, err);
    }
}

void registry_question_ask(SchemaRegistry *registry, const RegistryQuestion *question, Arena *arena,
                           RegistryAnswer *out)
{
    Error why;
    *out        = (RegistryAnswer){0};
    out->status = ask(registry, question, arena, out, &why);
    if (out->status == OK)
        return;
    Error *kept = ARENA_NEW(arena, Error);
    *kept       = why;
    out->why    = kept;
}

/* ---- a registry made of questions ---- */

static Status pass(SchemaRegistry *base, const RegistryQuestion *question, Arena *arena, RegistryAnswer *out,
                   Error *err)
{
    RegistryProxy *proxy = (RegistryProxy *)base;
    return proxy->answer(proxy, question, arena, out, err);
}

static Status by_id(SchemaRegistry *base, int32_t id, Arena *arena, RegisteredSchema *out, Error *err)
{
    RegistryQuestion question = {.ask = ASK_BY_ID, .number = id};
    RegistryAnswer   answer;
    TRY(pass(base, &question, arena, &answer, err));
    *out = answer.schema;
    return OK;
}

static Status by_version(SchemaRegistry *base, Str subject, int version, Arena *arena, RegisteredSchema *out,
                         Error *err)
{
    RegistryQuestion question = {.ask = ASK_BY_VERSION, .subject = subject, .number = version};
    RegistryAnswer   answer;
    TRY(pass(base, &question, arena, &answer, err));
    *out = answer.schema;
    return OK;
}

/* The answer to these is no text, so what it lies in may go at once. */
static Status pass_briefly(SchemaRegistry *base, const RegistryQuestion *question, RegistryAnswer *out,
                           Error *err)
{
    Arena *arena  = arena_new(0);
    Status status = pass(base, question, arena, out, err);
    arena_free(arena);
    return status;
}

static Status enroll(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, int32_t *id,
                     Error *err)
{
    RegistryQuestion question = {.ask = ASK_ENROLL, .subject = subject, .schema = *schema};
    RegistryAnswer   answer;
    TRY(pass_briefly(base, &question, &answer, err));
    *id = answer.id;
    return OK;
}

static Status check(SchemaRegistry *base, Str subject, const RegisteredSchema *schema, Error *err)
{
    RegistryQuestion question = {.ask = ASK_CHECK, .subject = subject, .schema = *schema};
    RegistryAnswer   answer;
    return pass_briefly(base, &question, &answer, err);
}

static Status in_subject(SchemaRegistry *base, Str subject, int32_t id, Error *err)
{
    RegistryQuestion question = {.ask = ASK_IN_SUBJECT, .subject = subject, .number = id};
    RegistryAnswer   answer;
    return pass_briefly(base, &question, &answer, err);
}

static Status forget(SchemaRegistry *base, Str subject, Error *err)
{
    RegistryQuestion question = {.ask = ASK_FORGET, .subject = subject};
    RegistryAnswer   answer;
    return pass_briefly(base, &question, &answer, err);
}

void registry_proxy_init(RegistryProxy *proxy)
{
    proxy->base = (SchemaRegistry){.by_id      = by_id,
                                   .by_version = by_version,
                                   .enroll     = enroll,
                                   .check      = check,
                                   .in_subject = in_subject,
                                   .forget     = forget};
}
