/*
 * complete.c - see complete.h.
 *
 * The statement up to the cursor is cut into words (scan). The last of them say what is wanted (decide), a
 * set of kinds; whoever has something of these kinds offers it (offer_*), and what does not begin with the
 * word at the cursor is left out.
 */
#include "shell/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/statements.h"
#include "shell/complete_words.h"

enum { WORDS_KEPT = 64, CANDIDATES_MAX = 4000 };

typedef enum {
    WANT_STATEMENT = 1 << 0,
    WANT_SOURCE    = 1 << 1, /* streams and tables */
    WANT_TOPIC     = 1 << 2,
    WANT_QUERY     = 1 << 3,
    WANT_COLUMN    = 1 << 4,
    WANT_FUNCTION  = 1 << 5,
    WANT_TYPE      = 1 << 6,
    WANT_PROPERTY  = 1 << 7,
    WANT_KEYWORD   = 1 << 8, /* inside a query */
    WANT_OPTION    = 1 << 9, /* of WITH */
    WANT_FORMAT    = 1 << 10,
    WANT_FILE      = 1 << 11,
    WANT_COMMAND   = 1 << 12, /* backslash commands */
    WANT_BOOLEAN   = 1 << 13,
} Wants;

/* ---- the statement before the cursor ---- */

typedef struct {
    Str words[WORDS_KEPT]; /* the last ones, upper case, without the one at the cursor; signs are words of one
                              letter */
    size_t count;          /* in words; only the last WORDS_KEPT */
    size_t parens;         /* open */
    bool   in_with;        /* the innermost open paren stands behind WITH */
    char   quote;          /* the cursor is inside: ' or " or `; 0: not */
    Str    partial;        /* the word at the cursor */
    size_t start;          /* of it */
    bool   is_first;       /* it is the statement's first */
} Scan;

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '\\' || c == '?' || (unsigned char)c >= 0x80;
}

static void add_word(Scan *scan, Arena *arena, Str word)
{
    if (scan->count == WORDS_KEPT) {
        memmove(scan->words, scan->words + 1, (WORDS_KEPT - 1) * sizeof *scan->words);
        scan->count--;
    }
    scan->words[scan->count++] = str_upper(arena, word);
}

static Str word_back(const Scan *scan, size_t n)
{
    return n < scan->count ? scan->words[scan->count - 1 - n] : STR_LIT("");
}

static bool back_is(const Scan *scan, size_t n, const char *word)
{
    return str_equal(word_back(scan, n), str_c(word));
}

static void take_sign(Scan *scan, Arena *arena, char c)
{
    char sign[2] = {c, 0};
    if (c == ';') {
        *scan = (Scan){0};
        return;
    }
    if (c == '(') {
        scan->in_with = back_is(scan, 0, "WITH");
        scan->parens++;
    } else if (c == ')') {
        scan->in_with = false;
        scan->parens -= scan->parens > 0;
    }
    add_word(scan, arena, str_c(sign));
}

/* Moves behind a quoted text, or sets scan->quote when the cursor is inside. */
static size_t take_quoted(Scan *scan, Arena *arena, Str text, size_t at)
{
    char   quote = text.ptr[at];
    size_t end   = at + 1;
    while (end < text.len && text.ptr[end] != quote)
        end++;
    if (end >= text.len) {
        scan->quote   = quote;
        scan->partial = str_n(text.ptr + at + 1, text.len - at - 1);
        scan->start   = at + 1;
        return text.len;
    }
    add_word(scan, arena, str_n(text.ptr + at + 1, end - at - 1));
    return end + 1;
}

