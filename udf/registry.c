/*
 * registry.c - all functions by name: the built-in ones, and what was added (registry_add.c).
 *
 * The families of families.def are read once; every signature is parsed then, so a call later compares types
 * and parses nothing. A row that does not parse, or one name in two kinds, is our own bug: opening stops the
 * program and says which row.
 */
#include "udf/registry.h"

#include "core/suggest.h"

#define FAMILY_SCALAR const ScalarFn
#define FAMILY_AGGREGATE const AggregateFn
#define FAMILY_TABLE const TableFn
#define FAMILY(table, KIND, category) extern FAMILY_##KIND table[];
#include "udf/families.def"
#undef FAMILY

typedef struct {
    const void *rows;
    FnKind      kind;
    const char *category;
} Family;

static const Family families[] = {
#define FAMILY(table, KIND, category) {table, FN_##KIND, category},
#include "udf/families.def"
#undef FAMILY
    {NULL, FN_NONE, NULL},
};

int fn_entry_compare(const void *a, const void *b)
{
    return str_compare((*(const FnEntry *const *)a)->upper, (*(const FnEntry *const *)b)->upper);
}

const FnEntry *functions_find(const Functions *functions, Str name)
{
    const FnTable *table = functions_table(functions);
    size_t         low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        Str    upper  = table->entries[middle]->upper;
        size_t at     = 0;
        int    order  = 0;
        for (; order == 0 && at < upper.len && at < name.len; at++) {
            char c = name.ptr[at];
            if (c >= 'a' && c <= 'z')
                c = (char)(c - 'a' + 'A');
            order = (unsigned char)c - (unsigned char)upper.ptr[at];
        }
        if (order == 0)
            order = (name.len > upper.len) - (name.len < upper.len);
        if (order == 0)
            return table->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

ResultTypeRule overload_rule(const Overload *overload)
{
    if (overload->scalar != NULL)
        return overload->scalar->result_type;
    return overload->table != NULL ? overload->table->result_type : overload->aggregate->result_type;
}

const char *overload_doc(const Overload *overload)
{
    if (overload->scalar != NULL)
        return overload->scalar->doc;
    return overload->table != NULL ? overload->table->doc : overload->aggregate->doc;
}

static void stop_at_bad_row(const char *name, const char *signature, const char *why)
{
    fprintf(stderr, "function %s %s: %s\n", name, signature, why);
    abort(); /* a row of a built-in table: never input */
}

/* Registration scans from the end: rows of one name stand together. */
static FnEntry *entry_for(Functions *functions, const char *name, const Family *family)
{
    Str upper = str_upper(functions->arena, str_c(name));
    for (size_t i = functions->builtin_count; i-- > 0;) {
        if (str_equal(functions->builtin[i].upper, upper)) {
            if (functions->builtin[i].kind != family->kind)
                stop_at_bad_row(name, "", "the name is taken by another kind of function");
            return &functions->builtin[i];
        }
    }
    if (functions->builtin_count == functions->builtin_capacity) {
        functions->builtin_capacity = functions->builtin_capacity ? functions->builtin_capacity * 2 : 256;
        functions->builtin =
            mem_realloc(functions->builtin, functions->builtin_capacity * sizeof *functions->builtin);
    }
    FnEntry *entry = &functions->builtin[functions->builtin_count++];
    *entry = (FnEntry){.upper = upper, .name = name, .category = family->category, .kind = family->kind};
    return entry;
}

static void add_overload(Functions *functions, const Family *family, const char *name, const char *signature,
                         Overload overload)
{
    Error    err;
    FnEntry *entry = entry_for(functions, name, family);
    if (signature_parse(str_c(signature), functions->arena, &overload.signature, &err) != OK)
        stop_at_bad_row(name, signature, err.message);
    const char *state = overload.aggregate != NULL ? overload.aggregate->state : NULL;
    if (state != NULL && !str_equal(str_c(state), STR_LIT("?")) &&
        param_type_parse(str_c(state), functions->arena, &overload.state, &err) != OK)
        stop_at_bad_row(name, state, err.message);
    if (entry->count == entry->capacity) {
        entry->capacity  = entry->capacity ? entry->capacity * 2 : 4;
        entry->overloads = mem_realloc(entry->overloads, entry->capacity * sizeof *entry->overloads);
    }
    entry->overloads[entry->count++] = overload;
}

static void add_family(Functions *functions, const Family *family)
{
    if (family->kind == FN_SCALAR) {
        for (const ScalarFn *row = family->rows; row->name != NULL; row++)
            add_overload(functions, family, row->name, row->signature, (Overload){.scalar = row});
    } else if (family->kind == FN_TABLE) {
        for (const TableFn *row = family->rows; row->name != NULL; row++)
            add_overload(functions, family, row->name, row->signature, (Overload){.table = row});
    } else {
        for (const AggregateFn *row = family->rows; row->name != NULL; row++)
            add_overload(functions, family, row->name, row->signature, (Overload){.aggregate = row});
    }
}

/* What other databases call them, where no slip of the pen leads from the one name to the other. */
static const struct {
    const char *theirs, *ours;
} other_names[] = {{"UPPER", "UCASE"},
                   {"LOWER", "LCASE"},
                   {"LENGTH", "LEN"},
                   {"CHAR_LENGTH", "LEN"},
                   {"SUBSTR", "SUBSTRING"},
                   {"CEILING", "CEIL"},
                   {"NVL", "IFNULL"},
                   {"ISNULL", "IFNULL"},
                   {"POSITION", "INSTR"},
                   {"STRPOS", "INSTR"},
                   {"NOW", "UNIX_TIMESTAMP"},
                   {"CURRENT_TIMESTAMP", "UNIX_TIMESTAMP"},
                   {"CURRENT_DATE", "UNIX_DATE"},
                   {"TO_TIMESTAMP", "PARSE_TIMESTAMP"},
                   {"TO_DATE", "PARSE_DATE"},
                   {"TO_CHAR", "FORMAT_TIMESTAMP"},
                   {"DATE_FORMAT", "FORMAT_TIMESTAMP"},
                   {"ARRAY_AGG", "COLLECT_LIST"},
                   {"STRING_AGG", "COLLECT_LIST"},
                   {"GROUP_CONCAT", "COLLECT_LIST"},
                   {"CARDINALITY", "ARRAY_LENGTH"},
                   {"UNNEST", "EXPLODE"},
                   {"STDDEV", "STDDEV_SAMP"},
                   {"FIRST_VALUE", "EARLIEST_BY_OFFSET"},
                   {"LAST_VALUE", "LATEST_BY_OFFSET"}};

static Status suggest_function(Str name, const Str *names, size_t count, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(other_names); i++)
        if (str_equal(name, str_c(other_names[i].theirs))) {
            error_append(err, "\nDid you mean %s?", other_names[i].ours);
            return E_PLAN;
        }
    error_suggest(err, name, names, count);
    return E_PLAN;
}

