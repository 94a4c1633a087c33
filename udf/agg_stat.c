/*
 * agg_stat.c - STDDEV_SAMP, STDDEV_SAMPLE and CORRELATION.
 *
 * STDDEV_SAMP returns the sample variance: a documented quirk that clients know. The recurrences are
 * ksqlDB's, operation by operation, because results are compared bit by bit; undo uses the sum and count from
 * before the removal, as there.
 */
#include <math.h>

#include "udf/agg.h"

/* ---- STDDEV: STRUCT<SUM, COUNT, M2> ---- */

enum { DEV_SUM, DEV_COUNT, DEV_M2, DEV_FIELDS };

static SqlKind kind_of(const AggregateCall *call) { return call->arg_types[0]->kind; }

static Status dev_store(const AggregateCall *call, Value *state, Value sum, int64_t count, double m2,
                        const AggregateContext *context, Error *err)
{
    Value *fields = agg_fields(call, state, context, err);
    if (fields == NULL)
        return E_LIMIT;
    fields[DEV_SUM]   = sum;
    fields[DEV_COUNT] = value_from_int(count);
    fields[DEV_M2]    = value_from_double(m2);
    return OK;
}

/* a + sign * b in the argument's own arithmetic: integers wrap. */
static Value dev_plus(const AggregateCall *call, Value a, Value b, int sign)
{
    if (kind_of(call) == T_DOUBLE)
        return value_from_double(sign > 0 ? a.as.f64 + b.as.f64 : a.as.f64 - b.as.f64);
    uint64_t sum =
        sign > 0 ? (uint64_t)a.as.i64 + (uint64_t)b.as.i64 : (uint64_t)a.as.i64 - (uint64_t)b.as.i64;
    return value_from_int(kind_of(call) == T_INTEGER ? (int64_t)(int32_t)(uint32_t)sum : (int64_t)sum);
}

/* v * n - sum */
static double dev_delta(const AggregateCall *call, Value v, int64_t n, Value sum)
{
    if (kind_of(call) == T_DOUBLE)
        return v.as.f64 * (double)n - sum.as.f64;
    return (double)(int64_t)((uint64_t)v.as.i64 * (uint64_t)n - (uint64_t)sum.as.i64);
}

static Status dev_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    const Value *old = value_items(*state);
    if (value_is_null(args[0]))
        return OK;
    int64_t n   = old[DEV_COUNT].as.i64 + 1;
    Value   sum = dev_plus(call, old[DEV_SUM], args[0], 1);
    double  m2  = old[DEV_M2].as.f64;
    if (n > 1) {
        double delta = dev_delta(call, args[0], n, sum);
        m2 += delta * delta / (double)(n * (n - 1));
    }
    return dev_store(call, state, sum, n, m2, context, err);
}

static Status dev_undo(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    const Value *old = value_items(*state);
    if (value_is_null(args[0]))
        return OK;
    int64_t n  = old[DEV_COUNT].as.i64 - 1;
    double  m2 = old[DEV_M2].as.f64;
    if (n > 0) {
        double delta = dev_delta(call, args[0], n + 2, dev_plus(call, old[DEV_SUM], args[0], 1));
        m2 -= delta * delta / (double)(n * (n + 1));
    }
    return dev_store(call, state, dev_plus(call, old[DEV_SUM], args[0], -1), n, m2, context, err);
}

static double dev_mean(const AggregateCall *call, const Value *fields, bool whole)
{
    int64_t n = fields[DEV_COUNT].as.i64;
    if (kind_of(call) == T_DOUBLE)
        return fields[DEV_SUM].as.f64 / (double)n;
    if (whole)
        return n == -1 ? -(double)fields[DEV_SUM].as.i64 : (double)(fields[DEV_SUM].as.i64 / n);
    return (double)fields[DEV_SUM].as.i64 / (double)n;
}

static Status dev_merge(const AggregateCall *call, Value *state, Value other, bool whole,
                        const AggregateContext *context, Error *err)
{
    const Value *x = value_items(*state), *y = value_items(other);
    int64_t      n1 = x[DEV_COUNT].as.i64, n2 = y[DEV_COUNT].as.i64;
    double       m2 = x[DEV_M2].as.f64 + y[DEV_M2].as.f64;
    if (n1 != 0 && n2 != 0) {
        double difference = dev_mean(call, x, whole) - dev_mean(call, y, whole);
        m2 += (double)n1 * (double)n2 * (difference * difference) / (double)(n1 + n2);
    }
    return dev_store(call, state, dev_plus(call, x[DEV_SUM], y[DEV_SUM], 1), n1 + n2, m2, context, err);
}

static Status samp_merge(const AggregateCall *call, Value *state, Value other,
                         const AggregateContext *context, Error *err)
{
    return dev_merge(call, state, other, true, context, err);
}

static Status sample_merge(const AggregateCall *call, Value *state, Value other,
                           const AggregateContext *context, Error *err)
{
    return dev_merge(call, state, other, false, context, err);
}

