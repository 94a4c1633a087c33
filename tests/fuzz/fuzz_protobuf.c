/* fuzz_protobuf.c - strangers' Protobuf schemas and payloads. */
#include "fuzz_registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_registry_format(STR_LIT("PROTOBUF"), data, size);
    return 0;
}
