/*
 * regex_parser.h - what the files that read Java's regular expressions know of each other.
 *
 *   regex_translate.c   groups, flags, quantifiers, what is no class
 *   regex_class.c       [...], \d and all other sets of characters, as the set they mean
 *   regex_property.c    \p{...}: names to sets
 *
 * PCRE2 has neither Java's set algebra in brackets nor its properties, and folds case by other rules. So
 * whatever stands for one of many characters is worked out as a set (ICU's USet) and handed to PCRE2 as
 * ranges, with case folding switched off: what the set means then is Java's alone.
 */
#ifndef SLUICE_UDF_REGEX_PARSER_H
#define SLUICE_UDF_REGEX_PARSER_H

#include <unicode/uset.h>

#include "udf/regex.h"

/* (?s) (?i) (?u) (?U) (?d) (?m) (?x) */
typedef struct {
    bool dotall, nocase, fold_unicode, unicode_classes, unix_lines, multiline, comments;
} RegexFlags;

enum { REGEX_GROUP_DEPTH = 200, REGEX_CLASS_DEPTH = 32 };

typedef struct {
    Str        in;
    size_t     at;
    StrBuf    *out;
    Error     *err;
    RegexFlags flags, saved[REGEX_GROUP_DEPTH]; /* of the open groups around */
    int        depth;
    int        groups;
} RegexParser;

/* E_DATA "why near index N". */
Status regex_refuse(RegexParser *p, const char *why);

static inline char regex_peek(const RegexParser *p, size_t ahead)
{
    return p->at + ahead < p->in.len ? p->in.ptr[p->at + ahead] : 0;
}

/* At a backslash, before a single character that is written in some other way (\n, \x41, \0101, \u0416,
 * \N{...}, \., é): which one. *is_one is false, and nothing read, when the escape is none of these. */
Status regex_read_character(RegexParser *p, bool in_class, uint32_t *out, bool *is_one);

/* Sets. Who calls owns them: uset_close. `p` tells the flags. */

/* \d \D \w \W \s \S \h \H \v \V; NULL: the letter is none of these. */
USet *regex_letter_set(const RegexParser *p, char letter);
/* Behind \p or \P: reads the name and adds what it stands for. */
Status regex_read_property(RegexParser *p, bool negated, USet *set);
/* At `[`: reads up to the `]` that ends it. */
Status regex_read_class(RegexParser *p, USet *set);
/* Adds the other cases of what is in the set, as the flags say. */
void regex_fold_set(const RegexParser *p, USet *set);
/* The set as a PCRE2 class. */
void regex_write_set(const USet *set, StrBuf *out);
/* From ICU's pattern, which is ours and right. */
USet *regex_open_set(const char *pattern);

#endif
