/*
 * slot_hash.h - the frozen hash: FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/: offset basis
 * and prime of that page).
 *
 * What it places stays where it is for ever: slots of tasks, saved state of operators, checksums of plans. So
 * it never changes, and hash tables, which may want a better one, have their own (str_hash).
 */
#ifndef SLUICE_CORE_SLOT_HASH_H
#define SLUICE_CORE_SLOT_HASH_H

#include "core/str.h"

#define FNV_OFFSET_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x00000100000001b3)

static inline uint64_t slot_hash(Str text)
{
    uint64_t hash = FNV_OFFSET_BASIS;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * FNV_PRIME;
    return hash;
}

#endif
