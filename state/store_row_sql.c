/*
 * store_row_sql.c - rows to SQLite columns and back, bit for bit.
 *
 * A key or value column shows a value as people want it. Where that loses something (NaN, -0.0, a NUL in
 * text, a decimal beyond 64 bits, anything compound), the codec's bytes of all keys and values stand in
 * _exact as well, and reading trusts only those. States are nobody's business but ours: numbers stay numbers,
 * everything else is the codec's bytes in its own column.
 */
#include <math.h>

#include "core/decimal.h"
#include "state/store_codec.h"
#include "state/store_table.h"

enum {
    FIRST_COLUMN  = 7, /* of a SELECT: behind _key, _partition, start, end, ROWTIME, _visible, _exact */
    FIRST_PARAM   = 8, /* of the upsert */
    EXACT_PARAM   = 7,
    EXACT_VERSION = 1,
    DAY_MS        = 86400000,
    PLAIN_SCALE   = 18, /* decimals up to here are read back from their text */
};

static bool days_are_plain(int64_t days)
{
    return days >= -719528 && days <= 2932896; /* 0000-01-01 to 9999-12-31 */
}

static bool double_is_plain(double d) { return !isnan(d) && !(d == 0 && signbit(d)); }

/* Whether the readable column holds all of it. */
static bool value_is_plain(const SqlType *type, Value v)
{
    if (value_is_null(v))
        return true;
    switch (type->kind) {
    case T_DOUBLE:
        return double_is_plain(v.as.f64);
    case T_STRING:
        return v.len == 0 || memchr(v.as.ptr, '\0', v.len) == NULL;
    case T_DECIMAL:
        return !(v.flags & VALUE_BIG) && v.scale >= 0 && v.scale <= PLAIN_SCALE;
    case T_DATE:
        return days_are_plain(v.as.i64);
    case T_TIME:
        return v.as.i64 >= 0 && v.as.i64 < DAY_MS;
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
    case T_BYTES:
    case T_TIMESTAMP:
        return true;
    default:
        return false;
    }
}

static bool columns_are_plain(const Column *columns, const Value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!value_is_plain(columns[i].type, values[i]))
            return false;
    return true;
}

/* ---- writing ---- */

static void print_date(StrBuf *out, int64_t days)
{
    char text[32];
    if (days_are_plain(days)) {
        int64_t year;
        int     month, day;
        civil_from_days(days, &year, &month, &day);
        strbuf_addf(out, "%04d-%02d-%02d", (int)year, month, day);
    } else {
        strbuf_add(out, str_n(text, date_print(days, text)));
    }
}

