/*
 * rest_route.c - the partitions of a pull query that are not here are read on the nodes that have them.
 *
 * Each partition is asked of the node that the directory says has its slot, all nodes at once, and each is
 * told which partitions to read: so no row comes twice and none is left out, whatever moves meanwhile. A node
 * that turns out not to have them any more, or does not answer, costs a try: after a pause the directory is
 * asked again. What nobody has (a rebalance, a restore here) is waited for. Both have an end, and then the
 * client gets a 503 that says why.
 *
 * What other nodes answer is held back until all of them have answered in full, so that a node that dies in
 * the middle can be replaced and a failure be a status. Beyond HELD_MOST bytes the reply begins, and from
 * then on rows are passed on as they come, as fast as the client reads; a node that dies then ends the reply
 * with an error, if rows of that answer are out already. The rows that are here come last.
 *
 * Where copies may be read (ksql.query.pull.enable.standby.reads), a partition has more candidates: the node
 * that has it first, then those that stand by for it, in the directory's order, this node maybe among them.
 * One that is dead by its heartbeats is left out, and one that could not be asked is not asked again before
 * the others were. Whether a copy is near enough to its changelog only the node knows that has it: it refuses
 * else, and the next is asked.
 *
 * No thread waits: steps are run when something has come. A request that came from a node is never handed on,
 * so there are no loops; it may only wait for a restore.
 */
#include "server/rest/node_answer.h"
#include "serde/serde.h"
#include "server/rest/rest_pull.h"

enum {
    WAIT_MS      = 3000, /* for partitions that nobody has, or that are being restored here */
    WAIT_STEP_MS = 20,
    TRIES        = 4, /* rounds of questions in which one failed */
    TRY_PAUSE_MS = 100,
    CONNECT_MS   = 1000,
    ANSWER_MS    = 8000, /* it may have to wait for a command and a restore of its own */
    SILENT_S     = 60,
    TRYING_MS    = 10000, /* no new tries after that */
    HELD_MOST    = 4 * 1024 * 1024,
    ERROR_MOST   = 64 * 1024, /* of an answer that is no 200 */
};

/* What one node was asked, and what has come of it. */
typedef struct Part Part;
struct Part {
    Part      *next;
    Str        address; /* in the query's arena, as are the partitions */
    int       *partitions;
    size_t     count;
    PeerCall  *call; /* NULL: it is over */
    PeerState  state;
    int        status;
    NodeAnswer answer;
    bool       complete;
    size_t     passed; /* rows that the client has got */
};

/* A node that could not be asked, or refused. */
typedef struct Avoided Avoided;
struct Avoided {
    Avoided *next;
    Str      address;
};

struct Route {
    Pull     *pull;
    Avoided  *avoided; /* in the query's arena; only where there are copies */
    int      *copies;  /* partitions that are read from the copies here */
    size_t    copy_count;
    int       replicas;   /* copies that the query has */
    Str       body_start; /* of questions: all but the partitions */
    Str       header;     /* as the other nodes must send it, from the names of the columns on */
    RowForm   form;       /* in which they answer */
    Part     *parts;      /* under way, or complete and not passed on */
    PeerCall *pause;
    int       failures;           /* rounds */
    int64_t   began_us, until_us; /* until: how long may be waited */
    bool      streaming, enough;
    bool      failed;       /* a part of this round has */
    int       status, code; /* of `why`, if it is an answer for the client; else 0 */
    Error     why;
    Str       who; /* is to blame; STR_NULL: nobody in particular */
};

/* ---- waking ---- */

static void on_changed(void *x) { http_wake(x); }
static void on_released(void *x) { http_unref(x); }

static int64_t now_us(const Route *route)
{
    Clock *clock = engine_clock(route->pull->rest->engine);
    return clock->monotonic_us(clock);
}

static void pause_for(Route *route, int ms)
{
    PeerRequest request = {
        .pause_ms = ms, .changed = on_changed, .released = on_released, .context = http_ref(route->pull->x)};
    route->pause = peer_call_start(route->pull->rest->peers, &request);
}

/* False: there is none, or it is over. */
static bool is_pausing(Route *route)
{
    StrBuf nothing = {0};
    int    status;
    if (route->pause == NULL)
        return false;
    if (peer_call_take(route->pause, &nothing, &status, NULL) == PEER_UNDER_WAY)
        return true;
    peer_call_end(route->pause);
    route->pause = NULL;
    return false;
}

