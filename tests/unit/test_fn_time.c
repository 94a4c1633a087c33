/* Date and time functions: check vectors of functions.md 3.7 and 14.2 to 14.4, 14.8. */
#include "fn_rows.h"

#include "udf/time_pattern.h"

extern const ScalarFn time_functions[], time_text_functions[];

static int setup(void **state)
{
    *state = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static const char *run(const ScalarFn *table, const char *name, const SqlType *type, const Arg *args,
                       size_t count, Arena *arena)
{
    return fn_call(table, name, type, args, count, arena);
}

/* ---- formatting ---- */

static const struct {
    int64_t     ms;
    const char *pattern, *zone, *text;
} formats[] = {
    {1526075913000, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", NULL, "2018-05-11T21:58:33.000Z"},
    {1526075913000, "EEE, dd MMM yyyy HH:mm:ss Z", NULL, "Fri, 11 May 2018 21:58:33 +0000"},
    {1526075913000, "hh:mm:ss a", NULL, "09:58:33 PM"},
    {1526075913000, "DDD", NULL, "131"},
    {1526075913000, "Q", NULL, "2"},
    {1526075913000, "e", NULL, "6"},
    {1526075913000, "VV", NULL, "GMT"},
    {1526075913000, "O", NULL, "GMT"},
    {1526075913000, "X", NULL, "Z"},
    {1526075913000, "yyyy-MM-dd HH:mm:ss zzz", "Europe/London", "2018-05-11 22:58:33 BST"},
    {1526075913000, "yyyy-MM-dd HH:mm:ss zzz", "America/Los_Angeles", "2018-05-11 14:58:33 PDT"},
    {-1, "yyyy-MM-dd HH:mm:ss.SSS", NULL, "1969-12-31 23:59:59.999"},
    {1577923200000, "yyyy''MM", NULL, "2020'01"},
    {327403382400000, "yyyy", NULL, "+12345"},
    {-63509616000000, "uuuu", NULL, "-0043"},
    {-63509616000000, "yyyy G", NULL, "0044 BC"},
    {1526075913000, "yyyy-MM-ddTHH", NULL, "ERROR~Unknown pattern letter: T"},
    {1526101113123, "G GGGG GGGGG", "America/Los_Angeles", "AD Anno Domini A"},
    {1526101113123, "yy u uu Y w W", "America/Los_Angeles", "18 2018 18 2018 19 2"},
    {1526101113123, "Q QQ QQQ QQQQ QQQQQ", "America/Los_Angeles", "2 02 Q2 2nd quarter 2"},
    {1526101113123, "M MM MMM MMMM MMMMM", "America/Los_Angeles", "5 05 May May M"},
    {1526101113123, "E EEEE EEEEE ee eee eeee ccc", "America/Los_Angeles", "Fri Friday F 06 Fri Friday Fri"},
    {1526101113123, "F a g", "America/Los_Angeles", "4 PM 58249"},
    {1526101113123, "B", "America/Los_Angeles", "at night"},
    {1526101113123, "h K k H m s S SSS SSSSSS", "America/Los_Angeles", "9 9 21 21 58 33 1 123 123000"},
    {1526101113123, "A n", "America/Los_Angeles", "79113123 123000000"},
    {1526101113123, "VV", "America/Los_Angeles", "America/Los_Angeles"},
    {1526101113123, "v", "America/Los_Angeles", "PT"},
    {1526101113123, "vvvv", "America/Los_Angeles", "Pacific Time"},
    {1526101113123, "z zzzz", "America/Los_Angeles", "PDT Pacific Daylight Time"},
    {1526101113123, "O OOOO", "America/Los_Angeles", "GMT-7 GMT-07:00"},
    {1526101113123, "X XX XXX XXXX XXXXX", "America/Los_Angeles", "-07 -0700 -07:00 -0700 -07:00"},
    {1526101113123, "Z ZZZZ ZZZZZ", "America/Los_Angeles", "-0700 GMT-07:00 -07:00"},
    {0, "x xx xxx", NULL, "+00 +0000 +00:00"},
    {0, "X", "+05:30", "+0530"},
    {0, "ppppH|ppd", NULL, "   0| 1"},
    {0, "ppyyyy", NULL, "ERROR~exceeds pad width"},
    {0, "[yyyy]", NULL, "1970"},
    {0, "'it''s' yyyy", NULL, "it's 1970"},
    {0, "cc", NULL, "ERROR~Invalid pattern \"cc\""},
    {0, "V", NULL, "ERROR"},
    {0, "{", NULL, "ERROR~reserved"},
    {0, "yyyy]", NULL, "ERROR"},
    {0, "'abc", NULL, "ERROR~incomplete string literal"},
    {0, "p", NULL, "ERROR"},
    {0, "SSSSSSSSSS", NULL, "ERROR"},
    {0, "dddd", NULL, "ERROR~Too many pattern letters: d"},
    {0, "yyyy", "PST", "ERROR~Unknown time-zone ID: PST"},
    {0, "zzz", "Asia/Tokyo", "JST"},
    {0, "zzz", "Asia/Kolkata", "IST"},
    {1526075913000, "zzz", "Europe/Berlin", "CEST"},
};

static void formats_timestamps(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        Arg args[3] = {TS(formats[i].ms), {value_from_str(str_c(formats[i].pattern)), &type_string}};
        if (formats[i].zone)
            args[2] = (Arg){value_from_str(str_c(formats[i].zone)), &type_string};
        fn_expect(
            formats[i].pattern,
            run(time_text_functions, "format_timestamp", &type_string, args, formats[i].zone ? 3 : 2, *state),
            formats[i].text);
    }
}

static void formats_dates_and_times(void **state)
{
    fn_expect(
        "date",
        run(time_text_functions, "format_date", &type_string, (Arg[]){DT(17662), S("yyyy-MM-dd")}, 2, *state),
        "2018-05-11");
    fn_expect(
        "date",
        run(time_text_functions, "format_date", &type_string, (Arg[]){DT(17662), S("yyyy HH")}, 2, *state),
        "ERROR~Failed to format date 2018-05-11 with formatter 'yyyy HH': Unsupported field: HourOfDay");
    fn_expect(
        "option",
        run(time_text_functions, "format_date", &type_string, (Arg[]){DT(17662), S("yyyy[ HH]")}, 2, *state),
        "2018");
    fn_expect(
        "zone",
        run(time_text_functions, "format_date", &type_string, (Arg[]){DT(17662), S("yyyy VV")}, 2, *state),
        "ERROR");
    fn_expect("time",
              run(time_text_functions, "format_time", &type_string, (Arg[]){TM(65000), S("HH_mm_ss_SSS")}, 2,
                  *state),
              "00_01_05_000");
    fn_expect("time",
              run(time_text_functions, "format_time", &type_string, (Arg[]){TM(65000), S("yyyy")}, 2, *state),
              "ERROR");
}

/* ---- parsing ---- */

static const struct {
    const char *pattern, *text, *zone, *result;
} parses[] = {
    {"yyyy-MM-dd", "2021-12-01X", NULL,
     "ERROR~Text '2021-12-01X' could not be parsed, unparsed text found at index 10"},
    {"yyyy-MM-dd", "2021-02-30", NULL, "2021-02-28T00:00:00.000"},
    {"yyyy-MM-dd", "2021-13-01", NULL, "ERROR~Invalid value for MonthOfYear (valid values 1 - 12): 13"},
    {"yyyy-MM-dd", "0000-01-01", NULL, "ERROR"},
    {"yyyyMMdd", "20210230", NULL, "2021-02-28T00:00:00.000"},
    {"yyyy-MM-dd HH:mm", "2021-12-01 24:00", NULL, "2021-12-02T00:00:00.000"},
    {"yyyy-MM-dd HH:mm", "2021-12-01 24:01", NULL, "ERROR"},
    {"yyyy-MM-dd kk:mm", "2021-12-01 24:00", NULL, "2021-12-01T00:00:00.000"},
    {"yyyy-MM-dd hh", "2021-12-01 03", NULL, "2021-12-01T03:00:00.000"},
    {"hh:mm a", "03:04 pm", NULL, "1970-01-01T15:04:00.000"},
    {"HH:mm:ss.SSS", "01:02:03.12", NULL, "ERROR"},
    {"HH:mm:ss.S", "01:02:03.123", NULL, "ERROR"},
    {"H:m:s", "01:2:03", NULL, "1970-01-01T01:02:03.000"},
    {"HH:mm", "1:02", NULL, "ERROR~could not be parsed at index 0"},
    {"d/M/yyyy", "11/5/2019", NULL, "2019-05-11T00:00:00.000"},
    {"yy-MM-dd", "21-02-03", NULL, "2021-02-03T00:00:00.000"},
    {"EEE yyyy-MM-dd", "Mon 2021-12-01", NULL, "ERROR~Conflict found"},
    {"EEE yyyy-MM-dd", "wed 2021-12-01", NULL, "2021-12-01T00:00:00.000"},
    {"dd MMMM yyyy", "01 December 2021", NULL, "2021-12-01T00:00:00.000"},
    {"dd MMMM yyyy", "01 Dec 2021", NULL, "2021-12-01T00:00:00.000"},
    {"HH:mmX", "03:04+0000", NULL, "1970-01-01T03:04:00.000"},
    {"HH:mmX", "03:04+00:00", NULL, "ERROR"},
    {"HH:mmXXX", "03:04+0100", NULL, "ERROR"},
    {"HH:mmXXX", "03:04+01:00", NULL, "1970-01-01T02:04:00.000"},
    {"yyyy-MM-dd'T'HH:mm:ss.SX", "2019-08-27T13:31:09.2+0000", NULL, "2019-08-27T13:31:09.200"},
    {"yyyy-MM-dd'T'HH:mm:ss zzz", "2018-05-11T21:58:33 PST", NULL, "2018-05-12T04:58:33.000"},
    {"yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 America/New_York", NULL, "2018-05-12T01:58:33.000"},
    {"yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 america/new_york", NULL, "2018-05-12T01:58:33.000"},
    {"yyyy-MM-dd'T'HH:mm:ss VV", "2018-05-11T21:58:33 UTC+01:00", NULL, "2018-05-11T20:58:33.000"},
    {"yyyy-MM-dd'T'HH:mm:ss z", "2018-05-11T21:58:33 +01:00", NULL, "2018-05-11T20:58:33.000"},
    {"yyyy-MM-dd HH O", "2021-12-01 03 GMT+3", NULL, "2021-12-01T00:00:00.000"},
    {"yyyy[-MM[-dd]]", "2021-05", NULL, "2021-05-01T00:00:00.000"},
    {"yyyy[-MM[-dd]]", "2021", NULL, "2021-01-01T00:00:00.000"},
    {"DDD", "366", NULL, "ERROR~Leap day cannot be parsed without supplying the year field"},
    {"yyyy-DDD", "2020-366", NULL, "2020-12-31T00:00:00.000"},
    {"yyyy-DDD", "2021-366", NULL, "ERROR"},
    {"yyyy-MM-dd G", "0044-03-15 BC", NULL, "-0043-03-15T00:00:00.000"},
    {"yyyy-MM-dd HH:mm", "2021-03-14 02:30", "America/New_York", "2021-03-14T07:30:00.000"},
    {"yyyy-MM-dd HH:mm", "2021-11-07 01:30", "America/New_York", "2021-11-07T05:30:00.000"},
    {"yyyyMMddHHmmssSSS", "20211201030405678", NULL, "2021-12-01T03:04:05.678"},
    {"", "", NULL, "1970-01-01T00:00:00.000"},
    {"yyyy", "12345", NULL, "ERROR"},
    {"yyyy", "+12345", NULL, "+12345-01-01T00:00:00.000"},
    {"yyyy-MM-dd", "2021-12-01", "nowhere",
     "ERROR~Failed to parse timestamp '2021-12-01' at timezone 'nowhere' with formatter 'yyyy-MM-dd': "
     "Unknown time-zone ID: nowhere"},
    {"yyyy-MM-dd B", "2021-12-01 noon", NULL, "ERROR~not supported"},
    {"MM-dd", "02-30", NULL, "ERROR"},
};

static void parses_timestamps(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(parses); i++) {
        Arg args[3] = {{value_from_str(str_c(parses[i].text)), &type_string},
                       {value_from_str(str_c(parses[i].pattern)), &type_string}};
        if (parses[i].zone)
            args[2] = (Arg){value_from_str(str_c(parses[i].zone)), &type_string};
        fn_expect(parses[i].pattern,
                  run(time_text_functions, "parse_timestamp", &type_timestamp, args, parses[i].zone ? 3 : 2,
                      *state),
                  parses[i].result);
    }
    fn_expect("epoch",
              run(time_text_functions, "parse_timestamp", &type_bigint,
                  (Arg[]){S("2018-05-11T21:58:33 PST"), S("yyyy-MM-dd'T'HH:mm:ss zzz")}, 2, *state),
              "1526101113000");
}

