/*
 * format_guess.c - see format_guess.h.
 *
 * A candidate is a format in a window kind; what is still possible is a set of bits, in ksqlDB's order.
 */
#include "serde/format_guess.h"

#include "serde/framed_guess.h"
#include "serde/json_doc.h"
#include "serde/serde.h"

/* ---- windows ---- */

static const struct {
    const char   *name;
    WindowKeyKind kind;
} windows[] = {{"SESSION", WINDOW_KEY_SESSION},
               {"HOPPING", WINDOW_KEY_TIME},
               {"TUMBLING", WINDOW_KEY_TIME},
               {NULL, WINDOW_KEY_NONE}};

enum { WINDOW_KINDS = ARRAY_LEN(windows), NO_WINDOW = WINDOW_KINDS - 1 };

struct FormatGuess {
    JsonIndex   *index;
    FramedGuess *framed;
    StrBuf       text;     /* being put together */
    uint32_t     possible; /* bit format * WINDOW_KINDS + window kind */
    bool         seen;
    bool         readable[WINDOW_KINDS]; /* all payloads, or what is in them under the windows' bounds */
};

static const int64_t calendar_end = 253402300800000; /* the year 10000 */

/* False: no key of that kind. The last letters of a key in a time window would do for the end of a session,
 * but for one that no clock shows; so would any long text for both its ends. The size of a time window is not
 * in the key: its end is unknown, and so as far away as can be. */
static bool split(int window, Str bytes, Str *inner, int64_t *start, int64_t *end)
{
    if (!windowed_key_split(windows[window].kind, INT64_MAX, bytes, inner, start, end))
        return false;
    if (windows[window].kind == WINDOW_KEY_SESSION && *end >= calendar_end)
        return false;
    return window == NO_WINDOW || (inner->len > 0 && *start >= 0 && *end >= *start);
}

/* ---- text that a terminal may be given ---- */

/* How many bytes of a control character are there: of C0, DEL, or C1, which is two bytes in UTF-8 and which
 * terminals obey, too. */
static size_t control_length(Str text, size_t i)
{
    unsigned char c = (unsigned char)text.ptr[i];
    if (c < 0x20 || c == 0x7f)
        return 1;
    return c == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0 ? 2 : 0;
}

/* Appends one line: line breaks by their letters, other control characters but the tab by their numbers. In
 * JSON these stand within strings only, where \u is what they are. */
static void add_printable(Str text, bool json, StrBuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t length = control_length(text, i);
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r')
            strbuf_adds(out, text.ptr[i] == '\n' ? "\\n" : "\\r");
        else if (length == 0 || text.ptr[i] == '\t')
            strbuf_addc(out, text.ptr[i]);
        else if (json)
            strbuf_addf(out, "\\u%04x", (unsigned char)text.ptr[i + length - 1]);
        else
            for (size_t k = i; k < i + length; k++)
                strbuf_addf(out, "\\x%02X", (unsigned char)text.ptr[k]);
        i += length > 0 ? length - 1 : 0;
    }
}

/* ---- formats ---- */

typedef struct {
    const char *name;
    bool        text;   /* its payloads can be read as they are */
    bool        framed; /* they name a schema */
    bool (*fits)(FormatGuess *guess, Str bytes);
    void (*print)(FormatGuess *guess, Str bytes, StrBuf *out);
} PlainFormat;

/* One value with nothing but white space behind it. */
static bool is_json(FormatGuess *guess, Str bytes)
{
    JsonDoc doc;
    if (!json_doc_open(&doc, guess->index, bytes))
        return false;
    bool whole = doc.text + doc.len == bytes.ptr + bytes.len; /* it stops before what can be no JSON */
    return whole && json_doc_skip(&doc, 0) == doc.count;
}

/* As it came, but on one line: where it has line breaks, it loses all its white space. */
static void print_json(FormatGuess *guess, Str bytes, StrBuf *out)
{
    JsonDoc doc;
    bool one_line = memchr(bytes.ptr, '\n', bytes.len) == NULL && memchr(bytes.ptr, '\r', bytes.len) == NULL;
    if (one_line || !json_doc_open(&doc, guess->index, bytes)) {
        add_printable(bytes, true, out);
        return;
    }
    for (size_t k = 0; k < doc.count; k++)
        add_printable(json_doc_token(&doc, k), true, out);
}

static bool is_avro(FormatGuess *guess, Str bytes)
{
    return framed_guess_read(guess->framed, SCHEMA_AVRO, bytes, NULL);
}

