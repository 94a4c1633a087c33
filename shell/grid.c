/*
 * grid.c - rows of cells in the forms that people and programs read; see grid.h. A form is a row of the table
 * `forms`.
 */
#include "shell/grid.h"

#include "core/clock.h"
#include "shell/layout.h"

/* Told from the text "null". */
#define NULL_SHOWN "<null>"

enum { HOLD_ENDLESS = 20, HOLD_FINITE = 10000 };

struct Grid {
    Out           *out;
    const Display *display;
    Form           form;
    GridColumn    *columns;
    size_t         count, rows;
    bool           endless, box, begun;
    Arena         *arena; /* of the grid */
    StrBuf         text;  /* of the row being printed */
    /* tabular only */
    Arena  *held_arena; /* of rows that are not shown yet */
    Str   **held;
    size_t  held_count, held_capacity;
    int64_t held_since_us;
    Layout  layout;
    Str     null;     /* what stands for NULL */
    size_t  lines;    /* since the last heading */
    bool    vertical; /* \x auto chose it */
};

typedef struct {
    const char *name;
    void (*begin)(Grid *grid);
    void (*row)(Grid *grid, const GridCell *cells);
    const char *null_text;
} FormClass;

/* ---- csv, tsv, markdown, vertical, jsonl ---- */

static Str null_text(const Grid *grid, const char *own)
{
    return str_c(grid->display->null_text != NULL ? grid->display->null_text : own);
}

/* RFC 4180; NULL is nothing at all, the empty string is "". */
static void add_csv(StrBuf *out, Str text)
{
    bool quote = text.len == 0;
    for (size_t i = 0; i < text.len && !quote; i++)
        quote = strchr(",\"\r\n", text.ptr[i]) != NULL;
    if (!quote) {
        strbuf_add(out, text);
        return;
    }
    strbuf_add_quoted(out, text, '"');
}

static void csv_begin(Grid *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, i > 0 ? "," : "");
        add_csv(&grid->text, grid->columns[i].heading);
    }
    strbuf_addc(&grid->text, '\n');
}

static void csv_row(Grid *grid, const GridCell *cells)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, i > 0 ? "," : "");
        if (str_is_null(cells[i].text))
            strbuf_add(&grid->text, null_text(grid, ""));
        else
            add_csv(&grid->text, cells[i].text);
    }
    strbuf_addc(&grid->text, '\n');
}

/* The escapes of PostgreSQL's COPY, so that a line is a row whatever is in it. */
static void add_tsv(StrBuf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char        c     = text.ptr[i];
        const char *plain = c == '\0' ? NULL : strchr("\t\n\r\\", c);
        if (plain != NULL) {
            strbuf_addc(out, '\\');
            c = "tnr\\"[plain - "\t\n\r\\"];
        }
        strbuf_addc(out, c);
    }
}

static void tsv_begin(Grid *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, i > 0 ? "\t" : "");
        add_tsv(&grid->text, grid->columns[i].heading);
    }
    strbuf_addc(&grid->text, '\n');
}

static void tsv_row(Grid *grid, const GridCell *cells)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, i > 0 ? "\t" : "");
        if (str_is_null(cells[i].text))
            strbuf_add(&grid->text, null_text(grid, "\\N"));
        else
            add_tsv(&grid->text, cells[i].text);
    }
    strbuf_addc(&grid->text, '\n');
}

static void add_markdown(Grid *grid, Str text)
{
    text = width_clean(grid->held_arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '|')
            strbuf_addc(&grid->text, '\\');
        strbuf_addc(&grid->text, text.ptr[i]);
    }
}

static void markdown_begin(Grid *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, "| ");
        add_markdown(grid, grid->columns[i].heading);
        strbuf_addc(&grid->text, ' ');
    }
    strbuf_adds(&grid->text, "|\n");
    for (size_t i = 0; i < grid->count; i++)
        strbuf_adds(&grid->text, grid->columns[i].right ? "|---:" : "|---");
    strbuf_adds(&grid->text, "|\n");
}

static void markdown_row(Grid *grid, const GridCell *cells)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_adds(&grid->text, "| ");
        add_markdown(grid, str_is_null(cells[i].text) ? null_text(grid, NULL_SHOWN) : cells[i].text);
        strbuf_addc(&grid->text, ' ');
    }
    strbuf_adds(&grid->text, "|\n");
}

