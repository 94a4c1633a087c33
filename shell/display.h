/*
 * display.h - how results look: the forms, and what a person may choose about them.
 */
#ifndef SLUICE_SHELL_DISPLAY_H
#define SLUICE_SHELL_DISPLAY_H

#include "shell/out.h"

typedef enum {
    FORM_DEFAULT,
    FORM_TABULAR,
    FORM_JSON,
    FORM_JSONL,
    FORM_CSV,
    FORM_TSV,
    FORM_VERTICAL,
    FORM_MARKDOWN
} Form;
typedef enum { EXPANDED_OFF, EXPANDED_ON, EXPANDED_AUTO } Expanded;

typedef struct {
    Form        form;     /* DEFAULT: tabular on a terminal, tsv elsewhere */
    Expanded    expanded; /* tabular only */
    bool        wrap;
    size_t      column_width; /* 0: by the data */
    const char *null_text;    /* NULL: the form's own */
    bool        timing, quiet;
} Display;

/* By name in any case; false when there is none such. */
bool        form_parse(Str name, Form *out);
const char *form_name(Form form);
/* What the form is now, given where the output goes. */
Form display_form(const Display *display, const Out *out);

#endif
