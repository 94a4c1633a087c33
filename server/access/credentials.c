/*
 * credentials.c - see credentials.h (RFC 7617, RFC 6750).
 */
#include "server/access/credentials.h"

static const Credentials broken = {.kind = CREDENTIALS_BROKEN};

/* RFC 7617, 2; of a NUL crypt(3) would see the half before it. */
static bool has_control(Str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static Credentials read_basic(Str encoded, Arena *arena)
{
    Str   text;
    Error ignored;
    if (base64_decode(arena, encoded, &text, &ignored) != OK || text.len == 0 || has_control(text) ||
        !str_equal(base64_encode(arena, text), encoded)) /* one proof has one form */
        return broken;
    const char *colon = memchr(text.ptr, ':', text.len);
    if (colon == NULL)
        return broken;
    size_t name = (size_t)(colon - text.ptr);
    return (Credentials){CREDENTIALS_PASSWORD, str_n(text.ptr, name), str_n(colon + 1, text.len - name - 1)};
}

Credentials credentials_of_token(Str token)
{
    if (token.len == 0 || token.len > CREDENTIALS_MOST)
        return broken;
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' ||
            token.ptr[i] >= 0x7f) /* a char may be signed: above ASCII it is below ' ' */
            return broken;
    return (Credentials){CREDENTIALS_TOKEN, STR_NULL, token};
}

/* Blanks, and no other control character, which str_trim takes for one. */
static Str trim_blanks(Str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = str_n(text.ptr + 1, text.len - 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

Credentials credentials_read(Str header, Arena *arena)
{
    Str text = trim_blanks(header);
    if (str_is_null(header) || text.len == 0)
        return (Credentials){.kind = CREDENTIALS_NONE};
    const char *blank = text.len <= CREDENTIALS_MOST ? memchr(text.ptr, ' ', text.len) : NULL;
    if (blank == NULL)
        return broken;
    size_t len    = (size_t)(blank - text.ptr);
    Str    scheme = str_n(text.ptr, len), rest = trim_blanks(str_n(blank, text.len - len));
    if (str_equal_nocase(scheme, STR_LIT("Basic")))
        return read_basic(rest, arena);
    if (str_equal_nocase(scheme, STR_LIT("Bearer")))
        return credentials_of_token(rest);
    return broken;
}
