/*
 * sluice_ext.h - functions for Sluice in a shared library: everything that such a library needs to know.
 *
 * A library exports one constant, `sluice_extension` (SL_EXTENSION makes it). The server looks at it before
 * any of the library's code runs: a wrong magic number, another major version or a later minor one, and the
 * library is left alone. Then it calls `init`, which registers functions and does nothing else. The library
 * links nothing of the server: what it needs is in the table `sl_host`.
 *
 * Structs grow at their ends only and begin with their size; a minor version adds members, a major one may
 * change them. Version 1.0 has scalar functions, 1.1 table functions and aggregates, too.
 *
 * Contract. init and fini: one thread. open ... close: an instance per place where a query calls the
 * function; calls of one instance never overlap but may come from different threads, instances run side by
 * side. So what is global is constant or has its own lock. Inputs live as long as the call. Results point
 * into inputs, sl_host.alloc, static memory or the instance; the server copies them before the instance's
 * next call. No longjmp, exception or signal leaves a function; none may fork, exit, or keep an sl_call. A
 * library runs in the server's process with its rights: trust it as you trust the server.
 *
 * Plain C11, and C++; no other header of Sluice.
 */
#ifndef SLUICE_EXT_H
#define SLUICE_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_EXT_MAGIC 0x534C4358u /* "SLCX" */
#define SLUICE_ABI_MAJOR 1
#define SLUICE_ABI_MINOR 1

typedef enum {
    SLV_NULL = 0, /* SQL's NULL, of whatever type */
    SLV_BOOL,
    SLV_INT,
    SLV_BIGINT,
    SLV_DOUBLE,
    SLV_DECIMAL,
    SLV_STRING,
    SLV_BYTES,
    SLV_DATE,
    SLV_TIME,
    SLV_TIMESTAMP,
    SLV_ARRAY,
    SLV_MAP,
    SLV_STRUCT,
    SLV_UNIT,
} slv_kind;

/* A value: 16 bytes, a view of memory that is somebody else's.
 *   INT; DATE (days since 1970); TIME (milliseconds of the day)              u.i
 *   BIGINT; TIMESTAMP (milliseconds since 1970); UNIT (milliseconds of one)  u.l
 *   STRING (UTF-8, no NUL at its end), BYTES                                 u.p, len
 *   DECIMAL      u.p, len: the unscaled number, big-endian two's complement; scale
 *   ARRAY        u.items[len]
 *   STRUCT       u.items[len], in the order of the type's fields
 *   MAP          u.items[2 * len]: key, value, key, value, ... */
typedef struct slv {
    uint8_t  kind; /* slv_kind */
    uint8_t  flags;
    int16_t  scale;
    uint32_t len;
    union {
        bool              b;
        int32_t           i;
        int64_t           l;
        double            d;
        const uint8_t    *p;
        const struct slv *items;
    } u;
} slv;

typedef enum {
    SL_OK = 0,
    SL_ERR,          /* this row: NULL, and the message in the processing log */
    SL_ERR_NULL_ARG, /* the same, for an argument that must not be NULL */
    SL_ERR_FATAL,    /* stops the query */
} sl_status;

typedef struct sl_call sl_call; /* one running call */
typedef struct sl_reg  sl_reg;  /* valid during init */
struct sl_scalar;
struct sl_aggregate;

typedef struct sl_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    /* Zeroed, aligned to 8, lives until the result has been taken. NULL: more than a row may have; return
     * SL_ERR. */
    void *(*alloc)(sl_call *call, size_t size);
    /* Sets the message (UTF-8) and returns `status`. */
    sl_status (*error)(sl_call *call, sl_status status, const char *message);
    /* A setting under `ksql.functions.<name of the function, in lower case>.` or `ksql.functions._global_.`,
     * by its full key; NULL: not set, or none of these. Lives as long as the call. */
    const char *(*config)(sl_call *call, const char *full_key);
    /* A line in the server's log. `level`: 0 error, 1 warning, 2 information. */
    void (*log)(sl_call *call, int level, const char *message);
    /* Digits with the value's scale. false: it is no DECIMAL, or `size` is too small. */
    bool (*decimal_to_text)(sl_call *call, const slv *value, char *text, size_t size);
    /* The result is in the call's memory. */
    sl_status (*decimal_from_text)(sl_call *call, const char *text, size_t length, slv *out);
    /* Anything but SL_OK: the function is left out, the log says why; go on with the next. */
    sl_status (*add_scalar)(sl_reg *registration, const struct sl_scalar *function);
    /* Since 1.1. A table function is an sl_scalar whose eval gives an ARRAY, each element of which becomes a
     * row; `result` is the type of an element. */
    sl_status (*add_table)(sl_reg *registration, const struct sl_scalar *function);
    sl_status (*add_aggregate)(sl_reg *registration, const struct sl_aggregate *function);
} sl_host;

/* `type` is SQL text: "BIGINT", "ARRAY<T>", "STRUCT<A INT, B STRING>", "DECIMAL" (any), "UNIT"; single
 * capitals are generic; "T..." takes any number and must be the last. */
typedef struct {
    const char *name, *type;
} sl_param;

enum {
    SL_DETERMINISTIC = 1, /* the same arguments give the same result */
    SL_STRICT        = 2, /* a NULL argument gives NULL; not called */
    SL_NULL_IS_ERROR = 4, /* a NULL argument is an error of the row; not called */
};

