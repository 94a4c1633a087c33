/*
 * test_http1_head.c - heads of HTTP/1: what is read, what is refused, and where a body in chunks ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/http/http1_head.h"

static const struct {
    const char *label;
    Str         head;
    int         status; /* 0: it is one */
} heads[] = {
    {"plain", STR_LIT("GET /info HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
    {"a host with a port", STR_LIT("GET /info HTTP/1.1\r\nHost: [::1]:8088\r\n\r\n"), 0},
    {"blanks around a value", STR_LIT("GET / HTTP/1.1\r\nHost:\tx  \r\n\r\n"), 0},
    {"1.0 needs no host", STR_LIT("GET / HTTP/1.0\r\n\r\n"), 0},
    {"as a proxy is asked", STR_LIT("GET http://x/info HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
    {"UTF-8 in a value", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa9\r\n\r\n"), 0},
    {"a list in two parts", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\n\r\n"), 0},
    {"a length", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 007\r\n\r\n"), 0},
    {"no version", STR_LIT("GET /info\r\n\r\n"), 400},
    {"another version", STR_LIT("GET /info HTTP/2.0\r\n\r\n"), 505},
    {"a version that is none", STR_LIT("GET /info HTTP/1.x\r\n\r\n"), 400},
    {"two blanks", STR_LIT("GET  /info HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"a blank in the address", STR_LIT("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"a NUL in the address", STR_LIT("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"an address that is no path", STR_LIT("GET info HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"a method that is no word", STR_LIT("G(T /info HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
    {"no host", STR_LIT("GET /info HTTP/1.1\r\n\r\n"), 400},
    {"two hosts", STR_LIT("GET /info HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400},
    {"a host that is none", STR_LIT("GET /info HTTP/1.1\r\nHost: x/y\r\n\r\n"), 400},
    {"a list of hosts", STR_LIT("GET /info HTTP/1.1\r\nHost: x, y\r\n\r\n"), 400},
    {"a blank before the colon", STR_LIT("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400},
    {"a blank before the name", STR_LIT("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400},
    {"a value in two lines", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"), 400},
    {"no colon", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n"), 400},
    {"no name", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"), 400},
    {"a NUL in a name", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"), 400},
    {"a NUL in a value", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\0x\r\n\r\n"), 400},
    {"a NUL at its end", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\0\r\n\r\n"), 400},
    {"a control character", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n"), 400},
    {"a lone CR", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n"), 400},
    {"who asks, twice", STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nauthorization: a\r\n\r\n"),
     400},
    {"two lengths", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"),
     400},
    {"a list of lengths", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n"), 400},
    {"a negative length", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n"), 400},
    {"a signed length", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n"), 400},
    {"a length of letters", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\n"), 400},
    {"an empty length", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n"), 400},
    {"too large", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"), 413},
    {"a length and chunks",
     STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"chunks twice",
     STR_LIT(
         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400},
    {"chunks, and then something",
     STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, x\r\n\r\n"), 400},
    {"another coding", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
     501},
    {"chunks that are none", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n"),
     400},
    {"chunks of 1.0", STR_LIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"another expectation", STR_LIT("POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"), 417},
};

static void a_head_is_read_or_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        Http1Head  head;
        Fields     fields  = {0};
        Http1Fault fault   = {0};
        size_t     scanned = 0;
        size_t     end     = http1_head_end(heads[i].head, &scanned, &fault);
        assert_int_equal(end, heads[i].head.len);
        bool read = http1_head_read(heads[i].head, &head, &fields, &fault);
        if (read != (heads[i].status == 0) || fault.status != heads[i].status)
            fail_msg("%s: %d %s", heads[i].label, fault.status, fault.status != 0 ? fault.message : "");
        fields_clear(&fields);
    }
}

static void what_was_read(void **state)
{
    Str text = STR_LIT("POST http://h:1/a?b=c HTTP/1.1\r\nHost: h:1\r\nAccept: x\r\nConnection: a, Close\r\n"
                       "Expect: 100-Continue\r\nContent-Length: 12\r\n\r\n");
    Http1Head  head;
    Http1Fault fault;
    Fields     fields = {0};
    assert_true(http1_head_read(text, &head, &fields, &fault));
    assert_true(str_equal(head.method, STR_LIT("POST")));
    assert_true(str_equal(head.target, STR_LIT("/a?b=c")));
    assert_true(str_equal(fields_find(&fields, STR_LIT("ACCEPT")), STR_LIT("x")));
    assert_true(head.expects && !head.keeps_alive && !head.chunked && head.length == 12);
    fields_clear(&fields);
}

/* Byte by byte as all at once; each byte is looked at once. */
static void the_end_of_a_head_is_found(void **state)
{
    Str        text    = STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET");
    size_t     scanned = 0, end = 0;
    Http1Fault fault = {0};
    for (size_t len = 1; len <= text.len && end == 0; len++)
        end = http1_head_end(str_n(text.ptr, len), &scanned, &fault);
    assert_int_equal(end, text.len - 3);
    scanned = 0;
    assert_int_equal(http1_head_end(text, &scanned, &fault), text.len - 3);
    scanned = 0;
    assert_int_equal(http1_head_end(STR_LIT("GET / HTTP/1.1\nHost: x\n\n"), &scanned, &fault), 0);
    assert_int_equal(fault.status, 400);
}

static void a_head_has_a_limit(void **state)
{
    StrBuf text = {0};
    for (int fields = 0; fields <= 1; fields++) {
        Http1Fault fault   = {0};
        size_t     scanned = 0;
        strbuf_reset(&text);
        strbuf_adds(&text, fields ? "GET / HTTP/1.1\r\n" : "GET /");
        while (text.len <= HTTP1_HEAD_MOST)
            strbuf_adds(&text, fields ? "A: b\r\n" : "aaaa");
        assert_int_equal(http1_head_end(strbuf_str(&text), &scanned, &fault), 0);
        assert_int_equal(fault.status, fields ? 431 : 414);
    }
    strbuf_clear(&text);
}

static const struct {
    Str         bytes;
    int         status;
    const char *data; /* NULL: the body is not over */
} bodies[] = {
    {STR_LIT("2\r\n{}\r\n0\r\n\r\n"), 0, "{}"},
    {STR_LIT("2;a=b\r\n{}\r\n1\r\n \r\n00\r\nA: b\r\n\r\n"), 0, "{} "},
    {STR_LIT("a\r\n0123456789\r\n0\r\n\r\n"), 0, "0123456789"},
    {STR_LIT("2\r\n{}\r\n"), 0, NULL},
    {STR_LIT("0\r\nA: b\r\n"), 0, NULL},
    {STR_LIT("zz\r\n"), 400, NULL},
    {STR_LIT("\r\n"), 400, NULL},
    {STR_LIT("2 \r\n{}\r\n0\r\n\r\n"), 400, NULL},
    {STR_LIT("2\n{}\n0\n\n"), 400, NULL},
    {STR_LIT("2\r\n{}0\r\n\r\n"), 400, NULL},
    {STR_LIT("2;a\nb\r\n{}\r\n0\r\n\r\n"), 400, NULL},
    {STR_LIT("-2\r\n"), 400, NULL},
    {STR_LIT("0x2\r\n"), 400, NULL},
    {STR_LIT("ffffffffffffffffff\r\n"), 413, NULL},
};

static int read_chunks(Str bytes, size_t step, StrBuf *out, bool *over)
{
    Http1Chunks chunks = {0};
    Http1Fault  fault  = {0};
    strbuf_reset(out);
    for (size_t at = 0; at < bytes.len && fault.status == 0;) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        Str    data;
        size_t taken = http1_chunks_read(&chunks, str_n(bytes.ptr + at, n), &data, &fault);
        strbuf_add(out, data);
        at += taken;
        if (chunks.state == CHUNK_OVER)
            break;
    }
    *over = chunks.state == CHUNK_OVER;
    return fault.status;
}

static void chunks_are_put_together(void **state)
{
    StrBuf out = {0};
    bool   over;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        for (size_t step = 1; step < 40; step += 38) {
            assert_int_equal(read_chunks(bodies[i].bytes, step, &out, &over), bodies[i].status);
            assert_int_equal(over, bodies[i].data != NULL);
            if (over)
                assert_true(str_equal(strbuf_str(&out), str_c(bodies[i].data)));
        }
    strbuf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_or_refused),  cmocka_unit_test(what_was_read),
        cmocka_unit_test(the_end_of_a_head_is_found), cmocka_unit_test(a_head_has_a_limit),
        cmocka_unit_test(chunks_are_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
