/*
 * fn_url.c - URL_*: java.net.URI's grammar (RFC 2396, IPv6 literals, non-ASCII "other" characters;
 * functions.md 3.11).
 *
 * A reference may be relative. An authority that is no server ("a_b.com") is a registry name: valid, but
 * without a host. Parts are returned decoded, except scheme, host and port.
 */
#include "udf/site_cache.h"

#include <arpa/inet.h>

typedef struct {
    Str scheme, host, path, query, fragment; /* ptr NULL: not there */
    int port;                                /* -1: not there */
} Uri;

#define UNRESERVED "_-!.~'()*"
#define PATH_CHARS UNRESERVED ":@&=+$,;/"
#define URI_CHARS UNRESERVED ";/?:@&=+$,[]"
#define USER_CHARS UNRESERVED ";:&=+$,"
#define NAME_CHARS UNRESERVED "$,;:@&=+"
#define SERVER_CHARS USER_CHARS "@[]"

enum { MAX_IP_LITERAL = 64 };

static bool is_alpha(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Java's "other": beyond ASCII, and neither a control nor a space. */
static bool is_other(uint32_t cp)
{
    return cp > 0x9F && cp != 0xA0 && cp != 0x1680 && !(cp >= 0x2000 && cp <= 0x200A) && cp != 0x2028 &&
           cp != 0x2029 && cp != 0x202F && cp != 0x205F && cp != 0x3000;
}

/* Only letters, digits, `allowed`, %XX and "other". */
static bool all_legal(Str s, const char *allowed)
{
    for (size_t at = 0; at < s.len;) {
        char c = s.ptr[at];
        if ((unsigned char)c >= 0x80) {
            if (!is_other(utf8_next(s, &at)))
                return false;
        } else if (c == '%') {
            if (at + 2 >= s.len || hex_digit(s.ptr[at + 1]) < 0 || hex_digit(s.ptr[at + 2]) < 0)
                return false;
            at += 3;
        } else if (is_alpha(c) || is_digit(c) || (c != 0 && strchr(allowed, c))) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

static size_t find_any(Str s, size_t from, const char *stops)
{
    while (from < s.len && (s.ptr[from] == 0 || !strchr(stops, s.ptr[from])))
        from++;
    return from;
}

static Str slice(Str s, size_t from, size_t to) { return str_n((s.ptr ? s.ptr : "") + from, to - from); }

/* ---- authority ---- */

static bool is_ipv4(Str host)
{
    char           text[16];
    struct in_addr address;
    if (host.len >= sizeof text || memchr(host.ptr, 0, host.len))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = 0;
    return inet_pton(AF_INET, text, &address) == 1;
}

/* Labels of letters, digits and inner hyphens; the last one starts with a letter. */
static bool is_hostname(Str host)
{
    Str    last  = STR_NULL;
    size_t start = 0;
    while (start < host.len) {
        size_t end = find_any(host, start, ".");
        last       = slice(host, start, end);
        for (size_t i = 0; i < last.len; i++) {
            bool alnum = is_alpha(last.ptr[i]) || is_digit(last.ptr[i]);
            if (!alnum && (last.ptr[i] != '-' || i == 0 || i + 1 == last.len))
                return false;
        }
        if (last.len == 0)
            return false;
        start = end + 1;
    }
    return last.len > 0 && is_alpha(last.ptr[0]);
}

static bool is_ip_literal(Str inner)
{
    char            text[MAX_IP_LITERAL];
    struct in6_addr address;
    size_t          len = find_any(inner, 0, "%"); /* a scope may follow */
    if (len == 0 || len >= sizeof text || memchr(inner.ptr, 0, len) ||
        (len < inner.len && len + 1 == inner.len))
        return false;
    memcpy(text, inner.ptr, len);
    text[len] = 0;
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool read_port(Str digits, int *port)
{
    int64_t value;
    if (digits.len == 0)
        return true; /* `h:` has no port */
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.ptr[i]))
            return false;
    }
    if (!int64_parse(digits, &value) || value > INT32_MAX)
        return false;
    *port = (int)value;
    return true;
}

/* [user@]host[:port] */
static bool read_server(Str authority, Uri *uri)
{
    size_t at   = find_any(authority, 0, "@");
    Str    rest = authority;
    if (at < authority.len) {
        if (!all_legal(slice(authority, 0, at), USER_CHARS))
            return false;
        rest = slice(authority, at + 1, authority.len);
    }
    size_t end;
    bool   literal = rest.len > 0 && rest.ptr[0] == '[';
    if (literal) {
        end = find_any(rest, 0, "]");
        if (end == rest.len || !is_ip_literal(slice(rest, 1, end)))
            return false;
        end++;
    } else {
        end = find_any(rest, 0, ":");
        if (!is_ipv4(slice(rest, 0, end)) && !is_hostname(slice(rest, 0, end)))
            return false;
    }
    int port = -1;
    if (end < rest.len && (rest.ptr[end] != ':' || !read_port(slice(rest, end + 1, rest.len), &port)))
        return false;
    uri->host = slice(rest, 0, end);
    uri->port = port;
    return true;
}

static bool read_authority(Str authority, Uri *uri)
{
    bool   literal = find_any(authority, 0, "]") < authority.len;
    size_t scope   = literal ? find_any(authority, 0, "%") : authority.len; /* there a bare % is allowed */
    bool   server  = all_legal(slice(authority, 0, scope), SERVER_CHARS);
    if (server && read_server(authority, uri))
        return true;
    return all_legal(authority, NAME_CHARS);
}

/* ---- the whole ---- */

static bool read_hierarchy(Str rest, Uri *uri)
{
    size_t at = 0;
    if (str_starts_with(rest, STR_LIT("//"))) {
        at = find_any(rest, 2, "/?#");
        if (at == 2 && at == rest.len)
            return false;
        if (at > 2 && !read_authority(slice(rest, 2, at), uri))
            return false;
    }
    size_t end = find_any(rest, at, "?#");
    uri->path  = slice(rest, at, end);
    if (end < rest.len && rest.ptr[end] == '?') {
        at         = end + 1;
        end        = find_any(rest, at, "#");
        uri->query = slice(rest, at, end);
    }
    if (end < rest.len)
        uri->fragment = slice(rest, end + 1, rest.len);
    return all_legal(uri->path, PATH_CHARS) && all_legal(uri->query, URI_CHARS) &&
           all_legal(uri->fragment, URI_CHARS);
}

static bool read_opaque(Str rest, Uri *uri)
{
    size_t end = find_any(rest, 0, "#");
    if (end < rest.len)
        uri->fragment = slice(rest, end + 1, rest.len);
    return end > 0 && all_legal(slice(rest, 0, end), URI_CHARS) && all_legal(uri->fragment, URI_CHARS);
}

static bool read_scheme(Str scheme)
{
    if (scheme.len == 0 || !is_alpha(scheme.ptr[0]))
        return false;
    for (size_t i = 1; i < scheme.len; i++) {
        if (!is_alpha(scheme.ptr[i]) && !is_digit(scheme.ptr[i]) && scheme.ptr[i] != '+' &&
            scheme.ptr[i] != '-' && scheme.ptr[i] != '.')
            return false;
    }
    return true;
}

static bool read_uri(Str text, Uri *uri)
{
    *uri         = (Uri){.port = -1};
    size_t colon = find_any(text, 0, "/?#:");
    if (colon == text.len || text.ptr[colon] != ':')
        return read_hierarchy(text, uri);
    uri->scheme = slice(text, 0, colon);
    Str rest    = slice(text, colon + 1, text.len);
    if (!read_scheme(uri->scheme))
        return false;
    return rest.len > 0 && rest.ptr[0] == '/' ? read_hierarchy(rest, uri) : read_opaque(rest, uri);
}

static Status call_uri(const FnCall *call, Uri *uri, Error *err)
{
    Str text = value_str(call->args[0]);
    if (!read_uri(text, uri))
        return error_set(err, E_DATA, NO_POS, "URL input has invalid syntax: " STR_FMT, STR_ARG(text));
    return OK;
}

/* ---- decoding ---- */

/* %XX as UTF-8, malformed bytes as U+FFFD; a bad escape is E_DATA. `form`: + is a space. */
static Status decode(const FnCall *call, Str text, bool form, Str *out, Error *err)
{
    char  *bytes = arena_try_alloc(call->arena, text.len + 1, err);
    size_t len   = 0;
    if (bytes == NULL)
        return E_LIMIT;
    for (size_t at = 0; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '%') {
            int high = at + 2 < text.len ? hex_digit(text.ptr[at + 1]) : -1,
                low  = high >= 0 ? hex_digit(text.ptr[at + 2]) : -1;
            if (low < 0)
                return error_set(err, E_DATA, NO_POS,
                                 "Illegal hex characters in escape (%%) pattern: " STR_FMT, STR_ARG(text));
            c = (char)(high * 16 + low);
            at += 2;
        } else if (form && c == '+') {
            c = ' ';
        }
        bytes[len++] = c;
    }
    *out = utf8_repair(call->arena, str_n(bytes, len));
    return OK;
}

