/*
 * log_embedded_witness.c - a file outside the log that remembers how far the log had come.
 *
 * A log that has lost its newest part looks like a younger log, and an empty one like a new one: nothing in
 * the file tells that its WAL was deleted, or that it is last week's copy. So where the log belongs to a
 * state directory (a directory `state` lies beside it) the file state/log-witness keeps the log's id and the
 * end of each partition, and a log that has less than that is refused when it is opened, before anything is
 * written.
 *
 * Invariant: the witness is never ahead of the log. It is written after the COMMIT, which waits for the disk
 * (synchronous=FULL); so neither kill -9 nor a loss of power makes a log look as if it had lost something. It
 * may be behind, by a moment as long as WITNESS_US and more where there are many partitions, and is not
 * flushed: what it says is the least that there has to be. A witness that cannot be read witnesses nothing.
 *
 * Partitions are known by their ids, which are never given twice. One that is not there any more was deleted,
 * unless its id is higher than any that the log has given out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/file_trouble.h"
#include "log/log_embedded.h"

enum { WITNESS_US = 200000, BYTES_PER_SECOND = 65536, MAGIC_LEN = 8 };

static const char magic[MAGIC_LEN + 1] = "SLWITN1\n";

typedef struct {
    int64_t part, end;
} Seen;

typedef struct { /* the file: this, `count` of Seen, an XXH3 over both */
    char    magic[MAGIC_LEN], cluster_id[24];
    int64_t highest; /* id of a partition that was ever given out */
    int64_t count;
} Head;

struct Witness {
    char   *path, *fresh, *state; /* fresh: before it takes its name. state: the directory it lies in */
    StrBuf  bytes;
    int64_t highest;
    bool    known;   /* it has something to say: as it was read */
    bool    changed; /* the log has more than was written here. Thread: the log's, as is due_us */
    int64_t due_us;
    Notice  told;
};

static char *beside(const char *log_path, const char *name)
{
    const char *slash = strrchr(log_path, '/');
    StrBuf      buf   = {0};
    strbuf_addf(&buf, "%.*s%s", slash == NULL ? 0 : (int)(slash - log_path + 1), log_path, name);
    char *path = str_to_heap(strbuf_str(&buf));
    strbuf_clear(&buf);
    return path;
}

/* ---- reading ---- */

static Status read_all(int fd, StrBuf *out)
{
    char    piece[65536];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0)
        strbuf_add(out, str_n(piece, (size_t)got));
    return got == 0 ? OK : E_IO;
}

static const Head *head_of(const Witness *witness) { return (const Head *)witness->bytes.ptr; }

static bool is_whole(Str bytes)
{
    Head    head;
    int64_t proof;
    if (bytes.len < sizeof head + sizeof proof)
        return false;
    memcpy(&head, bytes.ptr, sizeof head);
    memcpy(&proof, bytes.ptr + bytes.len - sizeof proof, sizeof proof);
    size_t seen = bytes.len - sizeof head - sizeof proof;
    return memcmp(head.magic, magic, MAGIC_LEN) == 0 && head.count >= 0 && seen % sizeof(Seen) == 0 &&
           (size_t)head.count == seen / sizeof(Seen) &&
           (int64_t)XXH3_64bits(bytes.ptr, bytes.len - sizeof proof) == proof;
}