/* ---- asking ---- */

static json_t *texts_of(const Properties *properties)
{
    json_t *json = json_object();
    Str     name, value;
    Arena  *arena = arena_new(0);
    for (size_t i = 0; i < properties_count(properties); i++) {
        properties_at(properties, i, &name, &value);
        json_object_set_new(json, str_to_c(arena, name), json_stringn(value.ptr, value.len));
    }
    arena_free(arena);
    return json;
}

static void add_token(const Pull *pull, StrBuf *text)
{
    StrBuf token = {0};
    offset_vector_print(&pull->written, &token);
    strbuf_adds(text, "\"request.ksql.query.pull.consistency.token\":");
    json_write_string(strbuf_str(&token), text);
    strbuf_addc(text, ',');
    strbuf_clear(&token);
}

/* {..., "requestProperties": {..., "request.ksql.query.pull.partition": " : the partitions and "}} follow.
 * The number of the last command that this node has carried out goes along: a table that has just been made
 * here is there, too, when the question is answered. */
static Str make_body(const Pull *pull, const Session *session)
{
    static const char property[] = "request.ksql.query.pull.partition";
    StrBuf            text       = {0};
    json_t *json  = json_pack("{s:s%, s:o, s:o, s:I}", "sql", pull->text.ptr, pull->text.len, "properties",
                              texts_of(session->overrides), "sessionVariables", texts_of(session->variables),
                              "commandSequenceNumber", (json_int_t)engine_last_command(pull->rest->engine));
    char   *start = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (start == NULL)
        return STR_NULL;
    strbuf_add(&text, str_n(start, strlen(start) - 1)); /* without its } */
    free(start);                                        /* jansson's */
    strbuf_addf(&text, ",\"requestProperties\":{\"request.ksql.query.pull.skip.forwarding\":true,"
                       "\"request.ksql.internal.request\":true,");
    if (!offset_vector_is_empty(&pull->written))
        add_token(pull, &text);
    if (pull->standby_lag >= 0)
        strbuf_addf(&text, "\"" PULL_STANDBY_LAG "\":%lld,", (long long)pull->standby_lag);
    strbuf_addf(&text, "\"%s\":\"", property);
    Str body = str_dup(pull->arena, strbuf_str(&text));
    strbuf_clear(&text);
    return body;
}

static void start_part(Route *route, Part *part)
{
    Pull  *pull  = route->pull;
    Arena *arena = pull->arena;
    StrBuf body  = {0};
    strbuf_add(&body, route->body_start);
    for (size_t i = 0; i < part->count; i++)
        strbuf_addf(&body, "%s%d", i > 0 ? "," : "", part->partitions[i]);
    strbuf_adds(&body, "\"}}");
    Str         credential = directory_credential(pull->rest->directory, arena);
    Str         who        = pull->origin.authorization;
    const char *headers[]  = {
         "Content-Type: application/json",
         str_to_c(arena, str_printf(arena, "Accept: %s", row_form_type(route->form))),
         str_to_c(arena, str_printf(arena, DIRECTORY_HEADER ": " STR_FMT, STR_ARG(credential))),
         str_to_c(arena, str_printf(arena, "Authorization: " STR_FMT, STR_ARG(who))),
    };
    Str         url     = str_printf(arena, STR_FMT "/query-stream", STR_ARG(part->address));
    PeerRequest request = {.url          = str_to_c(arena, url),
                           .headers      = headers,
                           .header_count = ARRAY_LEN(headers) - str_is_null(who),
                           .body         = strbuf_str(&body),
                           .connect_ms   = CONNECT_MS,
                           .answer_ms    = ANSWER_MS + pull->wait_ms,
                           .silent_s     = SILENT_S,
                           .changed      = on_changed,
                           .released     = on_released,
                           .context      = http_ref(pull->x)};
    part->call          = peer_call_start(pull->rest->peers, &request);
    strbuf_clear(&body);
}