static Status decoded_part(const FnCall *call, Str part, Value *result, Error *err)
{
    *result = value_null();
    if (str_is_null(part))
        return OK;
    Str text;
    TRY(decode(call, part, false, &text, err));
    *result = value_from_str(text);
    return OK;
}

static Value raw_part(Str part) { return str_is_null(part) ? value_null() : value_from_str(part); }

/* ---- functions ---- */

static Status fn_url_decode_param(const FnCall *call, Value *result, Error *err)
{
    Str text;
    TRY(decode(call, value_str(call->args[0]), true, &text, err));
    *result = value_from_str(text);
    return OK;
}

static Status fn_url_encode_param(const FnCall *call, Value *result, Error *err)
{
    Str     text = value_str(call->args[0]);
    StrBuf *out  = site_text(call);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_alpha(c) || is_digit(c) || (c != 0 && strchr("-_.*", c)))
            strbuf_addc(out, c);
        else if (c == ' ')
            strbuf_addc(out, '+');
        else
            strbuf_addf(out, "%%%02X", (unsigned char)c);
    }
    return site_text_result(call, out, result, err);
}

static Status fn_url_extract_fragment(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    return decoded_part(call, uri.fragment, result, err);
}

static Status fn_url_extract_host(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    *result = raw_part(uri.host);
    return OK;
}

