/*
 * example.c - an extension to begin from: an edit distance, a median, what a function keeps, how one fails.
 *
 * Built with the server, loaded by its tests. A library of your own needs this header and a C compiler:
 *
 *   cc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -I<where sluice_ext.h is> example.c -o example.so
 */
#include <stdlib.h>
#include <string.h>

#include "udf/extension/sluice_ext.h"

static const sl_host *host;

/* LEVENSHTEIN(a, b): how many bytes must change. */
static sl_status levenshtein(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    const slv *a = &args[0], *b = &args[1];
    if (a->len > 10000 || b->len > 10000)
        return host->error(call, SL_ERR, "a text has more than 10000 bytes");
    uint32_t *row = host->alloc(call, (b->len + 1) * sizeof *row);
    if (row == NULL)
        return SL_ERR;
    for (uint32_t j = 0; j <= b->len; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a->len; i++) {
        uint32_t diagonal = row[0];
        row[0]            = i;
        for (uint32_t j = 1; j <= b->len; j++) {
            uint32_t change = diagonal + (a->u.p[i - 1] != b->u.p[j - 1]);
            uint32_t less   = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal        = row[j];
            row[j]          = change < less ? change : less;
        }
    }
    sl_put_int(out, (int32_t)row[b->len]);
    return SL_OK;
}
SL_ROW_SCALAR(levenshtein)

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* MEDIAN(list): NULLs aside; NULL when nothing is left. */
static sl_status median(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    uint32_t count   = 0;
    double  *numbers = host->alloc(call, (args[0].len + 1) * sizeof *numbers);
    if (numbers == NULL)
        return SL_ERR;
    for (uint32_t i = 0; i < args[0].len; i++)
        if (args[0].u.items[i].kind != SLV_NULL)
            numbers[count++] = args[0].u.items[i].u.d;
    if (count == 0)
        return SL_OK;
    qsort(numbers, count, sizeof *numbers, compare_doubles);
    sl_put_double(out, (numbers[(count - 1) / 2] + numbers[count / 2]) / 2);
    return SL_OK;
}
SL_ROW_SCALAR(median)

/* CALLS(): how often this place of this query has called it: an instance of its own. */
static sl_status calls_open(sl_call *call, void **instance)
{
    *instance = calloc(1, sizeof(int64_t));
    return *instance != NULL ? SL_OK : host->error(call, SL_ERR_FATAL, "no memory");
}

static sl_status calls(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    sl_put_bigint(out, ++*(int64_t *)instance);
    return SL_OK;
}
SL_ROW_SCALAR(calls)

/* FIRST_OF(list): a generic; its result is what came in. */
static sl_status first_of(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    if (args[0].len == 0)
        return host->error(call, SL_ERR, "the list is empty");
    *out = args[0].u.items[0];
    return SL_OK;
}
SL_ROW_SCALAR(first_of)

/* MISTAKEN(): says INT and gives a STRING: the server notices. */
static sl_status mistaken(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    sl_put_string(out, "text", 4);
    return SL_OK;
}
SL_ROW_SCALAR(mistaken)

#define META(variable, name, text)                                                                           \
    static const sl_meta variable = {sizeof(sl_meta), name, text, "EXAMPLE", "Sluice", "1.0"}
META(levenshtein_meta, "LEVENSHTEIN", "How many bytes must change to make one text of the other.");
META(median_meta, "MEDIAN", "The middle one of a list of numbers.");
META(calls_meta, "CALLS", "How often it was called here.");
META(first_meta, "FIRST_OF", "The first element of a list.");
META(mistaken_meta, "MISTAKEN", "A function with a mistake.");
META(clash_meta, "ABS", "A name that is taken: left out.");

static const sl_param texts[] = {{"a", "STRING"}, {"b", "STRING"}};
static const sl_param list[] = {{"list", "ARRAY<DOUBLE>"}}, any_list[] = {{"list", "ARRAY<T>"}};

static const sl_scalar functions[] = {
    {sizeof(sl_scalar), &levenshtein_meta, "Edit distance in bytes.", texts, 2, "INT",
     SL_DETERMINISTIC | SL_STRICT, 0, levenshtein_rows, 0},
    {sizeof(sl_scalar), &median_meta, "Median.", list, 1, "DOUBLE", SL_DETERMINISTIC | SL_STRICT, 0,
     median_rows, 0},
    {sizeof(sl_scalar), &calls_meta, "Calls so far.", 0, 0, "BIGINT", 0, calls_open, calls_rows, free},
    {sizeof(sl_scalar), &first_meta, "First element.", any_list, 1, "T", SL_DETERMINISTIC | SL_NULL_IS_ERROR,
     0, first_of_rows, 0},
    {sizeof(sl_scalar), &mistaken_meta, "Wrong.", 0, 0, "INT", 0, 0, mistaken_rows, 0},
    {sizeof(sl_scalar), &clash_meta, "Left out.", texts, 2, "INT", SL_STRICT, 0, levenshtein_rows, 0},
};

static sl_status init(const sl_host *table, sl_reg *registration)
{
    host = table;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        host->add_scalar(registration, &functions[i]);
    return SL_OK;
}

SL_EXTENSION("example", "1.0", "Apache-2.0", init);
