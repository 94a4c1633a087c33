/*
 * joins_load.c - the inputs of a join: orders and payments, the same every time.
 *
 * One order and one payment a tick, `per-second` ticks a second of event time from a fixed instant on, both
 * in JSON of about 200 bytes, the key the order's id, partitions by murmur2 as Java's producers do it.
 *
 *   join=stream: each order is new; a payment belongs to one of the orders of the last 12.5 s, drawn evenly:
 *                WITHIN 10 SECONDS joins four of five, an order has none, one or several
 *   join=table:  each record is a new version of the row of a key drawn with density k^-0.8 out of `keys`,
 * orders and payments independently
 *
 * Each partition has a hundred marks, the last one at its very end (joins.h). Prints what the output must be:
 * rows of a stream, keys of a table.
 */
#include <math.h>

#include "bench/joins/joins.h"
#include "core/clock.h"
#include "core/mem.h"

static const int64_t EPOCH_MS = 1700000000000;
enum { WITHIN_MS = 10000, REACH_MS = 12500, MARKS = 100, ORDER = 0, PAYMENT = 1 };

typedef struct {
    rd_kafka_t       *client;
    rd_kafka_topic_t *topics[2];
    Clock             dice;
    int64_t           records, per_second, keys;
    bool              tables;
    int               partitions;
    int64_t           length[PARTITIONS_MAX], next_mark[PARTITIONS_MAX]; /* of both topics together */
    char             *sides; /* tables: bit ORDER, PAYMENT of each key that has such a row */
    int64_t           expected;
} Load;

static uint64_t below(Load *load, uint64_t limit) { return load->dice.random(&load->dice) % limit; }

static double fraction(Load *load) { return (double)(load->dice.random(&load->dice) >> 11) * 0x1p-53; }

static int order_json(Load *load, char *out, size_t size, int64_t at_ms)
{
    return snprintf(
        out, size,
        "{\"ordertime\":%" PRId64 ",\"customer\":\"Customer_%d\",\"item\":\"Item_%d\",\"region\":"
        "\"Region_%d\",\"price\":%d.%02d,\"note\":\"https://shop-%03d.example/basket/%08x\",\"browser\":"
        "\"Mozilla/5.0 (X11; Linux x86_64)\"}",
        at_ms, (int)below(load, 100000), (int)below(load, 1000), (int)below(load, 10), (int)below(load, 500),
        (int)below(load, 100), (int)below(load, 1000), (unsigned)below(load, UINT32_MAX));
}

static int payment_json(Load *load, char *out, size_t size, int64_t at_ms)
{
    static const char *const methods[] = {"Card", "Transfer", "Invoice", "Cash"};
    return snprintf(out, size,
                    "{\"paytime\":%" PRId64 ",\"method\":\"%s\",\"amount\":%d.%02d,\"bank\":\"Bank_%d\","
                    "\"reference\":\"https://pay-%03d.example/receipt/%08x%08x\",\"terminal\":"
                    "\"Terminal_%04d of the southern branch\"}",
                    at_ms, methods[below(load, ARRAY_LEN(methods))], (int)below(load, 500),
                    (int)below(load, 100), (int)below(load, 100), (int)below(load, 1000),
                    (unsigned)below(load, UINT32_MAX), (unsigned)below(load, UINT32_MAX),
                    (int)below(load, 10000));
}