static Part *part_for(Route *route, Part **parts, Str address, size_t most)
{
    Part *part = *parts;
    while (part != NULL && !str_equal(part->address, address))
        part = part->next;
    if (part == NULL) {
        part             = mem_calloc(1, sizeof *part);
        part->address    = address;
        part->partitions = ARENA_ARRAY(route->pull->arena, int, most);
        part->answer     = (NodeAnswer){.form = route->form, .header = route->header};
        part->next       = *parts;
        *parts           = part;
    }
    return part;
}

/* Why the whole question fails, unless another try helps; status 0: it may. */
static void blame(Route *route, Str address, int status, int code, const char *message)
{
    if (route->status != 0)
        return;
    error_set(&route->why, E_BUSY, NO_POS, "%s", message);
    route->who    = address;
    route->status = status;
    route->code   = code;
}

/* ---- candidates ---- */

typedef enum { OWNER_UNKNOWN, OWNER_HERE, OWNER_ELSEWHERE, OWNER_COPY_HERE } Owner;

static bool is_avoided(const Route *route, Str address)
{
    const Avoided *one = route->avoided;
    while (one != NULL && !str_equal(one->address, address))
        one = one->next;
    return one != NULL;
}

static void avoid(Route *route, Str address)
{
    if (route->replicas == 0 || is_avoided(route, address))
        return;
    Avoided *one   = ARENA_NEW(route->pull->arena, Avoided);
    *one           = (Avoided){route->avoided, address};
    route->avoided = one;
}

/* Can a copy be read here? Then it is, from the next look at what is missing on. */
static bool take_copy_here(Route *route, int partition)
{
    Pull   *pull  = route->pull;
    int64_t lag   = runtime_standby_lag(pull->rest->runtime, pull_writer(pull->here), partition);
    size_t  count = route->copy_count;
    for (size_t i = 0; i < count; i++)
        if (route->copies[i] == partition)
            return false; /* it was tried */
    if (lag > pull->standby_lag || (lag < 0 && pull->standby_lag < INT64_MAX))
        return false;
    int *copies = ARENA_ARRAY(pull->arena, int, count + 1);
    if (count > 0)
        memcpy(copies, route->copies, count * sizeof *copies);
    copies[count]     = partition;
    route->copies     = copies;
    route->copy_count = count + 1;
    pull_allow_standbys(pull->here, copies, count + 1, pull->standby_lag);
    return true;
}

/* The first standby that can be asked. */
static Owner find_copy(Route *route, int slot, int partition, Str *address)
{
    const Pull     *pull = route->pull;
    DirectoryPlace *places;
    size_t          count = 0;
    if (route->replicas > 0)
        count = directory_standbys(pull->rest->directory, slot, pull->arena, &places);
    for (size_t i = 0; i < count && i < (size_t)route->replicas; i++) {
        *address = places[i].address;
        if (places[i].self && take_copy_here(route, partition))
            return OWNER_COPY_HERE;
        if (!places[i].self && address->len > 0 && !is_avoided(route, *address) &&
            heartbeat_is_alive(pull->rest->heartbeat, *address))
            return OWNER_ELSEWHERE;
    }
    return OWNER_UNKNOWN;
}

static Owner find_owner(Route *route, int slot, Str *address)
{
    const Pull *pull = route->pull;
    bool        here;
    if (pull->rest->directory == NULL || pull->origin.skip_forwarding)
        return OWNER_HERE;
    if (!directory_owner(pull->rest->directory, slot, pull->arena, address, &here))
        return OWNER_UNKNOWN;
    if (here)
        return OWNER_HERE;
    bool alive = address->len > 0 && heartbeat_is_alive(pull->rest->heartbeat, *address);
    if (alive && !is_avoided(route, *address))
        return OWNER_ELSEWHERE;
    if (address->len > 0 && !alive)
        blame(route, *address, 0, 0, "it has not been heard for a while");
    return OWNER_UNKNOWN;
}

/* Active first, then the standbys. */
static Owner find_candidate(Route *route, int slot, int partition, Str *address)
{
    Owner owner = find_owner(route, slot, address);
    if (owner == OWNER_ELSEWHERE || route->replicas == 0)
        return owner;
    Owner copy = find_copy(route, slot, partition, address);
    return copy != OWNER_UNKNOWN ? copy : owner;
}

