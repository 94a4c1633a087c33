/*
 * fn_text.c - STRING functions that join, choose, convert or make text: CONCAT, ELT, UCASE, CHR, MD5, UUID.
 */
#include <openssl/evp.h>
#include <unicode/ustring.h>

#include "udf/units.h"

/* ---- joining ---- */

/* NULLs are skipped, and so is the separator in front of them. */
static Status join(const FnCall *call, size_t first, Str between, Value *result, Error *err)
{
    size_t size = 0, len = 0;
    bool   started = false;
    for (size_t i = first; i < call->count; i++)
        size += value_is_null(call->args[i]) ? 0 : call->args[i].len + between.len;
    char *text = size <= UINT32_MAX ? arena_try_alloc(call->arena, size + 1, err) : NULL;
    if (text == NULL)
        return error_set(err, E_LIMIT, NO_POS, "a text of %zu bytes is too long", size);
    for (size_t i = first; i < call->count; i++) {
        if (value_is_null(call->args[i]))
            continue;
        Str part = value_str(call->args[i]);
        if (started && between.len > 0) {
            memcpy(text + len, between.ptr, between.len);
            len += between.len;
        }
        if (part.len > 0)
            memcpy(text + len, part.ptr, part.len);
        len += part.len;
        started = true;
    }
    *result = value_string(text, len);
    return OK;
}

static Status fn_concat(const FnCall *call, Value *result, Error *err)
{
    return join(call, 0, STR_LIT(""), result, err);
}

static Status fn_concat_ws(const FnCall *call, Value *result, Error *err)
{
    if (call->count < 2)
        return error_set(err, E_DATA, NO_POS, "Function Concat_WS expects at least two input arguments.");
    *result = value_null();
    return value_is_null(call->args[0]) ? OK : join(call, 1, value_str(call->args[0]), result, err);
}

/* ---- choosing ---- */

static Status fn_elt(const FnCall *call, Value *result, Error *err)
{
    if (value_is_null(call->args[0]))
        return error_set(err, E_DATA, NO_POS, "ELT: the position must not be NULL");
    int64_t n = call->args[0].as.i64;
    *result   = n >= 1 && n < (int64_t)call->count ? call->args[n] : value_null();
    return OK;
}

static Status fn_field(const FnCall *call, Value *result, Error *err)
{
    *result = value_from_int(0);
    for (size_t i = 1; i < call->count && !value_is_null(call->args[0]) && result->as.i64 == 0; i++)
        if (!value_is_null(call->args[i]) && str_equal(value_str(call->args[0]), value_str(call->args[i])))
            *result = value_from_int((int64_t)i);
    return OK;
}

/* ---- case ---- */

/* Full Unicode mapping of the root locale: one unit may become three. */
static Status change_case(const FnCall *call, Str text, bool upper, Units *out, Error *err)
{
    Units source;
    TRY(units_open(text, false, call->arena, &source, err));
    if (source.len > INT32_MAX / 4)
        return error_set(err, E_LIMIT, NO_POS, "a text of %zu units is too long", source.len);
    int32_t    room   = (int32_t)source.len * 3 + 1;
    UChar     *mapped = arena_try_alloc(call->arena, (size_t)room * sizeof *mapped, err);
    UErrorCode code   = U_ZERO_ERROR;
    if (mapped == NULL)
        return E_LIMIT;
    const UChar *units = (const UChar *)(const void *)source.ptr;
    int32_t      len   = upper ? u_strToUpper(mapped, room, units, (int32_t)source.len, "", &code)
                               : u_strToLower(mapped, room, units, (int32_t)source.len, "", &code);
    if (U_FAILURE(code))
        return error_set(err, E_DATA, NO_POS, "cannot change the case of a text: %s", u_errorName(code));
    *out = (Units){(const char *)mapped, (size_t)len, 2};
    return OK;
}

