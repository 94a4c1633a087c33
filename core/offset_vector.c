/*
 * offset_vector.c - see offset_vector.h.
 *
 * A sorted array: vectors have a handful of entries, and are asked far more often than they grow.
 */
#include "core/offset_vector.h"

#include <inttypes.h>
#include <limits.h>

#include "core/value.h"

enum { TOPIC_NAME_MAX = 249 };

static const Str prefix = {"sluice1;", 8};

void offset_vector_clear(OffsetVector *vector)
{
    for (size_t i = 0; i < vector->count; i++)
        mem_free(vector->entries[i].topic);
    mem_free(vector->entries);
    *vector = (OffsetVector){0};
}

bool offset_vector_is_empty(const OffsetVector *vector) { return vector->count == 0 && !vector->everything; }

/* Index of the first entry that is not before (topic, partition). */
static size_t lower_bound(const OffsetVector *vector, Str topic, int partition)
{
    size_t low = 0, high = vector->count;
    while (low < high) {
        size_t             middle = low + (high - low) / 2;
        const OffsetEntry *entry  = &vector->entries[middle];
        int                order  = str_compare(str_c(entry->topic), topic);
        if (order < 0 || (order == 0 && entry->partition < partition))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const OffsetVector *vector, size_t at, Str topic)
{
    return at < vector->count && str_equal(str_c(vector->entries[at].topic), topic);
}

void offset_vector_put(OffsetVector *vector, Str topic, int partition, int64_t offset)
{
    size_t at = lower_bound(vector, topic, partition);
    if (is_at(vector, at, topic) && vector->entries[at].partition == partition) {
        if (vector->entries[at].offset < offset)
            vector->entries[at].offset = offset;
        return;
    }
    if (vector->count == vector->capacity) {
        vector->capacity = vector->capacity ? vector->capacity * 2 : 4;
        vector->entries  = mem_realloc(vector->entries, vector->capacity * sizeof *vector->entries);
    }
    OffsetEntry *entry = &vector->entries[at];
    memmove(entry + 1, entry, (vector->count - at) * sizeof *entry);
    *entry = (OffsetEntry){str_to_heap(topic), partition, offset};
    vector->count++;
}

void offset_vector_merge(OffsetVector *vector, const OffsetVector *from)
{
    for (size_t i = 0; i < from->count; i++)
        offset_vector_put(vector, str_c(from->entries[i].topic), from->entries[i].partition,
                          from->entries[i].offset);
    vector->everything |= from->everything;
}

void offset_vector_keep(OffsetVector *vector, const OffsetVector *topics)
{
    size_t kept = 0;
    for (size_t i = 0; i < vector->count; i++)
        if (offset_vector_has(topics, str_c(vector->entries[i].topic)))
            vector->entries[kept++] = vector->entries[i];
        else
            mem_free(vector->entries[i].topic);
    vector->count = kept;
}

int64_t offset_vector_get(const OffsetVector *vector, Str topic, int partition)
{
    size_t at = lower_bound(vector, topic, partition);
    return is_at(vector, at, topic) && vector->entries[at].partition == partition ? vector->entries[at].offset
                                                                                  : -1;
}

bool offset_vector_has(const OffsetVector *vector, Str topic)
{
    return is_at(vector, lower_bound(vector, topic, INT_MIN), topic);
}

/* ---- text ---- */

void offset_vector_print(const OffsetVector *vector, StrBuf *out)
{
    size_t start = out->len;
    strbuf_add(out, prefix);
    for (size_t i = 0; i < vector->count && out->len - start <= OFFSET_VECTOR_TEXT; i++) {
        const OffsetEntry *entry = &vector->entries[i];
        bool               same  = i > 0 && strcmp(vector->entries[i - 1].topic, entry->topic) == 0;
        if (same)
            strbuf_addc(out, ',');
        else
            strbuf_addf(out, "%s%s:", i > 0 ? ";" : "", entry->topic);
        strbuf_addf(out, "%d=%" PRId64, entry->partition, entry->offset);
    }
    if (!vector->everything && out->len - start <= OFFSET_VECTOR_TEXT)
        return;
    out->len = start;
    strbuf_add(out, prefix);
    strbuf_addc(out, '*');
}

bool offset_vector_is_text(Str text) { return str_starts_with(text, prefix); }

/* Up to the sign, or all that is left: *rest goes on behind it. */
static Str take_until(Str *rest, char sign)
{
    const char *end  = rest->len > 0 ? memchr(rest->ptr, sign, rest->len) : NULL;
    size_t      len  = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    size_t      used = end != NULL ? len + 1 : len;
    Str         part = str_n(rest->ptr, len);
    *rest            = str_n(rest->ptr + used, rest->len - used);
    return part;
}

/* As long as Kafka's names are, so that no stranger has us keep more; it is compared with names, and never
 * shown to anybody else. */
static bool is_topic(Str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
            return false;
    return name.len > 0 && name.len <= TOPIC_NAME_MAX;
}

/* "views:0=12,1=5" */
static bool parse_topic(OffsetVector *vector, Str text)
{
    Str topic = take_until(&text, ':');
    if (!is_topic(topic) || text.len == 0)
        return false;
    while (text.len > 0) {
        Str     pair   = take_until(&text, ','), number;
        int64_t offset = 0, partition = 0;
        number = take_until(&pair, '=');
        if (!int64_parse(number, &partition) || !int64_parse(pair, &offset) || partition < 0 ||
            partition > INT_MAX || offset < 0)
            return false;
        offset_vector_put(vector, topic, (int)partition, offset);
    }
    return true;
}

Status offset_vector_parse(OffsetVector *vector, Str text, Error *err)
{
    bool right = offset_vector_is_text(text) && text.len <= OFFSET_VECTOR_TEXT;
    Str  rest  = right ? str_n(text.ptr + prefix.len, text.len - prefix.len) : STR_NULL;
    if (str_equal(rest, STR_LIT("*"))) {
        vector->everything = true;
        return OK;
    }
    while (right && rest.len > 0)
        right = parse_topic(vector, take_until(&rest, ';'));
    return right ? OK : error_set(err, E_DATA, NO_POS, "The consistency token is damaged");
}