static void print_time(StrBuf *out, int64_t ms)
{
    int64_t seconds = ms / 1000;
    strbuf_addf(out, "%02d:%02d:%02d.%03d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                (int)(seconds % 60), (int)(ms % 1000));
}

static int bind_str(sqlite3_stmt *stmt, int param, Str s, bool text)
{
    const char *ptr = s.len ? s.ptr : "";
    return text ? sqlite3_bind_text64(stmt, param, ptr, s.len, SQLITE_STATIC, SQLITE_UTF8)
                : sqlite3_bind_blob64(stmt, param, ptr, s.len, SQLITE_STATIC);
}

/* Text made for the occasion: SQLite copies it. */
static int bind_printed(sqlite3_stmt *stmt, int param, StrBuf *buffer, const SqlType *type, Value v)
{
    strbuf_reset(buffer);
    if (type->kind == T_DATE)
        print_date(buffer, v.as.i64);
    else if (type->kind == T_TIME)
        print_time(buffer, v.as.i64);
    else if (type->kind == T_DECIMAL)
        decimal_print(v, buffer);
    else
        store_json_add(buffer, type, v);
    Str text = strbuf_str(buffer);
    return sqlite3_bind_text64(stmt, param, text.ptr, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind_value(sqlite3_stmt *stmt, int param, StrBuf *buffer, const SqlType *type, Value v)
{
    if (value_is_null(v))
        return sqlite3_bind_null(stmt, param);
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
    case T_TIMESTAMP:
        return sqlite3_bind_int64(stmt, param, v.as.i64);
    case T_DOUBLE:
        return sqlite3_bind_double(stmt, param, v.as.f64);
    case T_STRING:
    case T_BYTES:
        return bind_str(stmt, param, value_str(v), type->kind == T_STRING);
    default:
        return bind_printed(stmt, param, buffer, type, v);
    }
}

static int bind_state(sqlite3_stmt *stmt, int param, StrBuf *buffer, const SqlType *type, Value v)
{
    if (value_is_null(v))
        return sqlite3_bind_null(stmt, param);
    if (type->kind == T_INTEGER || type->kind == T_BIGINT || type->kind == T_BOOLEAN ||
        type->kind == T_TIMESTAMP)
        return sqlite3_bind_int64(stmt, param, v.as.i64);
    if (type->kind == T_DOUBLE && double_is_plain(v.as.f64))
        return sqlite3_bind_double(stmt, param, v.as.f64);
    strbuf_reset(buffer);
    store_codec_add(buffer, type, v);
    return sqlite3_bind_blob64(stmt, param, buffer->ptr, buffer->len, SQLITE_TRANSIENT);
}

static int bind_exact(StoreTable *table, sqlite3_stmt *stmt, const TableRow *row)
{
    const StoreSpec *spec = &table->spec;
    if (columns_are_plain(spec->keys, row->keys, spec->key_count) &&
        columns_are_plain(spec->values, row->values, spec->value_count))
        return sqlite3_bind_null(stmt, EXACT_PARAM);
    strbuf_reset(&table->buffer);
    strbuf_addc(&table->buffer, EXACT_VERSION);
    store_codec_add_columns(&table->buffer, spec->keys, row->keys, spec->key_count);
    store_codec_add_columns(&table->buffer, spec->values, row->values, spec->value_count);
    return sqlite3_bind_blob64(stmt, EXACT_PARAM, table->buffer.ptr, table->buffer.len, SQLITE_TRANSIENT);
}

int store_table_bind_identity(const StoreTable *table, sqlite3_stmt *stmt, const TableRow *row)
{
    int rc = bind_str(stmt, 1, row->key, false);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(stmt, 2, row->partition);
    if (rc == SQLITE_OK && !store_is_timeless(table->spec.kind))
        rc = sqlite3_bind_int64(stmt, 3, row->window_start);
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) >= 4 && !store_is_timeless(table->spec.kind))
        rc = sqlite3_bind_int64(stmt, 4, row->window_end);
    return rc;
}

static int bind_columns(StoreTable *table, sqlite3_stmt *stmt, const TableRow *row)
{
    const StoreSpec *spec  = &table->spec;
    int              param = FIRST_PARAM, rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < spec->key_count; i++)
        rc = bind_value(stmt, param++, &table->buffer, spec->keys[i].type, row->keys[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < spec->value_count; i++)
        rc = bind_value(stmt, param++, &table->buffer, spec->values[i].type, row->values[i]);
    for (size_t i = 0; rc == SQLITE_OK && i < spec->state_count; i++)
        rc = bind_state(stmt, param++, &table->buffer, spec->states[i].type,
                        row->values[spec->value_count + i]);
    return rc;
}

static Status finish(StoreTable *table, sqlite3_stmt *stmt, int rc, const char *what, Error *err)
{
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    Status status = rc == SQLITE_DONE ? OK : state_db_error(table->db, rc, what, err);
    sqlite3_reset(stmt);
    return status;
}

Status store_table_put(StoreTable *table, const TableRow *row, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(store_table_statement(table, SQL_PUT, &stmt, err));
    int rc = store_table_bind_identity(table, stmt, row);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 5, row->timestamp);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(stmt, 6, row->visible);
    if (rc == SQLITE_OK)
        rc = bind_exact(table, stmt, row);
    if (rc == SQLITE_OK)
        rc = bind_columns(table, stmt, row);
    return finish(table, stmt, rc, "write a row", err);
}

