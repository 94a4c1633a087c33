/*
 * layout.h - columns of text side by side: widths by data, cut or wrapped to the screen.
 *
 * Numbers, times, truth values and identifiers are never cut: half of one is a wrong one. A row that does not
 * fit without that is better shown one column a line (layout_is_possible).
 *
 * A layout is measured over some rows (all of a finite result, the first few of an endless one) and then
 * draws rows one by one; a later row may make it grow, and the caller draws a new heading. Cells must be
 * clean (width_clean).
 */
#ifndef SLUICE_SHELL_LAYOUT_H
#define SLUICE_SHELL_LAYOUT_H

#include "core/width.h"

typedef struct {
    bool   box;    /* +---+ and |, or blanks between columns and one dashed line */
    bool   wrap;   /* what does not fit goes on in the next line; otherwise it is cut with `…` */
    size_t screen; /* columns of the terminal; 0: no limit */
    size_t fixed;  /* width of every column; 0: by the data */
    bool   color;  /* headings bold, and what stands for NULL faint: told from a text of the same letters */
    Str    null;   /* what stands for NULL: a cell of these very bytes (the pointer counts) is one */
} LayoutLook;

enum { LAYOUT_READABLE = 8 }; /* a column narrower than this is no use */
enum { LAYOUT_LEAST = 3 };    /* and of one narrower than this nothing is left */

typedef struct {
    size_t width; /* wanted */
    size_t shown; /* after layout_fit */
    Str    heading;
    bool   right; /* numbers */
    bool   whole; /* never cut: numbers, times, identifiers */
} LayoutColumn;

/* What is known of a column before its cells. */
typedef struct {
    Str  heading;
    bool right, whole;
} LayoutSpec;

typedef struct {
    LayoutLook    look;
    LayoutColumn *columns; /* in the arena */
    size_t        count;
    bool          too_wide; /* though all was cut that may be; after layout_fit */
} Layout;

/* Headings are kept by reference. */
void layout_init(Layout *layout, Arena *arena, const LayoutLook *look, const LayoutSpec *columns,
                 size_t count);
/* Counts a row in; true: a column became wider. */
bool layout_measure(Layout *layout, const Str *cells);
/* Decides the widths shown; call after measuring. False: columns that were cut would be narrower than
 * LAYOUT_READABLE. */
bool layout_fit(Layout *layout);
/* After layout_fit. False: something that must not be would be cut, or so much that nothing is left to read.
 */
bool layout_is_possible(const Layout *layout);
void layout_heading(const Layout *layout, StrBuf *out);
/* Returns how many lines it took. */
size_t layout_row(const Layout *layout, const Str *cells, StrBuf *out);
void   layout_foot(const Layout *layout, StrBuf *out);

#endif