static void vertical_row(Grid *grid, const GridCell *cells)
{
    size_t widest = 0;
    for (size_t i = 0; i < grid->count; i++) {
        size_t width = width_text(grid->columns[i].heading);
        widest       = width > widest ? width : widest;
    }
    strbuf_addf(&grid->text, "-[ row %zu ]", grid->rows + 1);
    for (size_t i = 0; i < widest; i++)
        strbuf_addc(&grid->text, '-');
    strbuf_addc(&grid->text, '\n');
    for (size_t i = 0; i < grid->count; i++) {
        bool null  = str_is_null(cells[i].text) || cells[i].text.ptr == grid->null.ptr;
        bool faint = null && out_paints(grid->out);
        Str  value = null ? grid->null : cells[i].text;
        strbuf_add(&grid->text, grid->columns[i].heading);
        for (size_t pad = width_text(grid->columns[i].heading); pad < widest; pad++)
            strbuf_addc(&grid->text, ' ');
        strbuf_addf(&grid->text, " | %s" STR_FMT "%s\n", faint ? "\033[2m" : "",
                    STR_ARG(width_clean(grid->held_arena, value)), faint ? "\033[0m" : "");
    }
}

static void jsonl_row(Grid *grid, const GridCell *cells)
{
    for (size_t i = 0; i < grid->count; i++) {
        strbuf_addc(&grid->text, i > 0 ? ',' : '{');
        jtext_add_string(&grid->text, grid->columns[i].heading);
        strbuf_addc(&grid->text, ':');
        if (!str_is_null(cells[i].json))
            strbuf_add(&grid->text, cells[i].json);
        else if (str_is_null(cells[i].text))
            strbuf_adds(&grid->text, "null");
        else
            jtext_add_string(&grid->text, cells[i].text);
    }
    strbuf_adds(&grid->text, grid->count > 0 ? "}\n" : "{}\n");
}

/* ---- tabular ---- */

static void send_text(Grid *grid)
{
    out_write(grid->out, strbuf_str(&grid->text));
    strbuf_reset(&grid->text);
}

static void draw_heading(Grid *grid)
{
    layout_heading(&grid->layout, &grid->text);
    grid->lines = 0;
}

static void start_layout(Grid *grid)
{
    LayoutLook  look    = {.color  = out_paints(grid->out),
                           .null   = grid->null,
                           .box    = grid->box && grid->out->terminal,
                           .wrap   = grid->display->wrap && grid->out->terminal,
                           .screen = out_columns(grid->out),
                           .fixed  = grid->out->terminal ? grid->display->column_width : 0};
    LayoutSpec *columns = ARENA_ARRAY(grid->arena, LayoutSpec, grid->count + 1);
    for (size_t i = 0; i < grid->count; i++)
        columns[i] = (LayoutSpec){.heading = width_clean(grid->arena, grid->columns[i].heading),
                                  .right   = grid->columns[i].right,
                                  .whole   = grid->columns[i].right || grid->columns[i].whole};
    layout_init(&grid->layout, grid->arena, &look, columns, grid->count);
}

static void vertical_texts(Grid *grid, const Str *texts)
{
    GridCell *cells = mem_calloc(grid->count + 1, sizeof *cells);
    for (size_t i = 0; i < grid->count; i++)
        cells[i].text = texts[i];
    vertical_row(grid, cells);
    mem_free(cells);
}

/* A row of a layout that is being drawn; a wider cell brings a new heading, where the screen lets the column
 * grow. */
static void draw_row(Grid *grid, const Str *texts)
{
    if (grid->vertical) {
        vertical_texts(grid, texts);
        return;
    }
    if (layout_measure(&grid->layout, texts)) {
        size_t before = 0, after = 0;
        for (size_t i = 0; i < grid->count; i++)
            before += grid->layout.columns[i].shown;
        layout_fit(&grid->layout);
        if (grid->layout.too_wide &&
            !grid->layout.look.wrap) { /* a number that would be cut: this row, and those to come */
            layout_foot(&grid->layout, &grid->text);
            grid->vertical = true;
            vertical_texts(grid, texts);
            return;
        }
        for (size_t i = 0; i < grid->count; i++)
            after += grid->layout.columns[i].shown;
        if (after != before)
            draw_heading(grid);
    }
    size_t screen = out_lines(grid->out);
    if (grid->endless && screen > 8 && grid->lines > screen - 6)
        draw_heading(grid);
    grid->lines += layout_row(&grid->layout, texts, &grid->text);
}

static void show_held(Grid *grid)
{
    if (!grid->begun) {
        for (size_t i = 0; i < grid->held_count; i++)
            layout_measure(&grid->layout, grid->held[i]);
        bool readable = layout_fit(&grid->layout);
        bool one_each =
            grid->display->expanded == EXPANDED_AUTO ? !readable : !layout_is_possible(&grid->layout);
        grid->vertical = one_each && grid->out->terminal;
        if (!grid->vertical)
            draw_heading(grid);
        grid->begun = true;
    }
    for (size_t i = 0; i < grid->held_count; i++) {
        draw_row(grid, grid->held[i]);
        grid->rows++;
    }
    grid->held_count = 0;
    arena_reset(grid->held_arena);
    send_text(grid);
}