static void scan_text(Scan *scan, Arena *arena, Str text)
{
    *scan     = (Scan){0};
    size_t at = 0;
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '\'' || c == '"' || c == '`') {
            at = take_quoted(scan, arena, text, at);
        } else if (c == '-' && at + 1 < text.len && text.ptr[at + 1] == '-') {
            while (at < text.len && text.ptr[at] != '\n')
                at++;
        } else if (is_word_char(c)) {
            size_t start = at;
            while (at < text.len && is_word_char(text.ptr[at]))
                at++;
            if (at < text.len) {
                add_word(scan, arena, str_n(text.ptr + start, at - start));
            } else {
                scan->partial = str_n(text.ptr + start, at - start);
                scan->start   = start;
            }
        } else {
            if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
                take_sign(scan, arena, c);
            at++;
        }
    }
    if (scan->partial.len == 0 && scan->quote == 0)
        scan->start = text.len;
    scan->is_first = scan->count == 0;
}

/* ---- what is wanted ---- */

static bool any_back(const Scan *scan, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (back_is(scan, 0, words[i]))
            return true;
    return false;
}

/* In a quoted text. */
static unsigned decide_quoted(const Scan *scan)
{
    Str first = scan->count > 0 ? scan->words[0] : STR_LIT("");
    if (scan->quote != '\'')
        return WANT_SOURCE | WANT_COLUMN;
    if (back_is(scan, 0, "PRINT") || back_is(scan, 0, "TOPIC"))
        return WANT_TOPIC;
    if (str_equal(first, STR_LIT("SET")) || str_equal(first, STR_LIT("UNSET")))
        return back_is(scan, 0, "=") ? WANT_BOOLEAN : WANT_PROPERTY;
    if (back_is(scan, 0, "SCRIPT") || back_is(scan, 0, "SPOOL"))
        return WANT_FILE;
    if (!back_is(scan, 0, "="))
        return 0;
    Str option = word_back(scan, 1);
    if (str_equal(option, STR_LIT("KAFKA_TOPIC")))
        return WANT_TOPIC;
    return str_find(option, STR_LIT("FORMAT"), 0) >= 0 && str_find(option, STR_LIT("TIMESTAMP"), 0) < 0
               ? WANT_FORMAT
           : str_equal(option, STR_LIT("WRAP_SINGLE_VALUE")) ? WANT_BOOLEAN
                                                             : 0;
}

static unsigned decide(const Scan *scan)
{
    static const char *const sources[] = {"FROM", "JOIN", "INTO", "DESCRIBE"};
    static const char *const queries[] = {"TERMINATE", "PAUSE", "RESUME"};
    static const char *const kinds[]   = {"STREAM", "TABLE"};
    Str                      first     = scan->count > 0 ? scan->words[0] : STR_LIT("");
    if (scan->quote != 0)
        return decide_quoted(scan);
    if (scan->partial.len > 0 && scan->partial.ptr[0] == '\\')
        return WANT_COMMAND;
    if (scan->is_first)
        return WANT_STATEMENT;
    if (str_equal(first, STR_LIT("\\I")) || str_equal(first, STR_LIT("\\O")))
        return WANT_FILE;
    if (str_equal(first, STR_LIT("\\D")) || any_back(scan, sources, ARRAY_LEN(sources)))
        return WANT_SOURCE | (str_equal(first, STR_LIT("DESCRIBE")) ? (unsigned)WANT_FUNCTION : 0U);
    if (any_back(scan, queries, ARRAY_LEN(queries)))
        return WANT_QUERY;
    if (back_is(scan, 0, "EXPLAIN"))
        return WANT_QUERY | WANT_STATEMENT;
    if (back_is(scan, 0, "PRINT") || back_is(scan, 0, "TOPIC"))
        return WANT_TOPIC;
    if (back_is(scan, 0, "FUNCTION"))
        return WANT_FUNCTION;
    if (any_back(scan, kinds, ARRAY_LEN(kinds)))
        return str_equal(first, STR_LIT("DROP")) || str_equal(first, STR_LIT("ALTER")) ? WANT_SOURCE : 0;
    if (scan->in_with)
        return back_is(scan, 0, "(") || back_is(scan, 0, ",") ? WANT_OPTION : 0;
    if (str_equal(first, STR_LIT("CREATE")) && scan->parens > 0)
        return WANT_TYPE;
    return WANT_COLUMN | WANT_FUNCTION | WANT_KEYWORD | WANT_TYPE;
}

