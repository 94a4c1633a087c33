/*
 * test_log_damage.c - a log file damaged anywhere: what is read is what was written, or an error that says
 * where.
 *
 * A log with several topics (with gaps from compaction, with records deleted at the beginning) is damaged at
 * a random place in a random way, over and over. However it is damaged, no reader gets a record that was not
 * written, and none is missing without E_DAMAGED for its partition. After a repair all that is there can be
 * read, and what is not was told. SLUICE_TEST_SEED repeats a run, SLUICE_TEST_ROUNDS makes it longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log_embedded.h"

enum { TOPICS = 3, PARTS = 2, RECORDS = 3000, KEYS = 40 };

static const char *const names[TOPICS] = {"plain", "compacted", "trimmed"};

typedef struct {
    Clock   clock;
    char    directory[64], path[96];
    Error   err;
    Str     whole; /* the file before it is damaged */
    int64_t first[TOPICS][PARTS], end[TOPICS][PARTS];
    bool    there[TOPICS][PARTS][RECORDS + 1]; /* by offset */
    int     lines;                             /* of a repair's report */
    char    what[160];                         /* was done to the file */
} Place;

/* What stands at an offset: as long as the offset tells, full of it. */
static Str value_at(Arena *arena, int topic, int partition, int64_t offset)
{
    size_t len   = 20 + (size_t)(offset * 37 % 400);
    char  *bytes = arena_alloc(arena, len);
    memset(bytes, 'a' + (int)((offset + topic + partition) % 26), len);
    memcpy(bytes, &offset, sizeof offset);
    return str_n(bytes, len);
}

static void append_all(Place *place, Log *log, Arena *arena)
{
    LogWriter *writer;
    assert_int_equal(log_writer_open(log, NULL, &writer, &place->err), OK);
    for (int64_t n = 0; n < RECORDS; n++)
        for (int t = 0; t < TOPICS; t++)
            for (int p = 0; p < PARTS; p++) {
                char key[16];
                snprintf(key, sizeof key, "k%lld", (long long)(n % KEYS));
                LogRecord one = {
                    .timestamp = 1700000000000 + n, .key = str_c(key), .value = value_at(arena, t, p, n)};
                assert_int_equal(log_append(writer, str_c(names[t]), p, &one, STR_NULL, &place->err), OK);
                if (n % 500 == 499)
                    assert_int_equal(log_flush(writer, -1, &place->err), OK);
            }
    log_writer_close(writer);
}

static Log *open_log(Place *place)
{
    Log *log;
    if (log_open_embedded(place->path, &place->clock, &log, &place->err) != OK)
        fail_msg("%s", place->err.message);
    return log;
}

/* Reads a partition to its end, or as far as it can be read: which of its records were there? */
static Status read_part(Place *place, Log *log, int t, int p, bool *seen)
{
    Arena     *arena = arena_new(0);
    LogReader *reader;
    int        handle;
    memset(seen, 0, RECORDS + 1);
    Status status = log_reader_open(log, NULL, &reader, &place->err);
    if (status != OK) {
        arena_free(arena);
        return status;
    }
    status = log_reader_assign(reader, str_c(names[t]), p, LOG_EARLIEST, &handle, &place->err);
    while (status == OK && !log_reader_at_end(reader, handle)) {
        LogBatch batch;
        status = log_reader_take(reader, handle, 100, &batch, &place->err);
        for (size_t i = 0; status == OK && i < batch.count; i++) {
            int64_t offset = batch.records[i].offset;
            assert_in_range(offset, 0, RECORDS);
            if (!str_equal(batch.records[i].value, value_at(arena, t, p, offset)))
                fail_msg("%s: offset %lld of %s-%d has another record", place->what, (long long)offset,
                         names[t], p);
            seen[offset] = true;
        }
        if (status == OK)
            log_batch_release(reader, &batch);
    }
    log_reader_close(reader);
    arena_free(arena);
    return status;
}

static Str slurp(const char *path)
{
    struct stat info;
    int         fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    char *bytes = mem_alloc((size_t)info.st_size);
    assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
    close(fd);
    return str_n(bytes, (size_t)info.st_size);
}

