/*
 * rest_consistency.c - read your writes: a pull query sees what its session has inserted.
 *
 * The server keeps no sessions: a client carries its own, as one text. A reply to statements has a header
 * with that text once something was inserted: where it is, and what the request's own text said. A query
 * brings it along, in the field that ksqlDB's clients use for their consistency tokens, and waits until what
 * it reads reflects all of that. Who sends no token waits for nothing. The answer to a token has the header,
 * too, and says what it reflects, so that a client's next query sees no older state; with
 * ksql.query.pull.consistency.token.enabled each answer does, and ends with it, as ksqlDB's clients expect
 * it.
 *
 * A token that ksqlDB's servers have made is not ours to read, and is ignored as they ignore it.
 */
#include <unistd.h>

#include "server/rest/rest.h"

static const char field[]  = "request.ksql.query.pull.consistency.token";
static const char header[] = "Sluice-Consistency-Token";

enum { STEP_LEAST_US = 500, STEP_MOST_US = 10000, STEP_SHARE = 8, DEFAULT_WAIT_MS = 5000 };

static const json_t *token_of(const json_t *request)
{
    return json_object_get(json_object_get(request, "requestProperties"), field);
}

bool rest_read_token(HttpExchange *x, const json_t *request, OffsetVector *out)
{
    const json_t *token = token_of(request);
    Str text = json_is_string(token) ? str_n(json_string_value(token), json_string_length(token)) : STR_NULL;
    Error err;
    if (!offset_vector_is_text(text) || offset_vector_parse(out, text, &err) == OK)
        return true;
    rest_error(x, 400, 40000, "%s", err.message);
    return false;
}

bool rest_brings_token(const json_t *request) { return json_is_string(token_of(request)); }

bool rest_wants_token(const Session *session)
{
    return properties_is_true(session->overrides, "ksql.query.pull.consistency.token.enabled", false);
}

void rest_token_header(HttpExchange *x, const OffsetVector *vector)
{
    StrBuf text = {0};
    if (offset_vector_is_empty(vector))
        return;
    offset_vector_print(vector, &text);
    http_set_header(x, header, str_to_c(http_arena(x), strbuf_str(&text)));
    strbuf_clear(&text);
}

/* It looks again after a share of the time that it has waited, so that this is what looking too rarely costs:
 * most tasks commit within some milliseconds, and who waits for a second does not mind a hundredth. */
static useconds_t next_look_us(int64_t waited_us)
{
    int64_t step = waited_us / STEP_SHARE;
    return (useconds_t)(step < STEP_LEAST_US ? STEP_LEAST_US : step > STEP_MOST_US ? STEP_MOST_US : step);
}

static Freshness await(Rest *rest, HttpExchange *x, FreshnessCheck *check, int64_t wait_ms, Error *err)
{
    Clock    *clock = engine_clock(rest->engine);
    int64_t   start = clock->monotonic_us(clock), waited = 0;
    Freshness verdict;
    while ((verdict = freshness_check(check, err)) == STALE && waited < wait_ms * 1000 && !http_gone(x)) {
        bool news = false;
        if (rest_ask_passed(rest, check, wait_ms - waited / 1000, &news, err) == STUCK)
            return STUCK;
        if (!news)
            usleep(next_look_us(waited));
        waited = clock->monotonic_us(clock) - start;
    }
    return verdict;
}

int rest_wait_for_writes_ms(const Session *session)
{
    return (int)properties_int(session->overrides, "sluice.query.pull.wait.ms", DEFAULT_WAIT_MS);
}

bool rest_await_writes(Rest *rest, HttpExchange *x, const Session *session, const FreshnessTarget *target,
                       Str text)
{
    int64_t wait_ms = rest_wait_for_writes_ms(session);
    Error   err;
    if (wait_ms == 0 || offset_vector_is_empty(&session->written))
        return true;
    error_clear(&err);
    http_wait_begin(x);
    FreshnessTarget whole   = *target;
    whole.others            = rest->directory != NULL;
    FreshnessCheck *check   = freshness_open(rest->runtime, &whole, &session->written);
    Freshness       verdict = await(rest, x, check, wait_ms, &err);
    freshness_close(check);
    http_wait_end(x);
    if (verdict == FRESH)
        return true;
    error_prefix(&err, "What this session has inserted is not to be seen yet%s: ",
                 verdict == STUCK ? "" : " after the time that sluice.query.pull.wait.ms allows");
    error_append(&err, ". SET 'sluice.query.pull.wait.ms' = '0' answers with what there is.");
    rest_statement_error(x, 503, 50301, err.message, NO_POS, text, NULL);
    return false;
}
