/*
 * address.c - see address.h. The user ends at the last @ before the path: a password may hold one.
 */
#include "core/address.h"

/* Where the host begins, from behind the "://". */
static size_t skip_user(Str text, size_t from)
{
    size_t host = from;
    for (size_t i = from; i < text.len && text.ptr[i] != '/' && text.ptr[i] != ','; i++)
        if (text.ptr[i] == '@')
            host = i + 1;
    return host;
}

void address_add_shown(StrBuf *out, Str text)
{
    size_t    done = 0;
    ptrdiff_t at;
    while ((at = str_find(text, STR_LIT("://"), done)) >= 0) {
        size_t host = (size_t)at + 3;
        strbuf_add(out, str_n(text.ptr + done, host - done));
        done = skip_user(text, host);
    }
    strbuf_add(out, str_n(text.ptr + done, text.len - done));
}
