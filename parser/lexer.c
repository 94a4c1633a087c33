/*
 * lexer.c - the hand-written tokenizer.
 *
 * Longest match wins; what looks like a number is a number only if no identifier character follows (`1e5` and
 * `12` are, `1e5x` and `7days` are identifiers). Every loop moves forward by at least one byte, so any input
 * ends.
 */
#include "parser/lexer.h"

#include "parser/sql.h"

typedef struct {
    const char *word;
    int         token;
    WordClass   word_class;
} Keyword;

#define RESERVED WORD_RESERVED
#define FREE WORD_FREE
#define AMBIGUOUS WORD_AMBIGUOUS
#define KEYWORD(word, token, word_class) {word, TK_##token, word_class},
static const Keyword keywords[] = {
#include "parser/keywords.def"
};
#undef KEYWORD

/* Longest first. */
static const struct {
    const char *text;
    int         token;
} symbols[] = {
    {"<>", TK_NE},     {"!=", TK_NE},      {"<=", TK_LE},      {">=", TK_GE},  {"||", TK_CONCAT},
    {":=", TK_ASSIGN}, {"->", TK_DEREF},   {"=>", TK_ARROW},   {"=", TK_EQ},   {"<", TK_LT},
    {">", TK_GT},      {"+", TK_PLUS},     {"-", TK_MINUS},    {"*", TK_STAR}, {"/", TK_SLASH},
    {"%", TK_PERCENT}, {".", TK_DOT},      {",", TK_COMMA},    {";", TK_SEMI}, {"(", TK_LP},
    {")", TK_RP},      {"[", TK_LBRACKET}, {"]", TK_RBRACKET},
};

static const struct {
    int         token;
    const char *name;
} classes[] = {
    {0, "<EOF>"},
    {TK_IDENTIFIER, "IDENTIFIER"},
    {TK_DIGIT_IDENTIFIER, "DIGIT_IDENTIFIER"},
    {TK_QUOTED_IDENTIFIER, "QUOTED_IDENTIFIER"},
    {TK_BACKQUOTED_IDENTIFIER, "BACKQUOTED_IDENTIFIER"},
    {TK_STRING, "STRING"},
    {TK_INTEGER_VALUE, "INTEGER_VALUE"},
    {TK_DECIMAL_VALUE, "DECIMAL_VALUE"},
    {TK_FLOATING_POINT_VALUE, "FLOATING_POINT_VALUE"},
    {TK_VARIABLE, "VARIABLE"},
    {TK_DOLLAR_TEXT, "DOLLAR_TEXT"},
};

static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(int c) { return is_letter(c) || is_digit(c) || c == '@'; }
static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* The byte `ahead` of the current one; -1 behind the end. */
static int peek(const Lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->source.len ? (unsigned char)lexer->source.ptr[at] : -1;
}

static void advance(Lexer *lexer, size_t count)
{
    for (; count > 0 && lexer->at < lexer->source.len; count--) {
        unsigned char c = (unsigned char)lexer->source.ptr[lexer->at++];
        if (c == '\n') {
            lexer->pos.line++;
            lexer->pos.col = 1;
        } else if (lexer->at >= lexer->source.len ||
                   ((unsigned char)lexer->source.ptr[lexer->at] & 0xC0) != 0x80) {
            lexer->pos.col++; /* counted at the last byte of a code point */
        }
    }
}

void lexer_init(Lexer *lexer, Str source) { *lexer = (Lexer){.source = source, .pos = {1, 1}}; }

/* Order of a word in any case and a keyword. */
static int compare_word(Str word, const char *keyword)
{
    for (size_t i = 0; i < word.len; i++) {
        int c = (unsigned char)word.ptr[i];
        if (keyword[i] == '\0')
            return 1;
        if (c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (c != keyword[i])
            return c - keyword[i];
    }
    return keyword[word.len] == '\0' ? 0 : -1;
}

WordClass lexer_classify(Str word, int *token)
{
    size_t low = 0, high = ARRAY_LEN(keywords);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int    order  = compare_word(word, keywords[middle].word);
        if (order == 0) {
            if (token != NULL)
                *token = keywords[middle].token;
            return keywords[middle].word_class;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (token != NULL)
        *token = TK_IDENTIFIER;
    return WORD_PLAIN;
}

const char *lexer_token_name(int token)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].token == token)
            return classes[i].name;
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++)
        if (symbols[i].token == token)
            return symbols[i].text;
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (keywords[i].token == token)
            return keywords[i].word;
    return NULL;
}

/* Length of white space and comments here; 0 when a token starts. */
static size_t skip_length(const Lexer *lexer)
{
    size_t length = 0;
    if (is_space(peek(lexer, 0))) {
        while (is_space(peek(lexer, length)))
            length++;
        return length;
    }
    if (peek(lexer, 0) == '-' && peek(lexer, 1) == '-') {
        if (lexer->directives && peek(lexer, 2) == '@')
            return 0;
        while (peek(lexer, length) != '\n' && peek(lexer, length) != -1)
            length++;
        return length;
    }
    if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
        ptrdiff_t end = str_find(lexer->source, STR_LIT("*/"), lexer->at + 2);
        return end < 0 ? 0 : (size_t)end + 2 - lexer->at;
    }
    return 0;
}

