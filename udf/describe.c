/*
 * describe.c - what SHOW FUNCTIONS and DESCRIBE FUNCTION know, straight from the rows.
 */
#include "udf/registry.h"

static FnListing listing_of(const FnEntry *entry)
{
    FnListing listing = {entry->upper, entry->kind, entry->category, entry->origin};
    if (listing.origin.path == NULL)
        listing.origin.path = "internal";
    return listing;
}

void functions_list(const Functions *functions, Arena *arena, FnListing **out, size_t *count)
{
    const FnTable *table = functions_table(functions);
    *out                 = ARENA_ARRAY(arena, FnListing, table->count + 1);
    *count               = table->count;
    for (size_t i = 0; i < table->count; i++)
        (*out)[i] = listing_of(table->entries[i]);
}

static Str type_listing(const ParamType *type, Arena *arena)
{
    StrBuf text = {0};
    param_type_print(type, &text);
    Str copy = str_dup(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

static FnOverloadListing describe_overload(const Overload *overload, Arena *arena)
{
    const Signature  *signature = &overload->signature;
    FnOverloadListing listing   = {
          .params      = ARENA_ARRAY(arena, FnParamListing, signature->count + 1),
          .param_count = signature->count,
          .result      = type_listing(signature->result, arena),
          .doc         = overload_doc(overload),
    };
    for (size_t i = 0; i < signature->count; i++) {
        const Param *param = &signature->params[i];
        listing.params[i]  = (FnParamListing){param->name, type_listing(param->type, arena), param->variadic};
    }
    return listing;
}

Status functions_describe(const Functions *functions, Str name, Arena *arena, FnListing *out,
                          FnOverloadListing **overloads, size_t *count, Error *err)
{
    const FnEntry *entry = functions_find(functions, name);
    if (entry == NULL)
        return functions_refuse_unknown(functions, name, err);
    *out       = listing_of(entry);
    *count     = entry->count;
    *overloads = ARENA_ARRAY(arena, FnOverloadListing, entry->count);
    for (size_t i = 0; i < entry->count; i++)
        (*overloads)[i] = describe_overload(&entry->overloads[i], arena);
    return OK;
}