static void emit(Load *load, int side, int64_t at_ms, const char *key)
{
    char value[512];
    int  partition = mark_partition(key, load->partitions);
    int  len       = (side == ORDER ? order_json : payment_json)(load, value, sizeof value, at_ms);
    load->length[partition]++;
    for (;;) {
        rd_kafka_resp_err_t failed = rd_kafka_producev(
            load->client, RD_KAFKA_V_RKT(load->topics[side]), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_TIMESTAMP(at_ms), RD_KAFKA_V_KEY(key, strlen(key)),
            RD_KAFKA_V_VALUE(value, (size_t)len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (failed == RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        if (failed != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce: %s", rd_kafka_err2str(failed));
        rd_kafka_poll(load->client, 10);
    }
}

static void emit_mark(Load *load, int partition, int64_t at_ms)
{
    char key[64];
    mark_make(key, sizeof key, partition, load->partitions, load->length[partition] + 2);
    emit(load, ORDER, at_ms, key);
    emit(load, PAYMENT, at_ms, key);
    load->expected++;
    load->next_mark[partition] = load->length[partition] + 2 * load->records / load->partitions / MARKS;
}

static int64_t time_of(const Load *load, int64_t tick) { return EPOCH_MS + tick * 1000 / load->per_second; }

/* A payment of an order within reach; the first ones find fewer of them. */
static void stream_tick(Load *load, int64_t tick)
{
    char    key[64];
    int64_t reach = REACH_MS * load->per_second / 1000, at_ms = time_of(load, tick);
    int64_t paid = tick - (int64_t)below(load, (uint64_t)(reach < tick + 1 ? reach : tick + 1));
    snprintf(key, sizeof key, "Order_%" PRId64, tick);
    emit(load, ORDER, at_ms, key);
    snprintf(key, sizeof key, "Order_%" PRId64, paid);
    emit(load, PAYMENT, at_ms, key);
    load->expected += at_ms - time_of(load, paid) <= WITHIN_MS;
}

static void table_tick(Load *load, int64_t tick)
{
    char         key[64];
    const double skew = 0.8,
                 top  = pow((double)load->keys + 1, 1 - skew) - 1; /* the density's integral, inverted */
    for (int side = ORDER; side <= PAYMENT; side++) {
        int64_t row = (int64_t)(pow(1 + fraction(load) * top, 1 / (1 - skew)) - 1);
        row         = row < load->keys ? row : load->keys - 1;
        snprintf(key, sizeof key, "Order_%" PRId64, row);
        emit(load, side, time_of(load, tick), key);
        load->expected += (load->sides[row] | 1 << side) == 3 && load->sides[row] != 3;
        load->sides[row] |= (char)(1 << side);
    }
}

static void fill(Load *load)
{
    for (int p = 0; p < load->partitions; p++)
        load->next_mark[p] = 2 * load->records / load->partitions / MARKS;
    for (int64_t tick = 0; tick < load->records; tick++) {
        (load->tables ? table_tick : stream_tick)(load, tick);
        for (int p = 0; p < load->partitions; p++)
            if (load->length[p] >= load->next_mark[p])
                emit_mark(load, p, time_of(load, tick));
        if (tick % 1000 == 0)
            rd_kafka_poll(load->client, 0);
    }
    for (int p = 0; p < load->partitions; p++)
        emit_mark(load, p, time_of(load, load->records - 1));
}

static void open_topics(Load *load, int argc, char **argv)
{
    static const char *const settings[] = {"linger.ms",          "50",   "batch.size", "1000000",
                                           "enable.idempotence", "true", NULL};
    static const char *const names[]    = {"orders", "payments"};
    load->client                        = kafka_client(RD_KAFKA_PRODUCER, settings);
    for (int side = ORDER; side <= PAYMENT; side++) {
        const char *name = option_text(argc, argv, names[side], NULL);
        topic_create(load->client, name, load->partitions);
        load->topics[side] = rd_kafka_topic_new(load->client, name, NULL);
    }
}

int load_main(int argc, char **argv)
{
    Load        load = {.records    = option_number(argc, argv, "records", 2000000),
                        .per_second = option_number(argc, argv, "per-second", 10000),
                        .keys       = option_number(argc, argv, "keys", 100000),
                        .partitions = (int)option_number(argc, argv, "partitions", 4)};
    const char *join = option_text(argc, argv, "join", NULL);
    load.tables      = strcmp(join, "table") == 0;
    if (!load.tables && strcmp(join, "stream") != 0)
        die("join=%s: stream or table", join);
    if (load.records < 1 || load.per_second < 1 || load.keys < 1 || load.partitions < 1 ||
        load.partitions > PARTITIONS_MAX)
        die("records, per-second, keys, partitions: from 1 on, and at most %d partitions", PARTITIONS_MAX);
    clock_init_virtual(&load.dice, 0, 1);
    load.sides = mem_calloc((size_t)load.keys, 1);
    open_topics(&load, argc, argv);
    fill(&load);
    if (rd_kafka_flush(load.client, 60000))
        die("the last records could not be written");
    printf("%" PRId64 "\n", load.expected);
    mem_free(load.sides);
    return 0;
}
