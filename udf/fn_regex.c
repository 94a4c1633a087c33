/*
 * fn_regex.c - REGEXP_*: mind that REGEXP_EXTRACT takes the pattern first, the others the text
 * (functions.md 3.4).
 */
#include "udf/regex.h"
#include "udf/site_cache.h"

static Status make_regex(Str pattern, void **out, Error *err)
{
    Regex *regex;
    TRY(regex_compile(pattern, &regex, err));
    *out = regex;
    return OK;
}

static void release_regex(void *item) { regex_free(item); }

static const SiteKind regex_kind = {make_regex, release_regex};

static Status call_regex(const FnCall *call, size_t index, Regex **out, Error *err)
{
    void *item;
    TRY(site_get(call, &regex_kind, value_str(call->args[index]), &item, err));
    *out = item;
    return OK;
}

static Value piece(Str text, size_t start, size_t end)
{
    return value_string((text.ptr ? text.ptr : "") + start, end - start);
}

/* A growing list of values in the batch's arena. */
typedef struct {
    const FnCall *call;
    Value        *items;
    size_t        count, capacity;
} List;

static Status list_add(List *list, Value value, Error *err)
{
    if (list->count == list->capacity) {
        size_t larger = list->capacity ? list->capacity * 2 : 8;
        Value *grown  = arena_try_alloc(list->call->arena, larger * sizeof *grown, err);
        if (grown == NULL)
            return E_LIMIT;
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items    = grown;
        list->capacity = larger;
    }
    list->items[list->count++] = value;
    return OK;
}

/* ---- extract ---- */

static Status group_argument(const FnCall *call, size_t *out, Error *err)
{
    int64_t group = call->count > 2 ? value_int(call->args[2]) : 0;
    if (group < 0)
        return error_set(err, E_DATA, NO_POS, "No group %lld", (long long)group);
    *out = (size_t)group;
    return OK;
}

static Value group_value(const Regex *regex, Str text, size_t group)
{
    size_t start, end;
    return regex_group(regex, group, &start, &end) ? piece(text, start, end) : value_null();
}

static Status fn_regexp_extract(const FnCall *call, Value *result, Error *err)
{
    Regex     *regex;
    size_t     group;
    RegexMatch match;
    Str        text = value_str(call->args[1]);
    TRY(call_regex(call, 0, &regex, err));
    TRY(group_argument(call, &group, err));
    *result = value_null();
    if (group > regex_group_count(regex))
        return OK;
    TRY(regex_find(regex, text, 0, &match, err));
    if (match.found)
        *result = group_value(regex, text, group);
    return OK;
}

static Status fn_regexp_extract_all(const FnCall *call, Value *result, Error *err)
{
    Regex *regex;
    size_t group;
    List   list = {.call = call};
    Str    text = value_str(call->args[1]);
    TRY(call_regex(call, 0, &regex, err));
    TRY(group_argument(call, &group, err));
    *result = value_null();
    if (group > regex_group_count(regex))
        return OK;
    for (size_t from = 0;;) {
        RegexMatch match;
        TRY(regex_find(regex, text, from, &match, err));
        if (!match.found)
            break;
        TRY(list_add(&list, group_value(regex, text, group), err));
        from = regex_next(text, match);
    }
    *result = value_array(list.items, list.count);
    return OK;
}

/* ---- replace ---- */

/* Behind `$`: a name in braces, or the longest number that is a group. */
static Status read_reference(const Regex *regex, Str with, size_t *at, size_t *group, Error *err)
{
    if (*at < with.len && with.ptr[*at] == '{') {
        ptrdiff_t close = str_find(with, STR_LIT("}"), *at);
        Str       name  = close < 0 ? STR_NULL : str_n(with.ptr + *at + 1, (size_t)close - *at - 1);
        *group          = close < 0 ? 0 : regex_named_group(regex, name);
        if (*group == 0)
            return error_set(err, E_DATA, NO_POS, "No group with name {" STR_FMT "}", STR_ARG(name));
        *at = (size_t)close + 1;
        return OK;
    }
    if (*at >= with.len || with.ptr[*at] < '0' || with.ptr[*at] > '9')
        return error_set(err, E_DATA, NO_POS, "Illegal group reference");
    *group = (size_t)(with.ptr[(*at)++] - '0');
    if (*group > regex_group_count(regex))
        return error_set(err, E_DATA, NO_POS, "No group %zu", *group);
    while (*at < with.len && with.ptr[*at] >= '0' && with.ptr[*at] <= '9') {
        size_t longer = *group * 10 + (size_t)(with.ptr[*at] - '0');
        if (longer > regex_group_count(regex))
            break;
        *group = longer;
        ++*at;
    }
    return OK;
}

