/*
 * privilege.h - what GRANT gives and REVOKE takes: a bit each, for parser, catalog and engine alike.
 */
#ifndef SLUICE_CORE_PRIVILEGE_H
#define SLUICE_CORE_PRIVILEGE_H

#include "core/str.h"

enum {
    PRIVILEGE_SELECT = 1, /* read rows: queries, PRINT, sources of CREATE ... AS and INSERT INTO ... SELECT */
    PRIVILEGE_INSERT = 2, /* write rows */
    PRIVILEGE_CREATE = 4, /* make it */
    PRIVILEGE_ALTER  = 8, /* ALTER, CREATE OR REPLACE */
    PRIVILEGE_DROP   = 16,    /* DROP, with its topic or without */
    PRIVILEGE_TERMINATE = 32, /* TERMINATE, PAUSE, RESUME of the query that writes it */
    PRIVILEGE_DESCRIBE  = 64, /* see that it is there; any other privilege says that, too */
    PRIVILEGE_ALL       = 127
};

/* "SELECT, INSERT", or "ALL". */
void privileges_print(unsigned privileges, StrBuf *out);
/* The words one by one: of the privilege `index`, counted from 0, its word and bit; NULL: there are no more.
 */
const char *privilege_word(size_t index, unsigned *bit);

#endif