/* ---- offering ---- */

typedef struct {
    Completion *out;
    Arena      *arena;
    Str         partial;
    bool        lower, quoted; /* what was typed is small letters; stands in quotes already */
} Offer;

static bool begins(Str text, Str prefix)
{
    return text.len >= prefix.len && str_equal_nocase(str_n(text.ptr, prefix.len), prefix);
}

static bool is_small(Str text)
{
    bool letter = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
            return false;
        letter |= text.ptr[i] >= 'a' && text.ptr[i] <= 'z';
    }
    return letter;
}

static void offer(Offer *offer_to, Str text)
{
    if (!begins(text, offer_to->partial) || text.len == 0 || offer_to->out->count == CANDIDATES_MAX)
        return;
    offer_to->out->items[offer_to->out->count++] = text;
}

static Str small_letters(Arena *arena, Str text)
{
    char *copy = str_to_c(arena, text);
    for (size_t i = 0; i < text.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    return str_n(copy, text.len);
}

/* A word in any case: in small letters for who types small letters. */
static void offer_word(Offer *offer_to, Str text)
{
    offer(offer_to, offer_to->lower ? small_letters(offer_to->arena, text) : text);
}

/* An identifier: in backticks when it needs them. */
static void offer_name(Offer *offer_to, Str name)
{
    bool plain = name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; i < name.len; i++)
        plain &= (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
                 name.ptr[i] == '_';
    if (offer_to->quoted)
        offer(offer_to, name);
    else if (plain)
        offer_word(offer_to, name);
    else if (offer_to->partial.len == 0)
        offer(offer_to, str_printf(offer_to->arena, "`" STR_FMT "`", STR_ARG(name)));
}

static void offer_all(Offer *offer_to, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i] != NULL; i++)
        offer_word(offer_to, str_c(words[i]));
}

static bool mentions(Str text, Str name)
{
    for (size_t at = 0; at + name.len <= text.len; at++) {
        bool whole = (at == 0 || !is_word_char(text.ptr[at - 1])) &&
                     (at + name.len == text.len || !is_word_char(text.ptr[at + name.len]));
        if (whole && str_equal_nocase(str_n(text.ptr + at, name.len), name))
            return true;
    }
    return false;
}

/* Of the sources that the statement names; of all, when it names none so far. */
static void offer_columns(Offer *offer_to, const NameList *names, Str before, Str after)
{
    bool any = false;
    for (int named = 1; named >= 0 && !any; named--) {
        for (size_t i = 0; i < names->count; i++) {
            const KnownName *known = &names->names[i];
            if (known->column_count == 0 ||
                (named && !mentions(before, known->name) && !mentions(after, known->name)))
                continue;
            any |= named != 0;
            for (size_t j = 0; j < known->column_count; j++)
                offer_name(offer_to, known->columns[j]);
        }
    }
}

static void offer_known(Offer *offer_to, const NameList *names, unsigned wants)
{
    static const unsigned of_kind[NAME_KINDS] = {
        [NAME_STREAM] = WANT_SOURCE,    [NAME_TABLE] = WANT_SOURCE,      [NAME_TOPIC] = WANT_TOPIC,
        [NAME_QUERY] = WANT_QUERY,      [NAME_FUNCTION] = WANT_FUNCTION, [NAME_TYPE] = WANT_TYPE,
        [NAME_PROPERTY] = WANT_PROPERTY};
    for (size_t i = 0; i < names->count; i++) {
        const KnownName *known = &names->names[i];
        if ((wants & of_kind[known->kind]) == 0)
            continue;
        if (known->kind == NAME_TOPIC || known->kind == NAME_PROPERTY || known->kind == NAME_QUERY)
            offer(offer_to, offer_to->quoted || known->kind != NAME_TOPIC
                                ? known->name
                                : str_printf(offer_to->arena, "'" STR_FMT "'", STR_ARG(known->name)));
        else if (known->kind == NAME_FUNCTION)
            offer_word(offer_to, str_printf(offer_to->arena, STR_FMT "(", STR_ARG(known->name)));
        else
            offer_name(offer_to, known->name);
    }
}

