/*
 * fn_bytes.c - bytes and their texts: ENCODE, TO_BYTES, FROM_BYTES, numbers from bytes
 * (functions.md 3.3, 3.3.1, 3.5).
 *
 * Two strictness levels on purpose: TO_BYTES refuses what ENCODE reads over. And two cases of hex digits:
 * ENCODE writes lower case, FROM_BYTES upper case.
 */
#include "udf/udf.h"

typedef enum { ENCODING_HEX, ENCODING_UTF8, ENCODING_ASCII, ENCODING_BASE64, ENCODING_COUNT } Encoding;

static bool encoding_named(Str name, Encoding *out)
{
    static const char *const names[ENCODING_COUNT] = {"hex", "utf8", "ascii", "base64"};
    for (int i = 0; i < ENCODING_COUNT; i++) {
        if (str_equal_nocase(name, str_c(names[i]))) {
            *out = (Encoding)i;
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Status hex_decode(const FnCall *call, Str text, Str *out, Error *err)
{
    char *bytes = arena_try_alloc(call->arena, text.len / 2 + 1, err);
    if (bytes == NULL)
        return E_LIMIT;
    if (text.len % 2 != 0)
        return error_set(err, E_DATA, NO_POS, "Odd number of hex digits: " STR_FMT, STR_ARG(text));
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return error_set(err, E_DATA, NO_POS, "Not a hex number: " STR_FMT, STR_ARG(text));
        bytes[i / 2] = (char)(high * 16 + low);
    }
    *out = str_n(bytes, text.len / 2);
    return OK;
}

static Status hex_encode(const FnCall *call, Str bytes, const char *digits, Str *out, Error *err)
{
    size_t size;
    if (!size_multiply(bytes.len, 2, &size))
        return error_set(err, E_LIMIT, NO_POS, "Too many bytes");
    char *text = arena_try_alloc(call->arena, size + 1, err);
    if (text == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        text[i * 2]        = digits[byte >> 4];
        text[i * 2 + 1]    = digits[byte & 15];
    }
    *out = str_n(text, size);
    return OK;
}

/* Every byte of 0x80 and more is U+FFFD: bytes are not text in ASCII. */
static Status ascii_text(const FnCall *call, Str bytes, Str *out, Error *err)
{
    size_t size, len = 0;
    if (!size_multiply(bytes.len, 3, &size))
        return error_set(err, E_LIMIT, NO_POS, "Too many bytes");
    char *text = arena_try_alloc(call->arena, size + 1, err);
    if (text == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < bytes.len; i++) {
        if ((unsigned char)bytes.ptr[i] < 0x80)
            text[len++] = bytes.ptr[i];
        else
            len += utf8_put(0xFFFD, text + len);
    }
    *out = str_n(text, len);
    return OK;
}

/* A character beyond ASCII becomes one '?', as Java's encoder does. */
static Status ascii_bytes(const FnCall *call, Str text, Str *out, Error *err)
{
    char  *bytes = arena_try_alloc(call->arena, text.len + 1, err);
    size_t len   = 0;
    if (bytes == NULL)
        return E_LIMIT;
    for (size_t at = 0; at < text.len;) {
        uint32_t cp  = utf8_next(text, &at);
        bytes[len++] = cp < 0x80 ? (char)cp : '?';
    }
    *out = str_n(bytes, len);
    return OK;
}

static Status bytes_to_text(const FnCall *call, Str bytes, Encoding encoding, bool upper, Str *out,
                            Error *err)
{
    switch (encoding) {
    case ENCODING_HEX:
        return hex_encode(call, bytes, upper ? "0123456789ABCDEF" : "0123456789abcdef", out, err);
    case ENCODING_UTF8:
        *out = utf8_repair(call->arena, bytes);
        return OK;
    case ENCODING_ASCII:
        return ascii_text(call, bytes, out, err);
    case ENCODING_BASE64:
        *out = base64_encode(call->arena, bytes);
        return OK;
    default:
        return error_set(err, E_DATA, NO_POS, "Unknown encoding");
    }
}

/* ---- ENCODE: lenient reading ---- */

/* 0x41, X'41', x'41', 41 */
static Status hex_decode_lenient(const FnCall *call, Str text, Str *out, Error *err)
{
    if (str_starts_with(text, STR_LIT("0x"))) {
        Str digits = str_n(text.ptr + 2, text.len - 2);
        return hex_decode(
            call, digits.len % 2 ? str_printf(call->arena, "0" STR_FMT, STR_ARG(digits)) : digits, out, err);
    }
    bool quoted =
        text.len >= 3 && (text.ptr[0] | 0x20) == 'x' && text.ptr[1] == '\'' && text.ptr[text.len - 1] == '\'';
    return hex_decode(call, quoted ? str_n(text.ptr + 2, text.len - 3) : text, out, err);
}

/* Of the alphabet for URLs, too. */
static int lenient_digit(char c) { return base64_digit(c == '-' ? '+' : c == '_' ? '/' : c); }

/* Skips what is no digit, stops at the padding. */
static Status base64_decode_lenient(const FnCall *call, Str text, Str *out, Error *err)
{
    char    *bytes = arena_try_alloc(call->arena, text.len + 1, err);
    size_t   len   = 0;
    uint32_t bits  = 0;
    int      count = 0;
    if (bytes == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        int digit = lenient_digit(text.ptr[i]);
        if (digit < 0)
            continue;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes[len++] = (char)(bits >> count & 0xFF);
        }
    }
    *out = str_n(bytes, len);
    return OK;
}

static Status fn_encode(const FnCall *call, Value *result, Error *err)
{
    Str      text = value_str(call->args[0]), bytes = text, encoded;
    Encoding from, to;
    if (!encoding_named(value_str(call->args[1]), &from) || !encoding_named(value_str(call->args[2]), &to) ||
        from == to)
        return error_set(err, E_DATA, NO_POS,
                         "Supported input and output encodings are: hex, utf8, ascii and base64");
    if (from == ENCODING_HEX)
        TRY(hex_decode_lenient(call, text, &bytes, err));
    else if (from == ENCODING_BASE64)
        TRY(base64_decode_lenient(call, text, &bytes, err));
    else if (from == ENCODING_ASCII)
        TRY(ascii_bytes(call, text, &bytes, err));
    TRY(bytes_to_text(call, bytes, to, false, &encoded, err));
    *result = value_from_str(encoded);
    return OK;
}

/* ---- TO_BYTES, FROM_BYTES ---- */

static Status argument_encoding(const FnCall *call, Encoding *out, Error *err)
{
    Str name = value_str(call->args[1]);
    if (encoding_named(name, out))
        return OK;
    return error_set(err, E_DATA, NO_POS,
                     "Unknown encoding type '" STR_FMT
                     "'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'.",
                     STR_ARG(name));
}

/* Padding may be missing, but what is there must be right: add it and decode strictly. */
static Status base64_decode_padded(const FnCall *call, Str text, Str *out, Error *err)
{
    static const char *const padding[] = {"", "", "==", "="};
    if (memchr(text.ptr ? text.ptr : "", '=', text.len) == NULL && text.len % 4 >= 2)
        text = str_printf(call->arena, STR_FMT "%s", STR_ARG(text), padding[text.len % 4]);
    return base64_decode(call->arena, text, out, err);
}

static Status fn_to_bytes(const FnCall *call, Value *result, Error *err)
{
    Str      text = value_str(call->args[0]), bytes = text;
    Encoding encoding;
    TRY(argument_encoding(call, &encoding, err));
    if (encoding == ENCODING_HEX)
        TRY(hex_decode(call, text, &bytes, err));
    else if (encoding == ENCODING_BASE64)
        TRY(base64_decode_padded(call, text, &bytes, err));
    else if (encoding == ENCODING_ASCII)
        TRY(ascii_bytes(call, text, &bytes, err));
    *result = value_from_str(bytes);
    return OK;
}

static Status fn_from_bytes(const FnCall *call, Value *result, Error *err)
{
    Encoding encoding;
    Str      text;
    TRY(argument_encoding(call, &encoding, err));
    TRY(bytes_to_text(call, value_str(call->args[0]), encoding, true, &text, err));
    *result = value_from_str(text);
    return OK;
}

/* ---- numbers ---- */

/* The unsigned number in exactly `size` bytes. *is_null: the argument is NULL. */
static Status number_bits(const FnCall *call, size_t size, bool *is_null, uint64_t *bits, Error *err)
{
    bool little = false;
    *is_null    = value_is_null(call->args[0]);
    if (call->count > 1) {
        Str order = value_is_null(call->args[1]) ? STR_LIT("null") : value_str(call->args[1]);
        little    = str_equal_nocase(order, STR_LIT("LITTLE_ENDIAN"));
        if (!little && !str_equal_nocase(order, STR_LIT("BIG_ENDIAN")))
            return error_set(err, E_DATA, NO_POS,
                             "Byte order must be BIG_ENDIAN or LITTLE_ENDIAN, but found " STR_FMT,
                             STR_ARG(order));
    }
    if (*is_null)
        return OK;
    Str bytes = value_str(call->args[0]);
    if (bytes.len != size)
        return error_set(err, E_DATA, NO_POS, "Number of bytes must be equal to %zu, but found %zu", size,
                         bytes.len);
    *bits = 0;
    for (size_t i = 0; i < size; i++)
        *bits = *bits << 8 | (unsigned char)bytes.ptr[little ? size - 1 - i : i];
    return OK;
}

static Status fn_int_from_bytes(const FnCall *call, Value *result, Error *err)
{
    bool     is_null;
    uint64_t bits = 0;
    TRY(number_bits(call, 4, &is_null, &bits, err));
    *result = is_null ? value_null() : value_from_int((int32_t)(uint32_t)bits);
    return OK;
}

static Status fn_bigint_from_bytes(const FnCall *call, Value *result, Error *err)
{
    bool     is_null;
    uint64_t bits = 0;
    TRY(number_bits(call, 8, &is_null, &bits, err));
    *result = is_null ? value_null() : value_from_int((int64_t)bits);
    return OK;
}

static Status fn_double_from_bytes(const FnCall *call, Value *result, Error *err)
{
    bool     is_null;
    uint64_t bits = 0;
    double   number;
    TRY(number_bits(call, 8, &is_null, &bits, err));
    memcpy(&number, &bits, sizeof number);
    *result = is_null ? value_null() : value_from_double(number);
    return OK;
}

const ScalarFn encoding_functions[] = {
    {"encode", "(str STRING, inputEncoding STRING, outputEncoding STRING) -> STRING", FN_NULL_IF_ANY_NULL,
     fn_encode,
     "Takes an input string which is encoded as inputEncoding, and encodes it as outputEncoding: hex, utf8, "
     "ascii or base64.",
     NULL},
    {"to_bytes", "(string STRING, encoding STRING) -> BYTES", FN_NULL_IF_ANY_NULL, fn_to_bytes,
     "Converts a string in the given encoding to bytes: hex, utf8, ascii or base64.", NULL},
    {"from_bytes", "(bytes BYTES, encoding STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_from_bytes,
     "Converts bytes to a string in the given encoding: hex, utf8, ascii or base64.", NULL},
    {0},
};

const ScalarFn bytes_functions[] = {
    {"int_from_bytes", "(value BYTES) -> INT", 0, fn_int_from_bytes,
     "Converts a BYTES value of 4 bytes to an INT, big endian.", NULL},
    {"int_from_bytes", "(value BYTES, byteOrder STRING) -> INT", 0, fn_int_from_bytes,
     "Converts a BYTES value of 4 bytes to an INT in the given byte order: BIG_ENDIAN or LITTLE_ENDIAN.",
     NULL},
    {"bigint_from_bytes", "(value BYTES) -> BIGINT", 0, fn_bigint_from_bytes,
     "Converts a BYTES value of 8 bytes to a BIGINT, big endian.", NULL},
    {"bigint_from_bytes", "(value BYTES, byteOrder STRING) -> BIGINT", 0, fn_bigint_from_bytes,
     "Converts a BYTES value of 8 bytes to a BIGINT in the given byte order.", NULL},
    {"double_from_bytes", "(value BYTES) -> DOUBLE", 0, fn_double_from_bytes,
     "Converts a BYTES value of 8 bytes to a DOUBLE, big endian.", NULL},
    {"double_from_bytes", "(value BYTES, byteOrder STRING) -> DOUBLE", 0, fn_double_from_bytes,
     "Converts a BYTES value of 8 bytes to a DOUBLE in the given byte order.", NULL},
    {0},
};
