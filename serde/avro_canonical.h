/*
 * avro_canonical.h - an Avro schema in the form in which registries keep it: Avro's own order of properties,
 * no spaces, a type spelled out where it is met first and named from then on.
 *
 * It is what Java's Schema.toString() prints, so that a schema that a Java client registered and the same one
 * that another client sends are one text. (Avro's "Parsing Canonical Form" is another thing: it drops
 * defaults.)
 */
#ifndef SLUICE_SERDE_AVRO_CANONICAL_H
#define SLUICE_SERDE_AVRO_CANONICAL_H

#include "serde/registry.h"

/* E_DATA with what is wrong: beyond what avro_parse looks at, names that Avro does not have, names defined
 * twice, defaults that are none of their type. */
Status avro_canonical(Str text, const ResolvedReference *references, size_t reference_count, Arena *arena,
                      Str *out, Error *err);

#endif
