/* fuzz_internal.c - strangers' bytes as a row of the internal format, which trusts nothing. */
#include "fuzz_serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decode(STR_LIT("INTERNAL"), SIDE_VALUE, fuzz_columns_all, FUZZ_COLUMNS_ALL, data, size);
    for (size_t i = 0; i < FUZZ_COLUMNS_ALL; i++)
        fuzz_decode(STR_LIT("INTERNAL"), SIDE_VALUE, &fuzz_columns_all[i], 1, data, size);
    return 0;
}
