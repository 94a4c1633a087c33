/*
 * format_protobuf.h - what PROTOBUF and PROTOBUF_NOSR share.
 */
#ifndef SLUICE_SERDE_FORMAT_PROTOBUF_H
#define SLUICE_SERDE_FORMAT_PROTOBUF_H

#include "serde/format.h"

/* FormatClass.check of both. */
Status protobuf_check(const FormatClass *format, int side, const Column *columns, size_t count, Error *err);

#endif