static void spit(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void make_log(Place *place)
{
    static const LogConfig compact[] = {{"cleanup.policy", "compact"}};
    Arena                 *arena     = arena_new(0);
    Log                   *log       = open_log(place);
    for (int t = 0; t < TOPICS; t++)
        assert_int_equal(log_topic_create(log, str_c(names[t]), PARTS, 1, compact, t == 1, &place->err), OK);
    append_all(place, log, arena);
    for (int p = 0; p < PARTS; p++)
        assert_int_equal(log_delete_records(log, STR_LIT("trimmed"), p, 777, &place->err), OK);
    assert_int_equal(log_embedded_clean(log, &place->err), OK);
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTS; p++) {
            assert_int_equal(read_part(place, log, t, p, place->there[t][p]), OK);
            assert_int_equal(
                log_offsets(log, str_c(names[t]), p, &place->first[t][p], &place->end[t][p], &place->err),
                OK);
        }
    assert_false(place->there[1][0][0]); /* compaction has made gaps */
    assert_true(place->there[1][0][RECORDS - 1]);
    assert_false(place->there[2][0][776]);
    log_close(log);
    arena_free(arena);
    place->whole = slurp(place->path);
}

static int set_up(void **state)
{
    Place *place = mem_calloc(1, sizeof *place);
    clock_init_virtual(&place->clock, 1700000000000, 1);
    snprintf(place->directory, sizeof place->directory, "/tmp/sluice-damage-XXXXXX");
    if (mkdtemp(place->directory) == NULL)
        return 1;
    snprintf(place->path, sizeof place->path, "%s/log.db", place->directory);
    *state = place;
    log_set_level(LOG_ERROR + 1);
    make_log(place);
    return 0;
}

static void remove_files(const Place *place)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".new", ".damaged", ".damaged-wal"};
    char                     file[128];
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        snprintf(file, sizeof file, "%s%s", place->path, endings[i]);
        unlink(file);
    }
}

static int tear_down(void **state)
{
    Place *place = *state;
    remove_files(place);
    rmdir(place->directory);
    mem_free((char *)place->whole.ptr);
    mem_free(place);
    log_set_level(LOG_INFO);
    return 0;
}

/* ---- damage ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return *seed >> 33;
}

enum { FLIP, ZERO, GARBAGE, STALE, CUT, WAYS };

/* Damages `bytes` in place; answers how long the file is then. */
static size_t damage(char *bytes, size_t len, uint64_t *seed, char *what, size_t size)
{
    int    way   = (int)(next_random(seed) % WAYS);
    size_t at    = next_random(seed) % len;
    size_t count = 1 + next_random(seed) % 9000;
    if (next_random(seed) % 4 == 0)
        at %= 20 * 4096; /* where the small tables and the roots are */
    if (at + count > len)
        count = len - at;
    snprintf(what, size, "way %d at %zu of %zu, %zu bytes", way, at, len, count);
    switch (way) {
    case FLIP:
        bytes[at] = (char)(bytes[at] ^ (1 << next_random(seed) % 8));
        break;
    case ZERO:
        memset(bytes + at, 0, count);
        break;
    case GARBAGE:
        for (size_t i = 0; i < count; i++)
            bytes[at + i] = (char)next_random(seed);
        break;
    case STALE: { /* a page that is a whole one, of another place */
        size_t from = next_random(seed) % (len / 4096) * 4096, to = at / 4096 * 4096;
        memmove(bytes + to, bytes + from, 4096);
        break;
    }
    default:
        return at;
    }
    return len;
}

/* How many records of the partition are missing that were there before. */
static int missing(const Place *place, int t, int p, const bool *seen)
{
    int count = 0;
    for (int64_t offset = place->first[t][p]; offset < place->end[t][p]; offset++) {
        assert_false(seen[offset] && !place->there[t][p][offset]);
        count += place->there[t][p][offset] && !seen[offset];
    }
    return count;
}

