/*
 * cast.c - CAST: which type goes to which, and how (sql.md 3.6).
 *
 * A cast is worked out once, into a CastPlan; a table says which function takes one kind to another, and a
 * NULL entry with equal kinds is a cast that changes nothing. Collections have plans for their parts. Text is
 * trimmed before it is parsed. A failure is E_DATA: what it does to the row is for the guard or the operator.
 *
 * A DECIMAL of precision 0 as target is no type of the dialect: it stands for "the exact number, at its own
 * scale", which is how a DECIMAL is compared with another number.
 */
#include <math.h>

#include "expr/program.h"

#define CAST_FN(name) static Status name(const CastPlan *plan, Value v, Arena *arena, Value *out, Error *err)

static Status bad_text(const CastPlan *plan, Str text, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Invalid %s: \"" STR_FMT "\"", type_kind_name(plan->to->kind),
                     STR_ARG(text));
}

/* ---- between numbers ---- */

CAST_FN(bigint_to_int)
{
    *out = value_from_int((int32_t)v.as.i64);
    return OK;
}

CAST_FN(int_to_double)
{
    *out = value_from_double((double)v.as.i64);
    return OK;
}

/* Truncates towards zero and saturates; NaN is 0. */
static int64_t double_to_integer(double d, double low, double high, int64_t min, int64_t max)
{
    if (isnan(d))
        return 0;
    if (d <= low)
        return min;
    return d >= high ? max : (int64_t)d;
}

CAST_FN(double_to_int)
{
    *out = value_from_int(double_to_integer(v.as.f64, INT32_MIN, INT32_MAX, INT32_MIN, INT32_MAX));
    return OK;
}

CAST_FN(double_to_bigint)
{
    *out = value_from_int(double_to_integer(v.as.f64, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX));
    return OK;
}

CAST_FN(decimal_to_int)
{
    *out = value_from_int((int32_t)decimal_to_int64(v));
    return OK;
}

CAST_FN(decimal_to_bigint)
{
    *out = value_from_int(decimal_to_int64(v));
    return OK;
}

CAST_FN(decimal_to_f64)
{
    *out = value_from_double(decimal_to_double(v));
    return OK;
}

CAST_FN(fit_decimal)
{
    if (plan->to->precision == 0) {
        *out = v;
        return OK;
    }
    return decimal_fit(arena, v, plan->to->precision, plan->to->scale, ROUND_HALF_UP, out, err);
}

CAST_FN(int_to_decimal) { return fit_decimal(plan, decimal_from_int(v.as.i64), arena, out, err); }

CAST_FN(double_to_decimal)
{
    Value exact;
    TRY(decimal_from_double(arena, v.as.f64, &exact, err));
    return fit_decimal(plan, exact, arena, out, err);
}

/* ---- from text ---- */

CAST_FN(text_to_boolean)
{
    Str text = str_trim(value_str(v));
    *out =
        value_from_bool(text.len > 0 && ((text.len <= 4 && str_equal_nocase(text, str_n("true", text.len))) ||
                                         (text.len <= 3 && str_equal_nocase(text, str_n("yes", text.len)))));
    return OK;
}

CAST_FN(text_to_int)
{
    Str     text = str_trim(value_str(v));
    int64_t n;
    if (!int64_parse(text, &n) || n < INT32_MIN || n > INT32_MAX)
        return bad_text(plan, text, err);
    *out = value_from_int(n);
    return OK;
}

CAST_FN(text_to_bigint)
{
    Str     text = str_trim(value_str(v));
    int64_t n;
    if (!int64_parse(text, &n))
        return bad_text(plan, text, err);
    *out = value_from_int(n);
    return OK;
}