/* Files that go on as what was typed; a folder ends in a slash. */
static void offer_files(Offer *offer_to)
{
    Str         typed = offer_to->partial;
    size_t      slash = typed.len;
    struct stat status;
    while (slash > 0 && typed.ptr[slash - 1] != '/')
        slash--;
    Str  folder    = slash > 0 ? str_n(typed.ptr, slash) : STR_LIT("./");
    DIR *directory = opendir(str_to_c(offer_to->arena, folder));
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        Str path = str_printf(offer_to->arena, STR_FMT "%s", STR_ARG(str_n(typed.ptr, slash)), entry->d_name);
        if (entry->d_name[0] == '.' && (typed.len == slash || typed.ptr[slash] != '.'))
            continue;
        bool is_folder = stat(str_to_c(offer_to->arena, path), &status) == 0 && S_ISDIR(status.st_mode);
        if (str_starts_with(path, typed))
            offer(offer_to, is_folder ? str_printf(offer_to->arena, STR_FMT "/", STR_ARG(path)) : path);
    }
    if (directory != NULL)
        closedir(directory);
}

/* What goes on a statement that has one word yet. */
static bool offer_second_words(Offer *offer_to, const Scan *scan, Str last)
{
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = word_back(scan, 1).len == 0 ? statement_second_words(last, words) : 0;
    for (size_t i = 0; i < count; i++)
        offer_word(offer_to, words[i]);
    return count > 0;
}

/* True when the words before decide alone. */
static bool offer_followers(Offer *offer_to, const Scan *scan)
{
    Str last   = word_back(scan, 0),
        two    = str_printf(offer_to->arena, STR_FMT " " STR_FMT, STR_ARG(word_back(scan, 1)), STR_ARG(last));
    bool found = offer_second_words(offer_to, scan, last);
    for (int pair = 1; pair >= 0; pair--)
        for (size_t i = 0; i < ARRAY_LEN(followers); i++)
            if (str_equal(pair ? two : last, str_c(followers[i].behind))) {
                offer_all(offer_to, followers[i].items, ARRAY_LEN(followers[i].items));
                return true;
            }
    return found;
}

static bool offer_skeleton(Offer *offer_to)
{
    for (size_t i = 0; i < ARRAY_LEN(skeletons); i++)
        if (str_equal_nocase(offer_to->partial, str_c(skeletons[i].word))) {
            offer_to->out->items[offer_to->out->count++] = str_c(skeletons[i].skeleton);
            return true;
        }
    return false;
}

/* A command in letters is offered where a statement begins; `set cli` goes on behind the statement SET. */
static void offer_commands(Offer *offer_to, unsigned wants)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        bool backslash = commands[i][0] == '\\';
        if (backslash && (wants & WANT_COMMAND))
            offer(offer_to, str_c(commands[i])); /* case matters: \dt, \dT */
        else if (!backslash && (wants & WANT_STATEMENT) && strncmp(commands[i], "set ", 4) != 0)
            offer_word(offer_to, str_c(commands[i]));
    }
}

