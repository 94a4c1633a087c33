/*
 * print.c - see print.h.
 */
#include "server/statements/print.h"

#include "core/suggest.h"
#include "serde/format_guess.h"
#include "serde/serde.h"
#include "planner/nodes/node_source.h"

/* ---- the statement ---- */

/* Names that differ in case only, as ksqlDB has it; without any, the nearest one. */
static Status add_alternatives(Log *log, Str topic, Arena *arena, Error *err)
{
    TopicInfo *topics;
    size_t     count, alternatives = 0;
    Error      why;
    if (log_topic_list(log, arena, &topics, &count, &why) != OK)
        return E_NOT_FOUND; /* only the hint is missing then */
    Str *names = ARENA_ARRAY(arena, Str, count + 1);
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(topics[i].name, topic))
            names[alternatives++] = topics[i].name;
    if (alternatives == 0) {
        for (size_t i = 0; i < count; i++)
            names[i] = topics[i].name;
        names[0]     = str_nearest(topic, names, count);
        alternatives = !str_is_null(names[0]);
    }
    for (size_t i = 0; i < alternatives; i++)
        error_append(err, "%s\n\tprint " STR_FMT ";", i == 0 ? "\nDid you mean:" : "", STR_ARG(names[i]));
    return E_NOT_FOUND;
}

static Status find_topic(Log *log, Str topic, Pos pos, Arena *arena, int *partitions, Error *err)
{
    TopicInfo info;
    Status    found = log_topic_info(log, topic, &info, err);
    if (found == OK)
        *partitions = info.partitions;
    if (found != E_NOT_FOUND)
        return found;
    error_set(
        err, E_NOT_FOUND, pos,
        "Could not find topic '" STR_FMT
        "', or the KSQL user does not have permissions to list the topic. Topic names are case-sensitive.",
        STR_ARG(topic));
    return add_alternatives(log, topic, arena, err);
}

/* FROM BEGINNING, or what the reader of a topic does by its configuration. */
static bool is_from_earliest(const Session *session, const AstStatement *statement)
{
    Str reset = properties_get_c(session->overrides, "auto.offset.reset");
    return statement->from_beginning || (!str_is_null(reset) && str_equal_nocase(reset, STR_LIT("earliest")));
}

Status print_plan(Engine *engine, const Session *session, const AstStatement *statement, Arena *arena,
                  PrintPlan *out, Error *err)
{
    Clock *clock      = engine_clock(engine);
    Str    topic      = statement->name.text;
    int    partitions = 0;
    if (statement->has_interval && statement->interval < 1)
        return error_set(err, E_PLAN, statement->pos, "INTERVAL must be at least 1, but was: %lld",
                         (long long)statement->interval);
    if (statement->has_limit && statement->limit < 0)
        return error_set(err, E_PLAN, statement->pos, "LIMIT must be at least 0, but was: %lld",
                         (long long)statement->limit);
    TRY(find_topic(engine_log(engine), topic, statement->name.pos, arena, &partitions, err));
    Str id = str_printf(arena, "print_" STR_FMT "_%llu", STR_ARG(topic),
                        (unsigned long long)clock->random(clock) >> 1);
    *out   = (PrintPlan){.plan          = plan_records(arena, id, statement->text, topic, partitions),
                         .from_earliest = is_from_earliest(session, statement),
                         .interval      = statement->has_interval ? statement->interval : 1,
                         .limit         = statement->has_limit ? statement->limit : -1};
    return OK;
}

/* ---- records ---- */

/* One of the two sides: its formats, and what was last told of them. */
typedef struct {
    const char  *title;
    FormatGuess *guess;
    StrBuf       told, now;
} PrintSide;

struct RecordPrinter {
    PrintSide key, value;
    int64_t   interval, skip, left; /* skip: records until the next that is shown; left < 0: no end */
};

Status record_printer_open(SchemaRegistry *registry, int64_t interval, int64_t limit, RecordPrinter **out,
                           Error *err)
{
    RecordPrinter *printer = mem_calloc(1, sizeof *printer);
    *printer               = (RecordPrinter){.key      = {.title = "Key format: "},
                                             .value    = {.title = "Value format: "},
                                             .interval = interval,
                                             .left     = limit};
    Status status          = format_guess_new(SIDE_KEY, registry, &printer->key.guess, err);
    if (status == OK)
        status = format_guess_new(SIDE_VALUE, registry, &printer->value.guess, err);
    if (status == OK)
        *out = printer;
    else
        record_printer_close(printer);
    return status;
}

static void clear_side(PrintSide *side)
{
    format_guess_free(side->guess);
    strbuf_clear(&side->told);
    strbuf_clear(&side->now);
}

void record_printer_close(RecordPrinter *printer)
{
    if (printer == NULL)
        return;
    clear_side(&printer->key);
    clear_side(&printer->value);
    mem_free(printer);
}

static void tell_formats(PrintSide *side, StrBuf *out)
{
    strbuf_reset(&side->now);
    format_guess_names(side->guess, &side->now);
    if (str_equal(strbuf_str(&side->now), strbuf_str(&side->told)))
        return;
    strbuf_adds(out, side->title);
    strbuf_add(out, strbuf_str(&side->now));
    strbuf_addc(out, '\n');
    strbuf_reset(&side->told);
    strbuf_add(&side->told, strbuf_str(&side->now));
}

/* 2022/12/02 17:22:02.556 Z */
static void print_time(int64_t ms, StrBuf *out)
{
    char text[40];
    if (ms == -1) { /* Kafka's "no timestamp" */
        strbuf_adds(out, "N/A");
        return;
    }
    size_t len = timestamp_print(ms, text);
    for (size_t i = 1; i < len; i++)
        text[i] = text[i] == '-' ? '/' : text[i] == 'T' ? ' ' : text[i];
    strbuf_add(out, str_n(text, len));
    strbuf_adds(out, " Z");
}

static Str record_bytes(const PushRow *row, int column)
{
    return value_is_null(row->values[column]) ? STR_NULL : value_str(row->values[column]);
}

static void print_record(RecordPrinter *printer, const PushRow *row, StrBuf *out)
{
    strbuf_adds(out, "rowtime: ");
    print_time(value_int(row->values[RECORD_TIME]), out);
    strbuf_adds(out, ", key: ");
    format_guess_print(printer->key.guess, record_bytes(row, RECORD_KEY), out);
    strbuf_adds(out, ", value: ");
    format_guess_print(printer->value.guess, record_bytes(row, RECORD_VALUE), out);
    strbuf_addf(out, ", partition: %lld\n", (long long)value_int(row->values[RECORD_PARTITION]));
}

/* Formats are guessed from all records, then those that are to be shown are. */
bool record_printer_add(RecordPrinter *printer, const PushRow *rows, size_t count, StrBuf *out)
{
    bool told = false;
    for (size_t i = 0; i < count; i++) {
        format_guess_see(printer->key.guess, record_bytes(&rows[i], RECORD_KEY));
        format_guess_see(printer->value.guess, record_bytes(&rows[i], RECORD_VALUE));
    }
    for (size_t i = 0; i < count && printer->left != 0; i++) {
        if (printer->skip-- > 0)
            continue;
        printer->skip = printer->interval - 1;
        printer->left -= printer->left > 0;
        if (!told) {
            tell_formats(&printer->key, out);
            tell_formats(&printer->value, out);
            told = true;
        }
        print_record(printer, &rows[i], out);
    }
    return printer->left != 0;
}
