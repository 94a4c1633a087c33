/*
 * double_digits.cc - std::to_chars and std::from_chars behind a C interface.
 *
 * They are Ryu and Eisel-Lemire: exact, independent of the locale, and some twenty times faster than trying %.17g and
 * strtod, which shows in every JSON record with a DOUBLE.
 */
#include "core/double_digits.h"

#include <charconv>
#include <system_error>

extern "C" size_t double_digits_shortest(double d, char out[32])
{
    return static_cast<size_t>(std::to_chars(out, out + 32, d, std::chars_format::scientific).ptr - out);
}

extern "C" bool double_digits_read(const char *text, size_t len, bool hex, double *out)
{
    auto format = hex ? std::chars_format::hex : std::chars_format::general;
    return std::from_chars(text, text + len, *out, format).ec == std::errc();
}
