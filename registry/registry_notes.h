/*
 * registry_notes.h - a schema registry as one request sees it, which must not wait for one while it holds
 * what others wait for.
 *
 * What has been asked before is answered from the notes. A question that is new is noted down and fails with
 * E_WAIT: then whatever its asker concluded is void. The request lets go of locks and lease, has the question
 * asked (registry_notes_ask), and begins again, further than before. What it does twice has no effect before
 * the answer is there, and what it learns stays as it was first told until the request ends.
 *
 * Thread: the request's.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_NOTES_H
#define SLUICE_REGISTRY_REGISTRY_NOTES_H

#include "serde/registry.h"

typedef struct RegistryNotes RegistryNotes;

/* `behind` is borrowed; NULL: there is no registry, and nothing to note. */
RegistryNotes *registry_notes_new(SchemaRegistry *behind);
void           registry_notes_free(RegistryNotes *notes);
/* NULL: there is none. */
SchemaRegistry *registry_notes_registry(RegistryNotes *notes);
/* A question waits to be asked. */
bool registry_notes_are_open(const RegistryNotes *notes);
/* Asks what waits, in the order in which it came. The answers are noted, "does not answer" among them. */
void registry_notes_ask(RegistryNotes *notes);
/* The subject is to be deleted when the registry is asked next. A registry that does not is only logged: it
 * keeps what nobody needs. */
void registry_notes_forget(RegistryNotes *notes, Str subject);

#endif