static Status load(Witness *witness, Error *err)
{
    int fd = open(witness->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return OK;
    if (fd < 0) { /* it has something to say, and cannot be asked */
        error_set(err, E_CONFIG, NO_POS, "cannot read %s: %s", witness->path, strerror(errno));
        file_explain_trouble(witness->path, err);
        return E_CONFIG;
    }
    Status status = read_all(fd, &witness->bytes);
    int    why    = errno;
    close(fd);
    if (status != OK)
        return error_set(err, E_IO, NO_POS, "cannot read %s: %s", witness->path, strerror(why));
    witness->known = is_whole(strbuf_str(&witness->bytes));
    if (!witness->known)
        log_line(LOG_WARN, "%s is damaged: whether the log has lost something cannot be told this time",
                 witness->path);
    return OK;
}

Status witness_open(Log *log, Error *err)
{
    struct stat info;
    char       *state = beside(log->path, "state");
    if (stat(state, &info) != 0 || !S_ISDIR(info.st_mode)) {
        mem_free(state);
        return OK;
    }
    Witness *witness = mem_calloc(1, sizeof *witness);
    witness->state   = state;
    witness->path    = beside(log->path, WITNESS_FILE);
    witness->fresh   = beside(log->path, WITNESS_FILE ".new");
    log->witness     = witness;
    return load(witness, err);
}

void witness_forget(const char *log_path)
{
    char *path = beside(log_path, WITNESS_FILE);
    unlink(path);
    mem_free(path);
}

/* ---- what the log has, held against it ---- */

static Status refuse(const Log *log, Error *err, const char *fmt, ...)
{
    char    what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return error_set(err, E_DAMAGED, NO_POS,
                     "the log %s %s, as %s remembers: it, or %s-wal beside it, is missing, is an older copy "
                     "or was cut short. Put both back as they were; or, to go on with what the log has now, "
                     "move %s away: the tables are then made again from it",
                     log->path, what, log->witness->path, log->path, log->witness->state);
}

Status witness_check_empty(Log *log, Error *err)
{
    if (log->witness == NULL || !log->witness->known)
        return OK;
    return refuse(log, err, "is empty, and had %" PRId64 " partitions of topics",
                  head_of(log->witness)->count);
}

static int compare_seen(const void *a, const void *b)
{
    int64_t x = ((const Seen *)a)->part, y = ((const Seen *)b)->part;
    return (x > y) - (x < y);
}

static Status check_part(const Log *log, const Partition *part, const Seen *seen, size_t count, Error *err)
{
    Seen        key   = {.part = part->id};
    const Seen *found = count == 0 ? NULL : bsearch(&key, seen, count, sizeof *seen, compare_seen);
    if (found == NULL || part->end >= found->end || part->damage != NULL)
        return OK; /* damage is told of elsewhere */
    return refuse(log, err,
                  "has lost records: topic %s partition %d ends at offset %" PRId64 " and was at %" PRId64,
                  part->topic->name, part->number, part->end, found->end);
}

/* Ids that were given out, and are remembered by SQLite even when the last of them is gone. */
static Status read_highest(Log *log, int64_t *out, Error *err)
{
    return db_ask(&log->db, SQL_PARTS_HIGHEST, out, 1, err, "");
}

/* `said` was read, so it is sorted as it was written: by id. */
static Status check(Log *log, const Head *head, Error *err)
{
    const Seen *seen  = (const Seen *)(head + 1);
    size_t      count = (size_t)head->count;
    if (!log->renamed && strncmp(head->cluster_id, log->cluster_id, sizeof head->cluster_id) != 0)
        return refuse(log, err, "is another one (%s) than was here (%.23s)", log->cluster_id,
                      head->cluster_id);
    if (log->witness->highest < head->highest)
        return refuse(log, err, "has lost topics: %" PRId64 " partitions were made in it, and were %" PRId64,
                      log->witness->highest, head->highest);
    for (size_t i = 0; i < log->topic_count; i++)
        for (int p = 0; p < log->topics[i]->count; p++)
            TRY(check_part(log, &log->topics[i]->parts[p], seen, count, err));
    return OK;
}

Status witness_check(Log *log, Error *err)
{
    Witness *witness = log->witness;
    if (witness == NULL)
        return OK;
    TRY(read_highest(log, &witness->highest, err));
    if (witness->known)
        TRY(check(log, head_of(witness), err));
    witness->changed = true;
    return OK;
}

/* ---- writing ---- */

static void gather(Log *log)
{
    Witness *witness = log->witness;
    Head     head    = {0};
    strbuf_reset(&witness->bytes);
    strbuf_add(&witness->bytes, str_n((const char *)&head, sizeof head));
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->topic_count; i++)
        for (int p = 0; p < log->topics[i]->count; p++) {
            const Partition *part = &log->topics[i]->parts[p];
            Seen             seen = {part->id, part->end};
            if (part->damage != NULL)
                continue; /* what its bounds are is not known */
            strbuf_add(&witness->bytes, str_n((const char *)&seen, sizeof seen));
            head.count++;
            if (seen.part > witness->highest)
                witness->highest = seen.part;
        }
    pthread_mutex_unlock(&log->lock);
    memcpy(head.magic, magic, MAGIC_LEN);
    memcpy(head.cluster_id, log->cluster_id, sizeof head.cluster_id);
    head.highest = witness->highest;
    memcpy(witness->bytes.ptr, &head, sizeof head);
    qsort(witness->bytes.ptr + sizeof head, (size_t)head.count, sizeof(Seen), compare_seen);
    int64_t proof = (int64_t)XXH3_64bits(witness->bytes.ptr, witness->bytes.len);
    strbuf_add(&witness->bytes, str_n((const char *)&proof, sizeof proof));
}

/* In one step, so that a kill leaves the old one or the new one. */
static bool replace(const Witness *witness)
{
    int  fd = open(witness->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write(fd, witness->bytes.ptr, witness->bytes.len) == (ssize_t)witness->bytes.len;
    int  failure = errno;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    ok    = ok && rename(witness->fresh, witness->path) == 0;
    errno = ok ? 0 : errno != 0 ? errno : failure;
    return ok;
}

/* That it cannot be written (the disk is full, state/ was moved away) hurts nobody: it stays behind. */
static void write_now(Log *log)
{
    Witness *witness = log->witness;
    gather(log);
    if (replace(witness)) {
        notice_clear(&witness->told);
    } else if (notice_due(&witness->told, STR_LIT("write"), monotonic_now_us())) {
        log_line(LOG_WARN, "cannot write %s: %s", witness->path, strerror(errno));
    }
    witness->changed = false;
    witness->due_us =
        monotonic_now_us() + WITNESS_US + (int64_t)(witness->bytes.len / BYTES_PER_SECOND) * 1000000;
}

void witness_committed(Log *log)
{
    if (log->witness != NULL)
        log->witness->changed = true;
}

int64_t witness_due_us(const Log *log)
{
    return log->witness != NULL && log->witness->changed ? log->witness->due_us : INT64_MAX;
}

void witness_write_if_due(Log *log)
{
    if (witness_due_us(log) <= monotonic_now_us())
        write_now(log);
}

void witness_close(Log *log, bool opened)
{
    Witness *witness = log->witness;
    if (witness == NULL)
        return;
    if (opened && witness->changed)
        write_now(log);
    strbuf_clear(&witness->bytes);
    mem_free(witness->path);
    mem_free(witness->fresh);
    mem_free(witness->state);
    mem_free(witness);
    log->witness = NULL;
}
