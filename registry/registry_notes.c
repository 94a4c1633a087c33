/*
 * registry_notes.c - see registry_notes.h.
 *
 * What changes a subject makes void what was said of it before: its latest version, and whether a schema can
 * follow. An id stays what it is. An answer "does not answer" is noted like any other, so that the statement
 * that asked fails with it and names its place; the next request asks anew.
 */
#include "registry/registry_notes.h"

#include "core/logger.h"
#include "registry/registry_question.h"

typedef struct Note Note;
struct Note {
    Note            *next;
    RegistryQuestion question;
    bool             asked, is_void;
    RegistryAnswer   answer; /* once asked */
};

struct RegistryNotes {
    RegistryProxy   proxy; /* first */
    SchemaRegistry *behind;
    Arena          *arena;
    Note           *first, **end;
};

static Note *find(const RegistryNotes *notes, const RegistryQuestion *question)
{
    for (Note *note = notes->first; note != NULL; note = note->next)
        if (!note->is_void && registry_question_same(&note->question, question))
            return note;
    return NULL;
}

static void add(RegistryNotes *notes, const RegistryQuestion *question)
{
    Note *note  = ARENA_NEW(notes->arena, Note);
    *note       = (Note){.question = registry_question_copy(question, notes->arena)};
    *notes->end = note;
    notes->end  = &note->next;
}

static Status answer(RegistryProxy *proxy, const RegistryQuestion *question, Arena *arena,
                     RegistryAnswer *out, Error *err)
{
    RegistryNotes *notes = (RegistryNotes *)proxy;
    const Note    *note  = find(notes, question);
    if (note == NULL)
        add(notes, question);
    if (note == NULL || !note->asked)
        return error_set(err, E_WAIT, NO_POS, "The schema registry has yet to be asked");
    *out = note->answer;
    if (out->status == OK)
        out->schema = registered_schema_copy(&note->answer.schema, arena);
    else if (err != NULL)
        *err = *note->answer.why;
    return out->status;
}

/* What is noted of the id was asked by this request, after it wanted it fresh. */
static void refresh(SchemaRegistry *base, int32_t id)
{
    RegistryNotes   *notes    = (RegistryNotes *)base;
    RegistryQuestion question = {.ask = ASK_BY_ID, .number = id};
    if (find(notes, &question) == NULL)
        registry_refresh(notes->behind, id);
}

static void close_notes(SchemaRegistry *base) { registry_notes_free((RegistryNotes *)base); }

RegistryNotes *registry_notes_new(SchemaRegistry *behind)
{
    RegistryNotes *notes = mem_calloc(1, sizeof *notes);
    registry_proxy_init(&notes->proxy);
    notes->proxy.base.refresh = refresh;
    notes->proxy.base.close   = close_notes;
    notes->proxy.answer       = answer;
    notes->behind             = behind;
    notes->arena              = arena_new(0);
    notes->end                = &notes->first;
    return notes;
}

void registry_notes_free(RegistryNotes *notes)
{
    arena_free(notes->arena);
    mem_free(notes);
}

SchemaRegistry *registry_notes_registry(RegistryNotes *notes)
{
    return notes->behind != NULL ? &notes->proxy.base : NULL;
}

bool registry_notes_are_open(const RegistryNotes *notes)
{
    for (const Note *note = notes->first; note != NULL; note = note->next)
        if (!note->asked)
            return true;
    return false;
}

static void make_void(RegistryNotes *notes, Str subject)
{
    for (Note *note = notes->first; note != NULL; note = note->next)
        note->is_void |= note->asked && note->question.ask != ASK_BY_ID && note->question.ask != ASK_ENROLL &&
                         str_equal(note->question.subject, subject);
}

static void make_all_void(RegistryNotes *notes, Str subject)
{
    for (Note *note = notes->first; note != NULL; note = note->next)
        note->is_void |= note->asked && str_equal(note->question.subject, subject);
}

static void tell(const Note *note)
{
    if (note->question.ask == ASK_FORGET && note->answer.status != OK && note->answer.status != E_NOT_FOUND)
        log_line(LOG_WARN, "the subject " STR_FMT " stays in the schema registry: %s",
                 STR_ARG(note->question.subject), note->answer.why->message);
}

void registry_notes_ask(RegistryNotes *notes)
{
    for (Note *note = notes->first; note != NULL; note = note->next) {
        if (note->asked)
            continue;
        registry_question_ask(notes->behind, &note->question, notes->arena, &note->answer);
        if (note->question.ask == ASK_ENROLL && note->answer.status == OK)
            make_void(notes, note->question.subject);
        note->asked = true;
        note->is_void |= note->question.ask == ASK_FORGET; /* it may come again */
        tell(note);
    }
}

void registry_notes_forget(RegistryNotes *notes, Str subject)
{
    RegistryQuestion question = {.ask = ASK_FORGET, .subject = subject};
    if (notes->behind == NULL)
        return;
    make_all_void(notes, subject);
    add(notes, &question);
}