/* Length of a quoted token, in which a doubled quote stands for one; 0 when it is never closed. */
static size_t quoted_length(const Lexer *lexer, char quote)
{
    for (size_t length = 1;; length++) {
        int c = peek(lexer, length);
        if (c == -1)
            return 0;
        if (c != quote)
            continue;
        if (peek(lexer, length + 1) != quote)
            return length + 1;
        length++;
    }
}

/* A number at the current place: its length and token. */
static size_t number_length(const Lexer *lexer, int *token)
{
    size_t length = 0;
    *token        = TK_INTEGER_VALUE;
    while (is_digit(peek(lexer, length)))
        length++;
    if (peek(lexer, length) == '.') {
        *token = TK_DECIMAL_VALUE;
        length++;
        while (is_digit(peek(lexer, length)))
            length++;
    }
    if (peek(lexer, length) == 'e' || peek(lexer, length) == 'E') {
        size_t at = length + 1;
        if (peek(lexer, at) == '+' || peek(lexer, at) == '-')
            at++;
        if (is_digit(peek(lexer, at))) {
            while (is_digit(peek(lexer, at)))
                at++;
            *token = TK_FLOATING_POINT_VALUE;
            length = at;
        }
    }
    return length;
}

static size_t word_length(const Lexer *lexer)
{
    size_t length = 0;
    while (is_word(peek(lexer, length)))
        length++;
    return length;
}

/* `${name}`; 0 when it is not that. */
static size_t variable_length(const Lexer *lexer)
{
    if (peek(lexer, 1) != '{' || !is_letter(peek(lexer, 2)))
        return 0;
    size_t length = 3;
    while (is_word(peek(lexer, length)))
        length++;
    return peek(lexer, length) == '}' ? length + 1 : 0;
}

/* `$$text$$`, in which everything is text: code of another language. 0 when it is not that, or never ends. */
static size_t dollar_length(const Lexer *lexer)
{
    if (peek(lexer, 1) != '$')
        return 0;
    ptrdiff_t end = str_find(lexer->source, STR_LIT("$$"), lexer->at + 2);
    return end < 0 ? 0 : (size_t)end + 2 - lexer->at;
}

static size_t symbol_length(const Lexer *lexer, int *token)
{
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        size_t length = strlen(symbols[i].text);
        if (peek(lexer, 0) == symbols[i].text[0] && (length == 1 || peek(lexer, 1) == symbols[i].text[1])) {
            *token = symbols[i].token;
            return length;
        }
    }
    return 0;
}

static size_t digits_length(const Lexer *lexer, int *token)
{
    size_t number = number_length(lexer, token), word = word_length(lexer);
    if (word <= number)
        return number;
    *token = TK_DIGIT_IDENTIFIER;
    return word;
}

static size_t token_length(const Lexer *lexer, int *token)
{
    int first = peek(lexer, 0);
    switch (first) {
    case '\'':
        *token = TK_STRING;
        return quoted_length(lexer, '\'');
    case '"':
        *token = TK_QUOTED_IDENTIFIER;
        return quoted_length(lexer, '"');
    case '`':
        *token = TK_BACKQUOTED_IDENTIFIER;
        return quoted_length(lexer, '`');
    case '$': {
        size_t dollars = dollar_length(lexer);
        *token         = dollars > 0 ? TK_DOLLAR_TEXT : TK_VARIABLE;
        return dollars > 0 ? dollars : variable_length(lexer);
    }
    default:
        break;
    }
    if (is_letter(first)) {
        size_t length = word_length(lexer);
        lexer_classify(str_n(lexer->source.ptr + lexer->at, length), token);
        return length;
    }
    if (is_digit(first))
        return digits_length(lexer, token);
    if (first == '.' && is_digit(peek(lexer, 1)))
        return number_length(lexer, token);
    if (first == '-' && peek(lexer, 1) == '-' && peek(lexer, 2) == '@') { /* only with directives */
        size_t length = 3;
        while (peek(lexer, length) != '\n' && peek(lexer, length) != -1)
            length++;
        *token = TK_DIRECTIVE;
        return length;
    }
    if (first == '/' && peek(lexer, 1) == '*')
        return 0; /* a comment that is never closed */
    return symbol_length(lexer, token);
}

Token lexer_next(Lexer *lexer)
{
    for (size_t skip; (skip = skip_length(lexer)) > 0;)
        advance(lexer, skip);
    Token token = {.pos = lexer->pos, .at = lexer->at};
    if (lexer->at >= lexer->source.len) {
        token.text = STR_LIT("<EOF>");
        return token;
    }
    size_t length = token_length(lexer, &token.id);
    if (length == 0) {
        token.id = TK_UNRECOGNIZED;
        utf8_next(lexer->source, &token.at);
        length   = token.at - lexer->at;
        token.at = lexer->at;
    }
    token.text = str_n(lexer->source.ptr + lexer->at, length);
    advance(lexer, length);
    return token;
}

bool lexer_is_identifier(Str name)
{
    Lexer lexer;
    lexer_init(&lexer, name);
    Token token = lexer_next(&lexer);
    if (token.text.len != name.len || name.len == 0)
        return false;
    return token.id == TK_IDENTIFIER || token.id == TK_DIGIT_IDENTIFIER ||
           (is_letter(name.ptr[0]) && lexer_classify(name, NULL) != WORD_RESERVED);
}