static void hold(Grid *grid, const GridCell *cells)
{
    Clock *clock = clock_system();
    Str   *texts = ARENA_ARRAY(grid->held_arena, Str, grid->count + 1);
    for (size_t i = 0; i < grid->count; i++) {
        texts[i] = str_is_null(cells[i].text)
                       ? grid->null
                       : width_clean(grid->held_arena, str_dup(grid->held_arena, cells[i].text));
    }
    if (grid->held_count == 0)
        grid->held_since_us = clock->monotonic_us(clock);
    if (grid->held_count == grid->held_capacity) {
        grid->held_capacity = grid->held_capacity > 0 ? grid->held_capacity * 2 : 32;
        grid->held          = mem_realloc(grid->held, grid->held_capacity * sizeof *grid->held);
    }
    grid->held[grid->held_count++] = texts;
    if (grid->held_count >= (grid->endless ? HOLD_ENDLESS : HOLD_FINITE))
        show_held(grid);
}

/* ---- all forms ---- */

static const FormClass forms[] = {
    [FORM_DEFAULT]  = {.name = "default"},
    [FORM_TABULAR]  = {.name = "tabular"},
    [FORM_JSON]     = {.name = "json", .row = jsonl_row},
    [FORM_JSONL]    = {.name = "jsonl", .row = jsonl_row},
    [FORM_CSV]      = {.name = "csv", .begin = csv_begin, .row = csv_row},
    [FORM_TSV]      = {.name = "tsv", .begin = tsv_begin, .row = tsv_row},
    [FORM_VERTICAL] = {.name = "vertical", .row = vertical_row},
    [FORM_MARKDOWN] = {.name = "markdown", .begin = markdown_begin, .row = markdown_row},
};

bool form_parse(Str name, Form *out)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (str_equal_nocase(name, str_c(forms[i].name))) {
            *out = (Form)i;
            return true;
        }
    return false;
}

const char *form_name(Form form) { return forms[form].name; }

Form display_form(const Display *display, const Out *out)
{
    Form form = display->form;
    if (form == FORM_DEFAULT)
        form = out->terminal ? FORM_TABULAR : FORM_TSV;
    return form == FORM_TABULAR && display->expanded == EXPANDED_ON ? FORM_VERTICAL : form;
}

Grid *grid_open(Out *out, const Display *display, const GridColumn *columns, size_t count, bool endless,
                bool box)
{
    Grid *grid       = mem_calloc(1, sizeof *grid);
    *grid            = (Grid){.out     = out,
                              .display = display,
                              .form    = display_form(display, out),
                              .count   = count,
                              .endless = endless,
                              .box     = box};
    grid->arena      = arena_new(0);
    grid->held_arena = arena_new(SIZE_MAX);
    grid->columns    = ARENA_ARRAY(grid->arena, GridColumn, count + 1);
    for (size_t i = 0; i < count; i++)
        grid->columns[i] =
            (GridColumn){str_dup(grid->arena, columns[i].heading), columns[i].right, columns[i].whole};
    grid->null = width_clean(grid->arena, null_text(grid, NULL_SHOWN));
    if (grid->form == FORM_TABULAR)
        start_layout(grid);
    else if (forms[grid->form].begin != NULL) {
        forms[grid->form].begin(grid);
        send_text(grid);
    }
    return grid;
}

void grid_add(Grid *grid, const GridCell *cells)
{
    if (grid->form == FORM_TABULAR) {
        hold(grid, cells);
        return;
    }
    forms[grid->form].row(grid, cells);
    grid->rows++;
    arena_reset(grid->held_arena);
    send_text(grid);
}

void grid_tick(Grid *grid)
{
    Clock *clock = clock_system();
    if (grid->held_count > 0 && grid->endless &&
        clock->monotonic_us(clock) - grid->held_since_us >= GRID_HOLD_US)
        show_held(grid);
    out_flush(grid->out);
}

void grid_close(Grid *grid)
{
    if (grid->form == FORM_TABULAR) {
        show_held(grid);
        if (!grid->vertical)
            layout_foot(&grid->layout, &grid->text);
        send_text(grid);
    }
    out_flush(grid->out);
    strbuf_clear(&grid->text);
    mem_free(grid->held);
    arena_free(grid->held_arena);
    arena_free(grid->arena);
    mem_free(grid);
}

bool grid_has_begun(const Grid *grid) { return grid->form == FORM_TABULAR ? grid->begun : grid->rows > 0; }

bool grid_shows_next(const Grid *grid)
{
    return grid->form != FORM_TABULAR || grid->held_count + 1 >= (grid->endless ? HOLD_ENDLESS : HOLD_FINITE);
}

size_t grid_rows(const Grid *grid) { return grid->rows + grid->held_count; }
