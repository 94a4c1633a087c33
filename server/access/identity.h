/*
 * identity.h - who asks: a name that was proved, and the roles that the operator's file gives it.
 */
#ifndef SLUICE_SERVER_ACCESS_IDENTITY_H
#define SLUICE_SERVER_ACCESS_IDENTITY_H

#include "core/str.h"

typedef struct {
    Str name;
    Str roles; /* "reader,writer"; empty: none */
} Identity;

/* Letters of either case are the same: a file has no two names that differ in that alone. */
bool identity_has_role(const Identity *identity, Str role);

#endif
