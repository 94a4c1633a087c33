/*
 * log_embedded_chunk.c - records packed into the blob of a chunk, and taken apart again without a copy per
 * record.
 *
 * A record is a fixed part, then key, value and headers. Offsets are kept relative to the chunk's base,
 * because a record gets its offset only when its transaction commits; gaps are what compaction leaves. The
 * bytes of a blob are checked as a stranger's: a damaged file is an error, never a crash.
 */
#include "log/log_embedded.h"

enum { NULL_LENGTH = -1 };

typedef struct { /* as it lies in the blob, little-endian as every machine we run on */
    uint32_t delta, header_count;
    int64_t  timestamp;
    int32_t  key_len, value_len;
} Packed;

static int32_t packed_len(Str s) { return str_is_null(s) ? NULL_LENGTH : (int32_t)s.len; }

static void add_field(StrBuf *out, Str s)
{
    int32_t len = packed_len(s);
    strbuf_add(out, str_n((const char *)&len, sizeof len));
    strbuf_add(out, s);
}

void chunk_add(Chunk *chunk, uint32_t delta, const LogRecord *record)
{
    Packed packed = {delta, (uint32_t)record->header_count, record->timestamp, packed_len(record->key),
                     packed_len(record->value)};
    if (chunk->count == 0 || record->timestamp > chunk->max_timestamp)
        chunk->max_timestamp = record->timestamp;
    chunk->count++;
    chunk->last_delta = delta;
    strbuf_reserve(&chunk->bytes, sizeof packed + record->key.len + record->value.len);
    strbuf_add(&chunk->bytes, str_n((const char *)&packed, sizeof packed));
    strbuf_add(&chunk->bytes, record->key);
    strbuf_add(&chunk->bytes, record->value);
    for (size_t i = 0; i < record->header_count; i++) {
        add_field(&chunk->bytes, record->headers[i].key);
        add_field(&chunk->bytes, record->headers[i].value);
    }
}

void chunk_clear(Chunk *chunk)
{
    strbuf_clear(&chunk->bytes);
    memset(chunk, 0, sizeof *chunk);
}

Status chunk_record_size(const LogRecord *record, size_t *size, Error *err)
{
    size_t total = sizeof(Packed) + record->key.len + record->value.len;
    for (size_t i = 0; i < record->header_count; i++)
        total += 2 * sizeof(int32_t) + record->headers[i].key.len + record->headers[i].value.len;
    *size = total;
    if (total > RECORD_BYTES_MAX)
        return error_set(err, E_LIMIT, NO_POS, "a record of %zu bytes is too large, the limit is %d", total,
                         RECORD_BYTES_MAX);
    return OK;
}

Block *block_new(void)
{
    Block *block = mem_calloc(1, sizeof *block);
    block->refs  = 1;
    return block;
}

void block_reset(Block *block)
{
    strbuf_reset(&block->bytes);
    block->count = block->header_count = block->chunks = 0;
}

void block_free(Block *block)
{
    if (block == NULL)
        return;
    strbuf_clear(&block->bytes);
    mem_free(block->records);
    mem_free(block->headers);
    mem_free(block->starts);
    mem_free(block->bases);
    mem_free(block);
}

void block_add(Block *block, int64_t base, Str bytes)
{
    if (block->chunks == block->chunk_capacity) {
        block->chunk_capacity = block->chunk_capacity ? block->chunk_capacity * 2 : 16;
        block->starts         = mem_realloc(block->starts, block->chunk_capacity * sizeof *block->starts);
        block->bases          = mem_realloc(block->bases, block->chunk_capacity * sizeof *block->bases);
    }
    block->starts[block->chunks]  = block->bytes.len;
    block->bases[block->chunks++] = base;
    strbuf_add(&block->bytes, bytes);
}

/* Reads `len` bytes at *at, or a null Str for -1. */
static bool read_bytes(Str all, size_t *at, int32_t len, Str *out)
{
    if (len == NULL_LENGTH) {
        *out = STR_NULL;
        return true;
    }
    if (len < 0 || (size_t)len > all.len - *at)
        return false;
    *out = str_n(all.ptr + *at, (size_t)len);
    *at += (size_t)len;
    return true;
}

static bool read_field(Str all, size_t *at, Str *out)
{
    int32_t len;
    if (all.len - *at < sizeof len)
        return false;
    memcpy(&len, all.ptr + *at, sizeof len);
    *at += sizeof len;
    return read_bytes(all, at, len, out);
}

/* `headers` NULL: only steps over them. */
static bool read_record(Str all, size_t *at, int64_t base, LogRecord *record, Header *headers)
{
    Packed packed;
    if (all.len - *at < sizeof packed)
        return false;
    memcpy(&packed, all.ptr + *at, sizeof packed);
    *at += sizeof packed;
    record->offset       = base + packed.delta;
    record->timestamp    = packed.timestamp;
    record->headers      = headers;
    record->header_count = packed.header_count;
    if (!read_bytes(all, at, packed.key_len, &record->key) ||
        !read_bytes(all, at, packed.value_len, &record->value))
        return false;
    for (uint32_t i = 0; i < packed.header_count; i++) {
        Header header;
        if (!read_field(all, at, &header.key) || !read_field(all, at, &header.value))
            return false;
        if (headers != NULL)
            headers[i] = header;
    }
    return true;
}

static LogRecord *block_next_record(Block *block)
{
    if (block->count == block->capacity) {
        block->capacity = block->capacity ? block->capacity * 2 : 256;
        block->records  = mem_realloc(block->records, block->capacity * sizeof *block->records);
    }
    return &block->records[block->count++];
}

/* Headers lie in one array that may move while it grows, so records are read first and their headers after.
 */
static bool block_read(Block *block, size_t chunk, bool headers)
{
    size_t end = chunk + 1 < block->chunks ? block->starts[chunk + 1] : block->bytes.len;
    Str    all = str_n(block->bytes.ptr, end);
    for (size_t at = block->starts[chunk]; at < end;) {
        LogRecord *record = headers ? &block->records[block->count++] : block_next_record(block);
        Header    *place  = headers && record->header_count > 0 ? &block->headers[block->header_count] : NULL;
        if (!read_record(all, &at, block->bases[chunk], record, place))
            return false;
        block->header_count += record->header_count;
    }
    return true;
}

bool block_parse(Block *block, size_t *bad_chunk)
{
    for (int pass = 0; pass < 2; pass++) {
        block->count = block->header_count = 0;
        for (size_t i = 0; i < block->chunks; i++) {
            *bad_chunk = i;
            if (!block_read(block, i, pass == 1))
                return false;
        }
        if (block->header_count == 0)
            break;
        if (pass == 0 && block->header_count > block->header_capacity) {
            block->header_capacity = block->header_count;
            block->headers = mem_realloc(block->headers, block->header_capacity * sizeof *block->headers);
        }
    }
    return true;
}
