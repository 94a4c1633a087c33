/*
 * schemas.h - what statements do in the schema registry: register what a topic's records are written by.
 */
#ifndef SLUICE_SERVER_ENGINE_SCHEMAS_H
#define SLUICE_SERVER_ENGINE_SCHEMAS_H

#include "server/engine/execution.h"

/* Registers the schemas of both sides of the source's topic, where its formats have any. `only_new`: CREATE
 * without AS leaves alone a subject that exists. In the sandbox the registry is only asked whether it would
 * take them; for a command of the log nothing happens, for who appended it has done that. E_PLAN "Could not
 * register schema for topic: ..."; E_WAIT: the registry does not answer. */
Status schemas_register(Execution *x, const Source *source, bool only_new, Error *err);

/* To what was said when the registry refused a schema (E_PLAN): what else can be done, if the subject has one
 * that somebody else made. Asks spec->registry. */
void schemas_advise(const SerdeSpec *spec, Arena *arena, Error *err);

/* INSERT INTO ... VALUES: the key is written by the schema that its topic has, if there is one, so that equal
 * keys are equal bytes. E_PLAN when that is of other columns: a schema of our own would take its place. Asks
 * spec->registry. */
Status schemas_of_insert(SerdeSpec *spec, Arena *arena, Error *err);

#endif