static const struct {
    const char *pattern, *text, *result;
} times[] = {
    {"HH", "05", "05:00"},
    {"mm", "05", "ERROR"},
    {"hh", "05", "ERROR"},
    {"hh:mm:ss a", "12:01:05 aM", "00:01:05"},
    {"yyyy HH", "2020 05", "ERROR~Time format contains date field."},
    {"HH:mm", "24:00", "00:00"},
};

static void parses_times(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        Arg args[] = {{value_from_str(str_c(times[i].text)), &type_string},
                      {value_from_str(str_c(times[i].pattern)), &type_string}};
        fn_expect(times[i].pattern, run(time_text_functions, "parse_time", &type_time, args, 2, *state),
                  times[i].result);
    }
}

static const struct {
    const char *pattern, *text, *result;
} dates[] = {
    {"yyyy-MM-dd", "2021-12-01X", "2021-12-01"},
    {"yyyy-MM-dd", " 2021-12-01", "2021-12-01"},
    {"yyyy-MM-dd", "2021-1-1", "2021-01-01"},
    {"yyyy-MM-dd", "2021-02-30", "2021-03-02"},
    {"yyyy-MM-dd", "2021-13-01", "2022-01-01"},
    {"yyyy-MM-dd", "2021-00-01", "2020-12-01"},
    {"yyyy-MM-dd", "21-12-01", "0021-12-01"},
    {"yy-MM-dd", "21-12-01", "2021-12-01"},
    {"yy-MM-dd", "44-12-01", "1944-12-01"},
    {"yy-MM-dd", "42-12-01", "2042-12-01"},
    {"yyyy-MM", "2021-12", "2021-12-01"},
    {"yyyy-DDD", "2021-335", "2021-12-01"},
    {"yyyyMMdd", "20211201", "2021-12-01"},
    {"dd MMM yyyy", "01 December 2021", "2021-12-01"},
    {"dd MMMM yyyy", "01 Dec 2021", "2021-12-01"},
    {"EEE yyyy-MM-dd", "Mon 2021-12-01", "2021-12-01"},
    {"yyyy-MM-dd HH:mm", "2021-12-01 05:40", "ERROR~Date format contains time field."},
    {"yyyy-MM-dd'T'HH:mm:ssXXX", "2021-12-01T00:00:00+01:00", "ERROR~Date format contains time field."},
    {"yyyy-MM-dd'T'HH:mm:ss zzz", "2021-12-01T01:00:00 GMT+1:00", "2021-12-01"},
    {"uuuu-MM-dd", "2021-12-01", "1970-12-01"},
    {"invalid", "2021-12-01", "ERROR~Failed to parse date '2021-12-01' with formatter 'invalid'"},
    {"yyyy-MM-dd", "x", "ERROR"},
    {"yyyy", "1009025596", "ERROR~Unparseable date"},
    {"yyyy''MM", "2021'05", "2021-05-01"},
    {"yyyy 'Q", "2021", "ERROR"},
};

