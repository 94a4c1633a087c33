/*
 * slot_hash.h - the frozen hash: what it has placed stays where it is.
 *
 * Slots of tasks, identities of operators in what a task saves, checksums of plans: a value that is written
 * down is compared with one that a later version computes. So this function never changes. Hash tables, which
 * forget everything when the process ends and may want a better one some day, have their own (str_hash).
 *
 * It is the short-input form of wyhash (Wang Yi, public domain, https://github.com/wangyi-fudan/wyhash), with
 * that program's default secret; docs/plan-format.md has the algorithm in words and values to test one
 * against.
 */
#ifndef SLUICE_CORE_SLOT_HASH_H
#define SLUICE_CORE_SLOT_HASH_H

#include "core/str.h"

uint64_t slot_hash(Str text);

#endif
