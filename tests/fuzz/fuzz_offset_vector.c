/*
 * fuzz_offset_vector.c - consistency tokens as clients send them: whatever is accepted has a text that gives
 * the same again, and each of its entries is found.
 */
#include <assert.h>
#include <stddef.h>

#include "core/offset_vector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entries(const OffsetVector *vector)
{
    for (size_t i = 0; i < vector->count; i++) {
        const OffsetEntry *entry = &vector->entries[i];
        assert(offset_vector_get(vector, str_c(entry->topic), entry->partition) == entry->offset);
        assert(offset_vector_has(vector, str_c(entry->topic)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    OffsetVector first = {0}, second = {0};
    StrBuf       once = {0}, twice = {0};
    Error        err;
    if (offset_vector_parse(&first, str_n((const char *)data, size), &err) == OK) {
        check_entries(&first);
        offset_vector_print(&first, &once);
        assert(once.len <= OFFSET_VECTOR_TEXT);
        assert(offset_vector_parse(&second, strbuf_str(&once), &err) == OK);
        offset_vector_print(&second, &twice);
        assert(str_equal(strbuf_str(&once), strbuf_str(&twice)));
    }
    strbuf_clear(&once);
    strbuf_clear(&twice);
    offset_vector_clear(&first);
    offset_vector_clear(&second);
    return 0;
}
