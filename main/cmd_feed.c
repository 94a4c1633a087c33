/*
 * cmd_feed.c - `sluice feed`: the lines of a file or a pipe become records of a topic, each as it is.
 *
 * Keys and timestamps may be taken from fields of the line. Without a key to take, a line that is broken goes
 * into the topic like the others: it is the queries' business to skip it and to say so. Its timestamp is that
 * of the line before: so it stays where it was in time.
 *
 * With --key-field every line has to be a JSON object, for a record without its key is in the wrong partition
 * for good (--keep-broken writes it all the same, with the null key); with --csv lines are CSV behind a
 * header and become such objects. There a line can be no record at all, which is said with its number, and
 * the exit status is 1.
 */
#include "main/commands.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>

#include "core/value.h"
#include "main/feed.h"
#include "main/feed_csv.h"
#include "main/help.h"
#include "shell/jtext.h"

enum { KAFKA_CONFIGS_MAX = 64 };

typedef struct {
    const char *url, *user, *token, *state_dir, *bootstrap, *topic, *file;
    const char *key_field, *timestamp_field;
    char        key_separator; /* '\0': none */
    bool        csv, keep_broken;
    int         partitions;
    LogConfig   configs[KAFKA_CONFIGS_MAX];
    size_t      config_count;
} FeedOptions;

typedef struct {
    size_t  lines, without_key, without_time, refused; /* lines: records written */
    int64_t last_time;
} FeedCounts;

/* ---- options ---- */

static int take_config(FeedOptions *options, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || options->config_count + 1 >= KAFKA_CONFIGS_MAX)
        return command_misused("--property takes NAME=VALUE, not '%s'", text);
    *equals                                   = '\0';
    options->configs[options->config_count++] = (LogConfig){text, equals + 1};
    return EXIT_OK;
}

static int take_partitions(FeedOptions *options, const char *text)
{
    int64_t number;
    if (!int64_parse(str_c(text), &number) || number < 1 || number > 10000)
        return command_misused("--partitions takes a number from 1 to 10000, not '%s'", text);
    options->partitions = (int)number;
    return EXIT_OK;
}

static int take_separator(FeedOptions *options, const char *text)
{
    bool tab = strcmp(text, "\\t") == 0;
    if (!tab && strlen(text) != 1)
        return command_misused("--key-separator takes one character, not '%s'", text);
    options->key_separator = tab ? '\t' : text[0];
    return EXIT_OK;
}

static int check_options(const FeedOptions *options)
{
    if (options->topic == NULL)
        return command_misused("feed needs --topic NAME (sluice feed --help)");
    if ((options->url != NULL) + (options->state_dir != NULL) + (options->bootstrap != NULL) > 1)
        return command_misused("--url, --state-dir and --bootstrap-servers exclude each other");
    if ((options->user != NULL || options->token != NULL) && options->url == NULL)
        return command_misused("--user and --token are for a server (--url)");
    if (options->csv && options->key_separator != '\0')
        return command_misused("--csv and --key-separator exclude each other: take --key-field");
    if (options->keep_broken && (options->csv || options->key_field == NULL))
        return command_misused("--keep-broken is for lines of JSON with --key-field");
    if (options->key_field != NULL && options->key_separator != '\0')
        return command_misused("--key-field and --key-separator exclude each other");
    return EXIT_OK;
}