static Status samp_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                          Error *err)
{
    const Value *fields = value_items(state);
    int64_t      n      = fields[DEV_COUNT].as.i64;
    *out                = value_from_double(n < 2 ? 0.0 : fields[DEV_M2].as.f64 / (double)(n - 1));
    return OK;
}

static Status sample_result(const AggregateCall *call, Value state, const AggregateContext *context,
                            Value *out, Error *err)
{
    TRY(samp_result(call, state, context, out, err));
    *out = value_from_double(sqrt(out->as.f64));
    return OK;
}

/* ---- CORRELATION: sums of x, y, x², y², xy, and the count ---- */

enum { COR_X, COR_Y, COR_XX, COR_YY, COR_XY, COR_SUMS, COR_COUNT = COR_SUMS, COR_FIELDS };

static Status cor_shift(const AggregateCall *call, Value *state, const double *change, int sign,
                        int64_t count, const AggregateContext *context, Error *err)
{
    Value *fields = agg_fields(call, state, context, err);
    if (fields == NULL)
        return E_LIMIT;
    for (int i = 0; i < COR_SUMS; i++)
        fields[i].as.f64 += sign * change[i];
    fields[COR_COUNT].as.i64 += sign * count;
    return OK;
}

static Status cor_row(const AggregateCall *call, Value *state, const Value *args, int sign,
                      const AggregateContext *context, Error *err)
{
    if (value_is_null(args[0]) || value_is_null(args[1]))
        return OK;
    double x                = kind_of(call) == T_DOUBLE ? args[0].as.f64 : (double)args[0].as.i64;
    double y                = kind_of(call) == T_DOUBLE ? args[1].as.f64 : (double)args[1].as.i64;
    double change[COR_SUMS] = {x, y, x * x, y * y, x * y};
    return cor_shift(call, state, change, sign, 1, context, err);
}

static Status cor_add(const AggregateCall *call, Value *state, const Value *args,
                      const AggregateContext *context, Error *err)
{
    return cor_row(call, state, args, 1, context, err);
}

static Status cor_undo(const AggregateCall *call, Value *state, const Value *args,
                       const AggregateContext *context, Error *err)
{
    return cor_row(call, state, args, -1, context, err);
}

static Status cor_merge(const AggregateCall *call, Value *state, Value other, const AggregateContext *context,
                        Error *err)
{
    const Value *more = value_items(other);
    double       change[COR_SUMS];
    for (int i = 0; i < COR_SUMS; i++)
        change[i] = more[i].as.f64;
    return cor_shift(call, state, change, 1, more[COR_COUNT].as.i64, context, err);
}

static Status cor_result(const AggregateCall *call, Value state, const AggregateContext *context, Value *out,
                         Error *err)
{
    const Value *f = value_items(state);
    double       n = (double)f[COR_COUNT].as.i64, x = f[COR_X].as.f64, y = f[COR_Y].as.f64;
    double       above = n * f[COR_XY].as.f64 - x * y;
    double       below = sqrt((n * f[COR_XX].as.f64 - x * x) * (n * f[COR_YY].as.f64 - y * y));
    *out               = value_from_double(below == 0.0 && above == 0.0 ? NAN : above / below);
    return OK;
}

#define DEV_ROWS(type)                                                                                       \
    {"STDDEV_SAMP",                                                                                          \
     "(val " type ") -> DOUBLE",                                                                             \
     "STRUCT<SUM " type ", COUNT BIGINT, M2 DOUBLE>",                                                        \
     "The sample variance, in spite of the name; see STDDEV_SAMPLE.",                                        \
     NULL,                                                                                                   \
     agg_init_fields,                                                                                        \
     dev_add,                                                                                                \
     samp_merge,                                                                                             \
     dev_undo,                                                                                               \
     samp_result,                                                                                            \
     NULL},                                                                                                  \
    {                                                                                                        \
        "STDDEV_SAMPLE", "(val " type ") -> DOUBLE", "STRUCT<SUM " type ", COUNT BIGINT, M2 DOUBLE>",        \
            "The sample standard deviation.", NULL, agg_init_fields, dev_add, sample_merge, dev_undo,        \
            sample_result, NULL                                                                              \
    }
#define COR_ROW(type)                                                                                        \
    {                                                                                                        \
        "correlation", "(x " type ", y " type ") -> DOUBLE",                                                 \
            "STRUCT<X_SUM DOUBLE, Y_SUM DOUBLE, X_SQUARED_SUM DOUBLE, Y_SQUARED_SUM DOUBLE, XY_SUM DOUBLE, " \
            "COUNT BIGINT>",                                                                                 \
            "Pearson's correlation of two columns.", NULL, agg_init_fields, cor_add, cor_merge, cor_undo,    \
            cor_result, NULL                                                                                 \
    }

const AggregateFn stat_aggregates[] = {
    DEV_ROWS("INT"),
    DEV_ROWS("BIGINT"),
    DEV_ROWS("DOUBLE"),
    COR_ROW("INT"),
    COR_ROW("BIGINT"),
    COR_ROW("DOUBLE"),
    {0},
};