/* Asks for what can be asked. False: for none of them. *here: all of them are this node's own affair. */
static bool ask(Route *route, const int *missing, size_t count, bool *here)
{
    Pull *pull  = route->pull;
    Part *parts = NULL;
    int  *slots = NULL;
    bool  any   = false;
    int   total = runtime_table_slots(pull->rest->runtime, pull_writer(pull->here), pull->arena, &slots);
    *here       = total > 0;
    for (size_t i = 0; i < count && missing[i] < total; i++) {
        Str   address;
        Owner owner = find_candidate(route, slots[missing[i]], missing[i], &address);
        *here &= owner == OWNER_HERE;
        any |= owner == OWNER_COPY_HERE;
        if (owner != OWNER_ELSEWHERE || str_is_null(route->body_start))
            continue;
        Part *part                      = part_for(route, &parts, address, count);
        part->partitions[part->count++] = missing[i];
    }
    any |= parts != NULL;
    if (!any)
        route->avoided = NULL; /* none is left: from the first on, after a pause */
    for (Part *part = parts, *next; part != NULL; part = next) {
        next         = part->next;
        part->next   = route->parts;
        route->parts = part;
        start_part(route, part);
    }
    return any;
}

/* ---- answers ---- */

static void part_free(Part *part)
{
    peer_call_end(part->call);
    node_answer_clear(&part->answer);
    mem_free(part);
}

/* An answer that is no 200. What a client has done wrong is told to it as the other node says it; what may
 * pass (it has not got so far, has moved, is shutting down, is not well) is tried again. */
static void read_refusal(Route *route, Part *part)
{
    json_error_t  error;
    const char   *text    = part->answer.bytes.ptr != NULL ? part->answer.bytes.ptr : "";
    json_t       *json    = json_loadb(text, part->answer.bytes.len, JSON_ALLOW_NUL, &error);
    const json_t *message = json_object_get(json, "message"), *code = json_object_get(json, "error_code");
    char          plain[64];
    bool          late  = json_integer_value(code) == 50301; /* it has waited long enough */
    bool          final = late || (part->status >= 400 && part->status < 500);
    snprintf(plain, sizeof plain, "it answers with status %d", part->status);
    blame(route, part->address, final ? part->status : 0,
          json_is_integer(code) ? (int)json_integer_value(code) : 100 * part->status,
          json_is_string(message) ? json_string_value(message) : plain);
    json_decref(json);
}

/* Looks at what has come and, if `pass` says so, passes rows on. False: it is not what it should be. */
static bool read_rows(Route *route, Part *part, bool ended, bool pass)
{
    Error      why;
    Str        row;
    AnswerNext next = ANSWER_NO_MORE;
    while (!route->enough) {
        next = node_answer_next(&part->answer, ended, &row, &why);
        if (next == ANSWER_TOKEN && node_answer_token(row, &route->pull->reflected, &why) != OK)
            next = ANSWER_WRONG;
        if (next == ANSWER_NO_MORE || next == ANSWER_WRONG)
            break;
        if (next == ANSWER_TOKEN || !pass)
            continue;
        route->enough = !pull_pass_on(route->pull, row);
        part->passed++;
    }
    if (next == ANSWER_WRONG)
        blame(route, part->address, 0, 0, why.message);
    return next != ANSWER_WRONG;
}

/* It is over: is it whole? */
static bool judge(Route *route, Part *part, const Error *err)
{
    if (part->state == PEER_FAILED)
        blame(route, part->address, 0, 0, err->message);
    else if (part->status != 200)
        read_refusal(route, part);
    else if (!read_rows(route, part, true, route->streaming))
        return false;
    else if (!part->answer.headed && !route->enough)
        blame(route, part->address, 0, 0, "its answer is empty");
    else {
        if (!route->streaming)
            node_answer_rewind(&part->answer); /* to be read once more, then to be passed on */
        return true;
    }
    return false;
}

/* Takes what has come. False: the part has failed. */
static bool take(Route *route, Part *part)
{
    Error err;
    if (part->call == NULL)
        return true;
    part->state = peer_call_take(part->call, &part->answer.bytes, &part->status, &err);
    if (part->status != 200 && part->answer.bytes.len > ERROR_MOST)
        part->answer.bytes.len = ERROR_MOST;
    if (part->state == PEER_UNDER_WAY && route->streaming && part->status == 200) {
        bool good = read_rows(route, part, false, true);
        node_answer_drop(&part->answer);
        return good;
    }
    if (part->state == PEER_UNDER_WAY)
        return true;
    peer_call_end(part->call);
    part->call     = NULL;
    part->complete = judge(route, part, &err);
    if (part->complete) {
        pull_leave_out(route->pull->here, part->partitions, part->count);
        route->until_us = now_us(route) + WAIT_MS * 1000LL;
    }
    return part->complete;
}