static Status add_replacement(const Regex *regex, Str text, Str with, StrBuf *out, Error *err)
{
    for (size_t at = 0; at < with.len;) {
        size_t group = 0, start, end;
        char   c     = with.ptr[at++];
        if (c == '$') {
            TRY(read_reference(regex, with, &at, &group, err));
            if (regex_group(regex, group, &start, &end))
                strbuf_add(out, str_n(text.ptr + start, end - start));
            continue;
        }
        if (c == '\\') {
            if (at >= with.len)
                return error_set(err, E_DATA, NO_POS, "character to be escaped is missing");
            c = with.ptr[at++];
        }
        strbuf_addc(out, c);
    }
    return OK;
}

static Status fn_regexp_replace(const FnCall *call, Value *result, Error *err)
{
    Regex  *regex;
    Str     text = value_str(call->args[0]);
    StrBuf *out  = site_text(call);
    size_t  done = 0;
    TRY(call_regex(call, 1, &regex, err));
    for (size_t from = 0;;) {
        RegexMatch match;
        TRY(regex_find(regex, text, from, &match, err));
        if (!match.found)
            break;
        strbuf_add(out, str_n(text.ptr + done, match.start - done));
        TRY(add_replacement(regex, text, value_str(call->args[2]), out, err));
        done = match.end;
        from = regex_next(text, match);
    }
    if (done < text.len)
        strbuf_add(out, str_n(text.ptr + done, text.len - done));
    return site_text_result(call, out, result, err);
}

/* ---- split ---- */

static void drop_trailing_empty(List *list)
{
    while (list->count > 0 && list->items[list->count - 1].len == 0)
        list->count--;
}

/* A pattern that matches '' follows Java's Pattern.split; any other keeps every empty piece. */
static Status fn_regexp_split(const FnCall *call, Value *result, Error *err)
{
    Regex *regex;
    Str    text  = value_str(call->args[0]);
    List   list  = {.call = call};
    size_t index = 0, cuts = 0;
    TRY(call_regex(call, 1, &regex, err));
    bool java = regex_matches_empty(regex);
    for (size_t from = 0;;) {
        RegexMatch match;
        TRY(regex_find(regex, text, from, &match, err));
        if (!match.found)
            break;
        from = regex_next(text, match);
        if (java && match.end == 0)
            continue; /* no empty piece in front */
        TRY(list_add(&list, piece(text, index, match.start), err));
        index = match.end;
        cuts++;
    }
    TRY(list_add(&list, piece(text, index, text.len), err));
    if (java && cuts > 0)
        drop_trailing_empty(&list);
    *result = value_array(list.items, list.count);
    return OK;
}

const ScalarFn regex_functions[] = {
    {"regexp_extract", "(pattern STRING, input STRING) -> STRING", FN_NULL_IF_ANY_NULL, fn_regexp_extract,
     "Returns the first substring of the input that matches the given regex pattern.", NULL},
    {"regexp_extract", "(pattern STRING, input STRING, group INT) -> STRING", FN_NULL_IF_ANY_NULL,
     fn_regexp_extract, "Returns the given capturing group of the first match of the regex pattern.", NULL},
    {"regexp_extract_all", "(pattern STRING, input STRING) -> ARRAY<STRING>", FN_NULL_IF_ANY_NULL,
     fn_regexp_extract_all, "Returns all substrings of the input that match the given regex pattern.", NULL},
    {"regexp_extract_all", "(pattern STRING, input STRING, group INT) -> ARRAY<STRING>", FN_NULL_IF_ANY_NULL,
     fn_regexp_extract_all, "Returns the given capturing group of all matches of the regex pattern.", NULL},
    {"regexp_replace", "(str STRING, regexp STRING, newStr STRING) -> STRING", FN_NULL_IF_ANY_NULL,
     fn_regexp_replace,
     "Returns a new string in which all matches of the regexp in str have been replaced with newStr.", NULL},
    {"regexp_split_to_array", "(string STRING, regexp STRING) -> ARRAY<STRING>", FN_NULL_IF_ANY_NULL,
     fn_regexp_split, "Splits a string into an array of substrings based on a regexp.", NULL},
    {0},
};