/* Decimal float text only: no NaN, no infinities (by name or by size), no hexadecimal, no suffix. */
CAST_FN(text_to_double)
{
    Str    text = str_trim(value_str(v));
    double d;
    for (size_t i = 0; i < text.len; i++)
        if (memchr("0123456789+-.eE", text.ptr[i], 15) == NULL)
            return bad_text(plan, text, err);
    if (!double_parse(text, &d) || !isfinite(d))
        return bad_text(plan, text, err);
    *out = value_from_double(d);
    return OK;
}

CAST_FN(text_to_decimal)
{
    Value exact;
    TRY(decimal_parse(arena, str_trim(value_str(v)), &exact, err));
    return fit_decimal(plan, exact, arena, out, err);
}

CAST_FN(text_to_time_type)
{
    Str     text = str_trim(value_str(v));
    int64_t n;
    bool    ok = plan->to->kind == T_TIMESTAMP ? timestamp_parse(text, &n)
                 : plan->to->kind == T_DATE    ? date_parse(text, &n)
                                               : time_parse(text, &n);
    if (!ok)
        return bad_text(plan, text, err);
    *out = value_from_int(n);
    return OK;
}

CAST_FN(text_to_bytes)
{
    Str bytes;
    TRY(base64_decode(arena, str_trim(value_str(v)), &bytes, err));
    *out = value_from_str(bytes);
    return OK;
}

/* ---- to text ---- */

/* Numbers and times are short; anything else goes through a growing buffer. */
CAST_FN(short_to_text)
{
    char   buffer[64];
    size_t len;
    switch (plan->from->kind) {
    case T_DOUBLE:
        len = double_print(v.as.f64, buffer);
        break;
    case T_DATE:
        len = date_print(v.as.i64, buffer);
        break;
    case T_TIME:
        len = time_print(v.as.i64, buffer);
        break;
    case T_TIMESTAMP:
        len = timestamp_print(v.as.i64, buffer);
        break;
    default:
        len = int64_print(v.as.i64, buffer);
        break;
    }
    *out = value_from_str(str_dup(arena, str_n(buffer, len)));
    return OK;
}

CAST_FN(boolean_to_text)
{
    *out = value_from_str(value_bool(v) ? STR_LIT("true") : STR_LIT("false"));
    return OK;
}

CAST_FN(any_to_text)
{
    StrBuf buf = {0};
    value_print(plan->from, v, &buf);
    char  *text   = arena_try_alloc(arena, buf.len, err);
    Status status = text == NULL ? E_DATA : OK;
    if (status == OK && buf.len > 0)
        memcpy(text, buf.ptr, buf.len);
    *out = value_string(text, buf.len);
    strbuf_clear(&buf);
    return status;
}

/* ---- between times ---- */

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static int64_t floor_days(int64_t ms)
{
    int64_t days = ms / DAY_MS;
    return ms % DAY_MS < 0 ? days - 1 : days;
}

CAST_FN(timestamp_to_date)
{
    *out = value_from_int(floor_days(v.as.i64));
    return OK;
}

CAST_FN(timestamp_to_time)
{
    int64_t rest = v.as.i64 % DAY_MS;
    *out         = value_from_int(rest < 0 ? rest + DAY_MS : rest);
    return OK;
}

CAST_FN(date_to_timestamp)
{
    *out = value_from_int((int64_t)((uint64_t)v.as.i64 * DAY_MS));
    return OK;
}

/* ---- collections ---- */

CAST_FN(array_to_array)
{
    Value *items = ARENA_ARRAY(arena, Value, v.len + (size_t)1);
    for (uint32_t i = 0; i < v.len; i++)
        TRY(cast_apply(plan->element, value_items(v)[i], arena, &items[i], err));
    *out = value_array(items, v.len);
    return OK;
}