/* ---- going on ---- */

/* All parts once. False: rows of an answer that failed are out, so that it cannot be asked for again. */
static bool take_all(Route *route)
{
    bool good = true;
    for (Part **at = &route->parts; *at != NULL;) {
        Part *part = *at;
        if (take(route, part)) {
            at = &part->next;
            continue;
        }
        good &= part->passed == 0;
        route->failed = true;
        avoid(route, part->address);
        *at = part->next;
        part_free(part);
    }
    return good;
}

static bool is_under_way(const Route *route)
{
    const Part *part = route->parts;
    while (part != NULL && part->call == NULL)
        part = part->next;
    return part != NULL;
}

/* Complete parts go out, from their first row on, and are done. */
static void pass_complete(Route *route)
{
    for (Part **at = &route->parts; *at != NULL;) {
        Part *part = *at;
        if (!part->complete) {
            at = &part->next;
            continue;
        }
        read_rows(route, part, true, true); /* it was looked at before: nothing is wrong with it */
        *at = part->next;
        part_free(part);
    }
}

static size_t held_bytes(const Route *route)
{
    size_t held = 0;
    for (const Part *part = route->parts; part != NULL; part = part->next)
        held += part->answer.bytes.len;
    return held;
}

/* From here on rows go out as they come. */
static void start_streaming(Route *route)
{
    route->streaming = true;
    pull_begin(route->pull);
}

/* Of a copy that is here and too far behind; nothing else is said of copies. */
static void add_lag(const Route *route, const int *missing, Error *text)
{
    const Pull *pull = route->pull;
    int64_t     lag  = missing == NULL || pull->standby_lag < 0
                           ? -1
                           : runtime_standby_lag(pull->rest->runtime, pull_writer(pull->here), missing[0]);
    char        more[160];
    if (lag <= pull->standby_lag)
        return;
    snprintf(more, sizeof more,
             " Its standby here is %lld records behind its changelog, and "
             "ksql.query.pull.max.allowed.offset.lag allows %lld.",
             (long long)lag, (long long)pull->standby_lag);
    error_append(text, "%s", more);
}

/* Is it for this node to have the partition? */
static bool is_own(const Route *route, int partition)
{
    const Pull *pull  = route->pull;
    int        *slots = NULL;
    Str         address;
    bool        self;
    if (pull->rest->directory == NULL)
        return true;
    int total = runtime_table_slots(pull->rest->runtime, pull_writer(pull->here), pull->arena, &slots);
    return partition < total &&
           directory_owner(pull->rest->directory, slots[partition], pull->arena, &address, &self) && self;
}

/* Why a partition that this node has cannot be read: what the query does instead of running. */
static void explain_own(const Pull *pull, int partition, Error *text)
{
    Str         writer = pull_writer(pull->here);
    QueryStatus query;
    error_set(text, E_BUSY, NO_POS,
              "Unable to execute pull query: partition %d of the query " STR_FMT
              " that makes the table cannot be read: ",
              partition, STR_ARG(writer));
    if (runtime_query_state(pull->rest->runtime, writer, pull->arena, &query, NULL) != OK)
        error_append(text, "the query is not running here any more.");
    else if (query.state == RUN_ERROR)
        error_append(text,
                     "the query is in ERROR and is tried again by itself: %s. When the cause is mended it "
                     "goes on; EXPLAIN " STR_FMT "; tells more.",
                     query.error_count > 0
                         ? str_to_c(pull->arena, query.errors[query.error_count - 1].message)
                         : "no reason is known",
                     STR_ARG(writer));
    else if (query.state == RUN_WAITING)
        error_append(text, "the query waits for something, and goes on by itself: " STR_FMT ".",
                     STR_ARG(query.waiting_for));
    else if (query.state == RUN_PAUSED)
        error_append(text, "the query is paused, and its state has not been read yet: RESUME " STR_FMT ";",
                     STR_ARG(writer));
    else
        error_append(text, "it is still restoring its state from its changelog. Ask again in a moment.");
}

