/*
 * layout.c - columns of text side by side; see layout.h.
 *
 * When the columns do not fit the screen the widest gives way first, so one long text never makes the short
 * columns beside it unreadable.
 */
#include "shell/layout.h"

void layout_init(Layout *layout, Arena *arena, const LayoutLook *look, const LayoutSpec *columns,
                 size_t count)
{
    *layout = (Layout){.look = *look, .columns = ARENA_ARRAY(arena, LayoutColumn, count + 1), .count = count};
    for (size_t i = 0; i < count; i++)
        layout->columns[i] = (LayoutColumn){.heading = columns[i].heading,
                                            .width   = width_text(columns[i].heading),
                                            .right   = columns[i].right,
                                            .whole   = columns[i].whole};
}

bool layout_measure(Layout *layout, const Str *cells)
{
    bool grew = false;
    for (size_t i = 0; i < layout->count; i++) {
        size_t width = width_text(cells[i]);
        if (width > layout->columns[i].width) {
            layout->columns[i].width = width;
            grew                     = true;
        }
    }
    return grew;
}

/* What stands between the cells of a line, and around them. */
static size_t frame_width(const Layout *layout)
{
    if (layout->count == 0)
        return 0;
    return layout->look.box ? 3 * layout->count + 1 : 2 * (layout->count - 1);
}

/* A heading is an identifier: no column is narrower, nor so narrow that nothing is left to read. */
static size_t least_width(const LayoutColumn *column)
{
    size_t heading = width_text(column->heading),
           least   = heading > LAYOUT_READABLE ? heading : LAYOUT_READABLE;
    return column->whole || column->width < least ? column->width : least;
}

static size_t width_at_most(const LayoutColumn *column, size_t most)
{
    size_t least = least_width(column), width = column->width < most ? column->width : most;
    return width > least ? width : least;
}

/* The most that a column which may be cut may take so that all fit into `room`. */
static size_t highest_width(const Layout *layout, size_t room)
{
    size_t low = 1, high = room;
    while (low < high) {
        size_t middle = (low + high + 1) / 2, total = 0;
        for (size_t i = 0; i < layout->count; i++)
            total += width_at_most(&layout->columns[i], middle);
        if (total <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

bool layout_fit(Layout *layout)
{
    size_t frame = frame_width(layout), screen = layout->look.screen, total = frame, most = SIZE_MAX;
    for (size_t i = 0; i < layout->count; i++)
        total += layout->columns[i].width;
    if (layout->look.fixed == 0 && screen > 0 && total > screen)
        most = highest_width(layout, screen > frame + layout->count ? screen - frame : layout->count);
    layout->too_wide = false;
    total            = frame;
    for (size_t i = 0; i < layout->count; i++) {
        LayoutColumn *column = &layout->columns[i];
        column->shown        = layout->look.fixed > 0 ? layout->look.fixed : width_at_most(column, most);
        total += column->shown;
    }
    layout->too_wide = layout->look.fixed == 0 && screen > 0 && total > screen;
    return most >= LAYOUT_READABLE && !layout->too_wide;
}

bool layout_is_possible(const Layout *layout)
{
    if (layout->too_wide)
        return false;
    for (size_t i = 0; i < layout->count; i++)
        if (layout->look.fixed == 0 && layout->columns[i].shown < layout->columns[i].width &&
            layout->columns[i].shown < LAYOUT_LEAST)
            return false;
    return true;
}

static void add_times(StrBuf *out, char c, size_t times)
{
    strbuf_reserve(out, times);
    for (size_t i = 0; i < times; i++)
        strbuf_addc(out, c);
}

static void add_rule(const Layout *layout, StrBuf *out)
{
    if (!layout->look.box) {
        size_t total = frame_width(layout);
        for (size_t i = 0; i < layout->count; i++)
            total += layout->columns[i].shown;
        add_times(out, '-', total);
        strbuf_addc(out, '\n');
        return;
    }
    for (size_t i = 0; i < layout->count; i++) {
        strbuf_addc(out, '+');
        add_times(out, '-', layout->columns[i].shown + 2);
    }
    strbuf_adds(out, "+\n");
}

/* Takes what fits from the front of *rest; the piece ends in `…` when `cut` and there was more. */
static Str take_piece(Str *rest, size_t width, bool cut, bool *ellipsis)
{
    size_t whole = width_prefix(*rest, width), len = whole;
    *ellipsis = cut && whole < rest->len;
    if (*ellipsis)
        len = width_prefix(*rest, width - 1);
    else if (len == 0 && rest->len > 0)
        utf8_next(*rest, &len); /* a wide letter in a column of one: it must go somewhere */
    Str piece = str_n(rest->ptr, len);
    *rest     = cut ? STR_LIT("") : str_n(rest->ptr + len, rest->len - len);
    return piece;
}

/* Bold for a heading, faint for NULL; NULL for plain. */
static const char *style_of(const Layout *layout, size_t index, Str cell)
{
    if (!layout->look.color || cell.len == 0)
        return NULL;
    return cell.ptr == layout->columns[index].heading.ptr ? "\033[1m"
           : cell.ptr == layout->look.null.ptr            ? "\033[2m"
                                                          : NULL;
}

static void add_cell(const Layout *layout, size_t index, Str *rest, bool last, StrBuf *out)
{
    const LayoutColumn *column = &layout->columns[index];
    const char         *style  = style_of(layout, index, *rest);
    bool                ellipsis;
    Str                 piece = take_piece(rest, column->shown, !layout->look.wrap, &ellipsis);
    size_t              width = width_text(piece) + (ellipsis ? 1 : 0),
           pad                = column->shown > width ? column->shown - width : 0;
    if (column->right)
        add_times(out, ' ', pad);
    strbuf_adds(out, style != NULL ? style : "");
    strbuf_add(out, piece);
    strbuf_adds(out, ellipsis ? "…" : "");
    strbuf_adds(out, style != NULL ? "\033[0m" : "");
    if (!column->right && (layout->look.box || !last))
        add_times(out, ' ', pad);
}

static bool all_empty(const Str *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cells[i].len > 0)
            return false;
    return true;
}

static size_t add_line(const Layout *layout, Str *rest, StrBuf *out)
{
    size_t lines = 0;
    do {
        strbuf_adds(out, layout->look.box ? "| " : "");
        for (size_t i = 0; i < layout->count; i++) {
            if (i > 0)
                strbuf_adds(out, layout->look.box ? " | " : "  ");
            add_cell(layout, i, &rest[i], i + 1 == layout->count, out);
        }
        strbuf_adds(out, layout->look.box ? " |\n" : "\n");
        lines++;
    } while (!all_empty(rest, layout->count));
    return lines;
}

size_t layout_row(const Layout *layout, const Str *cells, StrBuf *out)
{
    Str *rest = mem_calloc(layout->count + 1, sizeof *rest);
    for (size_t i = 0; i < layout->count; i++)
        rest[i] = cells[i];
    size_t lines = add_line(layout, rest, out);
    mem_free(rest);
    return lines;
}

void layout_heading(const Layout *layout, StrBuf *out)
{
    Str *cells = mem_calloc(layout->count + 1, sizeof *cells);
    for (size_t i = 0; i < layout->count; i++)
        cells[i] = layout->columns[i].heading;
    if (layout->look.box)
        add_rule(layout, out);
    add_line(layout, cells, out);
    add_rule(layout, out);
    mem_free(cells);
}

void layout_foot(const Layout *layout, StrBuf *out)
{
    if (layout->look.box)
        add_rule(layout, out);
}
