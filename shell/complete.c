/*
 * complete.c - see complete.h.
 *
 * The statement up to the cursor is cut into words (scan.h). The last of them, or the parenthesis that is
 * open, say what is wanted (decide): a set of kinds and words of their own. Whoever has something of these
 * kinds offers it (offer_*), and what does not begin with the word at the cursor is left out.
 */
#include "shell/complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/privilege.h"
#include "core/statements.h"
#include "shell/complete_path.h"
#include "shell/complete_words.h"
#include "shell/scan.h"

enum { CANDIDATES_MAX = 4000 };

typedef struct {
    unsigned           kinds;
    const char *const *items; /* up to a NULL; NULL: none */
} Wanted;

/* ---- what is wanted ---- */

static bool begins_with_word(const Scan *scan, const char *word)
{
    return scan->total > 0 && str_equal(scan->beginning[0], str_c(word));
}

/* The value of an option or a property: of the one in front of the `=`. */
static Wanted decide_value(const Scan *scan)
{
    Str name   = scan_back(scan, 1);
    name       = str_starts_with(name, STR_LIT("'")) ? str_n(name.ptr + 1, name.len - 1) : name;
    bool topic = str_equal(name, STR_LIT("KAFKA_TOPIC")), with = scan_paren(scan) == PAREN_WITH;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (str_ends_with(name, str_c(values[i].name)))
            return (Wanted){0, values[i].items};
    if (with && topic)
        return (Wanted){WANT_TOPIC, NULL};
    if (with && (str_equal(name, STR_LIT("FORMAT")) || str_ends_with(name, STR_LIT("Y_FORMAT")) ||
                 str_ends_with(name, STR_LIT("E_FORMAT"))))
        return (Wanted){WANT_FORMAT, NULL};
    bool either = !with || str_equal(name, STR_LIT("WRAP_SINGLE_VALUE"));
    return (Wanted){either ? WANT_BOOLEAN : 0, NULL};
}

/* Columns of CREATE STREAM name ( : a new name, its type, what kind of column it is. */
static Wanted decide_schema(const Scan *scan)
{
    static const char *const roles[] = {"HEADERS", "KEY", "PRIMARY KEY", NULL};
    bool                     begins  = scan_ends(scan, "(") || (scan_ends(scan, ",") && scan->angles == 0);
    if (begins)
        return (Wanted){0, NULL};
    if (scan->angles == 0 && !scan_ends(scan, "( *") && !scan_ends(scan, ", *"))
        return (Wanted){0, roles};
    return (Wanted){WANT_TYPE, NULL};
}

static Wanted decide_in_paren(const Scan *scan, ParenKind paren)
{
    bool next = scan_ends(scan, "(") || scan_ends(scan, ",");
    switch (paren) {
    case PAREN_WITH:
        return (Wanted){next ? WANT_OPTION : 0, NULL};
    case PAREN_TARGET:
        return (Wanted){next ? WANT_COLUMN : 0, NULL};
    case PAREN_VALUES:
        return (Wanted){WANT_CALL | WANT_LITERAL, NULL};
    case PAREN_SCHEMA:
        return decide_schema(scan);
    default:
        return (Wanted){scan_ends(scan, "AS") ? WANT_TYPE : WANT_COLUMN | WANT_CALL | WANT_KEYWORD, NULL};
    }
}

/* In an expression columns may stand, behind a source or a number only what goes on the query. */
static bool is_in_expression(const Scan *scan)
{
    static const struct {
        const char *word;
        bool        expression;
    } clauses[] = {
        {"SELECT", true}, {"WHERE", true}, {"HAVING", true},  {"ON", true},    {"BY", true},
        {"AND", true},    {"OR", true},    {"FROM", false},   {"JOIN", false}, {"WINDOW", false},
        {"LIMIT", false}, {"EMIT", false}, {"WITHIN", false}, {"INTO", false}, {"GRACE", false},
    };
    for (size_t n = 0; n < scan->count; n++)
        for (size_t i = 0; i < ARRAY_LEN(clauses); i++)
            if (str_equal(scan_back(scan, n), str_c(clauses[i].word)))
                return clauses[i].expression;
    return false;
}

/* Behind AS stands a query, or a new name. */
static Wanted decide_as(const Scan *scan)
{
    static const char *const query[] = {"SELECT", NULL};
    for (size_t n = 0; n < scan->count; n++)
        if (str_equal(scan_back(scan, n), STR_LIT("SELECT")))
            return (Wanted){0, NULL};
    return (Wanted){0, begins_with_word(scan, "CREATE") ? query : NULL};
}

/* A first word that one of a few others follow: offer_second_words. */
static bool goes_on(const Scan *scan)
{
    Str words[STATEMENT_WORDS_MAX];
    return scan->total == 1 && statement_second_words(scan_back(scan, 0), words) > 0;
}

