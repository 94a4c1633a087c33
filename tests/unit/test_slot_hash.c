/* The frozen hash: values that are written down on disks and in topics. This test is never changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/slot_hash.h"

static void hashes_are_what_they_were(void **state)
{
    static const struct {
        const char *text;
        uint64_t    hash;
    } known[] = {
        {"", UINT64_C(0x18c7fcc651d1587e)},
        {"a", UINT64_C(0x21db1268fdbaf2e3)},
        {"REKEY", UINT64_C(0x3282efa4977d6177)},
        {"abcdefgh", UINT64_C(0x59073ff942cb2505)},
        {"AGGREGATE", UINT64_C(0x300c0fce974ba272)},
        {"CTAS_T_5/0", UINT64_C(0x7363659c7aa2c1d3)},
        {"12345678901234567", UINT64_C(0xb5c23ed22ee3ef28)},
        {"CSAS_ORDERS_BY_CUSTOMER_17/1", UINT64_C(0x8f3d3d209e80a475)},
        {"1234567890123456789012345678901234567890", UINT64_C(0x8bdd4d63b68fef54)},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_true(slot_hash(str_c(known[i].text)) == known[i].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_are_what_they_were)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
