/*
 * freshness_wishes.h - tasks on other nodes that a freshness check has to know more of.
 *
 * The check notes what it lacks, whoever waits asks the nodes that have it (freshness_wishes, freshness_tell
 * in runtime.h), and what they have said is kept: a task that has committed past an offset has done so for
 * ever, wherever it goes.
 *
 * Thread: the check's.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_FRESHNESS_WISHES_H
#define SLUICE_EXECUTOR_RUNTIME_FRESHNESS_WISHES_H

#include "executor/runtime/runtime.h"

typedef struct WishList WishList;

WishList *wish_list_new(void);
void      wish_list_free(WishList *list); /* accepts NULL */
/* A new look: nothing is wished for yet. */
void wish_list_clear(WishList *list);
/* Is it known that the task has passed the offset? Else it is wished for. Texts are copied. */
bool   wish_list_has(WishList *list, const FreshnessWish *wish);
size_t wish_list_wishes(const WishList *list, const FreshnessWish **out);
/* The wish has come true. */
void wish_list_tell(WishList *list, const FreshnessWish *wish);

#endif
