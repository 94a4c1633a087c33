/*
 * http1_head.c - see http1_head.h.
 */
#include "server/http/http1_head.h"

#include "core/value.h"

enum { PASSED_MOST = 16 * 1024, DIGITS_MOST = 15, LENGTH_DIGITS_MOST = 15 };

static bool fail(Http1Fault *fault, int status, const char *message)
{
    *fault = (Http1Fault){status, message};
    return false;
}

/* ---- the end of a head ---- */

size_t http1_head_end(Str bytes, size_t *scanned, Http1Fault *fault)
{
    for (size_t i = *scanned; i < bytes.len; i++) {
        if (i >= HTTP1_HEAD_MOST) {
            if (memchr(bytes.ptr, '\n', i) == NULL)
                fail(fault, 414, "The request's address is too long");
            else
                fail(fault, 431, "The request's header fields are too large");
            return 0;
        }
        if (bytes.ptr[i] != '\n')
            continue;
        if (i == 0 || bytes.ptr[i - 1] != '\r') {
            fail(fault, 400, "A line of the request does not end in CR LF");
            return 0;
        }
        if (i >= 3 && bytes.ptr[i - 2] == '\n')
            return i + 1;
    }
    *scanned = bytes.len;
    return 0;
}

/* ---- letters ---- */

/* RFC 9110, 5.6.2. */
static bool is_token(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c     = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool has_control(Str text, bool tab_allowed)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < ' ' && !(c == '\t' && tab_allowed)) || c == 0x7f)
            return true;
    }
    return false;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The next line without its end, which is there: *rest is what follows. */
static Str take_line(Str *rest)
{
    const char *end  = memchr(rest->ptr, '\n', rest->len);
    Str         line = str_n(rest->ptr, (size_t)(end - rest->ptr) - 1);
    *rest            = str_n(end + 1, rest->len - line.len - 2);
    return line;
}

/* ---- the first line ---- */

/* "http://host/path" as a proxy is asked is "/path" (RFC 9112, 3.2.2). */
static Str as_path(Str target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        Str scheme = str_c(schemes[i]);
        if (target.len <= scheme.len || !str_equal_nocase(str_n(target.ptr, scheme.len), scheme))
            continue;
        Str    rest = str_n(target.ptr + scheme.len, target.len - scheme.len);
        size_t host = 0;
        while (host < rest.len && rest.ptr[host] != '/' && rest.ptr[host] != '?')
            host++;
        if (host > 0 && host < rest.len && rest.ptr[host] == '/')
            return str_n(rest.ptr + host, rest.len - host);
        return host > 0 && host == rest.len ? STR_LIT("/") : STR_NULL;
    }
    return STR_NULL;
}

static bool read_version(Str text, Http1Head *out, Http1Fault *fault)
{
    bool form = text.len == 8 && memcmp(text.ptr, "HTTP/", 5) == 0 && text.ptr[6] == '.' &&
                text.ptr[5] >= '0' && text.ptr[5] <= '9' && text.ptr[7] >= '0' && text.ptr[7] <= '9';
    if (!form)
        return fail(fault, 400, "The request's first line names no version of HTTP");
    if (text.ptr[5] != '1')
        return fail(fault, 505, "This version of HTTP is not spoken here");
    out->version_1_0 = text.ptr[7] == '0';
    return true;
}

static bool read_first_line(Str line, Http1Head *out, Http1Fault *fault)
{
    const char *first = memchr(line.ptr, ' ', line.len);
    const char *last  = first != NULL ? memrchr(line.ptr, ' ', line.len) : NULL;
    if (first == NULL || last == first)
        return fail(fault, 400, "The request's first line is not METHOD TARGET VERSION");
    out->method = str_n(line.ptr, (size_t)(first - line.ptr));
    out->target = str_n(first + 1, (size_t)(last - first) - 1);
    if (!is_token(out->method))
        return fail(fault, 400, "The request's method is no word");
    if (!read_version(str_n(last + 1, line.len - (size_t)(last + 1 - line.ptr)), out, fault))
        return false;
    if (out->target.len == 0 || has_control(out->target, false) ||
        memchr(out->target.ptr, ' ', out->target.len) != NULL)
        return fail(fault, 400, "The request's address holds a blank or a control character");
    bool star = str_equal(out->target, STR_LIT("*")) && str_equal(out->method, STR_LIT("OPTIONS"));
    if (out->target.ptr[0] != '/' && !star)
        out->target = as_path(out->target);
    return !str_is_null(out->target) || fail(fault, 400, "The request's address is no path");
}

