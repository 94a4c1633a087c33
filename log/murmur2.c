/*
 * murmur2.c - Kafka's hash of a key, and the partition that follows from it.
 *
 * Every client that writes keyed records with Kafka's default partitioner lands them by this function, and
 * pull queries and co-partitioned joins rely on the same answer (runtime.md 1.14). It is 32-bit MurmurHash2
 * with Kafka's seed.
 */
#include "log/log.h"

enum { MURMUR2_MULTIPLIER = 0x5bd1e995 };

static uint32_t load_le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t murmur2(Str bytes)
{
    const uint32_t       m    = MURMUR2_MULTIPLIER;
    const unsigned char *p    = (const unsigned char *)bytes.ptr;
    size_t               left = bytes.len;
    uint32_t             h    = 0x9747b28cu ^ (uint32_t)bytes.len;
    for (; left >= 4; p += 4, left -= 4) {
        uint32_t k = load_le32(p) * m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (left > 0) {
        if (left == 3)
            h ^= (uint32_t)p[2] << 16;
        if (left >= 2)
            h ^= (uint32_t)p[1] << 8;
        h = (h ^ p[0]) * m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int log_partition_of(Str key, int partitions)
{
    return (int)((murmur2(key) & 0x7fffffffu) % (uint32_t)partitions);
}
