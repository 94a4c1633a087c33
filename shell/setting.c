/*
 * setting.c - SET, UNSET, DEFINE, UNDEFINE, SHOW VARIABLES: statements that look like SQL and live in the
 * shell. They are sent along with every request. Also the pairs that hold them.
 */
#include "shell/grid.h"
#include "shell/session.h"

/* ---- pairs ---- */

static Pair *find_pair(const Pairs *pairs, Str name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        Str item = str_c(pairs->items[i].name);
        if (pairs->nocase ? str_equal_nocase(item, name) : str_equal(item, name))
            return &pairs->items[i];
    }
    return NULL;
}

const char *pairs_get(const Pairs *pairs, Str name)
{
    const Pair *pair = find_pair(pairs, name);
    return pair != NULL ? pair->value : NULL;
}

void pairs_set(Pairs *pairs, Str name, Str value)
{
    Pair *pair = find_pair(pairs, name);
    char *copy = str_to_heap(value);
    if (pair != NULL) {
        mem_free(pair->value);
        pair->value = copy;
        return;
    }
    if (pairs->count == pairs->capacity) {
        pairs->capacity = pairs->capacity > 0 ? pairs->capacity * 2 : 8;
        pairs->items    = mem_realloc(pairs->items, pairs->capacity * sizeof *pairs->items);
    }
    pairs->items[pairs->count++] = (Pair){str_to_heap(name), copy};
}

bool pairs_remove(Pairs *pairs, Str name)
{
    Pair *pair = find_pair(pairs, name);
    if (pair == NULL)
        return false;
    size_t after = (size_t)(pairs->items + pairs->count - pair) - 1;
    mem_free(pair->name);
    mem_free(pair->value);
    memmove(pair, pair + 1, after * sizeof *pair);
    pairs->count--;
    return true;
}

Pairs pairs_copy(const Pairs *pairs)
{
    Pairs copy = {.nocase = pairs->nocase};
    for (size_t i = 0; i < pairs->count; i++)
        pairs_set(&copy, str_c(pairs->items[i].name), str_c(pairs->items[i].value));
    return copy;
}

void pairs_clear(Pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        mem_free(pairs->items[i].name);
        mem_free(pairs->items[i].value);
    }
    mem_free(pairs->items);
    pairs->items = NULL;
    pairs->count = pairs->capacity = 0;
}

/* ---- reading ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_blanks(Str text, size_t *at)
{
    while (*at < text.len && is_blank(text.ptr[*at]))
        (*at)++;
}

/* A 'quoted' text ('' is a quote) or a bare word. False: neither. */
static bool read_item(Arena *arena, Str text, size_t *at, Str *out)
{
    skip_blanks(text, at);
    size_t begin = *at;
    if (*at < text.len && text.ptr[*at] == '\'') {
        char  *copy = arena_alloc(arena, text.len - *at + 1);
        size_t len = 0, i = *at + 1;
        for (; i < text.len; i++) {
            if (text.ptr[i] == '\'' && (i + 1 >= text.len || text.ptr[i + 1] != '\''))
                break;
            i += text.ptr[i] == '\'' ? 1 : 0;
            copy[len++] = text.ptr[i];
        }
        copy[len] = '\0';
        *at       = i + 1;
        *out      = str_n(copy, len);
        return i < text.len;
    }
    while (*at < text.len && !is_blank(text.ptr[*at]) && text.ptr[*at] != '=')
        (*at)++;
    *out = str_n(text.ptr + begin, *at - begin);
    return out->len > 0;
}

static bool read_equals(Str text, size_t *at)
{
    skip_blanks(text, at);
    if (*at >= text.len || text.ptr[*at] != '=')
        return false;
    (*at)++;
    return true;
}

/* Nothing more but blanks and comments. */
static bool is_over(Str text, size_t at)
{
    for (size_t from = SIZE_MAX; from != at;) {
        from = at;
        skip_blanks(text, &at);
        if (at < text.len && text.ptr[at] != '\'')
            at = split_skip_text(text, at);
    }
    return at >= text.len;
}

