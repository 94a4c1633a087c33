/*
 * log_embedded_topic.c - topics of the embedded log: the list in memory, their settings, their bounds.
 *
 * A Topic lives until its last reference is gone, so a reader or writer may hold one that was deleted
 * meanwhile: `deleted` tells. A deleted topic's chunks stay behind with an orphaned partition row and are
 * removed in slices by the cleaner. Settings have Kafka's names, defaults and texts; only cleanup.policy,
 * retention and compaction settings have an effect.
 */
#include <assert.h>

#include "log/log_embedded.h"

static const LogConfig defaults[] = {
    {"cleanup.policy", "delete"},
    {"retention.ms", "604800000"},
    {"retention.bytes", "-1"},
    {"delete.retention.ms", "86400000"},
    {"min.cleanable.dirty.ratio", "0.5"},
    {"min.insync.replicas", "1"},
    {"segment.bytes", "1073741824"},
    {"segment.ms", "604800000"},
    {"max.message.bytes", "1048588"},
    {"message.timestamp.type", "CreateTime"},
    {"unclean.leader.election.enable", "false"},
    {"min.compaction.lag.ms", "0"},
    {"max.compaction.lag.ms", "9223372036854775807"},
    {"compression.type", "producer"},
};

/* ---- settings ---- */

static Status check_config(const char *name, const char *value, Error *err)
{
    size_t i = 0;
    while (i < ARRAY_LEN(defaults) && strcmp(defaults[i].name, name) != 0)
        i++;
    if (i == ARRAY_LEN(defaults))
        return error_set(err, E_CONFIG, NO_POS, "Unknown topic config name: %s", name);
    Str     text = str_c(value);
    int64_t number;
    double  fraction;
    bool    good = true;
    if (int64_parse(str_c(defaults[i].value), &number))
        good = int64_parse(text, &number) && number >= -1;
    else if (strcmp(name, "min.cleanable.dirty.ratio") == 0)
        good = double_parse(text, &fraction) && fraction >= 0 && fraction <= 1;
    else if (strcmp(name, "cleanup.policy") == 0)
        good = str_equal(text, STR_LIT("delete")) || str_equal(text, STR_LIT("compact")) ||
               str_equal(text, STR_LIT("compact,delete")) || str_equal(text, STR_LIT("delete,compact"));
    if (good)
        return OK;
    return error_set(err, E_CONFIG, NO_POS, "Invalid value %s for configuration %s", value, name);
}

static const char *config_value(const Topic *topic, const char *name)
{
    for (size_t i = 0; i < topic->config_count; i++) {
        if (strcmp(topic->configs[i].name, name) == 0)
            return topic->configs[i].value;
    }
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (strcmp(defaults[i].name, name) == 0)
            return defaults[i].value;
    }
    return NULL;
}

/* The settings that have an effect, as numbers. */
static void apply_configs(Topic *topic)
{
    Str policy = str_c(config_value(topic, "cleanup.policy"));
    __atomic_store_n(&topic->compact, str_find(policy, STR_LIT("compact"), 0) >= 0, __ATOMIC_RELAXED);
    topic->retain = str_find(policy, STR_LIT("delete"), 0) >= 0;
    (void)!int64_parse(str_c(config_value(topic, "retention.ms")), &topic->retention_ms);
    (void)!int64_parse(str_c(config_value(topic, "retention.bytes")), &topic->retention_bytes);
    (void)!int64_parse(str_c(config_value(topic, "delete.retention.ms")), &topic->delete_retention_ms);
    (void)!double_parse(str_c(config_value(topic, "min.cleanable.dirty.ratio")), &topic->dirty_ratio);
}

