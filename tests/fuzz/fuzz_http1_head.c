/*
 * fuzz_http1_head.c - a head of HTTP/1 and a body in chunks, as they come and in pieces: the same facts, the
 * same faults.
 */
#include <stdint.h>
#include <stdlib.h>

#include "server/http/http1_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t end_in_pieces(Str bytes, size_t step, Http1Fault *fault)
{
    size_t scanned = 0, end = 0;
    for (size_t len = step; end == 0 && fault->status == 0; len += step) {
        end = http1_head_end(str_n(bytes.ptr, len < bytes.len ? len : bytes.len), &scanned, fault);
        if (len >= bytes.len)
            break;
    }
    return end;
}

static size_t read_head(Str bytes)
{
    Http1Fault whole = {0}, pieces = {0};
    size_t     end = end_in_pieces(bytes, bytes.len, &whole);
    if (end_in_pieces(bytes, 3, &pieces) != end || pieces.status != whole.status)
        abort();
    if (end == 0)
        return 0;
    Http1Head head;
    Fields    fields = {0};
    bool      read   = http1_head_read(str_n(bytes.ptr, end), &head, &fields, &whole);
    if (read != (whole.status == 0) || (read && (head.target.len == 0 || head.length < 0)))
        abort();
    fields_clear(&fields);
    return end;
}

static void read_chunks(Str bytes, size_t step, StrBuf *out, Http1Chunks *chunks, Http1Fault *fault)
{
    for (size_t at = 0; at < bytes.len && fault->status == 0 && chunks->state != CHUNK_OVER;) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        Str    data;
        at += http1_chunks_read(chunks, str_n(bytes.ptr + at, n), &data, fault);
        strbuf_add(out, data);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str bytes = str_n((const char *)data, size);
    if (size == 0)
        return 0;
    size_t      end   = read_head(bytes);
    Str         body  = str_n(bytes.ptr + end, bytes.len - end);
    StrBuf      whole = {0}, pieces = {0};
    Http1Chunks a = {0}, b = {0};
    Http1Fault  fault_a = {0}, fault_b = {0};
    read_chunks(body, body.len, &whole, &a, &fault_a);
    read_chunks(body, 1, &pieces, &b, &fault_b);
    if (a.state != b.state || fault_a.status != fault_b.status ||
        !str_equal(strbuf_str(&whole), strbuf_str(&pieces)))
        abort();
    strbuf_clear(&whole);
    strbuf_clear(&pieces);
    return 0;
}
