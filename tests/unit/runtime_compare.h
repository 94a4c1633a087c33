/*
 * runtime_compare.h - what a disturbed run wrote, held against a run of the same input that nobody disturbed.
 *
 * The order of records of different keys depends on which task was first; the order of those of one key, in
 * one partition, does not. So a topic is compared as one sequence for each key and partition.
 *
 * Under exactly_once_v2 the sequences must be equal. Under at_least_once a record may come again after a
 * failure, but none may be missing, none may be new, and each key must end with the same record: tables are
 * exact in both modes.
 */
#ifndef SLUICE_TESTS_RUNTIME_COMPARE_H
#define SLUICE_TESTS_RUNTIME_COMPARE_H

#include "runtime_test.h"

typedef struct {
    int    partition;
    size_t order;
    Str    key, value; /* value ptr NULL: a tombstone */
} Written;

typedef struct {
    Arena   *arena;
    Written *records; /* by partition and key, then as they came */
    size_t   count, capacity;
} WrittenTopic;

typedef enum {
    SAME_SEQUENCES,  /* every key has the same records in the same order */
    SAME_SETS,       /* the same records, in whatever order */
    SAME_WITH_TWICE, /* some may have come again */
    SAME_ENDS, /* every key has the same last record: what a table compares by, where commits decide what is
                  in between */
} Sameness;

static inline void written_add(WrittenTopic *topic, int partition, const LogRecord *record)
{
    if (topic->count == topic->capacity) {
        topic->capacity = topic->capacity ? topic->capacity * 2 : 256;
        topic->records  = mem_realloc(topic->records, topic->capacity * sizeof *topic->records);
    }
    Str key   = str_is_null(record->key) ? STR_LIT("") : str_dup(topic->arena, record->key);
    Str value = str_is_null(record->value) ? STR_NULL : str_dup(topic->arena, record->value);
    topic->records[topic->count] = (Written){partition, topic->count, key, value};
    topic->count++;
}

static inline bool same_key(const Written *a, const Written *b)
{
    return a->partition == b->partition && str_equal(a->key, b->key);
}

static inline bool same_value(const Written *a, const Written *b)
{
    if (str_is_null(a->value) || str_is_null(b->value))
        return str_is_null(a->value) == str_is_null(b->value);
    return str_equal(a->value, b->value);
}

static inline int written_order(const void *a, const void *b)
{
    const Written *x = a, *y = b;
    if (x->partition != y->partition)
        return x->partition - y->partition;
    int order = str_compare(x->key, y->key);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* All committed records of a topic. written_clear frees them. */
static inline WrittenTopic written_read(Node *n, const char *name)
{
    WrittenTopic topic = {.arena = arena_new(0)};
    LogReader   *reader;
    TopicInfo    info;
    Str          full = str_c(topic_of(n, name));
    MUST(log_topic_info(n->log, full, &info, &n->err));
    MUST(log_reader_open(n->log, &(ReaderOptions){0}, &reader, &n->err));
    for (int p = 0; p < info.partitions; p++) {
        int      handle;
        int64_t  first, end;
        LogBatch batch;
        MUST(log_offsets(n->log, full, p, &first, &end, &n->err));
        MUST(log_reader_assign(reader, full, p, LOG_EARLIEST, &handle, &n->err));
        while (log_reader_position(reader, handle) < end) {
            log_reader_wait(reader, 100);
            MUST(log_reader_take(reader, handle, 1000, &batch, &n->err));
            for (size_t i = 0; i < batch.count; i++)
                written_add(&topic, p, &batch.records[i]);
            log_batch_release(reader, &batch);
        }
        log_reader_unassign(reader, handle);
    }
    log_reader_close(reader);
    if (topic.count > 0)
        qsort(topic.records, topic.count, sizeof *topic.records, written_order);
    return topic;
}

static inline void written_clear(WrittenTopic *topic)
{
    mem_free(topic->records);
    arena_free(topic->arena);
    *topic = (WrittenTopic){0};
}

static inline void written_show(const char *title, const Written *from, size_t count, StrBuf *out)
{
    strbuf_addf(out, "  %s:", title);
    for (size_t i = 0; i < count && i < 12; i++)
        strbuf_addf(out, " " STR_FMT, STR_ARG(str_is_null(from[i].value) ? STR_LIT("null") : from[i].value));
    strbuf_addf(out, "%s (%zu)\n", count > 12 ? " ..." : "", count);
}

static inline bool written_has(const Written *list, size_t count, const Written *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (same_value(&list[i], wanted))
            return true;
    return false;
}

static inline int value_order(const void *a, const void *b)
{
    const Written *x = *(const Written *const *)a, *y = *(const Written *const *)b;
    if (str_is_null(x->value) || str_is_null(y->value))
        return str_is_null(y->value) - str_is_null(x->value);
    return str_compare(x->value, y->value);
}

static inline bool same_sets(const Written *a, const Written *b, size_t a_count, size_t b_count)
{
    const Written **lists = mem_alloc(2 * a_count * sizeof *lists);
    bool            same  = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        lists[i]           = &a[i];
        lists[a_count + i] = &b[i];
    }
    if (same) {
        qsort(lists, a_count, sizeof *lists, value_order);
        qsort(lists + a_count, a_count, sizeof *lists, value_order);
    }
    for (size_t i = 0; same && i < a_count; i++)
        same = same_value(lists[i], lists[a_count + i]);
    mem_free(lists);
    return same;
}

