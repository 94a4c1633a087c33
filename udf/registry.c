/*
 * registry.c - all built-in functions by name.
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

static int entry_compare(const void *a, const void *b)
{
    return str_compare(((const FnEntry *)a)->upper, ((const FnEntry *)b)->upper);
}

const FnEntry *functions_find(const Functions *functions, Str name)
{
    size_t low = 0, high = functions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        Str    upper  = functions->entries[middle].upper;
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
            return &functions->entries[middle];
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
    for (size_t i = functions->count; i-- > 0;) {
        if (str_equal(functions->entries[i].upper, upper)) {
            if (functions->entries[i].kind != family->kind)
                stop_at_bad_row(name, "", "the name is taken by another kind of function");
            return &functions->entries[i];
        }
    }
    if (functions->count == functions->capacity) {
        functions->capacity = functions->capacity ? functions->capacity * 2 : 256;
        functions->entries =
            mem_realloc(functions->entries, functions->capacity * sizeof *functions->entries);
    }
    FnEntry *entry = &functions->entries[functions->count++];
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

Status functions_refuse_unknown(const Functions *functions, Str name, Error *err)
{
    Arena *arena = arena_new(0);
    Str   *names = ARENA_ARRAY(arena, Str, functions->count);
    for (size_t i = 0; i < functions->count; i++)
        names[i] = functions->entries[i].upper;
    error_set(err, E_PLAN, NO_POS, "Can't find any functions with the name '" STR_FMT "'", STR_ARG(name));
    error_suggest(err, str_upper(arena, name), names, functions->count);
    arena_free(arena);
    return E_PLAN;
}

Functions *functions_open(void)
{
    Functions *functions = mem_calloc(1, sizeof *functions);
    functions->arena     = arena_new(0);
    for (const Family *family = families; family->rows != NULL; family++)
        add_family(functions, family);
    if (functions->count > 0)
        qsort(functions->entries, functions->count, sizeof *functions->entries, entry_compare);
    return functions;
}

void functions_close(Functions *functions)
{
    if (functions == NULL)
        return;
    for (size_t i = 0; i < functions->count; i++)
        mem_free(functions->entries[i].overloads);
    mem_free(functions->entries);
    arena_free(functions->arena);
    mem_free(functions);
}

FnKind functions_kind(const Functions *functions, Str name)
{
    const FnEntry *entry = functions_find(functions, name);
    return entry == NULL ? FN_NONE : entry->kind;
}
