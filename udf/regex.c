/*
 * regex.c - compile, match, groups. Limits: patterns of strangers must not run forever, so a match that takes
 * more than MATCH_LIMIT steps is an error of its row (the reference has no limit at all).
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "udf/regex.h"

#include <pcre2.h>

enum {
    MATCH_LIMIT    = 2000000,
    DEPTH_LIMIT    = 100000,
    HEAP_LIMIT_KIB = 32768,
    MAX_PATTERN    = 65536,
    JIT_STACK_MAX  = 1 << 20
};

struct Regex {
    pcre2_code          *code;
    pcre2_match_data    *data;
    pcre2_match_context *context;
    pcre2_jit_stack     *jit_stack;
    uint32_t             groups;
    bool                 matches_empty;
};

void regex_free(Regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_data_free(regex->data);
    pcre2_match_context_free(regex->context);
    pcre2_jit_stack_free(regex->jit_stack);
    pcre2_code_free(regex->code);
    mem_free(regex);
}

static Status invalid(Str pattern, const char *why, Error *err)
{
    return error_set(err, E_DATA, NO_POS, "Invalid regular expression pattern: " STR_FMT " (%s)",
                     STR_ARG(pattern), why);
}

static Status compile_code(Regex *regex, Str pattern, Str translated, Error *err)
{
    int                    code;
    PCRE2_SIZE             offset;
    PCRE2_UCHAR            message[256];
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
    regex->code =
        pcre2_compile((PCRE2_SPTR)translated.ptr, translated.len,
                      PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (regex->code)
        return OK;
    pcre2_get_error_message(code, message, sizeof message);
    return invalid(pattern, (const char *)message, err);
}

static void prepare_match(Regex *regex)
{
    regex->data    = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KIB);
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    int empty            = pcre2_match(regex->code, (PCRE2_SPTR) "", 0, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED,
                                       regex->data, regex->context);
    regex->matches_empty = empty >= 0;
    if (pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) ==
        0) { /* without it the interpreter does the same */
        regex->jit_stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_MAX, NULL);
        pcre2_jit_stack_assign(regex->context, NULL, regex->jit_stack);
    }
}

Status regex_compile(Str pattern, Regex **out, Error *err)
{
    StrBuf translated = {0};
    Error  why;
    if (pattern.len > MAX_PATTERN)
        return error_set(err, E_DATA, NO_POS, "Regular expression of %zu bytes is too long", pattern.len);
    if (regex_translate(pattern, &translated, &why) != OK) {
        strbuf_clear(&translated);
        return invalid(pattern, why.message, err);
    }
    Regex *regex  = mem_calloc(1, sizeof *regex);
    Status status = compile_code(regex, pattern, strbuf_str(&translated), err);
    strbuf_clear(&translated);
    if (status != OK) {
        regex_free(regex);
        return status;
    }
    prepare_match(regex);
    *out = regex;
    return OK;
}

size_t regex_group_count(const Regex *regex) { return regex->groups; }

bool regex_matches_empty(const Regex *regex) { return regex->matches_empty; }

size_t regex_named_group(const Regex *regex, Str name)
{
    char text[64];
    if (name.len == 0 || name.len >= sizeof text)
        return 0;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    int group      = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);
    return group > 0 ? (size_t)group : 0;
}

Status regex_find(Regex *regex, Str text, size_t from, RegexMatch *out, Error *err)
{
    *out = (RegexMatch){0};
    if (from > text.len)
        return OK;
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.ptr ? text.ptr : "");
    int        count =
        pcre2_match(regex->code, subject, text.len, from, PCRE2_NO_UTF_CHECK, regex->data, regex->context);
    if (count == PCRE2_ERROR_NOMATCH)
        return OK;
    if (count < 0) {
        PCRE2_UCHAR message[256];
        pcre2_get_error_message(count, message, sizeof message);
        return error_set(err, E_DATA, NO_POS, "Regular expression gave up: %s", (const char *)message);
    }
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(regex->data);
    if (ovector[0] > ovector[1])
        return error_set(err, E_DATA, NO_POS, "Regular expression gave up: \\K is not supported");
    *out = (RegexMatch){true, ovector[0], ovector[1]};
    return OK;
}

bool regex_group(const Regex *regex, size_t group, size_t *start, size_t *end)
{
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(regex->data);
    if (group > regex->groups || ovector[group * 2] == PCRE2_UNSET)
        return false;
    *start = ovector[group * 2];
    *end   = ovector[group * 2 + 1];
    return true;
}

size_t regex_next(Str text, RegexMatch match)
{
    if (match.end > match.start)
        return match.end;
    size_t next = match.end;
    if (next >= text.len)
        return text.len + 1;
    utf8_next(text, &next);
    return next;
}