static Wanted decide(const Scan *scan)
{
    static const char *const all[] = {"ALL", NULL};
    ParenKind                paren = scan_paren(scan);
    if (scan->quote == 0 && scan->partial.len > 0 && scan->partial.ptr[0] == '\\')
        return (Wanted){WANT_COMMAND, NULL};
    if (scan->total == 0)
        return (Wanted){scan->quote == 0 ? WANT_STATEMENT : 0, NULL};
    bool sets = begins_with_word(scan, "SET") || begins_with_word(scan, "ALTER");
    if (scan_ends(scan, "=") && (sets || paren == PAREN_WITH))
        return decide_value(scan);
    if (scan_ends(scan, "ON") && (begins_with_word(scan, "GRANT") || begins_with_word(scan, "REVOKE")))
        return (Wanted){WANT_SOURCE, all};
    if (scan->depth > 0 && paren != PAREN_OTHER)
        return decide_in_paren(scan, paren);
    for (size_t i = 0; i < ARRAY_LEN(followers); i++)
        if (scan_ends(scan, followers[i].behind))
            return (Wanted){followers[i].wants, followers[i].items};
    if (begins_with_word(scan, "SET") || goes_on(scan))
        return (Wanted){0, NULL};
    if (scan_ends(scan, "AS"))
        return decide_as(scan);
    return (Wanted){is_in_expression(scan) ? WANT_COLUMN | WANT_CALL | WANT_KEYWORD : WANT_KEYWORD, NULL};
}

/* ---- offering ---- */

