/* Payloads of two records, the first up to a line feed, as a key's and as a value's: what PRINT makes of them
 * is one line each. */
#include <assert.h>

#include "serde/format_guess.h"
#include "serde/serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void guess_both(int side, Str first, Str second)
{
    StrBuf       out = {0};
    FormatGuess *guess;
    Error        err;
    if (format_guess_new(side, NULL, &guess, &err) != OK)
        return;
    format_guess_see(guess, first);
    format_guess_see(guess, second);
    format_guess_names(guess, &out);
    format_guess_print(guess, first, &out);
    format_guess_print(guess, second, &out);
    for (size_t i = 0; i < out.len; i++)
        assert((unsigned char)out.ptr[i] >= 0x20 ? out.ptr[i] != 0x7f : out.ptr[i] == '\t');
    strbuf_clear(&out);
    format_guess_free(guess);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text    = size > 0 ? (const char *)data : "";
    const char *newline = memchr(text, '\n', size);
    Str         first   = str_n(text, newline != NULL ? (size_t)(newline - text) : size);
    Str         second  = newline != NULL ? str_n(newline + 1, size - first.len - 1) : STR_NULL;
    guess_both(SIDE_KEY, first, second);
    guess_both(SIDE_VALUE, first, second);
    return 0;
}
