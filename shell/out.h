/*
 * out.h - where results go: standard output or a file, and a copy to the spool file. Errors go to standard
 * error (and to the spool).
 */
#ifndef SLUICE_SHELL_OUT_H
#define SLUICE_SHELL_OUT_H

#include <stdio.h>

#include "core/str.h"

typedef struct {
    FILE  *file;     /* standard output, or of -o and \o */
    FILE  *spool;    /* NULL: off */
    bool   terminal; /* file is one */
    bool   escapes;  /* the terminal knows how to move the cursor, clear a line, show colours */
    bool   color;    /* colours are wanted, and the terminal knows them */
    bool   errors;   /* standard error is a terminal */
    FILE  *screen;   /* while `file` keeps a page; else NULL */
    char  *page;
    size_t page_len;
    bool   failed; /* something could not be written: nobody reads us any more (EPIPE), or the disk is full */
    int    why;    /* errno of that */
} Out;

void out_init(Out *out, bool color);
void out_clear(Out *out);
/* NULL: standard output again. */
Status out_open(Out *out, const char *path, Error *err);
Status out_spool(Out *out, const char *path, Error *err);
void   out_write(Out *out, Str text);
void   out_printf(Out *out, const char *format, ...) SL_PRINTF(2, 3);
void   out_flush(Out *out);
/* A message for people, on standard error. */
void out_error(Out *out, const char *format, ...) SL_PRINTF(2, 3);
/* What is written from here on is kept until out_page_end, and goes through $PAGER (less -S -R) if it is
 * longer than the screen. False: the output is no terminal, and nothing is kept. */
bool out_page_begin(Out *out);
void out_page_end(Out *out);
/* May results be coloured: colours are wanted, and it is a terminal that they go to? */
bool out_paints(const Out *out);
/* Columns and lines of the terminal; 0 when it is none. */
size_t out_columns(const Out *out);
size_t out_lines(const Out *out);
/* Of the terminal that messages go to. */
size_t out_error_columns(const Out *out);

#endif
