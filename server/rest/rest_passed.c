/*
 * rest_passed.c - have the tasks of another node committed what a pull query has to see (read your writes)?
 *
 * A record that was inserted here may go through a task of another node before it comes, by a repartition
 * topic or another query, to the one that keeps the table. The check (executor/runtime/freshness.c) says
 * which tasks these are, the directory who has their slots; each node is asked for all of its own at once,
 * and waits a little before it answers, so that one question is mostly enough. What it says of a task that it
 * does not have, or not any more, is that it has not passed; then the directory is asked again.
 *
 * The question: {"waitMs": 500, "tasks": [{"query": id, "sub": 1, "partition": 0, "topic": name, "offset":
 * 7}]} The answer: {"passed": [true]}, and "stuck": why, where waiting does not help.
 */
#include <unistd.h>

#include "server/peers/peer_round.h"
#include "server/rest/rest.h"

enum { WAIT_MOST_MS = 500, ANSWER_MS = 1000, LOOK_US = 1000, TASKS_MOST = 100000 };

/* ---- the node that is asked ---- */

static bool read_wish(const json_t *task, FreshnessWish *out)
{
    const json_t *query = json_object_get(task, "query"), *topic = json_object_get(task, "topic");
    const json_t *sub = json_object_get(task, "sub"), *partition = json_object_get(task, "partition");
    const json_t *offset = json_object_get(task, "offset");
    if (!json_is_string(query) || !json_is_string(topic) || !json_is_integer(sub) ||
        !json_is_integer(partition) || !json_is_integer(offset))
        return false;
    *out = (FreshnessWish){.query_id     = str_n(json_string_value(query), json_string_length(query)),
                           .topic        = str_n(json_string_value(topic), json_string_length(topic)),
                           .sub_topology = (int)json_integer_value(sub),
                           .partition    = (int)json_integer_value(partition),
                           .offset       = json_integer_value(offset)};
    return true;
}

/* NULL: they are none. In the exchange's arena; texts are the request's. */
static FreshnessWish *read_wishes(HttpExchange *x, const json_t *request, size_t *count)
{
    const json_t *tasks = json_object_get(request, "tasks");
    *count              = json_array_size(tasks); /* 0 of what is no array */
    if (!json_is_array(tasks) || *count > TASKS_MOST)
        return NULL;
    FreshnessWish *wishes = ARENA_ARRAY(http_arena(x), FreshnessWish, *count + 1);
    for (size_t i = 0; i < *count; i++)
        if (!read_wish(json_array_get(tasks, i), &wishes[i]))
            return NULL;
    return wishes;
}

/* FRESH: all of them have passed. */
static Freshness look(Rest *rest, const FreshnessWish *wishes, size_t count, bool *passed, Error *err)
{
    Freshness worst = FRESH;
    for (size_t i = 0; i < count && worst != STUCK; i++) {
        Freshness verdict = passed[i] ? FRESH : freshness_of_task(rest->runtime, &wishes[i], err);
        passed[i]         = verdict == FRESH;
        worst             = verdict != FRESH ? verdict : worst;
    }
    return worst;
}

static json_t *answer_of(Rest *rest, HttpExchange *x, const FreshnessWish *wishes, size_t count,
                         int64_t wait_ms)
{
    Clock    *clock  = engine_clock(rest->engine);
    int64_t   until  = clock->monotonic_us(clock) + wait_ms * 1000;
    bool     *passed = ARENA_ARRAY(http_arena(x), bool, count + 1);
    json_t   *list = json_array(), *answer = json_pack("{s:o}", "passed", list);
    Error     why;
    Freshness verdict;
    memset(passed, 0, count * sizeof *passed);
    while ((verdict = look(rest, wishes, count, passed, &why)) == STALE && !http_gone(x) &&
           clock->monotonic_us(clock) < until)
        usleep(LOOK_US);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_boolean(passed[i]));
    if (verdict == STUCK)
        json_object_set_new(answer, "stuck", json_string(why.message));
    return answer;
}

void rest_node_passed(Rest *rest, HttpExchange *x)
{
    json_t *request = rest_request(x);
    size_t  count;
    if (request == NULL)
        return;
    int64_t        wait_ms = json_integer_value(json_object_get(request, "waitMs"));
    FreshnessWish *wishes  = read_wishes(x, request, &count);
    if (wishes == NULL) {
        rest_error(
            x, 400, 40000,
            "Invalid JSON in request: tasks are wanted, each with query, sub, partition, topic and offset");
    } else {
        http_wait_begin(x);
        json_t *answer = answer_of(rest, x, wishes, count, wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS);
        http_wait_end(x);
        rest_json(x, 200, answer);
    }
    json_decref(request);
}

