/*
 * paint.c - see paint.h. Rows and columns are counted as libedit counts them (re_addc in its refresh.c):
 * a character that does not fit the row begins the next one, and a full row ends by itself.
 */
#include "shell/paint.h"

#include <wchar.h>

#include "shell/highlight.h"

const char paint_clear_ghost[] = "\033[K";

typedef struct {
    size_t row, column; /* behind what was laid so far */
    size_t columns;
} Place;

/* Where the character is drawn, and how wide it is; *place moves behind it. -1: it is not drawn as itself. */
static int lay(Place *place, uint32_t c, Place *at)
{
    *at = *place;
    if (c == '\n') {
        place->row++;
        place->column = 0;
        return 0;
    }
    int width = wcwidth((wchar_t)c);
    if (width <= 0) /* control characters, and what joins the one before: libedit shows them its own way */
        return -1;
    if (place->column + (size_t)width > place->columns) {
        place->row++;
        place->column = 0;
    }
    *at = *place;
    place->column += (size_t)width;
    if (place->column >= place->columns) {
        place->row++;
        place->column = 0;
    }
    return width;
}

/* Rows of the whole line, and where the cursor is. False: it cannot be drawn. */
static bool measure(const Paint *paint, Place *cursor, Place *end)
{
    Place place = {0, paint->prompt, paint->columns}, at;
    *cursor     = place;
    for (size_t i = 0; i < paint->line.len;) {
        if (i == paint->cursor)
            *cursor = place;
        if (lay(&place, utf8_next(paint->line, &i), &at) < 0)
            return false;
    }
    if (paint->cursor == paint->line.len)
        *cursor = place;
    *end = place;
    return place.row + 1 < paint->lines && paint->prompt < paint->columns;
}

static void move(StrBuf *out, size_t times, char direction)
{
    if (times > 0)
        strbuf_addf(out, "\033[%zu%c", times, direction);
}

static void set_style(StrBuf *out, Style *now, Style style)
{
    if (*now != style)
        strbuf_addf(out, "\033[0;%sm", style_code(style)); /* "0;" alone is plain */
    *now = style;
}

/* Draws the line from its first character, where the terminal's cursor is. */
static void draw(const Paint *paint, StrBuf *out, Place *real)
{
    Place place = {0, paint->prompt, paint->columns}, at;
    Style now   = STYLE_PLAIN;
    *real       = place;
    for (size_t i = 0; i < paint->line.len;) {
        size_t begin = i;
        int    width = lay(&place, utf8_next(paint->line, &i), &at);
        if (width == 0)
            continue;
        if (at.row > real->row) { /* the rows are there: libedit has drawn them */
            strbuf_adds(out, "\r");
            move(out, at.row - real->row, 'B');
            move(out, at.column, 'C');
        }
        set_style(out, &now, (Style)paint->styles[begin]);
        strbuf_add(out, str_n(paint->line.ptr + begin, i - begin));
        real->row    = at.row;
        real->column = at.column + (size_t)width;
    }
    set_style(out, &now, STYLE_PLAIN);
}

/* As much of the suggestion as fits into the row. */
static bool draw_ghost(const Paint *paint, StrBuf *out, const Place *end)
{
    Place  place = *end, at;
    size_t len   = 0;
    for (size_t i = 0; i < paint->ghost.len; len = i) {
        uint32_t c = utf8_next(paint->ghost, &i);
        if (c == '\n' || lay(&place, c, &at) < 0 || place.row != end->row)
            break;
    }
    if (len == 0)
        return false;
    strbuf_addf(out, "\033[%sm" STR_FMT "\033[0m", style_code(STYLE_COMMENT), (int)len, paint->ghost.ptr);
    return true;
}

bool paint_line(const Paint *paint, StrBuf *out, bool *ghosted)
{
    Place cursor, end, real;
    *ghosted = false;
    if (!measure(paint, &cursor, &end))
        return false;
    strbuf_adds(out, "\r");
    move(out, cursor.row, 'A');
    move(out, paint->prompt, 'C');
    draw(paint, out, &real);
    if (paint->ghost.len > 0 && paint->cursor == paint->line.len) {
        strbuf_adds(out, "\r"); /* the last row may be full: then the cursor is in the next one */
        move(out, end.row - real.row, 'B');
        move(out, end.column, 'C');
        real     = end;
        *ghosted = draw_ghost(paint, out, &end);
    }
    strbuf_adds(out, "\r");
    move(out, real.row > cursor.row ? real.row - cursor.row : 0, 'A');
    move(out, cursor.row > real.row ? cursor.row - real.row : 0, 'B');
    move(out, cursor.column, 'C');
    return true;
}

void paint_rewind(const Paint *paint, StrBuf *out)
{
    Place cursor, end;
    bool  shown = measure(paint, &cursor, &end);
    strbuf_adds(out,
                shown ? "\r" : "\r\n"); /* it cannot be told where it begins: it is drawn once more below */
    move(out, shown ? cursor.row : 0, 'A');
    strbuf_adds(out, "\033[J");
}
