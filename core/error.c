/*
 * error.c - filling in an Error.
 *
 * Messages are made in a scratch buffer first, so that an error's own text may be among the arguments. A text
 * that is too long is cut between two characters: what reaches a client stays valid UTF-8.
 */
#include "core/error.h"

#include <stdio.h>
#include <string.h>

/* Length of text[0 .. len) without an incomplete UTF-8 sequence at its end. */
static size_t cut_at_character(const char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4) {
        unsigned char c = (unsigned char)text[--start];
        if ((c & 0xC0) == 0x80)
            continue; /* a continuation byte: its lead byte is further left */
        size_t need = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        return len - start >= need ? len : start;
    }
    return len;
}

/* Copies a text that vsnprintf made (and perhaps cut: `wanted` is its full length) to the message, from `at`
 * on. */
static void message_put(Error *err, size_t at, const char *text, int wanted)
{
    size_t len  = wanted < 0 ? 0 : (size_t)wanted;
    size_t room = ERROR_MESSAGE_MAX - 1 - at;
    if (len > room)
        len = cut_at_character(text, room);
    memcpy(err->message + at, text, len);
    err->message[at + len] = '\0';
}

Status error_setv(Error *err, Status code, Pos pos, const char *fmt, va_list args)
{
    if (err == NULL)
        return code;
    char text[ERROR_MESSAGE_MAX];
    int  wanted = vsnprintf(text, sizeof text, fmt, args);
    err->code   = code;
    err->pos    = pos;
    message_put(err, 0, text, wanted);
    return code;
}

Status(error_set)(Error *err, Status code, Pos pos, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(err, code, pos, fmt, args);
    va_end(args);
    return code;
}

Status error_prefix(Error *err, const char *fmt, ...)
{
    if (err == NULL)
        return E_IO;
    char    prefix[ERROR_MESSAGE_MAX], old[ERROR_MESSAGE_MAX];
    size_t  old_len = strlen(err->message);
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    memcpy(old, err->message, old_len + 1);
    message_put(err, 0, prefix, wanted);
    message_put(err, strlen(err->message), old, (int)old_len);
    return err->code;
}

Status error_append(Error *err, const char *fmt, ...)
{
    if (err == NULL)
        return E_IO;
    char    text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    message_put(err, strlen(err->message), text, wanted);
    return err->code;
}

void error_clear(Error *err)
{
    if (err == NULL)
        return;
    err->code       = OK;
    err->pos        = NO_POS;
    err->message[0] = '\0';
}

const char *status_name(Status code)
{
    static const char *const names[] = {
        [OK]            = "OK",
        [E_SYNTAX]      = "E_SYNTAX",
        [E_PLAN]        = "E_PLAN",
        [E_UNSUPPORTED] = "E_UNSUPPORTED",
        [E_NOT_FOUND]   = "E_NOT_FOUND",
        [E_EXISTS]      = "E_EXISTS",
        [E_DATA]        = "E_DATA",
        [E_FATAL_DATA]  = "E_FATAL_DATA",
        [E_LIMIT]       = "E_LIMIT",
        [E_CONFIG]      = "E_CONFIG",
        [E_IO]          = "E_IO",
        [E_DAMAGED]     = "E_DAMAGED",
        [E_STALE_STATE] = "E_STALE_STATE",
        [E_FULL]        = "E_FULL",
        [E_BUSY]        = "E_BUSY",
        [E_WAIT]        = "E_WAIT",
        [E_FENCED]      = "E_FENCED",
        [E_CANCELLED]   = "E_CANCELLED",
        [E_DENIED]      = "E_DENIED",
    };
    return (size_t)code < sizeof names / sizeof names[0] ? names[code] : "E_?";
}
