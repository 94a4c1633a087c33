/* fuzz_json_sr.c - strangers' JSON Schema schemas and payloads. */
#include "fuzz_registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_registry_format(STR_LIT("JSON_SR"), data, size);
    return 0;
}