Status functions_refuse_unknown(const Functions *functions, Str name, Error *err)
{
    const FnTable *table = functions_table(functions);
    Arena         *arena = arena_new(0);
    Str           *names = ARENA_ARRAY(arena, Str, table->count);
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->entries[i]->upper;
    error_set(err, E_PLAN, NO_POS, "Can't find any functions with the name '" STR_FMT "'", STR_ARG(name));
    Status status = suggest_function(str_upper(arena, name), names, table->count, err);
    arena_free(arena);
    return status;
}

void functions_publish(Functions *functions, const FnTable *table)
{
    atomic_store_explicit(&functions->table, table, memory_order_release);
}

Functions *functions_open(void)
{
    Functions *functions = mem_calloc(1, sizeof *functions);
    functions->arena     = arena_new(0);
    for (const Family *family = families; family->rows != NULL; family++)
        add_family(functions, family);
    size_t   count = functions->builtin_count;
    FnTable *table = arena_alloc(functions->arena, sizeof *table + count * sizeof *table->entries);
    table->count   = count;
    for (size_t i = 0; i < count; i++)
        table->entries[i] = &functions->builtin[i];
    if (count > 0)
        qsort(table->entries, count, sizeof *table->entries, fn_entry_compare);
    functions_publish(functions, table);
    return functions;
}

Functions *functions_fork(const Functions *base)
{
    Functions *functions = mem_calloc(1, sizeof *functions);
    functions->arena     = arena_new(0);
    functions_publish(functions, functions_table(base));
    return functions;
}

void functions_close(Functions *functions)
{
    if (functions == NULL)
        return;
    for (size_t i = 0; i < functions->builtin_count; i++)
        mem_free(functions->builtin[i].overloads);
    mem_free(functions->builtin);
    arena_free(functions->arena);
    mem_free(functions);
}

FnKind functions_kind(const Functions *functions, Str name)
{
    const FnEntry *entry = functions_find(functions, name);
    return entry == NULL ? FN_NONE : entry->kind;
}

bool functions_is_added(const Functions *functions, Str name)
{
    const FnEntry *entry = functions_find(functions, name);
    return entry != NULL && entry->origin.path != NULL;
}