static Status fn_url_extract_path(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    return decoded_part(call, uri.path, result, err);
}

static Status fn_url_extract_port(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    *result = uri.port < 0 ? value_null() : value_from_int(uri.port);
    return OK;
}

static Status fn_url_extract_protocol(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    *result = raw_part(uri.scheme);
    return OK;
}

static Status fn_url_extract_query(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    TRY(call_uri(call, &uri, err));
    return decoded_part(call, uri.query, result, err);
}

/* The query is decoded first, so an encoded & splits, too. */
static Status fn_url_extract_parameter(const FnCall *call, Value *result, Error *err)
{
    Uri uri;
    Str query;
    TRY(call_uri(call, &uri, err));
    *result = value_null();
    if (str_is_null(uri.query))
        return OK;
    TRY(decode(call, uri.query, false, &query, err));
    for (size_t at = 0; at < query.len;) {
        size_t end    = find_any(query, at, "&");
        Str    pair   = slice(query, at, end);
        size_t equals = find_any(pair, 0, "=");
        at            = end + 1;
        if (!str_equal(slice(pair, 0, equals), value_str(call->args[1])) || pair.len == 0)
            continue;
        *result = value_from_str(equals < pair.len ? slice(pair, equals + 1, pair.len) : STR_LIT(""));
        return OK;
    }
    return OK;
}

const ScalarFn url_functions[] = {
    {"url_decode_param", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_decode_param,
     "Decodes a previously encoded application/x-www-form-urlencoded string.", NULL},
    {"url_encode_param", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_encode_param,
     "Returns a version of the input with all URL sensitive characters encoded "
     "(application/x-www-form-urlencoded).",
     NULL},
    {"url_extract_fragment", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_extract_fragment,
     "Extracts the fragment portion of the given URL, NULL if there is none.", NULL},
    {"url_extract_host", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_extract_host,
     "Extracts the host of the given URL, NULL if there is none.", NULL},
    {"url_extract_parameter", "(input STRING, paramToFind STRING) -> STRING", FN_NULL_IF_ANY_NULL,
     fn_url_extract_parameter, "Extracts the named parameter from the query of the given URL.", NULL},
    {"url_extract_path", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_extract_path,
     "Extracts the path of the given URL.", NULL},
    {"url_extract_port", "(input STRING) -> INT", FN_NULL_IF_ANY_NULL, fn_url_extract_port,
     "Extracts the port of the given URL, NULL if it is not explicit.", NULL},
    {"url_extract_protocol", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_extract_protocol,
     "Extracts the protocol of the given URL.", NULL},
    {"url_extract_query", "(input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_url_extract_query,
     "Extracts the query of the given URL, NULL if there is none.", NULL},
    {0},
};