/* Keys that become equal: the last value wins. */
CAST_FN(map_to_map)
{
    MapEntry *entries = ARENA_ARRAY(arena, MapEntry, v.len + (size_t)1);
    size_t    count   = 0;
    for (uint32_t i = 0; i < v.len; i++) {
        const MapEntry *from = &value_entries(v)[i];
        MapEntry        entry;
        size_t          at = plan->key->fn == NULL ? count : 0;
        TRY(cast_apply(plan->key, from->key, arena, &entry.key, err));
        TRY(cast_apply(plan->element, from->value, arena, &entry.value, err));
        while (at < count && !value_equal(plan->to->key, entries[at].key, entry.key))
            at++;
        entries[at] = entry;
        count += at == count;
    }
    *out = value_map(entries, count);
    return OK;
}

CAST_FN(struct_to_struct)
{
    size_t count = plan->to->field_count;
    Value *items = ARENA_ARRAY(arena, Value, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (plan->sources[i] < 0)
            items[i] = value_null();
        else
            TRY(cast_apply(&plan->fields[i], value_items(v)[plan->sources[i]], arena, &items[i], err));
    }
    *out = value_array(items, count);
    return OK;
}

/* ---- which goes to which ---- */

static const CastFn casts[T_STRUCT + 1][T_STRUCT + 1] = {
    [T_BOOLEAN]   = {[T_STRING] = boolean_to_text},
    [T_INTEGER]   = {[T_DECIMAL] = int_to_decimal, [T_DOUBLE] = int_to_double, [T_STRING] = short_to_text},
    [T_BIGINT]    = {[T_INTEGER] = bigint_to_int,
                     [T_DECIMAL] = int_to_decimal,
                     [T_DOUBLE]  = int_to_double,
                     [T_STRING]  = short_to_text},
    [T_DECIMAL]   = {[T_INTEGER] = decimal_to_int,
                     [T_BIGINT]  = decimal_to_bigint,
                     [T_DECIMAL] = fit_decimal,
                     [T_DOUBLE]  = decimal_to_f64,
                     [T_STRING]  = any_to_text},
    [T_DOUBLE]    = {[T_INTEGER] = double_to_int,
                     [T_BIGINT]  = double_to_bigint,
                     [T_DECIMAL] = double_to_decimal,
                     [T_STRING]  = short_to_text},
    [T_STRING]    = {[T_BOOLEAN]   = text_to_boolean,
                     [T_INTEGER]   = text_to_int,
                     [T_BIGINT]    = text_to_bigint,
                     [T_DECIMAL]   = text_to_decimal,
                     [T_DOUBLE]    = text_to_double,
                     [T_TIME]      = text_to_time_type,
                     [T_DATE]      = text_to_time_type,
                     [T_TIMESTAMP] = text_to_time_type,
                     [T_BYTES]     = text_to_bytes},
    [T_TIME]      = {[T_STRING] = short_to_text},
    [T_DATE]      = {[T_STRING] = short_to_text, [T_TIMESTAMP] = date_to_timestamp},
    [T_TIMESTAMP] = {[T_STRING] = short_to_text, [T_TIME] = timestamp_to_time, [T_DATE] = timestamp_to_date},
    [T_ARRAY]     = {[T_STRING] = any_to_text, [T_ARRAY] = array_to_array},
    [T_MAP]       = {[T_STRING] = any_to_text, [T_MAP] = map_to_map},
    [T_STRUCT]    = {[T_STRING] = any_to_text, [T_STRUCT] = struct_to_struct},
};

bool cast_is_supported(const SqlType *from, const SqlType *to)
{
    if (from->kind == T_NULL)
        return true;
    if (from->kind > T_STRUCT || to->kind > T_STRUCT)
        return false;
    if (from->kind != to->kind)
        return casts[from->kind][to->kind] != NULL || (from->kind == T_INTEGER && to->kind == T_BIGINT);
    if (from->kind == T_ARRAY)
        return cast_is_supported(from->element, to->element);
    if (from->kind == T_MAP)
        return cast_is_supported(from->key, to->key) && cast_is_supported(from->element, to->element);
    for (size_t i = 0; from->kind == T_STRUCT && i < to->field_count; i++) {
        int source = type_field(from, to->fields[i].name);
        if (source >= 0 && !cast_is_supported(from->fields[source].type, to->fields[i].type))
            return false;
    }
    return true;
}