Status store_table_delete(StoreTable *table, const TableRow *row, Error *err)
{
    sqlite3_stmt *stmt;
    TRY(store_table_statement(table, SQL_DELETE, &stmt, err));
    return finish(table, stmt, store_table_bind_identity(table, stmt, row), "delete a row", err);
}

/* ---- reading ---- */

static Str column_str(sqlite3_stmt *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column); /* text as UTF-8 as well; NULL when empty */
    return ptr ? str_n(ptr, (size_t)sqlite3_column_bytes(stmt, column)) : STR_LIT("");
}

static Status bad_column(const StoreTable *table, const Column *column, Error *err)
{
    return error_set(err, E_DATA, NO_POS,
                     "State store " STR_FMT ": column " STR_FMT " holds something that is not of its type",
                     STR_ARG(table->spec.name), STR_ARG(column->name));
}

/* Two or more digits at *at, moved behind them. */
static bool digits(Str s, size_t *at, size_t count, int64_t *out)
{
    if (s.len - *at < count)
        return false;
    *out = 0;
    for (size_t end = *at + count; *at < end; (*at)++) {
        if (s.ptr[*at] < '0' || s.ptr[*at] > '9')
            return false;
        *out = *out * 10 + (s.ptr[*at] - '0');
    }
    return true;
}

static bool mark(Str s, size_t *at, char c) { return *at < s.len && s.ptr[(*at)++] == c; }

