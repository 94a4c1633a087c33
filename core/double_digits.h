/*
 * double_digits.h - C's view of the one thing taken from the C++ library: conversion between doubles and
 * digits (double_digits.cc). For double_text.c only.
 */
#ifndef SLUICE_CORE_DOUBLE_DIGITS_H
#define SLUICE_CORE_DOUBLE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes d.ddde±nn of a finite number, the shortest that reads back; returns the length. */
size_t double_digits_shortest(double d, char out[32]);
/* Reads digits[.digits][e±digits] (hex: without 0x, with p) of a text whose syntax has been checked. False:
 * out of range. */
bool double_digits_read(const char *text, size_t len, bool hex, double *out);

#ifdef __cplusplus
}
#endif

#endif
