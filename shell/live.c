/*
 * live.c - see live.h.
 *
 * A suggestion is the rest of the newest entry of the history that begins like the line; without one, the
 * rest of the one name or word that completion finds. Names are taken as they are known: nobody waits.
 */
#include "shell/live.h"

#include "shell/complete.h"
#include "shell/highlight.h"
#include "shell/paint.h"

enum { SUGGEST_FROM = 2 /* letters */, UNDO_MAX = 200 };

void live_init(Live *live, Shell *shell, EditLine *edit, History *history, const StrBuf *earlier)
{
    *live = (Live){.shell = shell, .edit = edit, .history = history, .earlier = earlier};
}

static void drop_states(Live *live)
{
    for (size_t i = 0; i < live->count; i++)
        strbuf_clear(&live->states[i].text);
    live->count = 0;
}

void live_clear(Live *live)
{
    drop_states(live);
    mem_free(live->states);
    strbuf_clear(&live->ghost);
}

static Str line_of(const Live *live, size_t *cursor)
{
    const LineInfo *info = el_line(live->edit);
    *cursor              = (size_t)(info->cursor - info->buffer);
    return str_n(info->buffer, (size_t)(info->lastchar - info->buffer));
}

static size_t characters(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        utf8_next(text, &at);
    return count;
}

/* ---- undo ---- */

/* Letters that are typed one after the other are one change. */
static bool goes_on(const LiveState *last, Str line)
{
    size_t len = last->text.len;
    return line.len == len + 1 && memcmp(line.ptr, last->text.ptr != NULL ? last->text.ptr : "", len) == 0;
}

static void remember_state(Live *live)
{
    size_t     cursor;
    Str        line = line_of(live, &cursor);
    LiveState *last = live->count > 0 ? &live->states[live->count - 1] : NULL;
    if (last != NULL && str_equal(strbuf_str(&last->text), line)) {
        last->cursor = characters(str_n(line.ptr, cursor));
        return;
    }
    bool typed = last != NULL && goes_on(last, line);
    if (!(typed && last->typed && line.ptr[line.len - 1] != ' ')) {
        if (live->count == UNDO_MAX) {
            strbuf_clear(&live->states[0].text);
            memmove(live->states, live->states + 1, --live->count * sizeof *live->states);
        }
        if (live->count == live->capacity) {
            live->capacity = live->capacity > 0 ? live->capacity * 2 : 16;
            live->states   = mem_realloc(live->states, live->capacity * sizeof *live->states);
        }
        last  = &live->states[live->count++];
        *last = (LiveState){0};
    }
    last->typed = typed;
    strbuf_reset(&last->text);
    strbuf_add(&last->text, line);
    last->cursor = characters(str_n(line.ptr, cursor));
}

void live_begin(Live *live)
{
    drop_states(live);
    strbuf_reset(&live->ghost);
    live->ghosted = false;
}

bool live_undo(Live *live)
{
    size_t cursor;
    remember_state(live);
    if (live->count < 2)
        return false;
    strbuf_clear(&live->states[--live->count].text);
    const LiveState *state = &live->states[live->count - 1];
    Str              now   = line_of(live, &cursor);
    char            *text  = str_to_heap(strbuf_str(&state->text));
    int              all   = (int)characters(now);
    el_cursor(live->edit, all);
    if (all > 0)
        el_deletestr(live->edit, all);
    if (state->text.len > 0)
        el_insertstr(live->edit, text);
    el_cursor(live->edit, (int)state->cursor - (int)characters(strbuf_str(&state->text)));
    mem_free(text);
    return true;
}

/* ---- suggestions ---- */

static bool suggest_from_history(Live *live, Str line)
{
    HistEvent event;
    for (int code = history(live->history, &event, H_FIRST); code >= 0;
         code     = history(live->history, &event, H_NEXT)) {
        Str entry = str_trim(str_c(event.str));
        if (entry.len > line.len && str_starts_with(entry, line) &&
            memchr(entry.ptr, '\n', entry.len) == NULL) {
            strbuf_add(&live->ghost, str_n(entry.ptr + line.len, entry.len - line.len));
            return true;
        }
    }
    return false;
}

static void suggest_a_word(Live *live, Str line)
{
    Completion found;
    StrBuf     before = {0};
    Arena     *arena  = arena_new(SIZE_MAX);
    NameList   names  = names_take(live->shell->names, 0);
    strbuf_add(&before, strbuf_str(live->earlier));
    strbuf_add(&before, line);
    complete(&names, strbuf_str(&before), STR_LIT(""), arena, &found);
    Str typed = str_n(before.ptr + found.start, before.len - found.start);
    if (found.count == 1 && typed.len >= SUGGEST_FROM && str_starts_with(found.items[0], typed))
        strbuf_add(&live->ghost, str_n(found.items[0].ptr + typed.len, found.items[0].len - typed.len));
    names_release(live->shell->names, &names);
    strbuf_clear(&before);
    arena_free(arena);
}

static void suggest(Live *live, Str line, size_t cursor)
{
    strbuf_reset(&live->ghost);
    if (cursor != line.len || line.len < SUGGEST_FROM)
        return;
    if (live->earlier->len > 0 || !suggest_from_history(live, line))
        suggest_a_word(live, line);
}

bool live_take(Live *live)
{
    size_t cursor;
    Str    line = line_of(live, &cursor);
    if (live->ghost.len == 0 || cursor != line.len)
        return false;
    char *text  = str_to_heap(strbuf_str(&live->ghost));
    bool  taken = el_insertstr(live->edit, text) == 0;
    mem_free(text);
    strbuf_reset(&live->ghost);
    return taken;
}

/* ---- drawing ---- */

void live_show(Live *live, size_t prompt)
{
    size_t cursor;
    StrBuf whole = {0}, out = {0};
    Str    line = line_of(live, &cursor);
    remember_state(live);
    if (!live->shell->out.color) /* standard output is a terminal: it is interactive */
        return;                  /* a suggestion without colour would look as if it had been typed */
    suggest(live, line, cursor);
    strbuf_add(&whole, strbuf_str(live->earlier));
    strbuf_add(&whole, line);
    uint8_t *styles = mem_calloc(whole.len + 1, 1);
    highlight(strbuf_str(&whole), styles);
    Paint paint = {.line    = line,
                   .cursor  = cursor,
                   .styles  = styles + live->earlier->len,
                   .ghost   = strbuf_str(&live->ghost),
                   .prompt  = prompt,
                   .columns = out_columns(&live->shell->out),
                   .lines   = out_lines(&live->shell->out)};
    if (line.len > 0 && paint_line(&paint, &out, &live->ghosted)) {
        fwrite(out.ptr, 1, out.len, stdout);
        fflush(stdout);
    }
    if (!live->ghosted)
        strbuf_reset(&live->ghost);
    mem_free(styles);
    strbuf_clear(&whole);
    strbuf_clear(&out);
}

void live_hide(Live *live)
{
    if (!live->ghosted)
        return;
    fputs(paint_clear_ghost, stdout);
    fflush(stdout);
    live->ghosted = false;
}

void live_rewind(const Live *live, size_t prompt, int columns, int lines)
{
    size_t cursor;
    StrBuf out  = {0};
    Str    line = line_of(live, &cursor);
    if (!live->shell->out.escapes || columns <= 0 || lines <= 0)
        return;
    Paint paint = {
        .line = line, .cursor = cursor, .prompt = prompt, .columns = (size_t)columns, .lines = (size_t)lines};
    paint_rewind(&paint, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
    strbuf_clear(&out);
}
