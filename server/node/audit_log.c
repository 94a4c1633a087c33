/*
 * audit_log.c - see audit_log.h.
 */
#include "server/node/audit_log.h"

#include <pthread.h>
#include <time.h>

#include "core/logger.h"
#include "core/notice.h"
#include "serde/serde.h"

enum {
    QUEUE_RECORDS = 10000,
    QUEUE_BYTES   = 32 * 1024 * 1024,
    MOST_TEXT     = 64 * 1024, /* of a statement */
    RETRY_MS      = 1000,
    FLUSH_MS      = 5000,
};

typedef struct Entry Entry;
struct Entry {
    Entry  *next;
    int64_t time_ms;
    char   *principal; /* the key; NULL: nobody knows */
    char   *text;
    size_t  size;
};

struct AuditLog {
    AuditSink       base;
    Log            *log;
    Clock          *clock;
    char           *topic, *node_id;
    int             partitions, replicas;
    LogWriter      *writer; /* of the thread; NULL: none yet */
    Notice          trouble;
    pthread_t       thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t  work;
    Entry          *first, **last;
    size_t          count, bytes;
    uint64_t        dropped; /* since the last record that said so */
    bool            stopping;
};

/* ---- one record ---- */

static void add_text(StrBuf *out, const char *name, Str text)
{
    strbuf_addf(out, ",\"%s\":", name);
    if (str_is_null(text)) {
        strbuf_adds(out, "null");
        return;
    }
    Arena *arena = arena_new(SIZE_MAX);
    json_write_string(utf8_repair(arena, text), out);
    arena_free(arena);
}

/* A statement of megabytes is told by its beginning, and by how long it is. */
static Str shortened(Str text) { return text.len > MOST_TEXT ? str_n(text.ptr, MOST_TEXT) : text; }

static const char *outcome(int status)
{
    return status == 401 || status == 403 ? "DENIED" : status >= 400 ? "FAILED" : "OK";
}

