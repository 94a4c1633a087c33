/*
 * identity.c - see identity.h.
 */
#include "server/access/identity.h"

bool identity_has_role(const Identity *identity, Str role)
{
    Str all = identity->roles;
    for (size_t at = 0; at < all.len;) {
        const char *comma = memchr(all.ptr + at, ',', all.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - all.ptr) : all.len;
        if (str_equal_nocase(str_n(all.ptr + at, end - at), role))
            return true;
        at = end + 1;
    }
    return false;
}
