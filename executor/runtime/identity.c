/*
 * identity.c - whose a state file is: a fact in it names the service, the node, the worker and the log.
 *
 * What is in a file is found by names that are the same everywhere (a query's id, a sequence number, the
 * number of a slot), so a copy of another worker's file, or one of another directory, looks as if it fitted:
 * its rows would be taken for this worker's, or cleared as a dropped query's. So each file says whose it is,
 * and what is a stranger's is set aside (repair.c) before anything in it is read. An older copy of the same
 * file is none: it is behind, and caught up with as after a crash (restore.c).
 *
 * The log's id is not known while a broker does not answer; it is compared, and written down, once it is.
 */
#include "executor/runtime/identity.h"

#include "executor/runtime/mailbox.h"
#include "executor/runtime/pause.h"
#include "executor/runtime/repair.h"

static const Str fact = {"file", 4};

enum { SERVICE, NODE, WORKER, LOG, PARTS };

static const struct {
    const char *name, *stranger; /* what a file is that has another one; %: which */
} parts[PARTS] = {
    [SERVICE] = {"service", "it belongs to the service "},
    [NODE]    = {"node", "it comes from another state directory, that of the node "},
    [WORKER]  = {"worker", "it is the file of worker number "},
    [LOG]     = {"log", "it was made from another log, with the id "},
};

static void describe(const Worker *worker, Str out[PARTS])
{
    const Runtime *runtime = worker->runtime;
    out[SERVICE]           = runtime->options.service_id;
    out[NODE]              = runtime->options.node_id;
    out[WORKER]            = str_printf(worker->scratch, "%d", worker->index);
    out[LOG]               = worker->log_id;
}

/* name=value, a line each. What is not there is empty. */
static Str find_part(Str text, const char *name)
{
    for (size_t at = 0; at < text.len;) {
        const char *newline = memchr(text.ptr + at, '\n', text.len - at);
        size_t      end     = newline != NULL ? (size_t)(newline - text.ptr) : text.len;
        Str         line    = str_n(text.ptr + at, end - at);
        size_t      len     = strlen(name);
        if (line.len > len && str_starts_with(line, str_c(name)) && line.ptr[len] == '=')
            return str_n(line.ptr + len + 1, line.len - len - 1);
        at = end + 1;
    }
    return STR_LIT("");
}

static Status write_fact(Worker *worker, const Str own[PARTS], Error *err)
{
    StrBuf text = {0};
    for (int i = 0; i < PARTS; i++)
        strbuf_addf(&text, "%s=" STR_FMT "\n", parts[i].name, STR_ARG(own[i]));
    Status status = state_meta_set(worker->state, fact, strbuf_str(&text), err);
    strbuf_clear(&text);
    return status == OK ? state_file_commit(worker->state, err) : status;
}

Status identity_check(Worker *worker, Error *err)
{
    Str  own[PARTS], text;
    bool told = true;
    describe(worker, own);
    TRY(state_meta_get(worker->state, fact, worker->scratch, &text, err));
    for (int i = 0; i < PARTS; i++) {
        Str said = str_is_null(text) ? STR_LIT("") : find_part(text, parts[i].name);
        told &= said.len > 0 || own[i].len == 0;
        if (own[i].len == 0)
            own[i] = said; /* not known yet: what it says stays */
        if (said.len == 0 || str_equal(said, own[i]))
            continue;
        worker->aside = ASIDE_FOREIGN;
        return error_set(err, E_STALE_STATE, NO_POS, "%s" STR_FMT " (this is " STR_FMT ")", parts[i].stranger,
                         STR_ARG(said), STR_ARG(own[i]));
    }
    return told ? OK : write_fact(worker, own, err);
}

/* ---- the log, once it is known ---- */

static void know_log(Worker *worker, void *argument)
{
    Error err;
    worker->log_id = *(const Str *)argument;
    if (worker->state == NULL)
        return;
    Status status = identity_check(worker, &err);
    arena_reset(worker->scratch);
    if (status == E_STALE_STATE) {
        worker_repair_state(worker, &err);
    } else if (status != OK) {
        worker_say_trouble(worker, &err);
    }
}

void runtime_know_log(Runtime *runtime, Str id)
{
    Str kept = str_dup(runtime->arena, id);
    for (int i = 0; i < runtime->worker_count; i++)
        worker_post(runtime->workers[i], know_log, &kept, true);
}