/* ---- variables ---- */

enum { VALUE_MAX = 1024 * 1024 }; /* bytes, once variables are put in */

typedef struct {
    Shell       *shell;
    const Place *place;
    Arena       *arena;
    Str          rest; /* behind the first word */
} Setting;

static bool is_name(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && ((c >= '0' && c <= '9') || c == '@'));
}

static bool is_variable_name(Str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_name(text.ptr[i], i == 0))
            return false;
    return text.len > 0;
}

/* Of the `${name}` that begins at `at`; 0: none does. */
static size_t variable_length(Str text, size_t at)
{
    if (at + 3 >= text.len || text.ptr[at] != '$' || text.ptr[at + 1] != '{')
        return 0;
    size_t end = at + 2;
    while (end < text.len && is_name(text.ptr[end], end == at + 2))
        end++;
    return end > at + 2 && end < text.len && text.ptr[end] == '}' ? end + 1 - at : 0;
}

/* Its name, or an empty text. `$${name}` is none: it stands for `${name}` itself. */
static Str variable_at(Str text, size_t at)
{
    size_t length = at > 0 && text.ptr[at - 1] == '$' ? 0 : variable_length(text, at);
    return length > 0 ? str_n(text.ptr + at + 2, length - 3) : STR_LIT("");
}

static bool substitutes(const Shell *shell)
{
    const char *enabled = pairs_get(&shell->properties, STR_LIT("ksql.variable.substitution.enable"));
    return enabled == NULL || !str_equal_nocase(str_c(enabled), STR_LIT("false"));
}

/* What stays here goes to no server that would put the variables in. The server has the same limit: variables
 * made of variables double with each statement. */
static int substitute(const Setting *s, Str *text_io)
{
    const Shell *shell = s->shell;
    Str          text  = *text_io;
    StrBuf       out   = {0};
    if (!substitutes(shell))
        return SHELL_OK;
    for (size_t at = 0; at < text.len; at++) {
        bool escaped = text.ptr[at] == '$' && at + 1 < text.len && text.ptr[at + 1] == '$' &&
                       variable_length(text, at + 1) > 0;
        if (escaped) { /* $${name} is the text ${name} */
            strbuf_add(&out, str_n(text.ptr + at + 1, variable_length(text, at + 1)));
            at += variable_length(text, at + 1);
            continue;
        }
        Str         name  = variable_at(text, at);
        const char *value = name.len > 0 ? pairs_get(&shell->variables, name) : NULL;
        if (value == NULL) {
            strbuf_addc(&out, text.ptr[at]);
            continue;
        }
        if (out.len + strlen(value) > VALUE_MAX) {
            strbuf_clear(&out);
            return shell_fail_statement(s->shell, s->place, 0,
                                        "With variable '" STR_FMT
                                        "' of %zu bytes the value would have more than "
                                        "the %d bytes that a value may have",
                                        STR_ARG(name), strlen(value), VALUE_MAX);
        }
        strbuf_adds(&out, value);
        at += name.len + 2;
    }
    *text_io = str_dup(s->arena, strbuf_str(&out));
    strbuf_clear(&out);
    return SHELL_OK;
}

/* ---- statements ---- */

static void say(const Setting *s, Str text)
{
    if (!s->shell->display.quiet && s->shell->out.terminal)
        out_printf(&s->shell->out, STR_FMT "\n", STR_ARG(text));
}