/* ---- fields ---- */

static bool read_field(Str line, Fields *fields, Http1Fault *fault)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    Str         name  = str_n(line.ptr, colon != NULL ? (size_t)(colon - line.ptr) : line.len);
    if (is_blank(line.ptr[0]))
        return fail(fault, 400, "A header field goes on in a second line");
    if (colon == NULL || !is_token(name))
        return fail(fault, 400, "A header field is not NAME: VALUE");
    Str value = str_n(colon + 1, line.len - name.len - 1);
    if (has_control(value, true))
        return fail(fault, 400, "A header field holds a control character");
    fields_add(fields, name, fields_trim(value));
    return true;
}

static bool read_length(Str text, int64_t *out, Http1Fault *fault)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return fail(fault, 400, "Content-Length is no number");
    if (text.len == 0)
        return fail(fault, 400, "Content-Length is no number");
    while (text.len > 1 && text.ptr[0] == '0')
        text = str_n(text.ptr + 1, text.len - 1);
    if (text.len > LENGTH_DIGITS_MOST)
        return fail(fault, 413, "The request is too large");
    return int64_parse(text, out) || fail(fault, 400, "Content-Length is no number");
}

static bool read_framing(const Fields *fields, Http1Head *out, Http1Fault *fault)
{
    Str  length = fields_find(fields, STR_LIT("Content-Length"));
    Str  coding = fields_find(fields, STR_LIT("Transfer-Encoding"));
    bool last;
    if (!str_is_null(length) && !read_length(length, &out->length, fault))
        return false;
    if (str_is_null(coding))
        return true;
    if (!str_is_null(length))
        return fail(fault, 400, "The request says twice how long it is");
    if (out->version_1_0)
        return fail(fault, 400, "HTTP/1.0 knows no Transfer-Encoding");
    out->chunked = str_equal_nocase(coding, STR_LIT("chunked"));
    if (out->chunked)
        return true;
    return fields_list_has(coding, STR_LIT("chunked"), &last) && last
               ? fail(fault, 501, "Transfer-Encoding: only chunked is built")
               : fail(fault, 400, "Transfer-Encoding does not end in chunked");
}

static bool read_wishes(const Fields *fields, Http1Head *out, Http1Fault *fault)
{
    Str connection = fields_find(fields, STR_LIT("Connection"));
    Str expected   = fields_find(fields, STR_LIT("Expect"));
    if (out->version_1_0)
        out->keeps_alive = fields_list_has(connection, STR_LIT("keep-alive"), NULL);
    else
        out->keeps_alive = !fields_list_has(connection, STR_LIT("close"), NULL);
    if (str_is_null(expected) || out->version_1_0)
        return true;
    out->expects = str_equal_nocase(expected, STR_LIT("100-continue"));
    return out->expects || fail(fault, 417, "Expect: only 100-continue is built");
}

bool http1_head_read(Str bytes, Http1Head *out, Fields *fields, Http1Fault *fault)
{
    Str    rest  = bytes;
    size_t count = 0;
    *out         = (Http1Head){0};
    *fault       = (Http1Fault){0};
    if (!read_first_line(take_line(&rest), out, fault))
        return false;
    for (Str line = take_line(&rest); line.len > 0; line = take_line(&rest)) {
        if (++count > HTTP1_FIELDS_MOST)
            return fail(fault, 431, "The request has too many header fields");
        if (!read_field(line, fields, fault))
            return false;
    }
    const char *contradiction = fields_fault(fields);
    if (contradiction != NULL)
        return fail(fault, 400, contradiction);
    if (!out->version_1_0 && str_is_null(fields_find(fields, STR_LIT("Host"))))
        return fail(fault, 400, "The request names no Host");
    return read_framing(fields, out, fault) && read_wishes(fields, out, fault);
}

