/*
 * decodes.c - records of several shapes decoded in each format, for the columns that a query reads: `decodes
 * SHAPE_FORMAT` under callgrind, which counts between the toggles only. `decodes` alone lists them.
 *
 * The rows are the same in every format: made in JSON, read, and written in the others. What a query reads is
 * what its plan says, so that whoever breaks pruning sees it here. That no format of a schema registry is
 * dearer to read than JSON is count.py's to say (--within).
 */
#include <valgrind/callgrind.h>

#include "bench/planned.h"
#include "planner/nodes/node_source.h"
#include "serde/registry_memory.h"
#include "serde/serde.h"

enum { RECORDS = 4000, DISTINCT = 64, BATCH = 100 };

#define WITH_TOPIC " WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON'); "

typedef struct {
    const char *name, *columns, *select;
    void (*print)(StrBuf *out, int n);
} Shape;

/* ---- records ---- */

static int mixed(int n) { return (int)((unsigned)n * 2654435761u % 1000003u); }

/* Flat: what web servers tell. */
static void print_view(StrBuf *out, int n)
{
    strbuf_addf(out,
                "{\"TS\":%d,\"USR\":\"user-%d\",\"URL\":\"https://example.org/articles/%d/view\",\"REF\":"
                "\"https://news.example.net/list?page=%d\",\"PROGR\":\"Mozilla/5.0 (X11; Linux x86_64) "
                "Gecko/20100101 Firefox/%d.0\",\"MS\":%d,\"OK\":%s,\"PRICE\":%d.%02d}",
                n, mixed(n) % 5000, mixed(n), n % 50, n % 90, mixed(n) % 3000, n % 3 ? "true" : "false",
                n % 500, n % 100);
}

static void print_wide(StrBuf *out, int n)
{
    for (int i = 0; i < 50; i++) {
        strbuf_addf(out, "%s\"C%d\":", i ? "," : "{", i);
        if (i % 5 == 0)
            strbuf_addf(out, "\"text-%d-%d\"", i, mixed(n + i) % 700);
        else if (i % 5 == 1)
            strbuf_addf(out, "%d.%d", mixed(n + i) % 90, 1 + n % 8);
        else
            strbuf_addf(out, "%d", mixed(n + i));
    }
    strbuf_adds(out, "}");
}

/* Change data capture: the row before, the row after, where it comes from. */
static void print_nested(StrBuf *out, int n)
{
    static const char *const sides[] = {"BEFORE", "AFTER"};
    for (int i = 0; i < 2; i++)
        strbuf_addf(out,
                    "%s\"%s\":{\"ID\":%d,\"NAME\":\"customer %d\",\"PLACE\":{\"TOWN\":\"town-%d\",\"STREET\":"
                    "\"street %d\",\"GEO\":{\"LAT\":%d.5,\"LON\":%d.25}},\"SCORE\":%d}",
                    i ? "," : "{", sides[i], n, mixed(n) % 900, n % 40, n % 300, n % 90, n % 180,
                    mixed(n) % 100);
    strbuf_addf(out, ",\"SRC\":{\"DB\":\"shop\",\"TBL\":\"customers\",\"POS\":%d},\"OP\":\"u\"}", n);
}

static void print_maps(StrBuf *out, int n)
{
    for (int i = 0; i < 10; i++)
        strbuf_addf(out, "%s\"key-%d\":%d", i ? "," : "{\"M\":{", i, mixed(n + i));
    strbuf_adds(out, "},\"LINES\":[");
    for (int i = 0; i < 8; i++)
        strbuf_addf(out, "%s{\"SKU\":\"sku-%d\",\"N\":%d,\"PRICE\":%d.%02d}", i ? "," : "",
                    mixed(n + i) % 999, 1 + i, i * 7, n % 100);
    strbuf_addf(out, "],\"ID\":%d}", n);
}

static void print_texts(StrBuf *out, int n)
{
    for (int i = 0; i < 5; i++) {
        strbuf_addf(out, "%s\"T%d\":\"", i ? "," : "{", i);
        for (int j = 0; j < 12; j++)
            strbuf_addf(out, "some words of text %d ", (n + j) % 90);
        strbuf_adds(out, "\"");
    }
    strbuf_adds(out, "}");
}

static void print_numbers(StrBuf *out, int n)
{
    strbuf_addf(out,
                "{\"I\":%d,\"B\":90000%d,\"D\":%d.125,\"M\":%d.25,\"T\":%d,\"DY\":%d,\"BO\":true,\"N\":null}",
                mixed(n), mixed(n), mixed(n), mixed(n) % 9000, mixed(n), 10000 + n % 5000);
}

#define WIDE(i)                                                                                              \
    "C" #i "0 STRING, C" #i "1 DOUBLE, C" #i "2 INT, C" #i "3 BIGINT, C" #i "4 INT, C" #i "5 STRING, C" #i   \
    "6 DOUBLE, C" #i "7 INT, C" #i "8 BIGINT, C" #i "9 INT"
#define ROW                                                                                                  \
    "STRUCT<ID INT, NAME STRING, PLACE STRUCT<TOWN STRING, STREET STRING, GEO STRUCT<LAT DOUBLE, LON "       \
    "DOUBLE>>, "                                                                                             \
    "SCORE INT>"