/* Asks the server whether the name may be set. */
static int check_property(const Setting *s, Str name)
{
    StrBuf      path = {0}, body = {0};
    Error       err;
    ClientReply reply  = {0};
    int         result = SHELL_OK;
    strbuf_adds(&path, "/is_valid_property/");
    for (size_t i = 0; i < name.len; i++) {
        bool plain = name.ptr[i] != '\0' &&
                     (strchr("._-", name.ptr[i]) != NULL || (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
                      ((name.ptr[i] | 0x20) >= 'a' && (name.ptr[i] | 0x20) <= 'z'));
        strbuf_addf(&path, plain ? "%c" : "%%%02X", (unsigned char)name.ptr[i]);
    }
    strbuf_addc(&path, '\0');
    Status status = client_call(s->shell->client, "GET", path.ptr, STR_NULL, &body, &reply, &err);
    if (status != OK)
        result = shell_fail_transport(s->shell, status, &reply, &err);
    else if (reply.status != 200)
        result = shell_fail_reply(s->shell, &reply, strbuf_str(&body), s->place);
    strbuf_clear(&path);
    strbuf_clear(&body);
    return result;
}

/* Has the server run the SET: it refuses a bad value, which would make every later statement fail. */
static int check_value(const Setting *s, Str statement)
{
    StrBuf      request = {0}, body = {0};
    Error       err;
    ClientReply reply  = {0};
    int         result = SHELL_OK;
    shell_request(s->shell, statement, &request);
    Status status = client_call(s->shell->client, "POST", "/ksql", strbuf_str(&request), &body, &reply, &err);
    if (status != OK)
        result = shell_fail_transport(s->shell, status, &reply, &err);
    else if (reply.status != 200)
        result = shell_fail_reply(s->shell, &reply, strbuf_str(&body), s->place);
    strbuf_clear(&request);
    strbuf_clear(&body);
    return result;
}

/* The name and the value as SQL; people may have left the quotes out. */
static int check_setting(const Setting *s, Str name, Str value)
{
    StrBuf statement = {0};
    int    result    = check_property(s, name);
    strbuf_adds(&statement, "SET ");
    strbuf_add_quoted(&statement, name, '\'');
    strbuf_adds(&statement, " = ");
    strbuf_add_quoted(&statement, value, '\'');
    if (result == SHELL_OK)
        result = check_value(s, strbuf_str(&statement));
    strbuf_clear(&statement);
    return result;
}

static int run_set(const Setting *s)
{
    size_t at = 0;
    Str    name, value;
    if (!read_item(s->arena, s->rest, &at, &name) || !read_equals(s->rest, &at) ||
        !read_item(s->arena, s->rest, &at, &value) || !is_over(s->rest, at))
        return shell_fail_statement(s->shell, s->place, 0,
                                    "SET takes a name and a value: SET 'auto.offset.reset' = 'earliest';");
    int result = substitute(s, &name);
    if (result == SHELL_OK)
        result = substitute(s, &value);
    if (result == SHELL_OK)
        result = check_setting(s, name, value);
    if (result != SHELL_OK)
        return result;
    const char *old     = pairs_get(&s->shell->properties, name);
    Str         message = old == NULL ? str_printf(s->arena,
                                                   "Successfully changed local property '" STR_FMT "' to '" STR_FMT
                                                   "'. Use the UNSET command to revert your change.",
                                                   STR_ARG(name), STR_ARG(value))
                                      : str_printf(s->arena,
                                                   "Successfully changed local property '" STR_FMT
                                                   "' from '%s' to '" STR_FMT "'.",
                                                   STR_ARG(name), old, STR_ARG(value));
    pairs_set(&s->shell->properties, name, value);
    say(s, message);
    return SHELL_OK;
}

static int run_unset(const Setting *s)
{
    size_t      at = 0;
    Str         name;
    const char *old;
    if (!read_item(s->arena, s->rest, &at, &name) || !is_over(s->rest, at))
        return shell_fail_statement(s->shell, s->place, 0, "UNSET takes a name: UNSET 'auto.offset.reset';");
    if ((old = pairs_get(&s->shell->properties, name)) == NULL)
        return shell_fail(s->shell, s->place,
                          "Cannot unset local property '" STR_FMT "' which was never set in the first place",
                          STR_ARG(name));
    say(s, str_printf(s->arena, "Successfully unset local property '" STR_FMT "' (value was '%s').",
                      STR_ARG(name), old));
    pairs_remove(&s->shell->properties, name);
    return SHELL_OK;
}

static int run_define(const Setting *s)
{
    size_t at = 0;
    Str    name, value;
    if (!read_item(s->arena, s->rest, &at, &name) || !read_equals(s->rest, &at) ||
        !read_item(s->arena, s->rest, &at, &value) || !is_over(s->rest, at))
        return shell_fail_statement(s->shell, s->place, 0,
                                    "DEFINE takes a name and a value: DEFINE topic = 'listings';");
    if (!is_variable_name(name)) /* it would never be put in */
        return shell_fail_statement(s->shell, s->place, 0,
                                    "'" STR_FMT "' cannot be the name of a variable: letters, digits, _ and "
                                    "@, no digit or @ in front",
                                    STR_ARG(name));
    int result = substitute(s, &value);
    if (result == SHELL_OK)
        pairs_set(&s->shell->variables, name, value);
    return result;
}

static int run_undefine(const Setting *s)
{
    size_t at = 0;
    Str    name;
    if (!read_item(s->arena, s->rest, &at, &name) || !is_over(s->rest, at))
        return shell_fail_statement(s->shell, s->place, 0, "UNDEFINE takes a name: UNDEFINE topic;");
    if (!pairs_remove(&s->shell->variables, name))
        out_error(&s->shell->out, "Cannot undefine variable '" STR_FMT "' which was never defined",
                  STR_ARG(name));
    return SHELL_OK;
}

static int show_variables(const Setting *s)
{
    static const GridColumn columns[] = {{.heading = {"Variable Name", 13}, .whole = true},
                                         {.heading = {"Value", 5}}};
    Grid                   *grid = grid_open(&s->shell->out, &s->shell->display, columns, 2, false, false);
    for (size_t i = 0; i < s->shell->variables.count; i++) {
        GridCell cells[2] = {{.text = str_c(s->shell->variables.items[i].name)},
                             {.text = str_c(s->shell->variables.items[i].value)}};
        grid_add(grid, cells);
    }
    shell_end_listing(s->shell, grid);
    return SHELL_OK;
}

static const struct {
    const char *first, *second; /* second NULL: any */
    int (*run)(const Setting *s);
} kinds[] = {
    {"SET", NULL, run_set},
    {"UNSET", NULL, run_unset},
    {"DEFINE", NULL, run_define},
    {"UNDEFINE", NULL, run_undefine},
    {"SHOW", "VARIABLES", show_variables},
    {"LIST", "VARIABLES", show_variables},
};

bool shell_run_setting(Shell *shell, Str statement, const Place *place, int *status)
{
    Arena  *arena = arena_new(SIZE_MAX);
    Str     first = split_word(arena, statement, 0), second = split_word(arena, statement, 1);
    bool    found  = false;
    Place   there  = *place;
    Setting s      = {shell, &there, arena, STR_NULL};
    there.reworded = true; /* names and values are asked about, one by one */
    /* A statement begins with its first word (split.h). */
    s.rest = first.len <= statement.len ? str_n(statement.ptr + first.len, statement.len - first.len)
                                        : STR_LIT("");
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !found; i++)
        if (str_equal(first, str_c(kinds[i].first)) &&
            (kinds[i].second == NULL || str_equal(second, str_c(kinds[i].second)))) {
            *status = kinds[i].run(&s);
            found   = true;
        }
    arena_free(arena);
    return found;
}

/* In a text literal an unknown name stays as it is ('Dear ${name}'); elsewhere nothing could stand for it. */
Str shell_undefined_variable(const Shell *shell, Str statement)
{
    if (!substitutes(shell))
        return STR_LIT("");
    for (size_t at = 0; at + 3 < statement.len; at++) {
        size_t behind = split_skip_text(statement, at);
        if (behind > at) {
            at = behind - 1;
            continue;
        }
        Str name = variable_at(statement, at);
        if (name.len > 0 && pairs_get(&shell->variables, name) == NULL)
            return str_n(statement.ptr + at, name.len + 3);
    }
    return STR_LIT("");
}
