/*
 * address.h - addresses of servers as they may be shown.
 */
#ifndef SLUICE_CORE_ADDRESS_H
#define SLUICE_CORE_ADDRESS_H

#include "core/str.h"

/* Appends a text with addresses in it, each without the user and password that it may hold:
 * "http://user:password@host/path, https://b" becomes "http://host/path, https://b". */
void address_add_shown(StrBuf *out, Str text);

#endif