static bool is_protobuf(FormatGuess *guess, Str bytes)
{
    return framed_guess_read(guess->framed, SCHEMA_PROTOBUF, bytes, NULL);
}

static bool is_json_sr(FormatGuess *guess, Str bytes)
{
    return framed_guess_read(guess->framed, SCHEMA_JSON, bytes, NULL);
}

static void print_unrecognised(Str bytes, StrBuf *out);

/* What was read once can be read again, unless the registry went away between. */
static void print_framed(FormatGuess *guess, SchemaKind kind, Str bytes, StrBuf *out)
{
    strbuf_reset(&guess->text);
    if (framed_guess_read(guess->framed, kind, bytes, &guess->text))
        add_printable(strbuf_str(&guess->text), true, out);
    else
        print_unrecognised(bytes, out);
}

static void print_avro(FormatGuess *guess, Str bytes, StrBuf *out)
{
    print_framed(guess, SCHEMA_AVRO, bytes, out);
}

static void print_protobuf(FormatGuess *guess, Str bytes, StrBuf *out)
{
    print_framed(guess, SCHEMA_PROTOBUF, bytes, out);
}

static void print_json_sr(FormatGuess *guess, Str bytes, StrBuf *out)
{
    print_framed(guess, SCHEMA_JSON, bytes, out);
}

static uint64_t big_endian(Str bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes.len; i++)
        n = n << 8 | (uint8_t)bytes.ptr[i];
    return n;
}

static bool is_int(FormatGuess *guess, Str bytes) { return bytes.len == 4; }

static bool is_bigint(FormatGuess *guess, Str bytes) { return bytes.len == 8; }

static void print_int64(int64_t n, StrBuf *out)
{
    char text[24];
    strbuf_add(out, str_n(text, int64_print(n, text)));
}

static void print_int(FormatGuess *guess, Str bytes, StrBuf *out)
{
    print_int64((int32_t)(uint32_t)big_endian(bytes), out);
}

static void print_bigint(FormatGuess *guess, Str bytes, StrBuf *out)
{
    print_int64((int64_t)big_endian(bytes), out);
}

static void print_double(FormatGuess *guess, Str bytes, StrBuf *out)
{
    uint64_t bits = big_endian(bytes);
    double   d;
    char     text[32];
    memcpy(&d, &bits, sizeof d);
    strbuf_add(out, str_n(text, double_print(d, text)));
}

static bool is_string(FormatGuess *guess, Str bytes) { return utf8_valid(bytes); }

static void print_string(FormatGuess *guess, Str bytes, StrBuf *out) { add_printable(bytes, false, out); }

static const PlainFormat formats[] = {
    {"AVRO", false, true, is_avro, print_avro},
    {"PROTOBUF", false, true, is_protobuf, print_protobuf},
    {"JSON", true, false, is_json, print_json},
    {"JSON_SR", false, true, is_json_sr, print_json_sr},
    {"KAFKA_INT", false, false, is_int, print_int},
    {"KAFKA_BIGINT", false, false, is_bigint, print_bigint},
    {"KAFKA_DOUBLE", false, false, is_bigint, print_double},
    {"KAFKA_STRING", true, false, is_string, print_string},
};

enum { CANDIDATES = ARRAY_LEN(formats) * WINDOW_KINDS };

_Static_assert(CANDIDATES <= 32, "a bit each in FormatGuess.possible");

/* ---- candidates ---- */

static const PlainFormat *format_of(int candidate) { return &formats[candidate / WINDOW_KINDS]; }

static int window_of(int candidate) { return candidate % WINDOW_KINDS; }

static bool fits(FormatGuess *guess, int candidate, Str bytes)
{
    Str     inner;
    int64_t start, end;
    if (!split(window_of(candidate), bytes, &inner, &start, &end))
        return false;
    /* The end of a Protobuf message is as good as a time, but for one that no clock shows; the times that
     * clocks show begin with a byte that begins no field. */
    if (format_of(candidate)->framed && window_of(candidate) != NO_WINDOW && start >= calendar_end)
        return false;
    return format_of(candidate)->fits(guess, inner);
}

/* UTF-8 without control characters but those of lines and columns. */
static bool is_readable(Str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (control_length(bytes, i) > 0 && c != '\t' && c != '\n' && c != '\r')
            return false;
    }
    return utf8_valid(bytes);
}