static void put_config(Topic *topic, const char *name, const char *value)
{
    for (size_t i = 0; i < topic->config_count; i++) {
        if (strcmp(topic->configs[i].name, name) == 0) {
            mem_free((char *)topic->configs[i].value);
            topic->configs[i].value = mem_strdup(value);
            return;
        }
    }
    topic->configs = mem_realloc(topic->configs, (topic->config_count + 1) * sizeof *topic->configs);
    topic->configs[topic->config_count++] = (LogConfig){mem_strdup(name), mem_strdup(value)};
}

/* ---- the list ---- */

static Topic *topic_new(Str name, int count, int replicas)
{
    Topic *topic    = mem_calloc(1, sizeof *topic + (size_t)count * sizeof topic->parts[0]);
    topic->refs     = 1;
    topic->name     = str_to_heap(name);
    topic->count    = count;
    topic->replicas = replicas;
    for (int p = 0; p < count; p++)
        topic->parts[p] = (Partition){.topic = topic, .number = p};
    return topic;
}

void topic_unref(Topic *topic)
{
    if (topic == NULL || --topic->refs > 0)
        return;
    for (size_t i = 0; i < topic->config_count; i++) {
        mem_free((char *)topic->configs[i].name);
        mem_free((char *)topic->configs[i].value);
    }
    for (int p = 0; p < topic->count; p++)
        mem_free(topic->parts[p].damage);
    mem_free(topic->configs);
    mem_free(topic->name);
    mem_free(topic);
}

