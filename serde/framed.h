/*
 * framed.h - 00, the schema's id, the payload: decoder and encoder of all formats of a schema registry
 * (runtime.md 1.6).
 */
#ifndef SLUICE_SERDE_FRAMED_H
#define SLUICE_SERDE_FRAMED_H

#include "serde/format.h"

Status framed_open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err);
Status framed_open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err);

#endif