#define NESTED "BEFORE " ROW ", AFTER " ROW ", SRC STRUCT<DB STRING, TBL STRING, POS BIGINT>, OP STRING"
#define VIEW "TS BIGINT, USR STRING, URL STRING, REF STRING, PROGR STRING, MS INT, OK BOOLEAN, PRICE DOUBLE"
#define MAPS "M MAP<STRING, INT>, LINES ARRAY<STRUCT<SKU STRING, N INT, PRICE DOUBLE>>, ID BIGINT"
#define FIFTY                                                                                                \
    "C0 STRING, C1 DOUBLE, C2 INT, C3 BIGINT, C4 INT, C5 STRING, C6 DOUBLE, C7 INT, C8 BIGINT, C9 "          \
    "INT, " WIDE(1) ", " WIDE(2) ", " WIDE(3) ", " WIDE(4)

static const Shape shapes[] = {
    {"flat_all", VIEW, "*", print_view},
    {"flat_half", VIEW, "USR, URL, REF, MS", print_view},
    {"wide_all", FIFTY, "*", print_wide},
    {"wide_two", FIFTY, "C7, C45", print_wide},
    {"declared_two", "C7 INT, C45 STRING", "*", print_wide}, /* the records of JSON have fifty all the same */
    {"nested_all", NESTED, "*", print_nested},
    {"nested_leaf", NESTED, "AFTER->PLACE->GEO->LAT AS X", print_nested},
    {"maps_all", MAPS, "*", print_maps},
    {"maps_none", MAPS, "ID", print_maps},
    {"texts_all", "T0 STRING, T1 STRING, T2 STRING, T3 STRING, T4 STRING", "*", print_texts},
    {"texts_one", "T0 STRING, T1 STRING, T2 STRING, T3 STRING, T4 STRING", "T4", print_texts},
    {"numbers_all", "I INT, B BIGINT, D DOUBLE, M DECIMAL(9,2), T TIMESTAMP, DY DATE, BO BOOLEAN, N INT", "*",
     print_numbers},
};
static const char *const formats[] = {"json", "avro", "protobuf"};

/* ---- a job ---- */

typedef struct {
    Planned              planned;
    SchemaRegistry      *registry;
    SerdeSpec            spec;   /* of values; all columns are wanted */
    const Wanted *const *wanted; /* by the query */
    Str                  records[DISTINCT];
} Job;

static void plan(Job *job, const Shape *shape)
{
    StrBuf sql = {0};
    strbuf_addf(&sql, "CREATE STREAM s (%s)" WITH_TOPIC "CREATE STREAM o AS SELECT %s FROM s;%c",
                shape->columns, shape->select, '\0');
    planned_init(&job->planned);
    const QueryPlan  *query  = planned_query(&job->planned, str_to_c(job->planned.arena, str_c(sql.ptr)));
    const PlanSource *source = plan_source(query->sources[0]);
    const Schema     *schema = source->declared;
    job->spec                = (SerdeSpec){.side     = SIDE_VALUE,
                                           .topic    = source->topic,
                                           .columns  = schema->columns + schema->key_count,
                                           .count    = schema->value_count,
                                           .registry = job->registry};
    job->wanted              = source->wanted != NULL ? source->wanted + schema->key_count : NULL;
    strbuf_clear(&sql);
}

static void decode(const Job *job, Str record, Decoder *decoder, Arena *arena, Value *row)
{
    Error err;
    check(decoder_decode(decoder, record, arena, row, &err), &err);
}

/* JSON texts, or what the format makes of the rows that they are. */
static void make_records(Job *job, const Shape *shape, const char *format)
{
    Arena   *arena = job->planned.arena;
    Decoder *decoder;
    Encoder *encoder;
    Error    err;
    bool     json           = strcmp(format, "json") == 0;
    job->spec.format.format = format_find(STR_LIT("JSON"));
    check(decoder_open(&job->spec, arena, &decoder, &err), &err);
    job->spec.format.format = format_find(str_upper(arena, str_c(format)));
    check(encoder_open(&job->spec, arena, &encoder, &err), &err);
    for (int n = 0; n < DISTINCT; n++) {
        StrBuf text = {0};
        Value *row  = arena_alloc(arena, job->spec.count * sizeof *row);
        shape->print(&text, n);
        job->records[n] = str_dup(arena, strbuf_str(&text));
        strbuf_clear(&text);
        decode(job, job->records[n], decoder, arena, row);
        if (!json)
            check(encoder_encode(encoder, row, arena, &job->records[n], &err), &err);
    }
    decoder_close(decoder);
    encoder_close(encoder);
}

static void run(const Shape *shape, const char *format)
{
    Job      job = {.registry = registry_memory_new()};
    Decoder *decoder;
    Error    err;
    Arena   *batch = arena_new(0);
    plan(&job, shape);
    make_records(&job, shape, format);
    job.spec.wanted = job.wanted;
    check(decoder_open(&job.spec, job.planned.arena, &decoder, &err), &err);
    Value *first = arena_alloc(job.planned.arena, job.spec.count * sizeof *first);
    decode(&job, job.records[0], decoder, job.planned.arena, first); /* learns the schema */
    CALLGRIND_TOGGLE_COLLECT;
    for (int n = 0; n < RECORDS; n++) {
        if (n % BATCH == 0)
            arena_reset(batch);
        Value *row = arena_alloc(batch, job.spec.count * sizeof *row);
        decode(&job, job.records[n % DISTINCT], decoder, batch, row);
    }
    CALLGRIND_TOGGLE_COLLECT;
    decoder_close(decoder);
    arena_free(batch);
    planned_clear(&job.planned);
    registry_close(job.registry);
}

int main(int argc, char **argv)
{
    char name[64];
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
            snprintf(name, sizeof name, "%s_%s", shapes[i].name, formats[f]);
            if (argc < 2)
                puts(name);
            else if (strcmp(argv[1], name) == 0) {
                run(&shapes[i], formats[f]);
                return 0;
            }
        }
    return argc < 2 ? 0 : 2;
}
