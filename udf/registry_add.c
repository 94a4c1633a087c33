/*
 * registry_add.c - functions that are added while others are read: those of extensions and of CREATE
 * FUNCTION.
 *
 * A name has one owner. What is built in is never replaced or overloaded, for plans that were kept would mean
 * something else; neither is what another library has brought, for then the order of files in a directory
 * would decide. An addition is prepared aside and put in place by one store of a pointer, so a reader sees
 * all of it or nothing.
 */
#include "udf/registry.h"

struct FnAddition {
    Functions      *functions;
    FnOrigin        origin; /* texts in the registry's arena */
    const FnEntry **entries;
    size_t          count, capacity;
};

static const char *keep_text(Arena *arena, const char *text)
{
    return text != NULL ? str_to_c(arena, str_c(text)) : NULL;
}

FnAddition *functions_begin(Functions *functions, const FnOrigin *origin)
{
    const FnTable *table    = functions_table(functions);
    Arena         *arena    = functions->arena;
    FnAddition    *addition = mem_calloc(1, sizeof *addition);
    addition->functions     = functions;
    addition->origin        = (FnOrigin){keep_text(arena, origin->path), keep_text(arena, origin->author),
                                         keep_text(arena, origin->version), keep_text(arena, origin->category),
                                         keep_text(arena, origin->description)};
    addition->count         = table->count;
    addition->capacity      = table->count + 8;
    addition->entries       = mem_alloc(addition->capacity * sizeof *addition->entries);
    memcpy(addition->entries, table->entries, table->count * sizeof *addition->entries);
    return addition;
}

void functions_addition_describe(FnAddition *addition, const FnOrigin *origin)
{
    Arena      *arena = addition->functions->arena;
    const char *path  = addition->origin.path;
    addition->origin  = (FnOrigin){path, keep_text(arena, origin->author), keep_text(arena, origin->version),
                                   keep_text(arena, origin->category), keep_text(arena, origin->description)};
}

Arena *functions_addition_arena(FnAddition *addition) { return addition->functions->arena; }

void functions_abandon(FnAddition *addition)
{
    mem_free(addition->entries);
    mem_free(addition);
}

void functions_commit(FnAddition *addition)
{
    Functions *functions = addition->functions;
    FnTable *table = arena_alloc(functions->arena, sizeof *table + addition->count * sizeof *table->entries);
    table->count   = addition->count;
    memcpy(table->entries, addition->entries, addition->count * sizeof *table->entries);
    qsort(table->entries, table->count, sizeof *table->entries, fn_entry_compare);
    functions_publish(functions, table);
    functions_abandon(addition);
}

/* Its place among the entries, which need not be in order; count: it is not there. */
static size_t place_of(const FnAddition *addition, Str upper)
{
    size_t at = 0;
    while (at < addition->count && !str_equal(addition->entries[at]->upper, upper))
        at++;
    return at;
}

Status functions_add_removal(FnAddition *addition, Str name, Error *err)
{
    Str    upper = str_upper(addition->functions->arena, name);
    size_t at    = place_of(addition, upper);
    if (at == addition->count)
        return functions_refuse_unknown(addition->functions, name, err);
    if (addition->entries[at]->origin.path == NULL)
        return error_set(err, E_EXISTS, NO_POS, "The function " STR_FMT " is built in", STR_ARG(upper));
    addition->entries[at] = addition->entries[--addition->count];
    return OK;
}

static bool same_parameters(const Signature *a, const Signature *b)
{
    StrBuf left = {0}, right = {0};
    bool   same = a->count == b->count && a->variadic == b->variadic;
    for (size_t i = 0; same && i < a->count; i++) {
        param_type_print(a->params[i].type, &left);
        param_type_print(b->params[i].type, &right);
        strbuf_addc(&left, ',');
        strbuf_addc(&right, ',');
    }
    same = same && str_equal(strbuf_str(&left), strbuf_str(&right));
    strbuf_clear(&left);
    strbuf_clear(&right);
    return same;
}

static Status check_clash(const FnAddition *addition, const FnEntry *there, FnKind kind,
                          const Signature *signature, Error *err)
{
    if (there->origin.path == NULL)
        return error_set(err, E_EXISTS, NO_POS, "The name " STR_FMT " is that of a built-in function",
                         STR_ARG(there->upper));
    if (strcmp(there->origin.path, addition->origin.path) != 0)
        return error_set(err, E_EXISTS, NO_POS, "There is a function " STR_FMT " already, from %s",
                         STR_ARG(there->upper), there->origin.path);
    if (there->kind != kind)
        return error_set(err, E_EXISTS, NO_POS, "The name " STR_FMT " is taken by another kind of function",
                         STR_ARG(there->upper));
    for (size_t i = 0; i < there->count; i++)
        if (same_parameters(&there->overloads[i].signature, signature))
            return error_set(err, E_EXISTS, NO_POS, "The function " STR_FMT " has these parameters twice",
                             STR_ARG(there->upper));
    return OK;
}