typedef struct {
    Completion *out;
    Arena      *arena;
    Str         partial;
    bool        lower; /* small letters are typed here */
    char        quote; /* the cursor is in a quoted text or name; 0: not */
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

/* `text` is put in place of what was typed, of which `name` is what it stands for. */
static void offer_as(Offer *offer_to, Str name, Str text)
{
    if (!begins(name, offer_to->partial) || name.len == 0 || offer_to->out->count == CANDIDATES_MAX)
        return;
    offer_to->out->items[offer_to->out->count++] = text;
}

static void offer(Offer *offer_to, Str text) { offer_as(offer_to, text, text); }

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

/* Something that stands in single quotes. */
static void offer_text(Offer *offer_to, Str text)
{
    offer_as(offer_to, text,
             offer_to->quote != 0 ? text : str_printf(offer_to->arena, "'" STR_FMT "'", STR_ARG(text)));
}

/* An identifier: in backticks when it needs them. */
static void offer_name(Offer *offer_to, Str name)
{
    bool plain = name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9');
    for (size_t i = 0; i < name.len; i++)
        plain &= (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
                 name.ptr[i] == '_';
    if (offer_to->quote != 0)
        offer(offer_to, name);
    else if (plain)
        offer_word(offer_to, name);
    else
        offer_as(offer_to, name, str_printf(offer_to->arena, "`" STR_FMT "`", STR_ARG(name)));
}

static void offer_fields(Offer *offer_to, const KnownFields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        offer_name(offer_to, fields->items[i].name);
}

static void offer_known(Offer *offer_to, const NameList *names, unsigned wants)
{
    static const unsigned of_kind[NAME_KINDS] = {[NAME_STREAM]    = WANT_STREAM,
                                                 [NAME_TABLE]     = WANT_TABLE,
                                                 [NAME_TOPIC]     = WANT_TOPIC,
                                                 [NAME_QUERY]     = WANT_QUERY,
                                                 [NAME_TYPE]      = WANT_TYPE | WANT_TYPE_NAME,
                                                 [NAME_FUNCTION]  = WANT_FUNCTION | WANT_CALL,
                                                 [NAME_PROPERTY]  = WANT_PROPERTY,
                                                 [NAME_CONNECTOR] = WANT_CONNECTOR};
    for (size_t i = 0; i < names->count; i++) {
        const KnownName *known = &names->names[i];
        if ((wants & of_kind[known->kind]) == 0)
            continue;
        if (known->kind == NAME_TOPIC || known->kind == NAME_PROPERTY)
            offer_text(offer_to, known->name);
        else if (known->kind == NAME_QUERY)
            offer(offer_to, known->name);
        else if (known->kind == NAME_FUNCTION && (wants & WANT_CALL))
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
    const char *home   = getenv("HOME");
    Str         folder = slash > 0 ? str_n(typed.ptr, slash) : STR_LIT("./");
    if (home != NULL && str_starts_with(folder, STR_LIT("~/")))
        folder =
            str_printf(offer_to->arena, "%s" STR_FMT, home, STR_ARG(str_n(folder.ptr + 1, folder.len - 1)));
    DIR *directory = opendir(str_to_c(offer_to->arena, folder));
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        Str path = str_printf(offer_to->arena, STR_FMT "%s", STR_ARG(str_n(typed.ptr, slash)), entry->d_name);
        if (entry->d_name[0] == '.' && (typed.len == slash || typed.ptr[slash] != '.'))
            continue;
        Str  whole     = str_printf(offer_to->arena, STR_FMT "%s", STR_ARG(folder), entry->d_name);
        bool is_folder = stat(str_to_c(offer_to->arena, whole), &status) == 0 && S_ISDIR(status.st_mode);
        if (str_starts_with(path, typed))
            offer(offer_to, is_folder ? str_printf(offer_to->arena, STR_FMT "/", STR_ARG(path)) : path);
    }
    if (directory != NULL)
        closedir(directory);
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

static void offer_statements(Offer *offer_to)
{
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = statement_first_words(words);
    for (size_t i = 0; i < count; i++)
        offer_word(offer_to, words[i]);
}

/* What goes on a statement that has one word yet. */
static void offer_second_words(Offer *offer_to, const Scan *scan)
{
    Str    words[STATEMENT_WORDS_MAX];
    size_t count = scan->total == 1 ? statement_second_words(scan_back(scan, 0), words) : 0;
    for (size_t i = 0; i < count; i++)
        offer_word(offer_to, words[i]);
}

static void offer_privileges(Offer *offer_to)
{
    unsigned    bit;
    const char *word;
    for (size_t i = 0; (word = privilege_word(i, &bit)) != NULL; i++)
        offer_word(offer_to, str_c(word));
}

/* Words that stand for themselves, and texts that stand in quotes. */
static void offer_words(Offer *offer_to, unsigned wants)
{
    static const struct {
        unsigned           want;
        const char *const *words;
        size_t             count;
        bool               text;
    } lists[] = {
        {WANT_KEYWORD, keywords, ARRAY_LEN(keywords), false},
        {WANT_TYPE, types, ARRAY_LEN(types), false},
        {WANT_OPTION, options, ARRAY_LEN(options), false},
        {WANT_LITERAL, literals, ARRAY_LEN(literals), false},
        {WANT_FORMAT, formats, ARRAY_LEN(formats), true},
        {WANT_BOOLEAN, booleans, ARRAY_LEN(booleans), true},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (size_t j = 0; (wants & lists[i].want) && j < lists[i].count; j++)
            if (lists[i].text)
                offer_text(offer_to, str_c(lists[i].words[j]));
            else
                offer_word(offer_to, str_c(lists[i].words[j]));
    if (wants & WANT_PRIVILEGE)
        offer_privileges(offer_to);
}

static void offer_items(Offer *offer_to, const Scan *scan, const char *const *items)
{
    bool texts = scan_ends(scan, "="); /* values */
    for (size_t i = 0; items != NULL && items[i] != NULL; i++)
        if (texts)
            offer_text(offer_to, str_c(items[i]));
        else if (offer_to->quote == 0)
            offer_word(offer_to, str_c(items[i]));
}

/* What may stand in quotes: names in backticks and double quotes, texts in single ones. */
static unsigned fit_quotes(unsigned kinds, char quote)
{
    enum {
        TEXTS = WANT_TOPIC | WANT_PROPERTY | WANT_FILE | WANT_FORMAT | WANT_BOOLEAN,
        NAMES = WANT_SOURCE | WANT_COLUMN | WANT_TYPE_NAME | WANT_CONNECTOR,
    };
    return quote == 0 ? kinds : quote == '\'' ? kinds & TEXTS : (kinds & NAMES);
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

static void offer_all(Offer *offer_to, const NameList *names, const Scan *scan, Str before, Str after)
{
    Wanted      wanted  = decide(scan);
    unsigned    kinds   = fit_quotes(wanted.kinds, scan->quote);
    KnownFields columns = {0};
    if (kinds & WANT_COLUMN)
        columns = path_columns(names, before, after, offer_to->arena);
    offer_fields(offer_to, &columns);
    /* Nothing typed: a select list is not to drown in 200 functions. */
    if (offer_to->partial.len == 0 && columns.count > 0)
        kinds &= ~(unsigned)(WANT_CALL | WANT_KEYWORD);
    offer_words(offer_to, kinds);
    offer_items(offer_to, scan, wanted.items);
    offer_known(offer_to, names, kinds);
    offer_commands(offer_to, kinds);
    if (kinds & WANT_STATEMENT)
        offer_statements(offer_to);
    if (kinds & WANT_FILE)
        offer_files(offer_to);
    if (scan->quote == 0)
        offer_second_words(offer_to, scan);
}

void complete(const NameList *names, Str before, Str after, Arena *arena, Completion *out)
{
    Scan        scan;
    size_t      start;
    KnownFields fields;
    *out = (Completion){.items = ARENA_ARRAY(arena, Str, CANDIDATES_MAX + 1)};
    scan_text(&scan, arena, before);
    Offer to   = {.out     = out,
                  .arena   = arena,
                  .partial = scan.partial,
                  .lower   = is_small(scan.partial.len > 0 ? scan.partial : scan.first),
                  .quote   = scan.quote};
    out->start = scan.start;
    out->quote = scan.quote;
    if (scan.total == 0 && scan.quote == 0 && offer_skeleton(&to))
        return;
    if (scan.quote != '\'' && (decide(&scan).kinds & WANT_FILE) == 0 &&
        path_resolve(names, before, after, &scan, arena, &start, &fields)) {
        /* `b.NA`, `address->STR`: the columns of whatever b is, the fields of address. */
        to.partial = str_n(before.ptr + start, before.len - start);
        out->start = start;
        offer_fields(&to, &fields);
    } else
        offer_all(&to, names, &scan, before, after);
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
