/* fuzz_delimited.c - strangers' bytes as a line of separated values, many columns and one. */
#include "fuzz_serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decode(STR_LIT("DELIMITED"), SIDE_VALUE, fuzz_columns_all, FUZZ_COLUMNS_SCALAR, data, size);
    for (size_t i = 0; i < FUZZ_COLUMNS_SCALAR; i++)
        fuzz_decode(STR_LIT("DELIMITED"), SIDE_VALUE, &fuzz_columns_all[i], 1, data, size);
    fuzz_decode(STR_LIT("DELIMITED"), SIDE_VALUE, &fuzz_columns_all[4], 2, data, size);
    return 0;
}
