/*
 * regex_property.c - \p{...} as Java 17 reads it (java.util.regex.CharPredicates).
 *
 *   Lower, Punct, ...        POSIX, of ASCII alone; of all of Unicode under (?U)
 *   javaLetter, ...          the methods of java.lang.Character
 *   L, Lu, LC, L1, all       general categories, and Java's few unions of them
 *   Is...                    a binary property, a general category or a script
 *   In..., blk=, block=      a block
 *   sc=, script=, gc=, general_category=
 */
#include "udf/regex_parser.h"

#include <assert.h>

#include <unicode/uchar.h>
#include <unicode/ustring.h>

enum { LONGEST_NAME = 64 };

typedef struct {
    const char *name, *set, *unicode; /* `unicode`: under (?U); NULL: the same */
    bool        cased;                /* under (?i) it takes letters of any case (JDK 15 and later) */
} Property;

#define SPACE "[\\t-\\r\\u0020]"

static const Property properties[] = {
    {"Lower", "[a-z]", "[:Lowercase:]", true},
    {"Upper", "[A-Z]", "[:Uppercase:]", true},
    {"ASCII", "[\\u0000-\\u007F]", NULL, false},
    {"Alpha", "[A-Za-z]", "[:Alphabetic:]", false},
    {"Digit", "[0-9]", "[:Nd:]", false},
    {"Alnum", "[0-9A-Za-z]", "[[:Alphabetic:][:Nd:]]", false},
    {"Punct", "[!-/\\:-@\\[-`\\{-~]", "[:P:]", false},
    {"Graph", "[!-~]", "[^[:White_Space:][:Cc:][:Cs:][:Cn:]]", false},
    {"Print", "[\\u0020-~]", "[[^[:White_Space:][:Cc:][:Cs:][:Cn:]][:Zs:]]", false},
    {"Blank", "[\\t\\u0020]", "[\\t[:Zs:]]", false},
    {"Cntrl", "[\\u0000-\\u001F\\u007F]", "[:Cc:]", false},
    {"XDigit", "[0-9A-Fa-f]", "[[:Nd:][:Hex_Digit:]]", false},
    {"Space", SPACE, "[:White_Space:]", false},
    {"LC", "[[:Lu:][:Ll:][:Lt:]]", NULL, false},
    {"LD", "[[:L:][:Nd:]]", NULL, false},
    {"L1", "[\\u0000-\\u00FF]", NULL, false},
    {"all", "[\\u0000-\\U0010FFFF]", NULL, false},
    {"Lu", "[:Lu:]", NULL, true},
    {"Ll", "[:Ll:]", NULL, true},
    {"Lt", "[:Lt:]", NULL, true},
    {"javaLowerCase", "[:Lowercase:]", NULL, true},
    {"javaUpperCase", "[:Uppercase:]", NULL, true},
    {"javaTitleCase", "[:Lt:]", NULL, true},
    {"javaAlphabetic", "[:Alphabetic:]", NULL, false},
    {"javaIdeographic", "[:Ideographic:]", NULL, false},
    {"javaDigit", "[:Nd:]", NULL, false},
    {"javaDefined", "[:^Cn:]", NULL, false},
    {"javaLetter", "[:L:]", NULL, false},
    {"javaLetterOrDigit", "[[:L:][:Nd:]]", NULL, false},
    {"javaJavaIdentifierStart", "[[:L:][:Nl:][:Sc:][:Pc:]]", NULL, false},
    {"javaJavaIdentifierPart",
     "[[:L:][:Nl:][:Sc:][:Pc:][:Nd:][:Mn:][:Mc:][:Cf:]\\u0000-\\u0008\\u000E-\\u001B\\u007F-\\u009F]", NULL,
     false},
    {"javaUnicodeIdentifierStart", "[:ID_Start:]", NULL, false},
    {"javaUnicodeIdentifierPart", "[[:ID_Continue:][:Cf:]\\u0000-\\u0008\\u000E-\\u001B\\u007F-\\u009F]",
     NULL, false},
    {"javaSpaceChar", "[:Z:]", NULL, false},
    {"javaWhitespace", "[[[:Z:]-[\\u00A0\\u2007\\u202F]]\\t-\\r\\u001C-\\u001F]", NULL, false},
    {"javaISOControl", "[:Cc:]", NULL, false},
    {"javaMirrored", "[:Bidi_Mirrored:]", NULL, false},
};

/* Behind `Is`, in any case. */
static const Property binaries[] = {
    {"ALPHABETIC", "[:Alphabetic:]", NULL, false},
    {"LETTER", "[:L:]", NULL, false},
    {"IDEOGRAPHIC", "[:Ideographic:]", NULL, false},
    {"LOWERCASE", "[:Lowercase:]", NULL, true},
    {"UPPERCASE", "[:Uppercase:]", NULL, true},
    {"TITLECASE", "[:Lt:]", NULL, true},
    {"WHITE_SPACE", "[:White_Space:]", NULL, false},
    {"WHITESPACE", "[:White_Space:]", NULL, false},
    {"CONTROL", "[:Cc:]", NULL, false},
    {"PUNCTUATION", "[:P:]", NULL, false},
    {"HEX_DIGIT", "[[:Nd:][:Hex_Digit:]]", NULL, false},
    {"HEXDIGIT", "[[:Nd:][:Hex_Digit:]]", NULL, false},
    {"ASSIGNED", "[:^Cn:]", NULL, false},
    {"NONCHARACTER_CODE_POINT", "[:Noncharacter_Code_Point:]", NULL, false},
    {"NONCHARACTERCODEPOINT", "[:Noncharacter_Code_Point:]", NULL, false},
    {"DIGIT", "[:Nd:]", NULL, false},
    {"ALNUM", "[[:Alphabetic:][:Nd:]]", NULL, false},
    {"BLANK", "[\\t[:Zs:]]", NULL, false},
    {"GRAPH", "[^[:White_Space:][:Cc:][:Cs:][:Cn:]]", NULL, false},
    {"PRINT", "[[^[:White_Space:][:Cc:][:Cs:][:Cn:]][:Zs:]]", NULL, false},
    {"WORD", "[[:Alphabetic:][:M:][:Nd:][:Pc:][:Join_Control:]]", NULL, false},
    {"JOIN_CONTROL", "[:Join_Control:]", NULL, false},
    {"JOINCONTROL", "[:Join_Control:]", NULL, false},
};

