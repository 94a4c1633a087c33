/*
 * fuzz_pull_text.c - texts of pull queries taken apart: pattern and literals give the text again, and a text
 * with other literals has the same pattern. Two texts that differ elsewhere must never share a plan.
 */
#include <assert.h>
#include <stddef.h>

#include "server/rest/pull_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of the pattern with its literals, or with `other` in the place of each text between quotes. */
static void put_together(const PullText *read, const char *other, StrBuf *out)
{
    size_t next = 0;
    for (size_t i = 0; i < read->pattern.len; i++) {
        char c = read->pattern.ptr[i];
        if (c != 1 && c != 2) {
            strbuf_addc(out, c);
            continue;
        }
        const PullLiteral *literal = &read->literals[next++];
        assert(literal->number == (c == 2));
        strbuf_adds(out, literal->number ? "" : "'");
        strbuf_add(out, other != NULL && !literal->number ? str_c(other) : literal->text);
        strbuf_adds(out, literal->number ? "" : "'");
    }
    assert(next == read->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena   *arena = arena_new(0);
    Str      text  = str_n((const char *)data, size);
    PullText read, again;
    StrBuf   out = {0};
    if (pull_text_read(text, arena, &read)) {
        put_together(&read, NULL, &out);
        assert(str_equal(strbuf_str(&out), text));
        strbuf_reset(&out);
        put_together(&read, "k", &out);
        if (out.len <= PULL_TEXT_MOST) {
            bool good = pull_text_read(strbuf_str(&out), arena, &again);
            assert(good && again.count == read.count && str_equal(again.pattern, read.pattern));
            assert(again.hash == read.hash);
        }
    }
    strbuf_clear(&out);
    arena_free(arena);
    return 0;
}