typedef struct {
    uint32_t    struct_size;
    const char *name, *description, *category, *author, *version; /* all but name may be NULL */
} sl_meta;

/* One overload; several with one name must have one category, author and version. */
typedef struct sl_scalar {
    uint32_t        struct_size;
    const sl_meta  *meta;
    const char     *doc; /* one line */
    const sl_param *params;
    uint32_t        nparams;
    const char     *result; /* type text; its generics occur in the parameters */
    uint32_t        flags;
    sl_status (*open)(sl_call *call, void **instance); /* may be NULL */
    /* `rows` calls at once: argument a of row r is columns[a][r], its result out[r] (NULLs at first). Sets
     * row_failed[r] for a row that failed by itself; anything but SL_OK fails all. */
    sl_status (*eval)(sl_call *call, void *instance, uint32_t nargs, const slv *const *columns, uint32_t rows,
                      slv *out, uint8_t *row_failed);
    void (*close)(void *instance); /* may be NULL */
} sl_scalar;

/* Since 1.1. The state of a group is a value of the SQL type `state`: the server keeps it, in stores and in
 * changelogs, so it is all that a restart or another server finds again. A call gets a view of it and puts
 * the next one into *state, or leaves it. Calls that fail have changed nothing: the row is left out.
 *
 * init        the state of a group without rows; NULL: NULL. Once, when a query is planned
 * accumulate  takes a row in
 * undo        takes out a row that was taken in; NULL: cannot aggregate tables
 * merge       takes in the state of another session, which has become one with this; NULL: no session windows
 * finish      what SQL sees of the state; NULL: the state, and `result` must be the same text as `state` */
typedef struct sl_aggregate {
    uint32_t        struct_size;
    const sl_meta  *meta;
    const char     *doc; /* one line */
    const sl_param *params;
    uint32_t        nparams;        /* one at least */
    const char     *state, *result; /* type texts; their generics occur in the parameters */
    uint32_t        flags;          /* SL_STRICT: a row with a NULL is left out; SL_NULL_IS_ERROR */
    sl_status (*open)(sl_call *call, void **instance); /* may be NULL */
    sl_status (*init)(sl_call *call, slv *state);
    sl_status (*accumulate)(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args);
    sl_status (*undo)(sl_call *call, void *instance, slv *state, uint32_t nargs, const slv *args);
    sl_status (*merge)(sl_call *call, void *instance, slv *state, const slv *other);
    sl_status (*finish)(sl_call *call, void *instance, const slv *state, slv *out);
    void (*close)(void *instance); /* may be NULL */
} sl_aggregate;

typedef struct sl_extension {
    uint32_t    magic, struct_size;
    uint16_t    abi_major, abi_minor;
    const char *name, *version, *license;
    sl_status (*init)(const sl_host *host, sl_reg *registration); /* the host's table stays valid */
    void (*fini)(void);                                           /* at an orderly end; may be NULL */
} sl_extension;

/* ---- convenience ---- */

#if defined(__GNUC__)
#define SL_EXPORT __attribute__((visibility("default")))
#else
#define SL_EXPORT
#endif

#define SL_EXTENSION(name, version, license, init)                                                           \
    SL_EXPORT extern const sl_extension sluice_extension;                                                    \
    const sl_extension                  sluice_extension = {SLUICE_EXT_MAGIC,                                \
                                                            sizeof(sl_extension),                            \
                                                            SLUICE_ABI_MAJOR,                                \
                                                            SLUICE_ABI_MINOR,                                \
                                                            name,                                            \
                                                            version,                                         \
                                                            license,                                         \
                                                            init,                                            \
                                                            0}

enum { SL_MOST_ARGUMENTS = 16 }; /* of functions made by SL_ROW_SCALAR */

/* Makes the eval `fn_rows` of `sl_status fn(sl_call *, void *instance, const slv *args, uint32_t nargs, slv
 * *out)`. */
#define SL_ROW_SCALAR(fn)                                                                                    \
    static sl_status fn##_rows(sl_call *call, void *instance, uint32_t nargs, const slv *const *columns,     \
                               uint32_t rows, slv *out, uint8_t *row_failed)                                 \
    {                                                                                                        \
        slv args[SL_MOST_ARGUMENTS];                                                                         \
        if (nargs > SL_MOST_ARGUMENTS)                                                                       \
            return SL_ERR;                                                                                   \
        for (uint32_t row = 0; row < rows; row++) {                                                          \
            for (uint32_t a = 0; a < nargs; a++)                                                             \
                args[a] = columns[a][row];                                                                   \
            sl_status status = fn(call, instance, args, nargs, &out[row]);                                   \
            if (status == SL_ERR_FATAL)                                                                      \
                return status;                                                                               \
            row_failed[row] = status != SL_OK;                                                               \
        }                                                                                                    \
        return SL_OK;                                                                                        \
    }

static inline void sl_put_int(slv *out, int32_t i)
{
    out->kind = SLV_INT;
    out->u.i  = i;
}

static inline void sl_put_bigint(slv *out, int64_t l)
{
    out->kind = SLV_BIGINT;
    out->u.l  = l;
}

static inline void sl_put_double(slv *out, double d)
{
    out->kind = SLV_DOUBLE;
    out->u.d  = d;
}

static inline void sl_put_string(slv *out, const char *text, uint32_t length)
{
    out->kind = SLV_STRING;
    out->len  = length;
    out->u.p  = (const uint8_t *)text;
}

#ifdef __cplusplus
}
#endif

#endif