/* ---- chunks ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static const char bad_chunk[] = "A chunk of the request is none";

static void read_size(Http1Chunks *chunks, char c, Http1Fault *fault)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        chunks->left = chunks->left << 4 | (unsigned)digit;
        if (++chunks->digits > DIGITS_MOST)
            fail(fault, 413, "The request is too large");
    } else if (chunks->digits == 0)
        fail(fault, 400, bad_chunk);
    else if (c == '\r')
        chunks->state = CHUNK_SIZE_END;
    else if (c == ';')
        chunks->state = CHUNK_EXTENSION;
    else
        fail(fault, 400, bad_chunk);
}

/* Of an extension or a trailer, which nobody reads. */
static void pass(Http1Chunks *chunks, char c, ChunkState at_cr, Http1Fault *fault)
{
    if (++chunks->passed > PASSED_MOST)
        fail(fault, 431, "The request's chunks have too much beside their data");
    else if (c == '\r')
        chunks->state = at_cr;
    else if (has_control(str_n(&c, 1), true))
        fail(fault, 400, bad_chunk);
    else
        chunks->line_empty = false;
}

static void expect(Http1Chunks *chunks, char c, char wanted, ChunkState next, Http1Fault *fault)
{
    if (c != wanted)
        fail(fault, 400, bad_chunk);
    chunks->state = next;
}

static void end_size(Http1Chunks *chunks, char c, Http1Fault *fault)
{
    expect(chunks, c, '\n', chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER, fault);
    chunks->digits     = 0;
    chunks->line_empty = true;
}

static void end_trailer(Http1Chunks *chunks, char c, Http1Fault *fault)
{
    expect(chunks, c, '\n', chunks->line_empty ? CHUNK_OVER : CHUNK_TRAILER, fault);
    chunks->line_empty = true;
}

static void read_byte(Http1Chunks *chunks, char c, Http1Fault *fault)
{
    switch (chunks->state) {
    case CHUNK_SIZE:
        read_size(chunks, c, fault);
        break;
    case CHUNK_EXTENSION:
        pass(chunks, c, CHUNK_SIZE_END, fault);
        break;
    case CHUNK_SIZE_END:
        end_size(chunks, c, fault);
        break;
    case CHUNK_DATA_CR:
        expect(chunks, c, '\r', CHUNK_DATA_LF, fault);
        break;
    case CHUNK_DATA_LF:
        expect(chunks, c, '\n', CHUNK_SIZE, fault);
        break;
    case CHUNK_TRAILER:
        pass(chunks, c, CHUNK_TRAILER_END, fault);
        break;
    case CHUNK_TRAILER_END:
        end_trailer(chunks, c, fault);
        break;
    case CHUNK_DATA:
    case CHUNK_OVER:
        break;
    }
}

size_t http1_chunks_read(Http1Chunks *chunks, Str bytes, Str *data, Http1Fault *fault)
{
    size_t at = 0;
    *data     = str_n(bytes.ptr, 0);
    while (at < bytes.len && chunks->state != CHUNK_OVER && fault->status == 0) {
        if (chunks->state != CHUNK_DATA) {
            read_byte(chunks, bytes.ptr[at++], fault);
            continue;
        }
        size_t n = bytes.len - at < chunks->left ? bytes.len - at : (size_t)chunks->left;
        *data    = str_n(bytes.ptr + at, n);
        chunks->left -= n;
        if (chunks->left == 0)
            chunks->state = CHUNK_DATA_CR;
        return at + n;
    }
    return at;
}
