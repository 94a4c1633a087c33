/*
 * fuzz_json.c - strangers' bytes as a JSON payload, wrapped and bare, into columns of every type. Whatever
 * decodes is encoded again and must then decode to the same bytes once more.
 */
#include "fuzz_serde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decode(STR_LIT("JSON"), SIDE_VALUE, fuzz_columns_all, FUZZ_COLUMNS_ALL, data, size);
    for (size_t i = 0; i < FUZZ_COLUMNS_ALL; i++)
        fuzz_decode(STR_LIT("JSON"), SIDE_KEY, &fuzz_columns_all[i], 1, data, size);
    return 0;
}