/* ---- the node that asks ---- */

typedef struct {
    PeerQuestion *questions;
    size_t        count;
    size_t       *owner_of; /* per wish: a question; `count` at most: nobody has its slot */
} Round;

static size_t question_for(Round *round, Str address, int64_t wait_ms)
{
    size_t at = 0;
    while (at < round->count && !str_equal(round->questions[at].address, address))
        at++;
    if (at == round->count)
        round->questions[round->count++] = (PeerQuestion){
            .address = address, .body = json_pack("{s:I, s:[]}", "waitMs", (json_int_t)wait_ms, "tasks")};
    return at;
}

static void put_wish(json_t *body, const FreshnessWish *wish)
{
    json_array_append_new(json_object_get(body, "tasks"),
                          json_pack("{s:s%, s:i, s:i, s:s%, s:I}", "query", wish->query_id.ptr,
                                    wish->query_id.len, "sub", wish->sub_topology, "partition",
                                    wish->partition, "topic", wish->topic.ptr, wish->topic.len, "offset",
                                    (json_int_t)wish->offset));
}

static Round make_round(Rest *rest, const FreshnessWish *wishes, size_t count, int64_t wait_ms, Arena *arena)
{
    Round round = {ARENA_ARRAY(arena, PeerQuestion, count + 1), 0, ARENA_ARRAY(arena, size_t, count + 1)};
    for (size_t i = 0; i < count; i++) {
        Str  address;
        bool here         = false;
        round.owner_of[i] = SIZE_MAX;
        if (!directory_owner(rest->directory, wishes[i].slot, arena, &address, &here) || here ||
            address.len == 0)
            continue; /* it is on its way */
        round.owner_of[i] = question_for(&round, address, wait_ms);
        put_wish(round.questions[round.owner_of[i]].body, &wishes[i]);
    }
    return round;
}

/* The tasks in a question are in the order of the wishes. */
static bool hear(FreshnessCheck *check, const FreshnessWish *wishes, size_t count, const Round *round)
{
    size_t *at  = mem_calloc(round->count + 1, sizeof *at);
    bool    any = false;
    for (size_t i = 0; i < count; i++) {
        if (round->owner_of[i] == SIZE_MAX)
            continue;
        const PeerQuestion *question = &round->questions[round->owner_of[i]];
        const json_t       *passed   = json_object_get(question->answer, "passed");
        const json_t       *one      = json_array_get(passed, at[round->owner_of[i]]++);
        if (!json_is_true(one)) /* a macro, which looks twice */
            continue;
        freshness_tell(check, &wishes[i]);
        any = true;
    }
    mem_free(at);
    return any;
}

static bool is_stuck(const Round *round, Error *err)
{
    for (size_t i = 0; i < round->count; i++) {
        const char *why = json_string_value(json_object_get(round->questions[i].answer, "stuck"));
        if (why == NULL)
            continue;
        error_set(err, E_BUSY, NO_POS, "%s", why);
        return true;
    }
    return false;
}

Freshness rest_ask_passed(Rest *rest, FreshnessCheck *check, int64_t left_ms, bool *news, Error *err)
{
    const FreshnessWish *wishes;
    size_t               count   = freshness_wishes(check, &wishes);
    Freshness            verdict = STALE;
    *news                        = false;
    if (count == 0 || rest->directory == NULL)
        return STALE;
    Arena  *arena   = arena_new(0);
    int64_t wait_ms = left_ms < WAIT_MOST_MS ? left_ms : WAIT_MOST_MS;
    Round   round   = make_round(rest, wishes, count, wait_ms, arena);
    peer_round(rest->peers, rest->directory, NODE_PASSED_PATH, round.questions, round.count,
               (int)wait_ms + ANSWER_MS);
    *news = hear(check, wishes, count, &round);
    if (is_stuck(&round, err))
        verdict = STUCK;
    for (size_t i = 0; i < round.count; i++) {
        json_decref(round.questions[i].answer);
        json_decref(round.questions[i].body);
    }
    arena_free(arena);
    return verdict;
}