/* True when every value of `from` stands as it is for one of `to`. */
static bool cast_is_nothing(const SqlType *from, const SqlType *to)
{
    if (from->kind == T_NULL || type_equal(from, to))
        return true;
    return from->kind == T_DECIMAL && to->kind == T_DECIMAL && to->scale == from->scale &&
           to->precision >= from->precision;
}

static Status cast_plan_parts(CastPlan *plan, Arena *arena, Error *err)
{
    const SqlType *from = plan->from, *to = plan->to;
    if (from->kind == T_MAP) {
        CastPlan *key = ARENA_NEW(arena, CastPlan);
        plan->key     = key;
        TRY(cast_plan(from->key, to->key, arena, key, err));
    }
    if (from->kind != T_STRUCT) {
        CastPlan *element = ARENA_NEW(arena, CastPlan);
        plan->element     = element;
        return cast_plan(from->element, to->element, arena, element, err);
    }
    CastPlan *fields  = ARENA_ARRAY(arena, CastPlan, to->field_count + 1);
    int      *sources = ARENA_ARRAY(arena, int, to->field_count + 1);
    for (size_t i = 0; i < to->field_count; i++) {
        sources[i] = type_field(from, to->fields[i].name);
        if (sources[i] >= 0)
            TRY(cast_plan(from->fields[sources[i]].type, to->fields[i].type, arena, &fields[i], err));
    }
    plan->fields  = fields;
    plan->sources = sources;
    return OK;
}

Status cast_plan(const SqlType *from, const SqlType *to, Arena *arena, CastPlan *out, Error *err)
{
    *out = (CastPlan){.from = from, .to = to};
    if (!cast_is_supported(from, to))
        return error_set(err, E_PLAN, NO_POS, "Cast of " STR_FMT " to " STR_FMT " is not supported",
                         STR_ARG(type_text(arena, from)), STR_ARG(type_text(arena, to)));
    if (cast_is_nothing(from, to))
        return OK;
    out->fn = casts[from->kind][to->kind];
    return from->kind == to->kind && from->kind >= T_ARRAY ? cast_plan_parts(out, arena, err) : OK;
}

Status cast_apply(const CastPlan *plan, Value v, Arena *arena, Value *out, Error *err)
{
    if (plan->fn == NULL || value_is_null(v)) {
        *out = v;
        return OK;
    }
    return plan->fn(plan, v, arena, out, err);
}

Status cast_value(const SqlType *from, const SqlType *to, Value value, Arena *arena, Value *out, Error *err)
{
    CastPlan plan;
    TRY(cast_plan(from, to, arena, &plan, err));
    return cast_apply(&plan, value, arena, out, err);
}

/* ---- as steps ---- */

const Step *step_cast_plan(const Step *s, Program *p)
{
    Value  v;
    Status status = cast_apply(s->aux, step_a(s, p), p->arena, &v, p->err);
    return status == OK ? step_give(s, p, v) : step_fail(s, p, status == E_LIMIT ? E_DATA : status);
}

static const Step *step_int_to_double(const Step *s, Program *p)
{
    Value v = step_a(s, p);
    return step_give(s, p, value_is_null(v) ? v : value_from_double((double)v.as.i64));
}

static const Step *step_bigint_to_int(const Step *s, Program *p)
{
    Value v = step_a(s, p);
    return step_give(s, p, value_is_null(v) ? v : value_from_int((int32_t)v.as.i64));
}

StepFn cast_step(const SqlType *from, const SqlType *to)
{
    if ((from->kind == T_INTEGER || from->kind == T_BIGINT) && to->kind == T_DOUBLE)
        return step_int_to_double;
    return from->kind == T_BIGINT && to->kind == T_INTEGER ? step_bigint_to_int : NULL;
}