static void parses_dates_leniently(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        Arg args[] = {{value_from_str(str_c(dates[i].text)), &type_string},
                      {value_from_str(str_c(dates[i].pattern)), &type_string}};
        fn_expect(dates[i].pattern, run(time_text_functions, "parse_date", &type_date, args, 2, *state),
                  dates[i].result);
    }
    fn_expect("year 12021",
              run(time_text_functions, "parse_date", &type_bigint, (Arg[]){S("12021-12-01"), S("yyyy-MM-dd")},
                  2, *state),
              "3671387");
}

static void deprecated_ones(void **state)
{
    fn_expect("date",
              run(time_text_functions, "stringtodate", &type_integer,
                  (Arg[]){S("2021-12-01"), S("yyyy-MM-dd")}, 2, *state),
              "18962");
    fn_expect("part",
              run(time_text_functions, "stringtodate", &type_integer, (Arg[]){S("2021-12"), S("yyyy-MM")}, 2,
                  *state),
              "ERROR");
    fn_expect("null",
              run(time_text_functions, "stringtodate", &type_integer, (Arg[]){NUL(type_string), S("yyyy-MM")},
                  2, *state),
              "ERROR: NULL");
    fn_expect("date",
              run(time_text_functions, "datetostring", &type_string, (Arg[]){I(18962), S("yyyy")}, 2, *state),
              "2021");
    fn_expect("null",
              run(time_text_functions, "datetostring", &type_string, (Arg[]){I(18962), NUL(type_string)}, 2,
                  *state),
              "NULL");
    fn_expect("null",
              run(time_text_functions, "datetostring", &type_string, (Arg[]){NUL(type_integer), S("yyyy")}, 2,
                  *state),
              "ERROR");
    fn_expect("zone",
              run(time_text_functions, "timestamptostring", &type_string,
                  (Arg[]){L(0), S("HH X"), S("+02:00")}, 3, *state),
              "02 +02");
    fn_expect("zone",
              run(time_text_functions, "stringtotimestamp", &type_bigint,
                  (Arg[]){S("1970"), S("yyyy"), S("-01")}, 3, *state),
              "3600000");
}