static void offer_words(Offer *offer_to, unsigned wants)
{
    static const struct {
        unsigned           want;
        const char *const *words;
        size_t             count;
    } lists[] = {
        {WANT_KEYWORD, keywords, ARRAY_LEN(keywords)}, {WANT_TYPE, types, ARRAY_LEN(types)},
        {WANT_OPTION, options, ARRAY_LEN(options)},    {WANT_FORMAT, formats, ARRAY_LEN(formats)},
        {WANT_BOOLEAN, booleans, ARRAY_LEN(booleans)},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (wants & lists[i].want)
            for (size_t j = 0; j < lists[i].count; j++)
                offer_word(offer_to, str_c(lists[i].words[j]));
    offer_commands(offer_to, wants);
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = wants & WANT_STATEMENT ? statement_first_words(words) : 0;
    for (size_t i = 0; i < count; i++)
        offer_word(offer_to, words[i]);
    if (wants & WANT_QUERY)
        offer_word(offer_to, STR_LIT("ALL"));
}

static int compare(const void *a, const void *b)
{
    const Str *x = a, *y = b;
    return str_compare(*x, *y);
}

static void sort_and_unite(Completion *out)
{
    size_t kept = 0;
    qsort(out->items, out->count, sizeof *out->items, compare);
    for (size_t i = 0; i < out->count; i++)
        if (kept == 0 || !str_equal(out->items[kept - 1], out->items[i]))
            out->items[kept++] = out->items[i];
    out->count = kept;
}

void complete(const NameList *names, Str before, Str after, Arena *arena, Completion *out)
{
    Scan scan;
    *out = (Completion){.items = ARENA_ARRAY(arena, Str, CANDIDATES_MAX + 1)};
    scan_text(&scan, arena, before);
    /* b.NA: the columns of whatever b is. */
    Str       partial = scan.partial;
    ptrdiff_t dot     = -1;
    for (size_t i = 0; scan.quote == 0 && i < partial.len; i++)
        dot = partial.ptr[i] == '.' ? (ptrdiff_t)i : dot;
    unsigned wants = decide(&scan);
    if (dot >= 0 && (wants & (WANT_COLUMN | WANT_SOURCE))) {
        partial = str_n(partial.ptr + dot + 1, partial.len - (size_t)dot - 1);
        scan.start += (size_t)dot + 1;
        wants = WANT_COLUMN;
    }
    Offer to   = {.out     = out,
                  .arena   = arena,
                  .partial = partial,
                  .lower   = is_small(partial),
                  .quoted  = scan.quote != 0};
    out->start = scan.start;
    if (scan.is_first && scan.quote == 0 && offer_skeleton(&to))
        return;
    if (scan.quote != 0 || dot >= 0 || !offer_followers(&to, &scan)) {
        offer_words(&to, wants);
        offer_known(&to, names, wants);
        if (wants & WANT_COLUMN)
            offer_columns(&to, names, before, after);
        if (wants & WANT_FILE)
            offer_files(&to);
    }
    sort_and_unite(out);
}

static bool is_one_of(Str word, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) /* `GROUP BY`, `CAST(`: the words of a phrase */
        for (const char *at = phrases[i]; *at != '\0';) {
            size_t len = strcspn(at, " (<");
            if (str_equal_nocase(word, str_n(at, len)))
                return true;
            at += len + (at[len] != '\0');
        }
    return false;
}

bool complete_is_keyword(Str word)
{
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = statement_first_words(words);
    for (size_t i = 0; i < count; i++)
        if (str_equal_nocase(words[i], word))
            return true;
    return is_one_of(word, keywords, ARRAY_LEN(keywords)) || is_one_of(word, types, ARRAY_LEN(types)) ||
           is_one_of(word, more_keywords, ARRAY_LEN(more_keywords));
}

size_t completion_common(const Completion *completion)
{
    if (completion->count == 0)
        return 0;
    size_t len = completion->items[0].len;
    for (size_t i = 1; i < completion->count; i++) {
        Str    item = completion->items[i];
        size_t same = 0;
        while (same < len && same < item.len && item.ptr[same] == completion->items[0].ptr[same])
            same++;
        len = same;
    }
    return len;
}
