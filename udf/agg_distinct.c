/*
 * agg_distinct.c - COUNT_DISTINCT: HyperLogLog with 2^14 registers of 5 bits, six to a word
 * (functions.md 4.4).
 *
 * An empty group points to words that all share, and has its own 2731 from its first value on.
 */
#include <math.h>

#include "core/decimal.h"
#include "udf/agg.h"

enum {
    REGISTERS     = 1 << 14,
    INDEX_BITS    = 14,
    REGISTER_BITS = 5,
    PER_WORD      = 6,
    WORDS         = (REGISTERS + PER_WORD - 1) / PER_WORD,
    MAX_RANK      = 31
};

static const Value no_words[WORDS]; /* all zero: the state of an empty group, shared by all */

static Value distinct_init(const AggregateCall *call) { return value_array(no_words, WORDS); }

/* Spreads every bit: the registers need high bits as good as low ones (MurmurHash3's finalizer). */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

/* 1.0 and 1.00 are one value here: the text without trailing zeros decides. */
static uint64_t decimal_hash(Value v)
{
    StrBuf text = {0};
    decimal_print(v, &text);
    Str plain = strbuf_str(&text);
    if (str_find(plain, STR_LIT("."), 0) >= 0) {
        while (plain.ptr[plain.len - 1] == '0')
            plain.len--;
        if (plain.ptr[plain.len - 1] == '.')
            plain.len--;
    }
    uint64_t hash = str_hash(plain);
    strbuf_clear(&text);
    return hash;
}

static Status check_words(Value state, Error *err)
{
    return state.len == WORDS
               ? OK
               : error_set(err, E_FATAL_DATA, NO_POS, "COUNT_DISTINCT: a state has %u words instead of %d",
                           state.len, WORDS);
}

static int rank_at(Value state, size_t index)
{
    return (int)(value_items(state)[index / PER_WORD].as.i64 >> (REGISTER_BITS * (index % PER_WORD))) &
           MAX_RANK;
}

static int64_t word_with(int64_t word, size_t index, int rank)
{
    int shift = (int)(REGISTER_BITS * (index % PER_WORD));
    return (word & ~((int64_t)MAX_RANK << shift)) | ((int64_t)rank << shift);
}

static Status raise_rank(Value *state, size_t index, int rank, const AggregateContext *context, Error *err)
{
    if (rank_at(*state, index) >= rank)
        return OK;
    Value *words = agg_items(state, WORDS, context, err);
    if (words == NULL)
        return E_LIMIT;
    words[index / PER_WORD].as.i64 = word_with(words[index / PER_WORD].as.i64, index, rank);
    return OK;
}

static Status distinct_add(const AggregateCall *call, Value *state, const Value *args,
                           const AggregateContext *context, Error *err)
{
    const SqlType *type = call->arg_types[0];
    if (value_is_null(args[0]))
        return OK;
    TRY(check_words(*state, err));
    uint64_t hash = mix(type->kind == T_DECIMAL ? decimal_hash(args[0]) : value_hash(type, args[0]));
    uint64_t rest = hash << INDEX_BITS;
    int      rank = rest == 0 ? MAX_RANK : __builtin_clzll(rest) + 1;
    return raise_rank(state, (size_t)(hash >> (64 - INDEX_BITS)), rank > MAX_RANK ? MAX_RANK : rank, context,
                      err);
}

static Status distinct_merge(const AggregateCall *call, Value *state, Value other,
                             const AggregateContext *context, Error *err)
{
    TRY(check_words(*state, err));
    TRY(check_words(other, err));
    for (size_t i = 0; i < REGISTERS; i++)
        TRY(raise_rank(state, i, rank_at(other, i), context, err));
    return OK;
}

static Status distinct_result(const AggregateCall *call, Value state, const AggregateContext *context,
                              Value *out, Error *err)
{
    double sum   = 0;
    int    zeros = 0;
    TRY(check_words(state, err));
    for (size_t i = 0; i < REGISTERS; i++) {
        int rank = rank_at(state, i);
        sum += ldexp(1.0, -rank);
        zeros += rank == 0;
    }
    double m        = REGISTERS;
    double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && zeros > 0)
        estimate = m * log(m / zeros); /* few values: count the empty registers instead */
    *out = value_from_int((int64_t)llround(estimate));
    return OK;
}

const AggregateFn distinct_aggregates[] = {
    {"COUNT_DISTINCT", "(val T) -> BIGINT", "ARRAY<INT>",
     "About how many distinct values there are; NULLs are ignored.", NULL, distinct_init, distinct_add,
     distinct_merge, NULL, distinct_result, NULL},
    {0},
};