/* ---- arithmetic ---- */

static void adds_and_subtracts(void **state)
{
    const int64_t day = 86400000, hour = 3600000, second = 1000;
    fn_expect("dateadd",
              run(time_functions, "dateadd", &type_date, (Arg[]){UNIT(day), I(10), DT(0)}, 3, *state),
              "1970-01-11");
    fn_expect("hours",
              run(time_functions, "dateadd", &type_date, (Arg[]){UNIT(hour), I(23), DT(1)}, 3, *state),
              "1970-01-02");
    fn_expect("back to 1970",
              run(time_functions, "dateadd", &type_date, (Arg[]){UNIT(hour), I(1), DT(-1)}, 3, *state),
              "1970-01-01");
    fn_expect("datesub",
              run(time_functions, "datesub", &type_date, (Arg[]){UNIT(day), I(1), DT(0)}, 3, *state),
              "1969-12-31");
    fn_expect(
        "timeadd",
        run(time_functions, "timeadd", &type_time, (Arg[]){UNIT(second), I(3605), TM(84600000)}, 3, *state),
        "00:30:05");
    fn_expect("timesub",
              run(time_functions, "timesub", &type_time, (Arg[]){UNIT(hour), I(1), TM(0)}, 3, *state),
              "23:00");
    fn_expect("days",
              run(time_functions, "timeadd", &type_time, (Arg[]){UNIT(day), I(3), TM(60000)}, 3, *state),
              "00:01");
    fn_expect(
        "add",
        run(time_functions, "timestampadd", &type_bigint, (Arg[]){UNIT(second), I(2), TS(5)}, 3, *state),
        "2005");
    fn_expect(
        "sub",
        run(time_functions, "timestampsub", &type_bigint, (Arg[]){UNIT(second), I(2), TS(5)}, 3, *state),
        "-1995");
    fn_expect("null",
              run(time_functions, "timestampsub", &type_bigint,
                  (Arg[]){UNIT(second), NUL(type_integer), TS(5)}, 3, *state),
              "NULL");
    fn_expect(
        "convert",
        run(time_functions, "convert_tz", &type_bigint, (Arg[]){TS(100), S("+0200"), S("+0500")}, 3, *state),
        "10800100");
    fn_expect(
        "zone",
        run(time_functions, "convert_tz", &type_bigint, (Arg[]){TS(100), S("PST"), S("UTC")}, 3, *state),
        "ERROR: Invalid time zone: PST");
}