/* Where the name is, or would be. */
static size_t topic_place(const Log *log, Str name, bool *found)
{
    size_t low = 0, high = log->topic_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_compare(str_c(log->topics[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < log->topic_count && str_equal(str_c(log->topics[low]->name), name);
    return low;
}

Topic *topic_find(Log *log, Str name)
{
    bool   found;
    size_t place = topic_place(log, name, &found);
    return found ? log->topics[place] : NULL;
}

static void topic_insert(Log *log, Topic *topic)
{
    bool   found;
    size_t place = topic_place(log, str_c(topic->name), &found);
    if (log->topic_count == log->topic_capacity) {
        log->topic_capacity = log->topic_capacity ? log->topic_capacity * 2 : 16;
        log->topics         = mem_realloc(log->topics, log->topic_capacity * sizeof *log->topics);
    }
    memmove(log->topics + place + 1, log->topics + place, (log->topic_count - place) * sizeof *log->topics);
    log->topics[place] = topic;
    log->topic_count++;
}

Status embedded_find_partition(Log *log, Str topic_name, int partition, Partition **out, Error *err)
{
    Status status = OK;
    pthread_mutex_lock(&log->lock);
    Topic *topic = topic_find(log, topic_name);
    if (topic == NULL)
        status = log_no_topic(topic_name, err);
    else if (partition < 0 || partition >= topic->count)
        status = log_no_partition(topic_name, partition, err);
    else if (topic->parts[partition].damage != NULL)
        status = error_set(err, E_DAMAGED, NO_POS, "%s", topic->parts[partition].damage);
    else {
        topic->refs++;
        *out = &topic->parts[partition];
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

static void release_topic(Log *log, Topic *topic)
{
    pthread_mutex_lock(&log->lock);
    topic_unref(topic);
    pthread_mutex_unlock(&log->lock);
}

/* ---- loading ---- */

/* What a damaged row costs is its partition, or its topic: it can be neither read nor written, and says why.
 */
static void mark_damaged(Log *log, Partition *part, const char *what)
{
    Error err;
    if (part->damage != NULL)
        return;
    (void)!log_file_damaged(log->db.name, &err, "topic %s partition %d: %s", part->topic->name, part->number,
                            what);
    log_line(LOG_ERROR, "%s", err.message);
    part->damage = mem_strdup(err.message);
}

/* A partition that was emptied keeps no chunk; else the last one ends where the partition does. */
static Status check_end(Log *log, Partition *part, Error *err)
{
    if (part->id == 0)
        mark_damaged(log, part, "its entry is missing");
    if (part->damage != NULL)
        return OK;
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_PART_LAST, err, "i", part->id);
    bool          row;
    if (stmt == NULL)
        return db_unprepared(err);
    Status status = db_step(&log->db, stmt, &row, err);
    if (status == E_DAMAGED)
        mark_damaged(log, part, "the index of its records is damaged");
    if (status != OK)
        return status == E_DAMAGED ? OK : status;
    int64_t end =
        sqlite3_column_type(stmt, 0) == SQLITE_NULL ? part->first : sqlite3_column_int64(stmt, 0) + 1;
    sqlite3_reset(stmt);
    if (end != part->end)
        mark_damaged(log, part, "its newest records are missing");
    return OK;
}

static Status load_parts(Log *log, Topic *topic, Error *err)
{
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_PARTS, err, "i", topic->id);
    if (stmt == NULL)
        return db_unprepared(err);
    for (bool row;;) {
        TRY(db_step(&log->db, stmt, &row, err));
        if (!row)
            break;
        int64_t number = sqlite3_column_int64(stmt, 1);
        if (number < 0 || number >= topic->count)
            continue; /* found missing below */
        Partition *part = &topic->parts[number];
        part->id        = sqlite3_column_int64(stmt, 0);
        part->first     = sqlite3_column_int64(stmt, 2);
        part->end = part->next = sqlite3_column_int64(stmt, 3);
        if (sqlite3_column_int(stmt, 4) == 0 || part->first > part->end)
            mark_damaged(log, part, "its first and last offset are damaged");
    }
    for (int p = 0; p < topic->count; p++)
        TRY(check_end(log, &topic->parts[p], err));
    return OK;
}

static Status load_configs(Log *log, Topic *topic, Error *err)
{
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_CONFIGS, err, "i", topic->id);
    if (stmt == NULL)
        return db_unprepared(err);
    bool whole = true;
    for (bool row;;) {
        TRY(db_step(&log->db, stmt, &row, err));
        if (!row)
            break;
        const char *name  = (const char *)sqlite3_column_text(stmt, 0);
        const char *value = (const char *)sqlite3_column_text(stmt, 1);
        bool        good  = sqlite3_column_int(stmt, 2) != 0;
        if (good)
            put_config(topic, name, value);
        whole = whole && good;
    }
    apply_configs(topic);
    if (whole)
        return OK;
    /* What it says about retention is not known: nothing may be deleted by a guess. */
    topic->compact = topic->retain = false;
    for (int p = 0; p < topic->count; p++)
        mark_damaged(log, &topic->parts[p], "a setting of the topic is damaged");
    return OK;
}

enum { PARTITIONS_MOST = 1000000 }; /* of a row that may be anything */

/* A topic whose name is not sure is worse than none: it would be made anew under the right one, and who reads
 * it would begin at its beginning. */
static Status load_topic(Log *log, sqlite3_stmt *stmt, Error *err)
{
    Str     name  = db_column(stmt, 1);
    int64_t id    = sqlite3_column_int64(stmt, 0);
    int64_t count = sqlite3_column_int64(stmt, 3);
    if (sqlite3_column_int(stmt, 4) == 0 || str_is_null(name) || count < 0 || count > PARTITIONS_MOST)
        return log_file_damaged(log->db.name, err, "the entry of topic number %lld (" STR_FMT ")",
                                (long long)id, STR_ARG(name));
    Topic *topic = topic_new(name, (int)count, sqlite3_column_int(stmt, 2));
    topic->id    = id;
    topic_insert(log, topic);
    return OK;
}

Status topics_load(Log *log, Error *err)
{
    sqlite3_stmt *stmt = db_bind(&log->db, SQL_TOPICS, err, "");
    if (stmt == NULL)
        return db_unprepared(err);
    for (bool row;;) {
        TRY(db_step(&log->db, stmt, &row, err));
        if (!row)
            break;
        Status status = load_topic(log, stmt, err);
        if (status != OK) {
            sqlite3_reset(stmt);
            return status;
        }
    }
    for (size_t i = 0; i < log->topic_count; i++) {
        TRY(load_parts(log, log->topics[i], err));
        TRY(load_configs(log, log->topics[i], err));
    }
    return OK;
}

/* ---- create, delete ---- */

static Status apply_create(Log *log, Job *job, Error *err)
{
    Topic *topic = job->context;
    pthread_mutex_lock(&log->lock);
    bool exists = topic_find(log, str_c(topic->name)) != NULL;
    pthread_mutex_unlock(&log->lock);
    if (exists)
        return error_set(err, E_EXISTS, NO_POS, "Topic '%s' already exists.", topic->name);
    TRY(db_run(&log->db, SQL_TOPIC_ADD, err, "tii", str_c(topic->name), (int64_t)topic->replicas,
               (int64_t)topic->count));
    topic->id = sqlite3_last_insert_rowid(log->db.handle);
    for (size_t i = 0; i < topic->config_count; i++)
        TRY(db_run(&log->db, SQL_CONFIG_PUT, err, "itt", topic->id, str_c(topic->configs[i].name),
                   str_c(topic->configs[i].value)));
    for (int p = 0; p < topic->count; p++) {
        TRY(db_run(&log->db, SQL_PART_ADD, err, "ii", topic->id, (int64_t)p));
        topic->parts[p].id = sqlite3_last_insert_rowid(log->db.handle);
    }
    return OK;
}

static void publish_create(Log *log, Job *job)
{
    bool   found;
    Topic *topic = job->context;
    /* Two jobs of one group may create the same name: the second failed on SQLite's UNIQUE before it came
     * here. */
    (void)topic_place(log, str_c(topic->name), &found);
    assert(!found);
    topic_insert(log, topic);
}

Status embedded_topic_create(Log *log, Str name, int partitions, int replicas, const LogConfig *configs,
                             size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(check_config(configs[i].name, configs[i].value, err));
    Topic *topic = topic_new(name, partitions, replicas > 0 ? replicas : 1);
    for (size_t i = 0; i < count; i++)
        put_config(topic, configs[i].name, configs[i].value);
    apply_configs(topic);
    Job    job    = {.apply = apply_create, .publish = publish_create, .context = topic};
    Status status = log_submit(log, &job, err);
    if (status != OK)
        topic_unref(topic);
    return status;
}

typedef struct {
    Str         name;
    Topic      *topic;
    const char *config, *value;
    Partition  *part;
    int64_t     before;
    bool        deletes;
} TopicChange;

/* Jobs of one group see each other's rows, but only what was published in memory: a record for a topic that
 * the group deletes would find bounds that are not as they were written. */
Status topic_check_there(const Topic *topic, Error *err)
{
    bool gone = topic->leaving || __atomic_load_n(&topic->deleted, __ATOMIC_RELAXED);
    return gone ? log_no_topic(str_c(topic->name), err) : OK;
}

static Status find_for_change(Log *log, TopicChange *change, Error *err)
{
    pthread_mutex_lock(&log->lock);
    change->topic = topic_find(log, change->name);
    pthread_mutex_unlock(&log->lock);
    return change->topic == NULL ? log_no_topic(change->name, err) : topic_check_there(change->topic, err);
}

static void undo_delete(Log *log, Job *job)
{
    TopicChange *change = job->context;
    if (change->deletes)
        change->topic->leaving = false;
    change->deletes = false;
}

static Status apply_delete(Log *log, Job *job, Error *err)
{
    TopicChange *change = job->context;
    TRY(find_for_change(log, change, err));
    change->topic->leaving = change->deletes = true;
    TRY(db_run(&log->db, SQL_PARTS_ORPHAN, err, "i", change->topic->id));
    TRY(db_run(&log->db, SQL_CONFIGS_DROP, err, "i", change->topic->id));
    return db_run(&log->db, SQL_TOPIC_DROP, err, "i", change->topic->id);
}

static void publish_delete(Log *log, Job *job)
{
    TopicChange *change = job->context;
    bool         found;
    size_t       place = topic_place(log, change->name, &found);
    assert(found && log->topics[place] == change->topic);
    memmove(log->topics + place, log->topics + place + 1, (--log->topic_count - place) * sizeof *log->topics);
    __atomic_store_n(&change->topic->deleted, true, __ATOMIC_RELAXED);
    topic_unref(change->topic);
}

Status embedded_topic_delete(Log *log, Str name, Error *err)
{
    TopicChange change = {.name = name};
    Job job = {.apply = apply_delete, .publish = publish_delete, .undo = undo_delete, .context = &change};
    return log_submit(log, &job, err);
}

/* ---- looking ---- */

Status embedded_topic_info(Log *log, Str name, TopicInfo *out, Error *err)
{
    pthread_mutex_lock(&log->lock);
    Topic *topic = topic_find(log, name);
    if (topic != NULL)
        *out = (TopicInfo){name, topic->count, topic->replicas};
    pthread_mutex_unlock(&log->lock);
    return topic != NULL ? OK : log_no_topic(name, err);
}

Status embedded_topic_list(Log *log, Arena *arena, TopicInfo **out, size_t *count, Error *err)
{
    pthread_mutex_lock(&log->lock);
    *count = log->topic_count;
    *out   = ARENA_ARRAY(arena, TopicInfo, log->topic_count + 1);
    for (size_t i = 0; i < log->topic_count; i++) {
        Topic *topic = log->topics[i];
        (*out)[i]    = (TopicInfo){str_dup(arena, str_c(topic->name)), topic->count, topic->replicas};
    }
    pthread_mutex_unlock(&log->lock);
    return OK;
}

Status embedded_topic_config(Log *log, Str name, const char *config, Arena *arena, Str *out, Error *err)
{
    Status status = OK;
    pthread_mutex_lock(&log->lock);
    Topic      *topic = topic_find(log, name);
    const char *value = topic != NULL ? config_value(topic, config) : NULL;
    if (value != NULL)
        *out = str_dup(arena, str_c(value));
    else
        status = topic == NULL ? log_no_topic(name, err)
                               : error_set(err, E_CONFIG, NO_POS, "Unknown topic config name: %s", config);
    pthread_mutex_unlock(&log->lock);
    return status;
}

static Status apply_set_config(Log *log, Job *job, Error *err)
{
    TopicChange *change = job->context;
    TRY(find_for_change(log, change, err));
    return db_run(&log->db, SQL_CONFIG_PUT, err, "itt", change->topic->id, str_c(change->config),
                  str_c(change->value));
}

static void publish_set_config(Log *log, Job *job)
{
    TopicChange *change = job->context;
    if (topic_find(log, change->name) != change->topic)
        return; /* deleted in the same group */
    put_config(change->topic, change->config, change->value);
    apply_configs(change->topic);
}

Status embedded_topic_set_config(Log *log, Str name, const char *config, const char *value, Error *err)
{
    TRY(check_config(config, value, err));
    TopicChange change = {.name = name, .config = config, .value = value};
    Job         job    = {.apply = apply_set_config, .publish = publish_set_config, .context = &change};
    return log_submit(log, &job, err);
}

/* ---- bounds ---- */

Status embedded_offsets(Log *log, Str topic, int partition, int64_t *first, int64_t *end, Error *err)
{
    Partition *part = NULL;
    TRY(embedded_find_partition(log, topic, partition, &part, err));
    pthread_mutex_lock(&log->lock);
    *first = part->first;
    *end   = part->end;
    topic_unref(part->topic);
    pthread_mutex_unlock(&log->lock);
    return OK;
}

/* The first record of `block` from `first` on whose timestamp is >= ms; `end`: none. */
static int64_t first_since(const Block *block, int64_t ms, int64_t first, int64_t end)
{
    for (size_t i = 0; i < block->count; i++) {
        const LogRecord *record = &block->records[i];
        if (record->timestamp >= ms && record->offset >= first && record->offset < end)
            return record->offset;
    }
    return end;
}

static Status read_chunk_of(Log *log, const Partition *part, int64_t last, Block *block, Error *err)
{
    ChunkScan scan;
    bool      found = false;
    block_reset(block);
    TRY(scan_open(&scan, &log->db, part, last, last + 1, err));
    Status status = scan_next(&scan, &found, err);
    if (found)
        block_add(block, scan.place.base, scan.records);
    scan_close(&scan);
    return status == OK ? scan_parse(&scan, block, err) : status;
}

/* Under db_lock. A chunk's greatest timestamp is known, and which record it was is found inside. A chunk may
 * hold it in records that were deleted since: then the next chunk is asked. */
static Status find_time(Log *log, const Partition *part, int64_t ms, int64_t first, int64_t end, int64_t *out,
                        Error *err)
{
    Block *block  = block_new();
    Status status = OK;
    *out          = end;
    for (int64_t from = first; status == OK && *out == end;) {
        sqlite3_stmt *stmt = db_bind(&log->db, SQL_CHUNK_FOR_TIME, err, "iii", part->id, from, ms);
        bool          row;
        if (stmt == NULL || (status = db_step(&log->db, stmt, &row, err)) != OK) {
            status = stmt == NULL ? db_unprepared(err) : status;
            break;
        }
        if (!row)
            break;
        int64_t last = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
        status = read_chunk_of(log, part, last, block, err);
        *out   = first_since(block, ms, first, end);
        from   = last + 1;
    }
    block_free(block);
    return status;
}

Status embedded_offset_for_time(Log *log, Str topic, int partition, int64_t ms, int64_t *out, Error *err)
{
    Partition *part = NULL;
    TRY(embedded_find_partition(log, topic, partition, &part, err));
    pthread_mutex_lock(&log->db_lock);
    pthread_mutex_lock(&log->lock);
    int64_t first = part->first, end = part->end;
    pthread_mutex_unlock(&log->lock);
    Status status = find_time(log, part, ms, first, end, out, err);
    pthread_mutex_unlock(&log->db_lock);
    release_topic(log, part->topic);
    return status;
}

static Status apply_delete_records(Log *log, Job *job, Error *err)
{
    TopicChange *change = job->context;
    Partition   *part   = change->part;
    TRY(topic_check_there(part->topic, err));
    if (change->before < 0)
        change->before = part->next;
    if (change->before > part->next)
        return error_set(err, E_DATA, NO_POS,
                         "cannot delete up to offset %lld of topic %s partition %d: it ends at %lld",
                         (long long)change->before, part->topic->name, part->number, (long long)part->next);
    pthread_mutex_lock(&log->lock);
    bool nothing = change->before <= part->first;
    pthread_mutex_unlock(&log->lock);
    if (nothing) {
        change->before = 0;
        return OK;
    }
    TRY(part_write(log, part, SQL_PART_FIRST, change->before, err));
    return db_run(&log->db, SQL_CHUNKS_DROP_BELOW, err, "ii", part->id,
                  change->before); /* the rest: cleaner */
}

static void publish_delete_records(Log *log, Job *job)
{
    TopicChange *change = job->context;
    if (change->before > change->part->first)
        change->part->first = change->before;
}

Status embedded_delete_records(Log *log, Str topic, int partition, int64_t before, Error *err)
{
    TopicChange change = {.before = before};
    TRY(embedded_find_partition(log, topic, partition, &change.part, err));
    Job    job    = {.apply = apply_delete_records, .publish = publish_delete_records, .context = &change};
    Status status = log_submit(log, &job, err);
    release_topic(log, change.part->topic);
    return status;
}