static bool parse_date(Str s, Value *out)
{
    size_t  at = 0;
    int64_t year, month, day;
    if (!digits(s, &at, 4, &year) || !mark(s, &at, '-') || !digits(s, &at, 2, &month) || !mark(s, &at, '-') ||
        !digits(s, &at, 2, &day) || at != s.len || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *out = value_from_int(days_from_civil(year, (int)month, (int)day));
    return true;
}

static bool parse_time(Str s, Value *out)
{
    size_t  at = 0;
    int64_t hour, minute, second, ms;
    if (!digits(s, &at, 2, &hour) || !mark(s, &at, ':') || !digits(s, &at, 2, &minute) ||
        !mark(s, &at, ':') || !digits(s, &at, 2, &second) || !mark(s, &at, '.') || !digits(s, &at, 3, &ms) ||
        at != s.len)
        return false;
    *out = value_from_int(((hour * 60 + minute) * 60 + second) * 1000 + ms);
    return true;
}

/* Plain digits of at most 64 bits: the others are in _exact. */
static bool parse_decimal(Str s, Value *out)
{
    bool    negative = s.len > 0 && s.ptr[0] == '-', point = false;
    int64_t n     = 0;
    int     scale = 0;
    for (size_t i = negative; i < s.len; i++) {
        if (s.ptr[i] == '.' && !point) {
            point = true;
            continue;
        }
        int digit = s.ptr[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
        scale += point;
    }
    *out = value_decimal(n, scale);
    return s.len > (size_t)negative;
}

static bool read_plain(sqlite3_stmt *stmt, int column, const SqlType *type, Arena *arena, Value *out)
{
    switch (type->kind) {
    case T_BOOLEAN:
    case T_INTEGER:
    case T_BIGINT:
    case T_TIMESTAMP:
        *out = value_from_int(sqlite3_column_int64(stmt, column));
        return sqlite3_column_type(stmt, column) == SQLITE_INTEGER;
    case T_DOUBLE:
        *out = value_from_double(sqlite3_column_double(stmt, column));
        return true;
    case T_STRING:
    case T_BYTES:
        *out = value_from_str(str_dup(arena, column_str(stmt, column)));
        return true;
    case T_DATE:
        return parse_date(column_str(stmt, column), out);
    case T_TIME:
        return parse_time(column_str(stmt, column), out);
    case T_DECIMAL:
        return parse_decimal(column_str(stmt, column), out);
    default:
        return false;
    }
}

static Status read_column(const StoreTable *table, sqlite3_stmt *stmt, int column, const Column *as,
                          bool state, Arena *arena, Value *out, Error *err)
{
    int found = sqlite3_column_type(stmt, column);
    if (found == SQLITE_NULL) {
        *out = value_null();
        return OK;
    }
    if (state && found == SQLITE_BLOB) {
        size_t at = 0;
        return store_codec_read(str_dup(arena, column_str(stmt, column)), &at, as->type, arena, out, err);
    }
    return read_plain(stmt, column, as->type, arena, out) ? OK : bad_column(table, as, err);
}

static Status read_exact(const StoreTable *table, sqlite3_stmt *stmt, Arena *arena, Value *keys,
                         Value *values, Error *err)
{
    Str    bytes = str_dup(arena, column_str(stmt, 6)); /* SQLite's memory is good for this row only */
    size_t at    = 1;
    if (bytes.len == 0 || bytes.ptr[0] != EXACT_VERSION)
        return error_set(err, E_DATA, NO_POS, "State store " STR_FMT ": _exact is of an unknown version",
                         STR_ARG(table->spec.name));
    TRY(store_codec_read_columns(bytes, &at, table->spec.keys, table->spec.key_count, arena, keys, err));
    return store_codec_read_rest(bytes, &at, table->spec.values, table->spec.value_count, arena, values, err);
}

static Status read_all_plain(const StoreTable *table, sqlite3_stmt *stmt, Arena *arena, Value *keys,
                             Value *values, Error *err)
{
    const StoreSpec *spec   = &table->spec;
    int              column = FIRST_COLUMN;
    for (size_t i = 0; i < spec->key_count; i++)
        TRY(read_column(table, stmt, column++, &spec->keys[i], false, arena, &keys[i], err));
    for (size_t i = 0; i < spec->value_count; i++)
        TRY(read_column(table, stmt, column++, &spec->values[i], false, arena, &values[i], err));
    return OK;
}

void store_table_read_head(sqlite3_stmt *stmt, TableRow *out)
{
    *out = (TableRow){
        .key          = column_str(stmt, 0),
        .partition    = sqlite3_column_int(stmt, 1),
        .window_start = sqlite3_column_int64(stmt, 2),
        .window_end   = sqlite3_column_int64(stmt, 3),
        .timestamp    = sqlite3_column_int64(stmt, 4),
        .visible      = sqlite3_column_int(stmt, 5) != 0,
    };
}

static Status read_row(const StoreTable *table, sqlite3_stmt *stmt, Arena *arena, TableRow *out, Error *err)
{
    const StoreSpec *spec   = &table->spec;
    Value           *keys   = ARENA_ARRAY(arena, Value, spec->key_count + 1);
    Value           *values = ARENA_ARRAY(arena, Value, spec->value_count + spec->state_count + 1);
    store_table_read_head(stmt, out);
    out->key    = str_dup(arena, out->key);
    out->keys   = keys;
    out->values = values;
    if (sqlite3_column_type(stmt, 6) != SQLITE_NULL)
        TRY(read_exact(table, stmt, arena, keys, values, err));
    else
        TRY(read_all_plain(table, stmt, arena, keys, values, err));
    int column = FIRST_COLUMN + (int)(spec->key_count + spec->value_count);
    for (size_t i = 0; i < spec->state_count; i++)
        TRY(read_column(table, stmt, column++, &spec->states[i], true, arena, &values[spec->value_count + i],
                        err));
    return OK;
}

Status store_table_read(const StoreTable *table, sqlite3_stmt *stmt, Arena *arena, TableRow *out, Error *err)
{
    Status status = read_row(table, stmt, arena, out, err);
    if (status != E_DATA)
        return status;
    if (err != NULL) /* only we write here: a row that cannot be read is not what we wrote */
        err->code = E_STALE_STATE;
    return E_STALE_STATE;
}
