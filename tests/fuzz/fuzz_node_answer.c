/* Rows of another node, in both forms: as they come in pieces of the length that the first byte says, and at
 * once; both ways give the same rows. */
#include <assert.h>

#include "server/rest/node_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rows are appended to `out`, a line each. */
static void read_some(NodeAnswer *answer, bool ended, bool *wrong, StrBuf *out)
{
    Error why;
    Str   row;
    while (!*wrong) {
        AnswerNext   next      = node_answer_next(answer, ended, &row, &why);
        OffsetVector reflected = {0};
        *wrong =
            next == ANSWER_WRONG || (next == ANSWER_TOKEN && node_answer_token(row, &reflected, &why) != OK);
        offset_vector_clear(&reflected);
        if (next == ANSWER_NO_MORE || *wrong)
            break;
        strbuf_add(out, row);
        strbuf_addc(out, '\n');
    }
    node_answer_drop(answer);
}

static void read_all(RowForm form, Str text, size_t piece, StrBuf *out)
{
    NodeAnswer answer = {.form = form, .header = STR_LIT("}")};
    bool       wrong  = false;
    for (size_t at = 0; at < text.len; at += piece) {
        strbuf_add(&answer.bytes, str_n(text.ptr + at, text.len - at < piece ? text.len - at : piece));
        read_some(&answer, false, &wrong, out);
    }
    read_some(&answer, true, &wrong, out);
    node_answer_clear(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const RowForm forms[] = {ROWS_LINES, ROWS_PROTO};
    if (size == 0)
        return 0;
    Str text = str_n((const char *)data + 1, size - 1);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        StrBuf pieces = {0}, whole = {0};
        read_all(forms[i], text, data[0] + 1, &pieces);
        read_all(forms[i], text, text.len + 1, &whole);
        assert(str_equal(strbuf_str(&pieces), strbuf_str(&whole)));
        strbuf_clear(&pieces);
        strbuf_clear(&whole);
    }
    return 0;
}
