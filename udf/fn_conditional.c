/*
 * fn_conditional.c - COALESCE, IFNULL, NULLIF, GREATEST, LEAST: choosing one of the arguments. AS_VALUE and
 * GEO_DISTANCE are the category OTHER.
 */
#include <math.h>

#include "core/decimal.h"
#include "udf/udf.h"

static Status fn_coalesce(const FnCall *call, Value *result, Error *err)
{
    *result = value_null();
    for (size_t i = 0; i < call->count; i++) {
        if (!value_is_null(call->args[i])) {
            *result = call->args[i];
            break;
        }
    }
    return OK;
}

static Status fn_nullif(const FnCall *call, Value *result, Error *err)
{
    bool same = value_is_null(call->args[0]) || value_equal(call->type, call->args[0], call->args[1]);
    *result   = same ? value_null() : call->args[0];
    return OK;
}

/* ---- GREATEST, LEAST ---- */

static Status pick(const FnCall *call, int sign, Value *result, Error *err)
{
    *result = value_null();
    for (size_t i = 0; i < call->count; i++) {
        Value v = call->args[i];
        if (value_is_null(v))
            continue;
        if (value_is_null(*result) || sign * value_compare(call->type, v, *result) > 0)
            *result = v;
    }
    if (call->type->kind == T_DECIMAL && !value_is_null(*result))
        return decimal_rescale(call->arena, *result, call->type->scale, ROUND_HALF_UP, result, err);
    return OK;
}

static Status fn_greatest(const FnCall *call, Value *result, Error *err)
{
    return pick(call, 1, result, err);
}

static Status fn_least(const FnCall *call, Value *result, Error *err) { return pick(call, -1, result, err); }

/* Room for the whole digits and the fraction of every argument (functions.md 2.10). */
static Status common_decimal(const SqlType *const *arg_types, size_t count, Arena *arena, const SqlType **out,
                             Error *err)
{
    int whole = 0, scale = 0;
    for (size_t i = 0; i < count; i++) {
        if (arg_types[i]->kind != T_DECIMAL)
            continue; /* a NULL */
        int digits = arg_types[i]->precision - arg_types[i]->scale;
        whole      = digits > whole ? digits : whole;
        scale      = arg_types[i]->scale > scale ? arg_types[i]->scale : scale;
    }
    return type_decimal(arena, whole + scale, scale, out, err);
}

/* ---- OTHER ---- */

static Status fn_as_value(const FnCall *call, Value *result, Error *err)
{
    *result = call->args[0];
    return OK;
}

#define KM_RADIUS 6371.0
#define MILE_RADIUS 3959.0

static Status earth_radius(Str unit, double *radius, Error *err)
{
    static const struct {
        const char *name;
        double      radius;
    } units[] = {
        {"", KM_RADIUS},           {"km", KM_RADIUS},        {"kilometer", KM_RADIUS},
        {"kilometers", KM_RADIUS}, {"kilometre", KM_RADIUS}, {"kilometres", KM_RADIUS},
        {"mi", MILE_RADIUS},       {"mile", MILE_RADIUS},    {"miles", MILE_RADIUS},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_equal_nocase(str_trim(unit), str_c(units[i].name))) {
            *radius = units[i].radius;
            return OK;
        }
    }
    return error_set(err, E_DATA, NO_POS,
                     "GeoDistance function units parameter must be one of [km, kilometer, kilometers, "
                     "kilometre, kilometres] or "
                     "[mi, mile, miles]. Values are case-insensitive.");
}

static double radians(double degrees) { return degrees * (M_PI / 180.0); }

static double half_chord(double angle)
{
    double s = sin(angle / 2);
    return s * s;
}

static Status fn_geo_distance(const FnCall *call, Value *result, Error *err)
{
    double at[4], radius = KM_RADIUS;
    for (size_t i = 0; i < 4; i++) {
        if (value_is_null(call->args[i]))
            return error_set(err, E_DATA, NO_POS, "GEO_DISTANCE: a coordinate is NULL");
        at[i] = call->args[i].as.f64;
        if (!(fabs(at[i]) <= (i % 2 == 0 ? 90 : 180)))
            return error_set(
                err, E_DATA, NO_POS, "%s",
                i % 2 == 0
                    ? "valid latitude values for GeoDistance function are in the range of -90 to 90"
                    : "valid longitude values for GeoDistance function are in the range of -180 to 180");
    }
    if (call->count == 5 && !value_is_null(call->args[4]))
        TRY(earth_radius(value_str(call->args[4]), &radius, err));
    double lat1 = radians(at[0]), lat2 = radians(at[2]);
    double a = half_chord(lat2 - lat1) + half_chord(radians(at[3]) - radians(at[1])) * cos(lat1) * cos(lat2);
    *result  = value_from_double(2 * radius * asin(sqrt(a)));
    return OK;
}

#define PICK_ROWS(type)                                                                                      \
    {"greatest",  "(val " type ", vals " type "...) -> " type, 0,                                            \
     fn_greatest, "The highest argument; NULLs are ignored.",  NULL},                                        \
    {                                                                                                        \
        "least", "(val " type ", vals " type "...) -> " type, 0, fn_least,                                   \
            "The lowest argument; NULLs are ignored.", NULL                                                  \
    }
#define GEO_DOC "The distance of two points on the earth, in kilometres or miles."

const ScalarFn choosing_functions[] = {
    PICK_ROWS("INT"),
    PICK_ROWS("BIGINT"),
    PICK_ROWS("DOUBLE"),
    PICK_ROWS("STRING"),
    PICK_ROWS("BYTES"),
    PICK_ROWS("DATE"),
    PICK_ROWS("TIME"),
    PICK_ROWS("TIMESTAMP"),
    {"greatest", "(val DECIMAL, vals DECIMAL...) -> DECIMAL", 0, fn_greatest,
     "The highest argument; NULLs are ignored.", common_decimal},
    {"least", "(val DECIMAL, vals DECIMAL...) -> DECIMAL", 0, fn_least,
     "The lowest argument; NULLs are ignored.", common_decimal},
    {0},
};

const ScalarFn conditional_functions[] = {
    {"COALESCE", "(first T, others T...) -> T", 0, fn_coalesce, "The first argument that is not NULL.", NULL},
    {"IFNULL", "(value T, altValue T) -> T", 0, fn_coalesce,
     "The value, or the alternative where it is NULL.", NULL},
    {"NULLIF", "(value1 T, value2 T) -> T", 0, fn_nullif, "NULL where both values are equal, else the first.",
     NULL},
    {0},
};

const ScalarFn other_functions[] = {
    {"AS_VALUE", "(keyColumn T) -> T", 0, fn_as_value,
     "The value itself: copies a key column into the value.", NULL},
    {"geo_distance", "(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) -> DOUBLE", 0, fn_geo_distance,
     GEO_DOC, NULL},
    {"geo_distance", "(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE, units STRING) -> DOUBLE", 0,
     fn_geo_distance, GEO_DOC, NULL},
    {0},
};
