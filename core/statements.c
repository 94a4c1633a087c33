/*
 * statements.c - see statements.h.
 */
#include "core/statements.h"

#include <assert.h>

const StatementText statement_texts[] = {
#define STATEMENT(kind, words, handler, changes, printer, syntax, example)                                   \
    {words, BY_HANDLER, syntax, example},
#define STATEMENT_ELSEWHERE(kind, words, place, printer, syntax, example) {words, place, syntax, example},
#include "core/statements.def"
#undef STATEMENT
#undef STATEMENT_ELSEWHERE
};
const size_t statement_count = ARRAY_LEN(statement_texts);

bool statement_is_served(const StatementText *text)
{
    return text->place == BY_HANDLER || text->place == AT_QUERY_ENDPOINTS;
}

Str statement_word(const StatementText *text, size_t position, size_t alternative)
{
    const char *at = text->words;
    for (; position > 0 && *at != '\0'; position--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    for (; alternative > 0; alternative--) {
        at += strcspn(at, " |");
        if (*at != '|')
            return STR_NULL;
        at++;
    }
    size_t len = strcspn(at, " |");
    return len > 0 ? str_n(at, len) : STR_NULL;
}

/* Adds the alternatives at `position`, each once; false when there is none. */
static bool add_words(const StatementText *text, size_t position, Str *out, size_t *count)
{
    Str word;
    for (size_t i = 0; !str_is_null(word = statement_word(text, position, i)); i++) {
        size_t known = 0;
        while (known < *count && !str_equal(out[known], word))
            known++;
        if (known < *count)
            continue;
        assert(*count < STATEMENT_WORDS_MAX); /* the rows decide, no input */
        out[(*count)++] = word;
    }
    return !str_is_null(statement_word(text, position, 0));
}

static bool begins_with(const StatementText *text, Str first)
{
    Str word;
    for (size_t i = 0; !str_is_null(word = statement_word(text, 0, i)); i++)
        if (str_equal_nocase(word, first))
            return true;
    return false;
}

size_t statement_first_words(Str *out)
{
    size_t count = 0;
    for (size_t i = 0; i < statement_count; i++)
        if (statement_is_served(&statement_texts[i]))
            add_words(&statement_texts[i], 0, out, &count);
    return count;
}

size_t statement_second_words(Str first, Str *out)
{
    size_t count = 0;
    for (size_t i = 0; i < statement_count; i++) {
        const StatementText *text = &statement_texts[i];
        if (statement_is_served(text) && begins_with(text, first) && !add_words(text, 1, out, &count))
            return 0; /* DESCRIBE: of these words, or a name */
    }
    return count;
}
