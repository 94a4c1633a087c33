/*
 * freshness_wishes.c - see freshness_wishes.h.
 */
#include "executor/runtime/freshness_wishes.h"

#include "executor/runtime/registry.h"

typedef struct Known Known;
struct Known {
    Known        *next;
    FreshnessWish wish; /* its offset: the farthest that is known */
};

struct WishList {
    Arena         *kept, *arena; /* of what is known; of what is wished for */
    Known         *known;
    FreshnessWish *wishes;
    size_t         count, capacity;
};

WishList *wish_list_new(void)
{
    WishList *list = mem_calloc(1, sizeof *list);
    list->kept     = arena_new(0);
    list->arena    = arena_new(0);
    return list;
}

void wish_list_free(WishList *list)
{
    if (list == NULL)
        return;
    arena_free(list->kept);
    arena_free(list->arena);
    mem_free(list);
}

void wish_list_clear(WishList *list)
{
    arena_reset(list->arena);
    list->wishes = NULL;
    list->count = list->capacity = 0;
}

static bool is_same(const FreshnessWish *a, const FreshnessWish *b)
{
    return a->sub_topology == b->sub_topology && a->partition == b->partition &&
           str_equal(a->query_id, b->query_id) && str_equal(a->topic, b->topic);
}

static Known *find(const WishList *list, const FreshnessWish *wish)
{
    Known *known = list->known;
    while (known != NULL && !is_same(&known->wish, wish))
        known = known->next;
    return known;
}

static FreshnessWish copy_of(const FreshnessWish *wish, Arena *arena)
{
    FreshnessWish copy = *wish;
    copy.query_id      = str_dup(arena, wish->query_id);
    copy.topic         = str_dup(arena, wish->topic);
    return copy;
}

bool wish_list_has(WishList *list, const FreshnessWish *wish)
{
    const Known *known = find(list, wish);
    if (known != NULL && known->wish.offset >= wish->offset)
        return true;
    if (list->count == list->capacity) {
        size_t         capacity = 2 * list->capacity + 16;
        FreshnessWish *wider    = ARENA_ARRAY(list->arena, FreshnessWish, capacity);
        if (list->count > 0)
            memcpy(wider, list->wishes, list->count * sizeof *wider);
        list->wishes   = wider;
        list->capacity = capacity;
    }
    list->wishes[list->count++] = copy_of(wish, list->arena);
    return false;
}

size_t wish_list_wishes(const WishList *list, const FreshnessWish **out)
{
    *out = list->wishes;
    return list->count;
}

void wish_list_tell(WishList *list, const FreshnessWish *wish)
{
    Known *known = find(list, wish);
    if (known == NULL) {
        known       = ARENA_NEW(list->kept, Known);
        *known      = (Known){list->known, copy_of(wish, list->kept)};
        list->known = known;
    } else if (known->wish.offset < wish->offset)
        known->wish.offset = wish->offset;
}

/* ---- for the node that is asked ---- */

static const QuerySub *sub_of(const RunningQuery *query, int number)
{
    for (size_t s = 0; s < query->sub_count; s++)
        if (query->subs[s].sub.number == number)
            return &query->subs[s];
    return NULL;
}

static Freshness judge_task(const RunningQuery *query, const FreshnessWish *wish, Error *err)
{
    const QuerySub *sub = sub_of(query, wish->sub_topology);
    if (sub == NULL || wish->partition < 0 || wish->partition >= sub->tasks)
        return STALE;
    size_t input = 0;
    while (input < sub->sub.input_count && !str_equal(sub->topics[input], wish->topic))
        input++;
    if (input == sub->sub.input_count || wish->partition >= sub->input_partitions[input])
        return STALE;
    const TaskView *view  = &sub->views[wish->partition];
    TaskState       state = view_state(view);
    if (state != TASK_ABSENT && view_has_passed(view, input, wish->offset))
        return FRESH;
    if (state != TASK_FAILED)
        return STALE;
    error_set(err, E_BUSY, NO_POS, "the query " STR_FMT " has failed", STR_ARG(wish->query_id));
    return STUCK;
}

Freshness freshness_of_task(Runtime *runtime, const FreshnessWish *wish, Error *err)
{
    RunningQuery *query   = registry_hold(runtime, wish->query_id);
    Freshness     verdict = query != NULL ? judge_task(query, wish, err) : STALE;
    query_unref(query);
    return verdict;
}