/* A row that came and went between two commits may never be seen: a table without a row, or with a tombstone.
 */
static inline bool ends_in_nothing(const Written *records, size_t count)
{
    return count == 0 || str_is_null(records[count - 1].value);
}

/* Is what one key got what it should have got? */
static inline bool key_agrees(const Written *expected, size_t expected_count, const Written *got,
                              size_t got_count, Sameness how)
{
    if (how == SAME_ENDS && (ends_in_nothing(expected, expected_count) || ends_in_nothing(got, got_count)))
        return ends_in_nothing(expected, expected_count) && ends_in_nothing(got, got_count);
    if (expected_count == 0 || got_count == 0)
        return expected_count == got_count;
    if (how == SAME_ENDS)
        return same_value(&expected[expected_count - 1], &got[got_count - 1]);
    if (how == SAME_SETS)
        return same_sets(expected, got, expected_count, got_count);
    if (how == SAME_SEQUENCES) {
        bool same = expected_count == got_count;
        for (size_t i = 0; same && i < expected_count; i++)
            same = same_value(&expected[i], &got[i]);
        return same;
    }
    for (size_t i = 0; i < expected_count; i++)
        if (!written_has(got, got_count, &expected[i]))
            return false;
    for (size_t i = 0; i < got_count; i++)
        if (!written_has(expected, expected_count, &got[i]))
            return false;
    return same_value(&expected[expected_count - 1], &got[got_count - 1]);
}

static inline size_t key_run(const WrittenTopic *topic, size_t from, const Written *key)
{
    size_t count = 0;
    while (from + count < topic->count && same_key(&topic->records[from + count], key))
        count++;
    return count;
}

/* Fails with the first key that differs. `what` says which run this is, so that a failure can be repeated. */
static inline void assert_same_topic(const WrittenTopic *expected, const WrittenTopic *got, Sameness how,
                                     const char *name, const char *what)
{
    for (size_t e = 0, g = 0; e < expected->count || g < got->count;) {
        const Written *next;
        if (e == expected->count)
            next = &got->records[g];
        else if (g == got->count)
            next = &expected->records[e];
        else {
            Written a = expected->records[e], b = got->records[g];
            a.order = b.order = 0;
            next              = written_order(&a, &b) <= 0 ? &expected->records[e] : &got->records[g];
        }
        size_t wanted = key_run(expected, e, next), there = key_run(got, g, next);
        if (!key_agrees(&expected->records[e], wanted, &got->records[g], there, how)) {
            StrBuf text = {0};
            written_show("undisturbed", &expected->records[e], wanted, &text);
            written_show("disturbed", &got->records[g], there, &text);
            strbuf_addc(&text, '\0');
            print_message("%s: topic %s, partition %d, key " STR_FMT "\n%s", what, name, next->partition,
                          STR_ARG(next->key), text.ptr);
            strbuf_clear(&text);
            fail_msg("%s: topic %s differs from that of the undisturbed run", what, name);
        }
        e += wanted;
        g += there;
    }
}

#endif