/* The rules of functions.md 2.1: letters, digits and underscores; at most one variadic parameter, the last.
 */
static Status check_shape(const char *name, const Signature *signature, Error *err)
{
    size_t length = strlen(name);
    bool   right  = length > 0 && length <= 128 && !(name[0] >= '0' && name[0] <= '9');
    for (size_t i = 0; right && i < length; i++)
        right = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
                (name[i] >= '0' && name[i] <= '9') || name[i] == '_';
    if (!right)
        return error_set(err, E_PLAN, NO_POS,
                         "A function's name has letters, digits and underscores and begins with no digit: %s",
                         name);
    if (signature->variadic >= 0 && (size_t)signature->variadic + 1 != signature->count)
        return error_set(err, E_PLAN, NO_POS, "%s: a variadic parameter must be the last", name);
    return OK;
}

static void put_overload(FnAddition *addition, size_t at, const char *name, FnKind kind, Overload overload)
{
    Arena         *arena = addition->functions->arena;
    const FnEntry *there = at < addition->count ? addition->entries[at] : NULL;
    size_t         count = there != NULL ? there->count : 0;
    FnEntry       *entry = ARENA_NEW(arena, FnEntry);
    *entry               = (FnEntry){.upper     = str_upper(arena, str_c(name)),
                                     .name      = name,
                                     .category  = addition->origin.category ? addition->origin.category : "OTHER",
                                     .kind      = kind,
                                     .overloads = ARENA_ARRAY(arena, Overload, count + 1),
                                     .count     = count + 1,
                                     .capacity  = count + 1,
                                     .origin    = addition->origin};
    if (count > 0)
        memcpy(entry->overloads, there->overloads, count * sizeof *entry->overloads);
    entry->overloads[count] = overload;
    if (at == addition->count) {
        if (addition->count == addition->capacity) {
            addition->capacity *= 2;
            addition->entries =
                mem_realloc(addition->entries, addition->capacity * sizeof *addition->entries);
        }
        addition->count++;
    }
    addition->entries[at] = entry;
}

/* The texts are the registry's by now. */
static Status add_overload(FnAddition *addition, FnKind kind, const char *name, const char *signature,
                           Overload *overload, Error *err)
{
    Arena *arena = addition->functions->arena;
    TRY(signature_parse(str_c(signature), arena, &overload->signature, err));
    TRY(check_shape(name, &overload->signature, err));
    size_t at = place_of(addition, str_c(name));
    if (at < addition->count)
        TRY(check_clash(addition, addition->entries[at], kind, &overload->signature, err));
    put_overload(addition, at, name, kind, *overload);
    return OK;
}

static const char *keep_name(Arena *arena, const char *name)
{
    return str_to_c(arena, str_upper(arena, str_c(name)));
}

Status functions_add_scalar(FnAddition *addition, const ScalarFn *row, const void *self, Error *err)
{
    Arena    *arena    = addition->functions->arena;
    ScalarFn *copy     = ARENA_NEW(arena, ScalarFn);
    Overload  overload = {.scalar = copy, .self = self};
    *copy              = *row;
    copy->name         = keep_name(arena, row->name);
    copy->signature    = keep_text(arena, row->signature);
    copy->doc          = keep_text(arena, row->doc);
    return add_overload(addition, FN_SCALAR, copy->name, copy->signature, &overload, err);
}

Status functions_add_table(FnAddition *addition, const TableFn *row, const void *self, Error *err)
{
    Arena   *arena    = addition->functions->arena;
    TableFn *copy     = ARENA_NEW(arena, TableFn);
    Overload overload = {.table = copy, .self = self};
    *copy             = *row;
    copy->name        = keep_name(arena, row->name);
    copy->signature   = keep_text(arena, row->signature);
    copy->doc         = keep_text(arena, row->doc);
    return add_overload(addition, FN_TABLE, copy->name, copy->signature, &overload, err);
}

Status functions_add_aggregate(FnAddition *addition, const AggregateFn *row, const void *self, Error *err)
{
    Arena       *arena    = addition->functions->arena;
    AggregateFn *copy     = ARENA_NEW(arena, AggregateFn);
    Overload     overload = {.aggregate = copy, .self = self};
    *copy                 = *row;
    copy->name            = keep_name(arena, row->name);
    copy->signature       = keep_text(arena, row->signature);
    copy->state           = keep_text(arena, row->state);
    copy->doc             = keep_text(arena, row->doc);
    if (!str_equal(str_c(copy->state), STR_LIT("?")))
        TRY(param_type_parse(str_c(copy->state), arena, &overload.state, err));
    return add_overload(addition, FN_AGGREGATE, copy->name, copy->signature, &overload, err);
}