static void give_up(Route *route, const int *missing)
{
    Pull *pull   = route->pull;
    Str   writer = pull_writer(pull->here);
    Error text;
    if (route->status != 0) {
        pull_fail(pull, route->status, route->code, route->why.message);
        return;
    }
    if (!str_is_null(route->who))
        error_set(&text, E_BUSY, NO_POS,
                  "Unable to execute pull query: the server of this service at " STR_FMT
                  " was asked for what it has of the table and did not give it: %s",
                  STR_ARG(route->who), route->why.message);
    else if (missing != NULL && is_own(route, missing[0]))
        explain_own(pull, missing[0], &text);
    else
        error_set(&text, E_BUSY, NO_POS,
                  "Unable to execute pull query: partition %d of the query " STR_FMT
                  " that makes the table is on another server of this service%s, has failed, or is still "
                  "restoring its state.",
                  missing != NULL ? missing[0] : 0, STR_ARG(writer),
                  pull->origin.skip_forwarding ? "" : " of which nothing is known");
    add_lag(route, missing, &text);
    pull_fail(pull, 503, 50302, text.message);
}

/* What is missing is asked for, or waited for. False: neither. */
static bool go_on(Route *route, const int *missing, size_t count, bool settled)
{
    bool here;
    if (route->failed) {
        route->failed = false;
        if (++route->failures >= TRIES || now_us(route) - route->began_us >= TRYING_MS * 1000LL)
            return false;
        pause_for(route, TRY_PAUSE_MS);
        return true;
    }
    if (ask(route, missing, count, &here)) {
        if (!is_under_way(route))
            pause_for(route, 0); /* there are copies here: nobody else wakes the exchange */
        return true;
    }
    if ((here && settled) || now_us(route) >= route->until_us)
        return false;
    pause_for(route, WAIT_STEP_MS);
    return true;
}

/* Takes what has come, and passes on what may go. False: there is no hope. */
static bool move_rows(Route *route)
{
    bool good = take_all(route) && route->status == 0;
    if (!route->streaming && held_bytes(route) > HELD_MOST)
        start_streaming(route);
    if (route->streaming && good) {
        pass_complete(route);
        http_flush(route->pull->x);
    }
    return good;
}

static bool step(void *state, HttpExchange *x)
{
    Route     *route = ((Pull *)state)->route;
    const int *missing;
    bool       settled;
    if (route->streaming && http_pending(x) >= HTTP_PENDING_HIGH)
        return true; /* woken when the client has read; until then the other nodes wait, too */
    if (is_pausing(route))
        return true;
    if (!move_rows(route)) {
        give_up(route, NULL);
        return false;
    }
    if (is_under_way(route) && !route->enough)
        return true;
    size_t count = route->enough ? 0 : pull_missing(route->pull->here, &missing, &settled);
    if (count == 0 && pull_moves(route->pull))
        return true; /* to look once more whether something is missing, for it may have to queue */
    if (count == 0) {
        pull_begin(route->pull);
        pass_complete(route);
        pull_finish(route->pull);
        return false;
    }
    if (go_on(route, missing, count, settled))
        return true;
    give_up(route, missing);
    return false;
}

/* ---- its life ---- */

static void close_pull(void *state) { pull_free(state); }

void route_begin(Pull *pull, const Session *session)
{
    Route *route      = mem_calloc(1, sizeof *route);
    pull->route       = route;
    *route            = (Route){.pull = pull, .form = row_form_between_nodes(pull->form), .who = STR_NULL};
    route->began_us   = now_us(route);
    route->until_us   = route->began_us + WAIT_MS * 1000LL;
    route->body_start = make_body(pull, session);
    route->header     = node_answer_header(route->form, pull->query.pull->result, pull->arena);
    if (pull->standby_lag >= 0 && pull->rest->directory != NULL && !pull->origin.skip_forwarding)
        route->replicas = runtime_standby_replicas(pull->rest->runtime, pull_writer(pull->here));
    http_stream(pull->x, step, close_pull, pull); /* its first step is run at once */
}

void route_free(Route *route)
{
    if (route == NULL)
        return;
    peer_call_end(route->pause);
    for (Part *part = route->parts, *next; part != NULL; part = next) {
        next = part->next;
        part_free(part);
    }
    mem_free(route);
}