USet *regex_open_set(const char *pattern)
{
    UChar      wide[256];
    UErrorCode status = U_ZERO_ERROR;
    u_uastrcpy(wide, pattern);
    USet *set = uset_openPattern(wide, -1, &status);
    assert(U_SUCCESS(status)); /* the patterns are in these files */
    return set;
}

static void add_property(const RegexParser *p, const Property *property, USet *set)
{
    /* Every case of a letter, for PCRE2 is not to fold: with (?i) \p{Lu} takes a small letter, of ASCII for
     * POSIX's names. */
    bool        any_case = property->cased && p->flags.nocase;
    bool        unicode  = p->flags.unicode_classes && property->unicode != NULL;
    const char *pattern  = unicode ? property->unicode : property->set;
    if (any_case)
        pattern = property->set[1] == ':' || unicode ? "[[:Lowercase:][:Uppercase:][:Lt:]]" : "[A-Za-z]";
    USet *found = regex_open_set(pattern);
    uset_addAll(set, found);
    uset_close(found);
}

static const Property *find_property(const Property *among, size_t count, Str name, bool any_case)
{
    for (size_t i = 0; i < count; i++) {
        Str known = str_c(among[i].name);
        if (any_case ? str_equal_nocase(name, known) : str_equal(name, known))
            return &among[i];
    }
    return NULL;
}

/* A value of one of Unicode's enumerated properties, as ICU finds it by any of its names. */
static bool add_value(UProperty property, Str name, USet *set)
{
    char       text[LONGEST_NAME];
    UErrorCode status = U_ZERO_ERROR;
    if (name.len == 0 || name.len >= sizeof text || memchr(name.ptr, 0, name.len) != NULL)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    int32_t value  = u_getPropertyValueEnum(property, text);
    if (value == UCHAR_INVALID_CODE)
        return false;
    USet *found = uset_openEmpty();
    uset_applyIntPropertyValue(found, property, value, &status);
    uset_addAll(set, found);
    uset_close(found);
    return U_SUCCESS(status);
}

/* Java's names of categories are the short ones: "Lu". */
static bool add_category(const RegexParser *p, Str name, USet *set)
{
    const Property *property = find_property(properties, ARRAY_LEN(properties), name, false);
    if (property != NULL && (name.len <= 2)) {
        add_property(p, property, set);
        return true;
    }
    return name.len <= 2 && add_value(UCHAR_GENERAL_CATEGORY_MASK, name, set);
}

static Status add_named(RegexParser *p, Str name, USet *set)
{
    Str             rest   = name.len > 2 ? str_n(name.ptr + 2, name.len - 2) : STR_LIT("");
    ptrdiff_t       equals = str_find(name, STR_LIT("="), 0);
    const Property *property;
    if (equals >= 0) {
        Str key     = str_n(name.ptr, (size_t)equals),
            value   = str_n(name.ptr + equals + 1, name.len - (size_t)equals - 1);
        bool script = str_equal_nocase(key, STR_LIT("sc")) || str_equal_nocase(key, STR_LIT("script"));
        bool block  = str_equal_nocase(key, STR_LIT("blk")) || str_equal_nocase(key, STR_LIT("block"));
        bool category =
            str_equal_nocase(key, STR_LIT("gc")) || str_equal_nocase(key, STR_LIT("general_category"));
        if ((script && add_value(UCHAR_SCRIPT, value, set)) ||
            (block && add_value(UCHAR_BLOCK, value, set)) || (category && add_category(p, value, set)))
            return OK;
        return regex_refuse(p, "Unknown Unicode property {name, value}");
    }
    if (str_starts_with(name, STR_LIT("In")))
        return add_value(UCHAR_BLOCK, rest, set) ? OK : regex_refuse(p, "Unknown character block name");
    if (str_starts_with(name, STR_LIT("Is"))) {
        if ((property = find_property(binaries, ARRAY_LEN(binaries), rest, true)) != NULL)
            add_property(p, property, set);
        else if (!add_category(p, rest, set) && !add_value(UCHAR_SCRIPT, rest, set))
            return regex_refuse(p, "Unknown character property name");
        return OK;
    }
    if ((property = find_property(properties, ARRAY_LEN(properties), name, false)) != NULL) {
        add_property(p, property, set);
        return OK;
    }
    return add_category(p, name, set) ? OK : regex_refuse(p, "Unknown character property name");
}

Status regex_read_property(RegexParser *p, bool negated, USet *set)
{
    size_t start = p->at, end = start + 1;
    if (regex_peek(p, 0) == '{') {
        for (end = ++start; end < p->in.len && p->in.ptr[end] != '}'; end++)
            ;
        if (end >= p->in.len)
            return regex_refuse(p, "Unclosed character family");
        p->at = end + 1;
    } else {
        if (end > p->in.len)
            return regex_refuse(p, "Illegal character family");
        p->at = end;
    }
    USet  *found  = uset_openEmpty();
    Status status = add_named(p, str_n(p->in.ptr + start, end - start), found);
    if (negated)
        uset_complement(found);
    uset_addAll(set, found);
    uset_close(found);
    return status;
}
