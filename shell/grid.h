/*
 * grid.h - rows of cells, printed in one of the forms as they come.
 *
 * Results of queries and the server's listings alike. A tabular grid holds rows back until it knows how wide
 * its columns are: all rows of a finite result (up to a bound), the first few of an endless one, and never
 * longer than GRID_HOLD_US.
 */
#ifndef SLUICE_SHELL_GRID_H
#define SLUICE_SHELL_GRID_H

#include "shell/display.h"
#include "shell/jtext.h"

typedef struct Grid Grid;

typedef struct {
    Str  heading;
    bool right; /* numbers */
    bool whole; /* a time, a truth value, an identifier: never cut, as numbers are not */
} GridColumn;

typedef struct {
    Str text; /* ptr NULL: null */
    Str json; /* as JSON; ptr NULL: a string, `text` */
} GridCell;

enum { GRID_HOLD_US = 80000 };

/* `endless`: a push query. `box`: tabular form has a frame on a terminal. */
Grid *grid_open(Out *out, const Display *display, const GridColumn *columns, size_t count, bool endless,
                bool box);
void  grid_add(Grid *grid, const GridCell *cells);
/* Shows what has waited long enough. */
void grid_tick(Grid *grid);
/* Shows the rest and frees. */
void   grid_close(Grid *grid);
size_t grid_rows(const Grid *grid);
/* Rows have been printed. */
bool grid_has_begun(const Grid *grid);
/* The next row will be printed, and not only be held back. */
bool grid_shows_next(const Grid *grid);

#endif