static Status map_case(const FnCall *call, bool upper, Value *result, Error *err)
{
    Str   text = value_str(call->args[0]);
    Units mapped;
    if (!str_is_ascii(text)) {
        TRY(change_case(call, text, upper, &mapped, err));
        return units_value(mapped, 0, mapped.len, call->arena, result, err);
    }
    char *bytes = arena_try_alloc(call->arena, text.len + 1, err);
    if (bytes == NULL)
        return E_LIMIT;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bytes[i] =
            upper ? (c >= 'a' && c <= 'z' ? (char)(c - 32) : c) : (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    *result = value_string(bytes, text.len);
    return OK;
}

static Status fn_ucase(const FnCall *call, Value *result, Error *err)
{
    return map_case(call, true, result, err);
}

static Status fn_lcase(const FnCall *call, Value *result, Error *err)
{
    return map_case(call, false, result, err);
}

static bool is_space(uint16_t unit) { return unit == ' ' || (unit >= '\t' && unit <= '\r'); }

/* Lower case, and the first unit of each word in upper case. White space in front of the first word is lost,
 * as in ksqlDB. */
static Status fn_initcap(const FnCall *call, Value *result, Error *err)
{
    Units lower;
    TRY(change_case(call, value_str(call->args[0]), false, &lower, err));
    UChar *units = (UChar *)(void *)(uintptr_t)lower.ptr; /* ours: just made */
    size_t from  = 0;
    while (from < lower.len && is_space(units[from]))
        from++;
    for (size_t i = from; i < lower.len; i++)
        if (i == from || is_space(units[i - 1]))
            units[i] = U16_IS_SURROGATE(units[i]) ? units[i] : (UChar)u_toupper(units[i]);
    return units_value(lower, from, lower.len - from, call->arena, result, err);
}

/* ---- CHR ---- */

static Status fn_chr_int(const FnCall *call, Value *result, Error *err)
{
    int64_t cp = call->args[0].as.i64;
    *result    = value_null();
    if (cp < 0 || cp > 0x10FFFF)
        return OK;
    char *text = arena_alloc(call->arena, 4);
    *result    = value_string(text, utf8_put(cp >= 0xD800 && cp <= 0xDFFF ? 0xFFFD : (uint32_t)cp, text));
    return OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The unit of \uXXXX (any number of u) behind the backslash; -1 when it is none. */
static int unescape_unit(Str text, size_t *at)
{
    size_t i    = *at;
    int    unit = 0;
    while (i < text.len && text.ptr[i] == 'u')
        i++;
    if (i + 4 > text.len)
        return -1;
    for (size_t end = i + 4; i < end; i++) {
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    *at = i;
    return unit;
}

static Status fn_chr_text(const FnCall *call, Value *result, Error *err)
{
    static const char from[] = "ntbfr", to[] = "\n\t\b\f\r";
    Str               text = value_str(call->args[0]);
    Units             source;
    size_t            count = 0;
    *result                 = value_null();
    if (!str_starts_with(text, STR_LIT("\\u")) || utf16_length(text) < 6)
        return OK;
    TRY(units_open(text, false, call->arena, &source,
                   err)); /* its memory takes the result, which is never longer */
    uint16_t *units = (uint16_t *)(void *)(uintptr_t)source.ptr;
    for (size_t at = 0; at < text.len;) {
        uint32_t cp = utf8_next(text, &at);
        if (cp == '\\' && at < text.len && text.ptr[at] == 'u') {
            int unit = unescape_unit(text, &at);
            if (unit < 0)
                return error_set(err, E_DATA, NO_POS, "CHR: a \\u escape needs four hexadecimal digits");
            cp = (uint32_t)unit;
        } else if (cp == '\\' && at < text.len) {
            const char *escape = strchr(from, text.ptr[at]);
            cp = text.ptr[at] != '\0' && escape != NULL ? (uint32_t)to[escape - from] : utf8_next(text, &at);
            at += escape != NULL && text.ptr[at] != '\0';
        }
        if (cp >= 0x10000) {
            units[count++] = U16_LEAD(cp);
            units[count++] = U16_TRAIL(cp);
        } else {
            units[count++] = (uint16_t)cp;
        }
    }
    return units_value((Units){(const char *)units, count, 2}, 0, count, call->arena, result, err);
}

/* ---- MD5, UUID ---- */

static char *hex_text(char *out, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

static Status fn_md5(const FnCall *call, Value *result, Error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned      len  = 0;
    Str           text = value_str(call->args[0]);
    if (EVP_Digest(text.ptr, text.len, digest, &len, EVP_md5(), NULL) != 1)
        return error_set(err, E_DATA, NO_POS, "MD5: the cryptographic library refuses it");
    char *hex = arena_alloc(call->arena, len * 2);
    hex_text(hex, digest, len);
    *result = value_string(hex, len * 2);
    return OK;
}

static Value uuid_value(const unsigned char bytes[16], Arena *arena)
{
    static const size_t groups[] = {4, 2, 2, 2, 6};
    char               *text = arena_alloc(arena, 36), *at = text;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (i > 0)
            *at++ = '-';
        at = hex_text(at, bytes, groups[i]);
        bytes += groups[i];
    }
    return value_string(text, 36);
}

static Status fn_uuid_random(const FnCall *call, Value *result, Error *err)
{
    uint64_t      bits[2] = {call->clock->random(call->clock), call->clock->random(call->clock)};
    unsigned char bytes[16];
    memcpy(bytes, bits, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    *result  = uuid_value(bytes, call->arena);
    return OK;
}

static Status fn_uuid_bytes(const FnCall *call, Value *result, Error *err)
{
    *result = call->args[0].len == 16 ? uuid_value(call->args[0].as.ptr, call->arena) : value_null();
    return OK;
}

#define N0 FN_NULL_IF_ANY_NULL
#define CONCAT_DOC "All arguments one after the other; NULLs are skipped."
#define WS_DOC "The arguments with a separator between them; NULLs are skipped."

const ScalarFn text_functions[] = {
    {"chr", "(utf8Code STRING) -> STRING", N0, fn_chr_text, "The text of Java escapes such as \\u004b.",
     NULL},
    {"chr", "(decimalCode INT) -> STRING", N0, fn_chr_int, "The character of a code point.", NULL},
    {"concat", "(inputs STRING...) -> STRING", 0, fn_concat, CONCAT_DOC, NULL},
    {"concat", "(inputs BYTES...) -> BYTES", 0, fn_concat, CONCAT_DOC, NULL},
    {"concat_ws", "(inputs STRING...) -> STRING", 0, fn_concat_ws, WS_DOC, NULL},
    {"concat_ws", "(inputs BYTES...) -> BYTES", 0, fn_concat_ws, WS_DOC, NULL},
    {"elt", "(pos INT, args STRING...) -> STRING", 0, fn_elt, "The argument at a position.", NULL},
    {"field", "(str STRING, args STRING...) -> INT", 0, fn_field,
     "The position of the first equal argument; 0 when there is none.", NULL},
    {"initcap", "(str STRING) -> STRING", N0, fn_initcap, "Every word with its first letter in upper case.",
     NULL},
    {"lcase", "(input STRING) -> STRING", N0, fn_lcase, "The text in lower case.", NULL},
    {"md5", "(s STRING) -> STRING", N0, fn_md5, "The MD5 digest in hexadecimal.", NULL},
    {"ucase", "(input STRING) -> STRING", N0, fn_ucase, "The text in upper case.", NULL},
    {"UUID", "() -> STRING", FN_NOT_PURE, fn_uuid_random, "A random UUID.", NULL},
    {"UUID", "(bytes BYTES) -> STRING", N0, fn_uuid_bytes, "Sixteen bytes as a UUID.", NULL},
    {0},
};
