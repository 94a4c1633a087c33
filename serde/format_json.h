/*
 * format_json.h - what the two halves of the JSON format share: its class is in format_json_write.c, its
 * reader in format_json_read.c. A format whose payload is JSON behind some prefix (JSON_SR) may call both.
 */
#ifndef SLUICE_SERDE_FORMAT_JSON_H
#define SLUICE_SERDE_FORMAT_JSON_H

#include "serde/format.h"

Status json_open_decoder(const SerdeSpec *spec, Arena *arena, Decoder **out, Error *err);
Status json_open_encoder(const SerdeSpec *spec, Arena *arena, Encoder **out, Error *err);

#endif