static void read_damaged(Place *place, const char *what)
{
    Log   *log;
    Status status = log_open_embedded(place->path, &place->clock, &log, &place->err);
    if (status != OK) {
        if (status != E_DAMAGED && status != E_CONFIG)
            fail_msg("%s: %d %s", what, status, place->err.message);
        assert_non_null(strstr(place->err.message, place->path));
        return;
    }
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTS; p++) {
            bool seen[RECORDS + 1];
            status = read_part(place, log, t, p, seen);
            /* A topic whose entry is gone is not there, and the log has said so. */
            if (status != OK && status != E_DAMAGED && status != E_NOT_FOUND)
                fail_msg("%s: %d %s", what, status, place->err.message);
            if (status == E_DAMAGED)
                assert_non_null(strstr(place->err.message, "sluice log repair"));
            if (status == OK && missing(place, t, p, seen) > 0)
                fail_msg("%s: %d records of %s-%d are missing without a word", what,
                         missing(place, t, p, seen), names[t], p);
        }
    log_close(log);
}

static void count_line(void *context, const char *what) { ((Place *)context)->lines++; }

static void repair_and_read(Place *place, const char *what)
{
    place->lines  = 0;
    Status status = log_embedded_repair(place->path, count_line, place, &place->err);
    if (status == E_DAMAGED || status == E_CONFIG)
        return; /* its first page tells nothing any more */
    if (status != OK)
        fail_msg("%s: repair: %d %s", what, status, place->err.message);
    Log *log  = open_log(place);
    int  lost = 0;
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTS; p++) {
            bool seen[RECORDS + 1];
            status = read_part(place, log, t, p, seen);
            if (status != OK && (status != E_NOT_FOUND || place->lines == 0))
                fail_msg("%s: after the repair: %s", what, place->err.message);
            lost += missing(place, t, p, seen);
        }
    if (lost > 0 && place->lines == 0)
        fail_msg("%s: the repair lost %d records without a word", what, lost);
    log_close(log);
}

static void whatever_is_damaged_is_named(void **state)
{
    Place      *place = *state;
    const char *given = getenv("SLUICE_TEST_SEED"), *rounds = getenv("SLUICE_TEST_ROUNDS");
    uint64_t    seed  = given != NULL ? strtoull(given, NULL, 10) : 20261129;
    int         count = rounds != NULL ? atoi(rounds) : 60;
    char       *copy  = mem_alloc(place->whole.len);
    for (int round = 0; round < count; round++) {
        char  *what = place->what;
        size_t size = sizeof place->what;
        int    head = snprintf(what, size, "seed %llu: ", (unsigned long long)seed);
        memcpy(copy, place->whole.ptr, place->whole.len);
        size_t len = damage(copy, place->whole.len, &seed, what + head, size - (size_t)head);
        remove_files(place);
        spit(place->path, copy, len);
        read_damaged(place, what);
        remove_files(place);
        spit(place->path, copy, len);
        repair_and_read(place, what);
    }
    mem_free(copy);
}

/* The contents of a page are gone, so that its rows have the id 0, and the next page is gone as well: whoever
 * goes on from the id that he has read comes to the hole again. */
static void ids_that_nobody_gave_lead_nowhere_back(void **state)
{
    enum { PAGE = 4096, LEAF_OF_TABLE = 0x0d };
    Place *place = *state;
    size_t leaves[4096], count = 0;
    char  *copy = mem_alloc(place->whole.len);
    for (size_t page = 1; page < place->whole.len / PAGE && count < ARRAY_LEN(leaves); page++)
        if (place->whole.ptr[page * PAGE] == LEAF_OF_TABLE)
            leaves[count++] = page;
    assert_true(count > 2);
    for (size_t at = 0; at + 1 < count; at++) {
        memcpy(copy, place->whole.ptr, place->whole.len);
        memset(copy + leaves[at] * PAGE + PAGE / 4, 0, PAGE - PAGE / 4);
        memset(copy + leaves[at + 1] * PAGE, 0, PAGE);
        snprintf(place->what, sizeof place->what, "pages %zu and %zu", leaves[at], leaves[at + 1]);
        remove_files(place);
        spit(place->path, copy, place->whole.len);
        repair_and_read(place, place->what);
    }
    mem_free(copy);
}

/* As after a page was written over by a copy of another. */
static void a_chunk_that_is_there_twice_is_taken_once(void **state)
{
    Place   *place = *state;
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(place->path, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            handle,
            "DROP INDEX chunks_by_last; INSERT INTO chunks SELECT (SELECT max(id) FROM chunks) + id, part,"
            " base, last, count, max_timestamp, written, proof, records FROM chunks",
            NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
    repair_and_read(place, "each chunk twice");
    Log *log = open_log(place);
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTS; p++) {
            bool seen[RECORDS + 1];
            assert_int_equal(read_part(place, log, t, p, seen), OK);
            assert_int_equal(missing(place, t, p, seen), 0);
        }
    log_close(log);
}

