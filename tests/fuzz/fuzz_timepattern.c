/* Date-time patterns and the texts they read: the first line is the pattern, the rest the text. */
#include "udf/time_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char  *text    = (const char *)data;
    const char  *newline = size > 0 ? memchr(text, '\n', size) : NULL;
    Str          pattern = str_n(size > 0 ? text : "", newline ? (size_t)(newline - text) : size);
    Str          rest    = newline ? str_n(newline + 1, size - pattern.len - 1) : STR_LIT("");
    Arena       *arena   = arena_new(0);
    StrBuf       out     = {0};
    TimePattern *compiled;
    Error        err;
    int64_t      ms = 0;
    if (time_pattern_compile(pattern, arena, &compiled, &err) == OK) {
        (void)!time_pattern_parse(compiled, rest, NULL, &ms, &err);
        (void)!time_pattern_format(compiled, ms, NULL, &out, &err);
    }
    (void)!time_lenient_parse(pattern, rest, 1700000000000, &ms, &err);
    strbuf_clear(&out);
    arena_free(arena);
    return 0;
}
