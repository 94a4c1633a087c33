/*
 * privilege.c - see privilege.h.
 */
#include "core/privilege.h"

static const char *const words[] = {"SELECT", "INSERT", "CREATE", "ALTER", "DROP", "TERMINATE", "DESCRIBE"};

_Static_assert((1 << ARRAY_LEN(words)) - 1 == PRIVILEGE_ALL, "a word for each bit");

const char *privilege_word(size_t index, unsigned *bit)
{
    if (index >= ARRAY_LEN(words))
        return NULL;
    *bit = 1u << index;
    return words[index];
}

void privileges_print(unsigned privileges, StrBuf *out)
{
    bool first = true;
    if (privileges == PRIVILEGE_ALL) {
        strbuf_adds(out, "ALL");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (privileges & (1u << i)) {
            strbuf_addf(out, "%s%s", first ? "" : ", ", words[i]);
            first = false;
        }
}
