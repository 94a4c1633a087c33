/* What is typed, with the cursor at the first `|`, and what a server says: completion, the ends of
 * statements, and a mistake shown. The same bytes are the statement and the message. */
#include <assert.h>

#include "core/complaint.h"
#include "shell/complete.h"
#include "shell/highlight.h"
#include "shell/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const KnownField inner[]   = {{{"STREET", 6}, {0}}, {{"odd Name", 8}, {0}}};
static const KnownField columns[] = {{{"ID", 2}, {0}}, {{"ADDRESS", 7}, {inner, 2}}};
static const KnownName  known[]   = {{NAME_STREAM, {"VIEWS", 5}, {columns, 2}},
                                     {NAME_TABLE, {"PER_PAGE", 8}, {columns, 1}},
                                     {NAME_TOPIC, {"views-topic", 11}, {0}},
                                     {NAME_FUNCTION, {"UCASE", 5}, {0}},
                                     {NAME_PROPERTY, {"auto.offset.reset", 17}, {0}}};

static void complete_at(Str before, Str after)
{
    const NameList names = {.names = known, .count = ARRAY_LEN(known)};
    Completion     found;
    Arena         *arena = arena_new(SIZE_MAX);
    complete(&names, before, after, arena, &found);
    assert(found.start <= before.len);
    for (size_t i = 0; i < found.count; i++)
        assert(found.items[i].len > 0 && completion_common(&found) <= found.items[i].len);
    arena_free(arena);
}

static bool is_command(Str line) { return line.len > 0 && line.ptr[0] == '\\'; }

static void split_whole(Str text)
{
    Split split;
    for (size_t at = 0; split_next(text, at, true, is_command, &split); at = split.end)
        assert(split.end > at && split.start >= at && split.start + split.text.len <= split.end);
    uint8_t *styles = mem_calloc(text.len + 1, 1);
    highlight(text, styles);
    mem_free(styles);
}

static void show_mistake(Str text, unsigned line, unsigned col)
{
    StrBuf    out       = {0};
    Complaint complaint = {
        .message = text, .pos = {line, col}, .text = text, .start = text.len > 3 ? 3 : 0, .columns = 40};
    complaint_append(&out, &complaint);
    for (size_t i = 0; i < out.len; i++) /* nothing that moves the cursor */
        assert((unsigned char)out.ptr[i] >= 0x20 ? out.ptr[i] != 0x7f
                                                 : out.ptr[i] == '\n' || out.ptr[i] == '\t');
    strbuf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str         text   = str_n(size > 0 ? (const char *)data : "", size);
    const char *cursor = memchr(text.ptr, '|', size);
    size_t      at     = cursor != NULL ? (size_t)(cursor - text.ptr) : size;
    size_t      behind = at < size ? at + 1 : size;
    complete_at(str_n(text.ptr, at), str_n(text.ptr + behind, size - behind));
    split_whole(text);
    show_mistake(text, 0, 0);
    show_mistake(text, size > 0 ? data[0] % 4 : 1, size > 1 ? data[1] : 1);
    return 0;
}