static void reads_the_clock(void **state)
{
    fn_expect("now", run(time_functions, "unix_timestamp", &type_bigint, NULL, 0, *state), "1700000000000");
    fn_expect("then", run(time_functions, "unix_timestamp", &type_bigint, (Arg[]){TS(7)}, 1, *state), "7");
    fn_expect("day", run(time_functions, "unix_date", &type_integer, (Arg[]){DT(7)}, 1, *state), "7");
    fn_expect("days", run(time_functions, "from_days", &type_date, (Arg[]){I(0)}, 1, *state), "1970-01-01");
    fn_expect("ms", run(time_functions, "from_unixtime", &type_timestamp, (Arg[]){L(1)}, 1, *state),
              "1970-01-01T00:00:00.001");
    setenv("TZ", "Pacific/Kiritimati", 1);
    fn_expect("today there", run(time_functions, "unix_date", &type_integer, NULL, 0, *state), "19676");
    setenv("TZ", "UTC", 1);
    fn_expect("today", run(time_functions, "unix_date", &type_integer, NULL, 0, *state), "19675");
}

static void knows_zone_ids(void **state)
{
    static const char *const good[] = {"UTC",
                                       "GMT",
                                       "UT",
                                       "Z",
                                       "+0200",
                                       "+02",
                                       "+2",
                                       "+02:00",
                                       "UTC+01:00",
                                       "GMT+1",
                                       "America/New_York",
                                       "US/Pacific",
                                       "PST8PDT",
                                       "CET",
                                       "Etc/UTC",
                                       "+18:00",
                                       "-09:30:15"};
    static const char *const bad[]  = {
         "PST",  "utc", "EST", "MST", "HST", "", "+", "+19:00", "+02:60", "Mars/Olympus", "america/new_york",
         "+1:00"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        Zone *zone = NULL;
        Error err;
        if (zone_open(str_c(good[i]), &zone, &err) != OK)
            fail_msg("%s refused", good[i]);
        zone_close(zone);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Zone *zone = NULL;
        Error err;
        if (zone_open(str_c(bad[i]), &zone, &err) == OK)
            fail_msg("%s accepted", bad[i]);
    }
}

/* One site serves patterns and zones that change from row to row. */
static void site_keeps_several_patterns(void **state)
{
    FnSite site = {0};
    Clock  clock;
    clock_init_virtual(&clock, 0, 1);
    const ScalarFn *row = fn_row(time_text_functions, "format_timestamp", 3);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 12; i++) {
            Str zone = str_printf(*state, "+%02d:00", i), expected = str_printf(*state, "%02d", i);
            Arg args[] = {TS(0), S("HH"), {value_from_str(zone), &type_string}};
            fn_expect("site", fn_call_at(row, &type_string, args, 3, &site, &clock, *state),
                      str_to_c(*state, expected));
        }
    }
    site.release(site.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_timestamps),     cmocka_unit_test(formats_dates_and_times),
        cmocka_unit_test(parses_timestamps),      cmocka_unit_test(parses_times),
        cmocka_unit_test(parses_dates_leniently), cmocka_unit_test(deprecated_ones),
        cmocka_unit_test(adds_and_subtracts),     cmocka_unit_test(reads_the_clock),
        cmocka_unit_test(knows_zone_ids),         cmocka_unit_test(site_keeps_several_patterns),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
