/*
 * example.c - an extension to begin from: an edit distance, a median, what a function keeps, how one fails;
 * a table function; an aggregate that can be undone and merged, and one that cannot be undone.
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

/* WORDS(text): a row for each word. */
static sl_status words(sl_call *call, void *instance, const slv *args, uint32_t nargs, slv *out)
{
    const uint8_t *text  = args[0].u.p;
    slv           *list  = host->alloc(call, ((size_t)args[0].len / 2 + 1) * sizeof *list);
    uint32_t       count = 0, begin = 0;
    if (list == NULL)
        return SL_ERR;
    for (uint32_t i = 0; i <= args[0].len; i++) {
        if (i < args[0].len && text[i] != ' ')
            continue;
        if (i > begin) /* a view of the argument: the server copies it */
            sl_put_string(&list[count++], (const char *)text + begin, i - begin);
        begin = i + 1;
    }
    out->kind    = SLV_ARRAY;
    out->len     = count;
    out->u.items = list;
    return SL_OK;
}
SL_ROW_SCALAR(words)

/* WEIGHTED_AVG(value, weight): its state is STRUCT<TOTAL DOUBLE, WEIGHT DOUBLE>. */
static sl_status put_sums(sl_call *call, slv *state, double total, double weight)
{
    slv *sums = host->alloc(call, 2 * sizeof *sums);
    if (sums == NULL)
        return SL_ERR;
    sl_put_double(&sums[0], total);
    sl_put_double(&sums[1], weight);
    state->kind    = SLV_STRUCT;
    state->len     = 2;
    state->u.items = sums;
    return SL_OK;
}

static sl_status weighted_init(sl_call *call, slv *state) { return put_sums(call, state, 0, 0); }

static sl_status weighted_shift(sl_call *call, slv *state, double total, double weight)
{
    const slv *sums = state->u.items;
    return put_sums(call, state, sums[0].u.d + total, sums[1].u.d + weight);
}

static sl_status weighted_add(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args)
{
    if (args[1].u.d < 0)
        return host->error(call, SL_ERR, "a weight is negative");
    return weighted_shift(call, state, args[0].u.d * args[1].u.d, args[1].u.d);
}

static sl_status weighted_undo(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args)
{
    if (args[1].u.d < 0) /* it was never taken in */
        return SL_OK;
    return weighted_shift(call, state, -args[0].u.d * args[1].u.d, -args[1].u.d);
}

static sl_status weighted_merge(sl_call *call, void *instance, slv *state, const slv *other)
{
    return weighted_shift(call, state, other->u.items[0].u.d, other->u.items[1].u.d);
}

static sl_status weighted_finish(sl_call *call, void *instance, const slv *state, slv *out)
{
    if (state->u.items[1].u.d > 0)
        sl_put_double(out, state->u.items[0].u.d / state->u.items[1].u.d);
    return SL_OK; /* NULL without rows */
}

/* LONGEST(text): the state is the result; what a record brought cannot be taken out again. */
static sl_status longest_merge(sl_call *call, void *instance, slv *state, const slv *other)
{
    if (other->kind != SLV_NULL && (state->kind == SLV_NULL || other->len > state->len))
        *state = *other;
    return SL_OK;
}

static sl_status longest_add(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args)
{
    return longest_merge(call, instance, state, &args[0]);
}

#define META(variable, name, text)                                                                           \
    static const sl_meta variable = {sizeof(sl_meta), name, text, "EXAMPLE", "Sluice", "1.0"}
META(levenshtein_meta, "LEVENSHTEIN", "How many bytes must change to make one text of the other.");
META(median_meta, "MEDIAN", "The middle one of a list of numbers.");
META(calls_meta, "CALLS", "How often it was called here.");
META(first_meta, "FIRST_OF", "The first element of a list.");
META(mistaken_meta, "MISTAKEN", "A function with a mistake.");
META(words_meta, "WORDS", "The words of a text, a row each.");
META(weighted_meta, "WEIGHTED_AVG", "The mean of values, each with its weight.");
META(longest_meta, "LONGEST", "The longest text, the first of those.");
META(clash_meta, "ABS", "A name that is taken: left out.");

static const sl_param texts[] = {{"a", "STRING"}, {"b", "STRING"}}, text[] = {{"text", "STRING"}};
static const sl_param weighted[] = {{"value", "DOUBLE"}, {"weight", "DOUBLE"}};
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

static const sl_scalar tables[] = {
    {sizeof(sl_scalar), &words_meta, "Words.", text, 1, "STRING", SL_STRICT, 0, words_rows, 0},
};

static const sl_aggregate aggregates[] = {
    {sizeof(sl_aggregate), &weighted_meta, "Weighted mean.", weighted, 2,
     "STRUCT<TOTAL DOUBLE, WEIGHT DOUBLE>", "DOUBLE", SL_STRICT, 0, weighted_init, weighted_add,
     weighted_undo, weighted_merge, weighted_finish, 0},
    {sizeof(sl_aggregate), &longest_meta, "Longest text.", text, 1, "STRING", "STRING", 0, 0, 0, longest_add,
     0, longest_merge, 0, 0},
};

static sl_status init(const sl_host *table, sl_reg *registration)
{
    host = table;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        host->add_scalar(registration, &functions[i]);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        host->add_table(registration, &tables[i]);
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        host->add_aggregate(registration, &aggregates[i]);
    return SL_OK;
}

SL_EXTENSION("example", "1.0", "Apache-2.0", init);