static char *record_text(const AuditLog *audit, const AuditNote *note, int64_t time_ms)
{
    StrBuf out = {0};
    strbuf_addf(&out, "{\"time\":%lld", (long long)time_ms);
    add_text(&out, "node", str_c(audit->node_id));
    add_text(&out, "principal", note->principal);
    add_text(&out, "claimed", note->claimed);
    add_text(&out, "method", note->method);
    add_text(&out, "path", note->path);
    add_text(&out, "statement", shortened(note->statement));
    strbuf_addf(&out, ",\"length\":%zu,\"status\":%d,\"outcome\":\"%s\"}", note->statement.len, note->status,
                outcome(note->status));
    char *text = str_to_heap(strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

static char *hole_text(const AuditLog *audit, uint64_t dropped, int64_t time_ms)
{
    StrBuf out = {0};
    strbuf_addf(&out, "{\"time\":%lld", (long long)time_ms);
    add_text(&out, "node", str_c(audit->node_id));
    strbuf_addf(&out, ",\"dropped\":%llu}", (unsigned long long)dropped);
    char *text = str_to_heap(strbuf_str(&out));
    strbuf_clear(&out);
    return text;
}

static void entry_free(Entry *entry)
{
    mem_free(entry->principal);
    mem_free(entry->text);
    mem_free(entry);
}

/* ---- from the handlers ---- */

/* Takes the entry. Lock held. */
static void enqueue(AuditLog *audit, Entry *entry)
{
    if (audit->count == QUEUE_RECORDS || audit->bytes + entry->size > QUEUE_BYTES) {
        audit->dropped++;
        entry_free(entry);
        return;
    }
    *audit->last = entry;
    audit->last  = &entry->next;
    audit->count++;
    audit->bytes += entry->size;
    pthread_cond_signal(&audit->work);
}

static void note_down(AuditSink *sink, const AuditNote *note)
{
    AuditLog *audit  = (AuditLog *)sink;
    Entry    *entry  = mem_calloc(1, sizeof *entry);
    entry->time_ms   = audit->clock->now_ms(audit->clock);
    entry->principal = str_is_null(note->principal) ? NULL : str_to_heap(note->principal);
    entry->text      = record_text(audit, note, entry->time_ms);
    entry->size      = strlen(entry->text) + sizeof *entry;
    pthread_mutex_lock(&audit->lock);
    enqueue(audit, entry);
    pthread_mutex_unlock(&audit->lock);
}

/* ---- to the topic ---- */

/* What was left out is told as soon as there is room again. Lock held. */
static Entry *take_hole(AuditLog *audit)
{
    uint64_t dropped = audit->dropped;
    if (dropped == 0)
        return NULL;
    audit->dropped = 0;
    Entry *entry   = mem_calloc(1, sizeof *entry);
    entry->time_ms = audit->clock->now_ms(audit->clock);
    entry->text    = hole_text(audit, dropped, entry->time_ms);
    return entry;
}

/* NULL: it is over. */
static Entry *dequeue(AuditLog *audit)
{
    pthread_mutex_lock(&audit->lock);
    while (audit->first == NULL && audit->dropped == 0 && !audit->stopping)
        pthread_cond_wait(&audit->work, &audit->lock);
    Entry *entry = audit->first;
    if (entry != NULL) {
        audit->first = entry->next;
        audit->count--;
        audit->bytes -= entry->size;
        if (audit->first == NULL)
            audit->last = &audit->first;
    } else
        entry = take_hole(audit);
    pthread_mutex_unlock(&audit->lock);
    return entry;
}

static Status prepare(AuditLog *audit, Error *err)
{
    WriterOptions options = {.client_id = "sluice-audit-log", .linger_ms = 50};
    if (audit->writer != NULL)
        return OK;
    Status status =
        log_topic_create(audit->log, str_c(audit->topic), audit->partitions, audit->replicas, NULL, 0, err);
    if (status != OK && status != E_EXISTS)
        return status;
    return log_writer_open(audit->log, &options, &audit->writer, err);
}

/* False: the server ends first. */
static bool pause_before_retry(AuditLog *audit)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_MS / 1000;
    pthread_mutex_lock(&audit->lock);
    while (!audit->stopping && pthread_cond_timedwait(&audit->work, &audit->lock, &until) == 0)
        ;
    bool stopping = audit->stopping;
    pthread_mutex_unlock(&audit->lock);
    return !stopping;
}

static Status append(AuditLog *audit, const Entry *entry, Error *err)
{
    LogRecord record = {
        .timestamp = entry->time_ms, .key = str_c(entry->principal), .value = str_c(entry->text)};
    TRY(prepare(audit, err));
    return log_append(audit->writer, str_c(audit->topic), PARTITION_BY_KEY, &record, STR_NULL, err);
}

/* Until it works, or the server ends. */
static void write_surely(AuditLog *audit, const Entry *entry)
{
    Error err;
    while (append(audit, entry, &err) != OK) {
        if (notice_due(&audit->trouble, str_c(err.message), audit->clock->monotonic_us(audit->clock)))
            log_line(LOG_ERROR, "the audit log cannot be written, trying again: %s", err.message);
        if (!pause_before_retry(audit)) {
            log_line(LOG_ERROR, "an audit record is lost, for the server ends: %s", entry->text);
            return;
        }
    }
    notice_clear(&audit->trouble);
}

static void *thread_main(void *context)
{
    AuditLog *audit = context;
    Error     err;
    for (Entry *entry; (entry = dequeue(audit)) != NULL; entry_free(entry))
        write_surely(audit, entry);
    if (audit->writer != NULL && log_flush(audit->writer, FLUSH_MS, &err) != OK)
        log_line(LOG_ERROR, "the end of the audit log is lost: %s", err.message);
    if (audit->writer != NULL)
        log_writer_close(audit->writer);
    return NULL;
}

/* ---- life ---- */

/* What no topic can be called would be tried for ever. */
static Status check_name(Str topic, Error *err)
{
    enum { MOST_NAME = 249 };
    bool good = topic.len <= MOST_NAME && !str_equal(topic, STR_LIT(".")) && !str_equal(topic, STR_LIT(".."));
    for (size_t i = 0; i < topic.len && good; i++) {
        char c = topic.ptr[i];
        good   = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    }
    return good ? OK
                : error_set(
                      err, E_CONFIG, NO_POS,
                      "Invalid value " STR_FMT
                      " for configuration ksql.audit.topic: a topic's name is of letters, digits, . _ and -",
                      STR_ARG(topic));
}

Status audit_log_open(Log *log, Clock *clock, const Properties *properties, Str node_id, AuditLog **out,
                      Error *err)
{
    Str topic = properties_get_c(properties, "ksql.audit.topic");
    *out      = NULL;
    if (topic.len == 0)
        return OK;
    TRY(check_name(topic, err));
    AuditLog *audit = mem_calloc(1, sizeof *audit);
    *audit          = (AuditLog){.base       = {note_down},
                                 .log        = log,
                                 .clock      = clock,
                                 .topic      = str_to_heap(topic),
                                 .node_id    = str_to_heap(node_id),
                                 .partitions = 1,
                                 .replicas   = (int)properties_int(properties, "ksql.internal.topic.replicas", 1)};
    audit->last     = &audit->first;
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->work, NULL);
    if (pthread_create(&audit->thread, NULL, thread_main, audit) == 0) {
        *out = audit;
        return OK;
    }
    error_set(err, E_IO, NO_POS, "the audit log has no thread: %m");
    pthread_cond_destroy(&audit->work);
    pthread_mutex_destroy(&audit->lock);
    mem_free(audit->topic);
    mem_free(audit->node_id);
    mem_free(audit);
    return E_IO;
}

AuditSink *audit_log_sink(AuditLog *audit) { return audit != NULL ? &audit->base : NULL; }

void audit_log_close(AuditLog *audit)
{
    if (audit == NULL)
        return;
    pthread_mutex_lock(&audit->lock);
    audit->stopping = true;
    pthread_cond_signal(&audit->work);
    pthread_mutex_unlock(&audit->lock);
    pthread_join(audit->thread, NULL);
    pthread_cond_destroy(&audit->work);
    pthread_mutex_destroy(&audit->lock);
    mem_free(audit->topic);
    mem_free(audit->node_id);
    mem_free(audit);
}