static void repair_of_a_whole_file_changes_nothing(void **state)
{
    Place *place = *state;
    char   kept[128];
    assert_int_equal(log_embedded_repair(place->path, count_line, place, &place->err), OK);
    assert_int_equal(place->lines, 0);
    snprintf(kept, sizeof kept, "%s.damaged", place->path);
    assert_int_equal(access(kept, F_OK), -1);
    int64_t damages;
    assert_int_equal(log_embedded_check(place->path, count_line, place, &damages, &place->err), OK);
    assert_int_equal(damages, 0);
    read_damaged(place, "repaired");
}

/* ---- layout 1 ---- */

static const char to_layout_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE topics(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, replicas INTEGER "
    "NOT "
    "NULL);"
    "CREATE TABLE configs(topic INTEGER, name TEXT, value TEXT NOT NULL, PRIMARY KEY(topic, name)) WITHOUT "
    "ROWID;"
    "CREATE TABLE parts(id INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER, number INTEGER NOT NULL,"
    " first INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX parts_by_topic ON parts(topic, number);"
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY, part INTEGER NOT NULL, base INTEGER NOT NULL, last INTEGER "
    "NOT "
    "NULL, count INTEGER NOT NULL, max_timestamp INTEGER NOT NULL, written INTEGER NOT NULL, records BLOB "
    "NOT "
    "NULL);"
    "CREATE UNIQUE INDEX chunks_by_last ON chunks(part, last, max_timestamp);"
    "CREATE TABLE groups(name TEXT, topic TEXT, part INTEGER, position INTEGER NOT NULL, PRIMARY KEY(name, "
    "topic, "
    "part)) WITHOUT ROWID;"
    "ATTACH '%s' AS now;"
    "INSERT INTO meta SELECT name, value FROM now.meta;"
    "INSERT INTO topics SELECT id, name, replicas FROM now.topics;"
    "INSERT INTO configs SELECT topic, name, value FROM now.configs;"
    "INSERT INTO parts SELECT id, topic, number, first, next FROM now.parts;"
    "INSERT INTO chunks SELECT id, part, base, last, count, max_timestamp, written, records FROM now.chunks"
    " WHERE count > 0;" /* layout 1 had no empty ones: there were gaps */
    "INSERT INTO groups SELECT name, topic, part, position FROM now.groups;"
    "DETACH now; PRAGMA user_version = 1; PRAGMA journal_mode = WAL";

static void make_layout_1(Place *place)
{
    char     old[128], sql[4096];
    sqlite3 *handle;
    snprintf(old, sizeof old, "%s.new", place->path);
    snprintf(sql, sizeof sql, to_layout_1, place->path);
    unlink(old);
    assert_int_equal(sqlite3_open(old, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(rename(old, place->path), 0);
}

static void layout_1_is_brought_forward(void **state)
{
    Place *place = *state;
    make_layout_1(place);
    Log *log = open_log(place);
    for (int t = 0; t < TOPICS; t++)
        for (int p = 0; p < PARTS; p++) {
            bool    seen[RECORDS + 1];
            int64_t first, end;
            assert_int_equal(read_part(place, log, t, p, seen), OK);
            assert_int_equal(missing(place, t, p, seen), 0);
            assert_int_equal(log_offsets(log, str_c(names[t]), p, &first, &end, &place->err), OK);
            assert_int_equal(first, place->first[t][p]);
            assert_int_equal(end, place->end[t][p]);
        }
    log_close(log);
    read_damaged(place, "brought forward");
}

static void a_later_layout_is_refused(void **state)
{
    Place   *place = *state;
    Log     *log;
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(place->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version = 3", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(log_open_embedded(place->path, &place->clock, &log, &place->err), E_CONFIG);
    assert_non_null(strstr(place->err.message, "later version"));
}

static void another_database_is_refused(void **state)
{
    Place   *place = *state;
    Log     *log;
    sqlite3 *handle;
    remove_files(place);
    assert_int_equal(sqlite3_open(place->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "CREATE TABLE mine(a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(log_open_embedded(place->path, &place->clock, &log, &place->err), E_DAMAGED);
    assert_non_null(strstr(place->err.message, "not Sluice's log"));
}

/* ---- the write-ahead log ---- */

/* A process that dies with its transactions in the WAL. */
static void leave_wal(Place *place)
{
    pid_t child = fork();
    if (child == 0) {
        Log       *log;
        LogWriter *writer;
        if (log_open_embedded(place->path, &place->clock, &log, &place->err) != OK ||
            log_writer_open(log, NULL, &writer, &place->err) != OK)
            _exit(1);
        for (int n = 0; n < 20; n++) {
            LogRecord one = {.key = STR_LIT("k"), .value = STR_LIT("v")};
            if (log_append_sync(writer, STR_LIT("plain"), 0, &one, STR_NULL, NULL, &place->err) != OK)
                _exit(2);
        }
        kill(getpid(), SIGKILL);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
}

static void a_damaged_wal_is_told_from_a_torn_one(void **state)
{
    Place  *place = *state;
    Log    *log;
    char    wal[128];
    int64_t first, end;
    leave_wal(place);
    snprintf(wal, sizeof wal, "%s-wal", place->path);
    Str whole = slurp(wal), file = slurp(place->path);
    assert_true(whole.len > 20 * 4096);
    for (int at = 0; at < 40; at++) { /* anywhere but in the last transactions */
        char *copy = mem_alloc(whole.len);
        memcpy(copy, whole.ptr, whole.len);
        size_t place_of = (size_t)at * (whole.len - 16 * 4096) / 40;
        copy[place_of]  = (char)(copy[place_of] ^ 4);
        spit(wal, copy, whole.len);
        spit(place->path, file.ptr, file.len);
        Status status = log_open_embedded(place->path, &place->clock, &log, &place->err);
        if (status == OK) { /* a byte that no checksum covers and nobody reads */
            assert_int_equal(log_offsets(log, STR_LIT("plain"), 0, &first, &end, &place->err), OK);
            assert_int_equal(end, RECORDS + 20);
            log_close(log);
        } else {
            assert_int_equal(status, E_DAMAGED);
            assert_non_null(strstr(place->err.message, "write-ahead log"));
        }
        mem_free(copy);
    }
    /* A repair keeps both files as they were, and so does the next repair. */
    char *hurt = mem_alloc(whole.len), kept[128];
    memcpy(hurt, whole.ptr, whole.len);
    hurt[whole.len / 2] = (char)(hurt[whole.len / 2] ^ 4);
    spit(wal, hurt, whole.len);
    spit(place->path, file.ptr, file.len);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(log_embedded_repair(place->path, count_line, place, &place->err), OK);
        snprintf(kept, sizeof kept, "%s.damaged-wal", place->path);
        Str kept_wal = slurp(kept);
        assert_int_equal(kept_wal.len, whole.len);
        assert_memory_equal(kept_wal.ptr, hurt, whole.len);
        mem_free((char *)kept_wal.ptr);
    }
    /* One that cannot be done leaves them for the next start to refuse. */
    spit(wal, hurt, whole.len);
    spit(place->path, file.ptr, file.len);
    snprintf(kept, sizeof kept, "%s.new", place->path);
    assert_int_equal(mkdir(kept, 0700), 0);
    assert_int_not_equal(log_embedded_repair(place->path, count_line, place, &place->err), OK);
    assert_int_equal(rmdir(kept), 0);
    assert_int_equal(log_open_embedded(place->path, &place->clock, &log, &place->err), E_DAMAGED);
    mem_free(hurt);
    /* Torn in its last frame, as a loss of power does it: nobody was told of that transaction. */
    spit(wal, whole.ptr, whole.len - 4000);
    spit(place->path, file.ptr, file.len);
    log = open_log(place);
    assert_int_equal(log_offsets(log, STR_LIT("plain"), 0, &first, &end, &place->err), OK);
    assert_in_range(end, RECORDS + 18, RECORDS + 20);
    log_close(log);
    mem_free((char *)whole.ptr);
    mem_free((char *)file.ptr);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_is_damaged_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_that_nobody_gave_lead_nowhere_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_that_is_there_twice_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repair_of_a_whole_file_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(layout_1_is_brought_forward, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_later_layout_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_database_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_wal_is_told_from_a_torn_one, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