static bool is_possible(const FormatGuess *guess, int candidate) { return guess->possible >> candidate & 1; }

/* The first text format in that window, when all that was seen is readable as such; -1: none. */
static int text_format(const FormatGuess *guess, int window)
{
    for (int i = window; i < CANDIDATES && guess->readable[window]; i += WINDOW_KINDS)
        if (is_possible(guess, i) && format_of(i)->text)
            return i;
    return -1;
}

/* The one to show payloads in; -1: none is left. */
static int best(const FormatGuess *guess)
{
    int first = 0, text = text_format(guess, NO_WINDOW);
    while (first < CANDIDATES && !is_possible(guess, first))
        first++;
    if (text < 0 && first < CANDIDATES)
        text = text_format(guess, window_of(first));
    return text >= 0 ? text : first < CANDIDATES ? first : -1;
}

/* ---- the way in ---- */

Status format_guess_new(int side, SchemaRegistry *registry, FormatGuess **out, Error *err)
{
    JsonIndex *index = json_index_new();
    if (index == NULL)
        return error_set(err, E_LIMIT, NO_POS, "No memory for a JSON reader");
    FormatGuess *guess = mem_calloc(1, sizeof *guess);
    guess->index       = index;
    guess->framed      = framed_guess_new(side, registry);
    for (int i = 0; i < WINDOW_KINDS; i++)
        guess->readable[i] = true;
    for (int i = 0; i < CANDIDATES; i++)
        if (side == SIDE_KEY || window_of(i) == NO_WINDOW)
            guess->possible |= 1u << i;
    *out = guess;
    return OK;
}

void format_guess_free(FormatGuess *guess)
{
    if (guess == NULL)
        return;
    json_index_free(guess->index);
    framed_guess_free(guess->framed);
    strbuf_clear(&guess->text);
    mem_free(guess);
}

void format_guess_see(FormatGuess *guess, Str bytes)
{
    Str     inner;
    int64_t start, end;
    if (str_is_null(bytes))
        return;
    guess->seen = true;
    for (int i = 0; i < WINDOW_KINDS; i++)
        guess->readable[i] &= split(i, bytes, &inner, &start, &end) && is_readable(inner);
    for (int i = 0; i < CANDIDATES; i++)
        if (is_possible(guess, i) && !fits(guess, i, bytes))
            guess->possible &= ~(1u << i);
}

static void add_name(int candidate, StrBuf *out)
{
    const char *window = windows[window_of(candidate)].name, *format = format_of(candidate)->name;
    if (window == NULL)
        strbuf_adds(out, format);
    else
        strbuf_addf(out, "%s(%s)", window, format);
}

void format_guess_names(const FormatGuess *guess, StrBuf *out)
{
    int first = best(guess);
    if (!guess->seen)
        strbuf_adds(out, "¯\\_(ツ)_/¯ - no data processed");
    else if (first < 0)
        strbuf_adds(out, "UNRECOGNISED_BYTES");
    else
        add_name(first, out);
    for (int i = 0; i < CANDIDATES && guess->seen; i++)
        if (i != first && is_possible(guess, i)) {
            strbuf_adds(out, " or ");
            add_name(i, out);
        }
}

/* One record that is no text must not make the others unreadable. */
static void print_unrecognised(Str bytes, StrBuf *out)
{
    if (is_readable(bytes)) {
        add_printable(bytes, false, out);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c >= ' ' && c <= '~' && c != '\\')
            strbuf_addc(out, (char)c);
        else
            strbuf_addf(out, "\\x%02X", c);
    }
}

void format_guess_print(FormatGuess *guess, Str bytes, StrBuf *out)
{
    int     candidate = best(guess);
    Str     inner;
    int64_t start, end;
    if (str_is_null(bytes)) {
        strbuf_adds(out, "<null>");
        return;
    }
    if (candidate < 0 || !split(window_of(candidate), bytes, &inner, &start, &end)) {
        print_unrecognised(bytes, out);
        return;
    }
    if (window_of(candidate) == NO_WINDOW) {
        format_of(candidate)->print(guess, bytes, out);
        return;
    }
    strbuf_addc(out, '[');
    format_of(candidate)->print(guess, inner, out);
    strbuf_addf(out, "@%lld/", (long long)start);
    if (windows[window_of(candidate)].kind == WINDOW_KEY_SESSION)
        print_int64(end, out);
    else
        strbuf_addc(out, '-');
    strbuf_addc(out, ']');
}