static int parse(FeedOptions *options, int argc, char **argv)
{
    static const struct option longs[] = {
        {"url", required_argument, NULL, 'u'},
        {"state-dir", required_argument, NULL, 's'},
        {"bootstrap-servers", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"key-field", required_argument, NULL, 'k'},
        {"key-separator", required_argument, NULL, 'c'},
        {"timestamp-field", required_argument, NULL, 'w'},
        {"partitions", required_argument, NULL, 'n'},
        {"property", required_argument, NULL, 'p'},
        {"user", required_argument, NULL, 'U'},
        {"token", required_argument, NULL, 'T'},
        {"csv", no_argument, NULL, 'v'},
        {"keep-broken", no_argument, NULL, 'B'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, status = EXIT_OK;
    opterr   = 0; /* we say ourselves what is wrong */
    *options = (FeedOptions){.partitions = 1, .file = "-"};
    while (status == EXIT_OK && (option = getopt_long(argc, argv, ":t:h", longs, NULL)) != -1)
        switch (option) {
        case 'u':
            options->url = optarg;
            break;
        case 's':
            options->state_dir = optarg;
            break;
        case 'b':
            options->bootstrap = optarg;
            break;
        case 't':
            options->topic = optarg;
            break;
        case 'k':
            options->key_field = optarg;
            break;
        case 'w':
            options->timestamp_field = optarg;
            break;
        case 'c':
            status = take_separator(options, optarg);
            break;
        case 'n':
            status = take_partitions(options, optarg);
            break;
        case 'v':
            options->csv = true;
            break;
        case 'B':
            options->keep_broken = true;
            break;
        case 'U':
            options->user = optarg;
            break;
        case 'T':
            options->token = optarg;
            break;
        case 'p':
            status = take_config(options, optarg);
            break;
        case 'h':
            help_print(help_find("feed"), stdout);
            exit(EXIT_OK);
        case ':':
            return command_misused("%s needs a value", argv[optind - 1]);
        default:
            return help_refuse_option("feed", argv[optind - 1]);
        }
    if (status == EXIT_OK && optind < argc)
        options->file = argv[optind++];
    if (status == EXIT_OK && optind < argc)
        status = command_misused("what is '%s'?", argv[optind]);
    return status == EXIT_OK ? check_options(options) : status;
}

/* ---- lines ---- */

static bool read_time(Arena *arena, JsonText field, int64_t *out)
{
    Str text = jtext_text(arena, field);
    if (field.kind == JTEXT_NUMBER)
        return int64_parse(text, out);
    return field.kind == JTEXT_STRING && timestamp_parse(text, out);
}

static void make_record(const FeedOptions *options, FeedCounts *counts, Arena *arena, Str line,
                        LogRecord *record)
{
    const char *cut = options->key_separator != '\0' && line.len > 0
                          ? memchr(line.ptr, options->key_separator, line.len)
                          : NULL;
    *record         = (LogRecord){.value = line, .key = STR_NULL};
    if (cut != NULL) {
        record->key   = str_n(line.ptr, (size_t)(cut - line.ptr));
        record->value = str_n(cut + 1, line.len - record->key.len - 1);
    }
    JsonText object = options->key_field != NULL || options->timestamp_field != NULL
                          ? jtext_parse(record->value)
                          : (JsonText){0};
    if (cut == NULL && options->key_field != NULL)
        record->key = jtext_field(arena, object, options->key_field);
    if (str_is_null(record->key) && (options->key_field != NULL || options->key_separator != '\0'))
        counts->without_key++;
    Clock *clock = clock_system();
    if (options->timestamp_field == NULL)
        record->timestamp = clock->now_ms(clock);
    else if (read_time(arena, jtext_get(object, options->timestamp_field), &record->timestamp))
        counts->last_time = record->timestamp;
    else {
        counts->without_time++;
        record->timestamp = counts->last_time >= 0 ? counts->last_time : clock->now_ms(clock);
    }
}

/* Lines of a file, as records go on over them. */
typedef struct {
    FILE  *file;
    char  *line;
    size_t capacity, number; /* of the line read last, from 1 */
    StrBuf record;           /* CSV: of several lines */
    size_t first;            /* where it began */
} LineReader;

static Str without_line_end(Str text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* The next line that is not empty; with `csv` the next record, which may go on over several. False: there is
 * none. */
static bool next_record(LineReader *reader, bool csv, Str *out)
{
    ssize_t len;
    strbuf_reset(&reader->record);
    while ((len = getline(&reader->line, &reader->capacity, reader->file)) >= 0) {
        Str text = str_n(reader->line, (size_t)len);
        reader->number++;
        if (reader->record.len == 0)
            reader->first = reader->number;
        strbuf_add(&reader->record, text);
        *out = without_line_end(strbuf_str(&reader->record));
        if (out->len == 0)
            strbuf_reset(&reader->record);
        else if (!csv || csv_is_complete(*out))
            return true;
    }
    *out = without_line_end(strbuf_str(&reader->record));
    return out->len > 0; /* a quoted field that never ends: csv_object says so */
}

static void refuse_line(const FeedOptions *options, FeedCounts *counts, const LineReader *reader,
                        const Error *err)
{
    counts->refused++;
    fprintf(stderr, "sluice: %s:%zu: %s\n", options->file, reader->first, err->message);
}

/* The whole line: jtext.h finds a field without looking at what else is there. Big integers are no errors. */
static Status check_object(Str line, Error *err)
{
    json_error_t why;
    json_t      *value  = json_loadb(line.ptr, line.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    Status       status = OK;
    if (value == NULL)
        status =
            error_set(err, E_DATA, NO_POS, "it is no JSON object, so there is no key in it: %s", why.text);
    else if (!json_is_object(value))
        status = error_set(err, E_DATA, NO_POS, "it is no JSON object, so there is no key in it");
    json_decref(value);
    return status;
}

/* The record's value: the line, or with --csv what becomes of it, in `object`. */
static Status make_value(const FeedOptions *options, const CsvHeader *header, Str line, StrBuf *object,
                         Str *value, Error *err)
{
    *value = line;
    if (options->csv) {
        TRY(csv_object(header, line, object, err));
        *value = strbuf_str(object);
        return OK;
    }
    return options->key_field != NULL && !options->keep_broken ? check_object(line, err) : OK;
}

static Status feed_one(const FeedOptions *options, const CsvHeader *header, const LineReader *reader,
                       Str text, FeedTarget *target, FeedCounts *counts, Error *err)
{
    LogRecord record;
    StrBuf    object = {0};
    Str       value;
    Error     why;
    Arena    *arena  = arena_new(SIZE_MAX);
    Status    status = OK;
    if (make_value(options, header, text, &object, &value, &why) != OK)
        refuse_line(options, counts, reader, &why);
    else {
        make_record(options, counts, arena, value, &record);
        status = target->append(target, str_c(options->topic), &record, err);
        counts->lines += status == OK ? 1 : 0;
    }
    strbuf_clear(&object);
    arena_free(arena);
    return status;
}

static Status feed_lines(const FeedOptions *options, FILE *file, FeedTarget *target, FeedCounts *counts,
                         Error *err)
{
    LineReader reader = {.file = file};
    CsvHeader  header = {0};
    Status     status = OK;
    Str        text;
    if (options->csv && !next_record(&reader, true, &text))
        status = error_set(err, E_DATA, NO_POS, "%s: there is no header", options->file);
    else if (options->csv && (status = csv_header(text, &header, err)) != OK)
        error_prefix(err, "%s:%zu: ", options->file, reader.first);
    while (status == OK && next_record(&reader, options->csv, &text))
        status = feed_one(options, &header, &reader, text, target, counts, err);
    if (status == OK && ferror(file))
        status = error_set(err, E_IO, NO_POS, "cannot read %s: %s", options->file, strerror(errno));
    free(reader.line); /* getline's */
    strbuf_clear(&reader.record);
    csv_clear(&header);
    return status;
}

/* ---- all of it ---- */

static Status open_target(FeedOptions *options, FeedTarget **out, Error *err)
{
    if (options->url != NULL)
        return feed_open_server(options->url, options->user, options->token, out, err);
    if (options->bootstrap == NULL)
        return feed_open_embedded(options->state_dir != NULL ? options->state_dir : "sluice-data", out, err);
    options->configs[options->config_count++] = (LogConfig){"bootstrap.servers", options->bootstrap};
    return feed_open_kafka(options->configs, options->config_count, out, err);
}

static Status feed_all(FeedOptions *options, FILE *file, FeedCounts *counts, Error *err)
{
    FeedTarget *target;
    TRY(open_target(options, &target, err));
    Status status = target->prepare(target, str_c(options->topic), options->partitions, err);
    if (status == OK)
        status = feed_lines(options, file, target, counts, err);
    if (status == OK)
        status = target->flush(target, err);
    target->close(target);
    return status;
}

static void print_counts(const FeedOptions *options, const FeedCounts *counts)
{
    printf("%zu records written to %s", counts->lines, options->topic);
    if (counts->without_key > 0)
        printf(", %zu without a key", counts->without_key);
    if (counts->without_time > 0)
        printf(", %zu without a timestamp (they got that of the record before)", counts->without_time);
    if (counts->refused > 0)
        printf(", %zu refused", counts->refused);
    putchar('\n');
}

int cmd_feed(int argc, char **argv)
{
    FeedOptions options;
    FeedCounts  counts = {.last_time = -1};
    Error       err;
    int         status = parse(&options, argc, argv);
    if (status != EXIT_OK)
        return status;
    FILE *file = strcmp(options.file, "-") == 0 ? stdin : fopen(options.file, "re");
    if (file == NULL)
        return command_misused("cannot read %s: %s", options.file, strerror(errno));
    Status fed = feed_all(&options, file, &counts, &err);
    if (file != stdin)
        fclose(file);
    if (fed != OK)
        return command_failed(&err);
    print_counts(&options, &counts);
    return counts.refused > 0 ? EXIT_FAILED : EXIT_OK;
}
