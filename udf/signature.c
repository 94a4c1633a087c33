/*
 * signature.c - reads signature texts: "(text STRING, times INT) -> STRING".
 *
 * A parameter is `[CONST] [name] type[...]`; the name is there when an identifier is followed by the start of
 * a type. The texts are rows of our own tables, so an error here names a bug; nesting is nevertheless
 * bounded.
 */
#include "udf/signature.h"

#include "core/value.h"

enum { MAX_PARTS = 32, MAX_DEPTH = 16 };

typedef struct {
    Str    text;
    size_t at;
    Arena *arena;
    int    depth;
    Error *err;
} Scanner;

static const ParamType *scan_type(Scanner *s);

static const ParamType *fail(Scanner *s, const char *expected)
{
    error_set(s->err, E_SYNTAX, NO_POS, "expected %s at offset %zu", expected, s->at);
    return NULL;
}

static void skip_space(Scanner *s)
{
    while (s->at < s->text.len && s->text.ptr[s->at] == ' ')
        s->at++;
}

static bool accept(Scanner *s, const char *token)
{
    skip_space(s);
    Str rest = str_n(s->text.ptr + s->at, s->text.len - s->at);
    if (!str_starts_with(rest, str_c(token)))
        return false;
    s->at += strlen(token);
    return true;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static Str peek_word(Scanner *s)
{
    skip_space(s);
    size_t end = s->at;
    while (end < s->text.len && is_word(s->text.ptr[end]))
        end++;
    return str_n(s->text.ptr + s->at, end - s->at);
}

static bool accept_word(Scanner *s, const char *word)
{
    if (!str_equal(peek_word(s), str_c(word)))
        return false;
    s->at += strlen(word);
    return true;
}

static ParamType *new_type(Scanner *s, ParamKind kind)
{
    ParamType *type = ARENA_NEW(s->arena, ParamType);
    type->kind      = kind;
    return type;
}

/* The list of LAMBDA(T, U) or, with names, of STRUCT<A INT, B T>. */
static bool scan_parts(Scanner *s, ParamType *into, bool named, const char *close)
{
    const ParamType *parts[MAX_PARTS];
    Str              names[MAX_PARTS];
    if (accept(s, close))
        return true;
    do {
        if (into->count == MAX_PARTS)
            return fail(s, "fewer parts") != NULL;
        if (named) {
            names[into->count] = peek_word(s);
            s->at += names[into->count].len;
        }
        if ((parts[into->count++] = scan_type(s)) == NULL)
            return false;
    } while (accept(s, ","));
    into->parts = ARENA_ARRAY(s->arena, const ParamType *, into->count);
    memcpy(into->parts, parts, into->count * sizeof *parts);
    if (named) {
        into->names = ARENA_ARRAY(s->arena, Str, into->count);
        for (size_t i = 0; i < into->count; i++)
            into->names[i] = str_dup(s->arena, names[i]);
    }
    return accept(s, close) || fail(s, close) != NULL;
}

static const ParamType *scan_compound(Scanner *s, ParamType *type)
{
    if (type->kind == PARAM_STRUCT)
        return !accept(s, "<") || scan_parts(s, type, true, ">") ? type : NULL;
    if (type->kind == PARAM_LAMBDA) {
        if (!accept(s, "("))
            return fail(s, "(");
        if (!scan_parts(s, type, false, ")"))
            return NULL;
        if (!accept(s, "->"))
            return fail(s, "->");
        type->element = scan_type(s);
        return type->element != NULL ? type : NULL;
    }
    if (!accept(s, "<"))
        return fail(s, "<");
    if (type->kind == PARAM_MAP) {
        if ((type->key = scan_type(s)) == NULL)
            return NULL;
        if (!accept(s, ","))
            return fail(s, ",");
    }
    if ((type->element = scan_type(s)) == NULL)
        return NULL;
    return accept(s, ">") ? type : fail(s, ">");
}

/* DECIMAL, or DECIMAL(p, s) where a result is fixed. */
static const ParamType *scan_decimal(Scanner *s)
{
    int numbers[2];
    if (!accept(s, "("))
        return new_type(s, PARAM_DECIMAL);
    for (int i = 0; i < 2; i++) {
        Str     word = peek_word(s);
        int64_t n;
        if (!int64_parse(word, &n) || n > 1000)
            return fail(s, "a number");
        numbers[i] = (int)n;
        s->at += word.len;
        if (!accept(s, i == 0 ? "," : ")"))
            return fail(s, i == 0 ? "," : ")");
    }
    ParamType *type = new_type(s, PARAM_SIMPLE);
    type->type      = type_decimal_unchecked(s->arena, numbers[0], numbers[1]);
    return type;
}

static const ParamType *scan_simple(Scanner *s, Str word)
{
    const SqlType *primitive = str_equal(word, STR_LIT("UNIT")) ? &type_unit : type_primitive(word);
    if (primitive == NULL)
        return fail(s, "a type");
    ParamType *type = new_type(s, PARAM_SIMPLE);
    type->type      = primitive;
    s->at += word.len;
    return type;
}

static const ParamType *scan_named_type(Scanner *s)
{
    static const struct {
        const char *word;
        ParamKind   kind;
    } compounds[] = {
        {"ARRAY", PARAM_ARRAY},
        {"MAP", PARAM_MAP},
        {"STRUCT", PARAM_STRUCT},
        {"LAMBDA", PARAM_LAMBDA},
    };
    if (accept(s, "?"))
        return new_type(s, PARAM_BY_RULE);
    if (accept_word(s, "ANY"))
        return new_type(s, PARAM_ANY);
    if (accept_word(s, "DECIMAL"))
        return scan_decimal(s);
    for (size_t i = 0; i < ARRAY_LEN(compounds); i++)
        if (accept_word(s, compounds[i].word))
            return scan_compound(s, new_type(s, compounds[i].kind));
    Str word = peek_word(s);
    if (word.len == 1 && word.ptr[0] >= 'A' && word.ptr[0] <= 'Z') {
        ParamType *type = new_type(s, PARAM_GENERIC);
        type->letter    = word.ptr[0];
        s->at++;
        return type;
    }
    return scan_simple(s, word);
}

static const ParamType *scan_type(Scanner *s)
{
    if (s->depth == MAX_DEPTH)
        return fail(s, "less nesting");
    s->depth++;
    const ParamType *type = scan_named_type(s);
    s->depth--;
    return type;
}

static bool scan_param(Scanner *s, Param *param)
{
    *param          = (Param){.name = STR_LIT("")};
    param->constant = accept_word(s, "CONST");
    Str    word     = peek_word(s);
    size_t next     = s->at + word.len;
    while (next < s->text.len && s->text.ptr[next] == ' ')
        next++;
    if (word.len > 0 && next < s->text.len && (is_word(s->text.ptr[next]) || s->text.ptr[next] == '?')) {
        param->name = str_dup(s->arena, word);
        s->at       = next;
    }
    if ((param->type = scan_type(s)) == NULL)
        return false;
    param->variadic = accept(s, "...");
    return true;
}

static bool scan_signature(Scanner *s, Signature *out)
{
    Param params[MAX_PARTS];
    if (!accept(s, "("))
        return fail(s, "(") != NULL;
    if (!accept(s, ")")) {
        do {
            if (out->count == MAX_PARTS)
                return fail(s, "fewer parameters") != NULL;
            Param *param = &params[out->count];
            if (!scan_param(s, param))
                return false;
            if (param->variadic)
                out->variadic = (int)out->count;
            out->constant_count += param->constant;
            out->count++;
        } while (accept(s, ","));
        if (!accept(s, ")"))
            return fail(s, ")") != NULL;
    }
    out->params = ARENA_ARRAY(s->arena, Param, out->count + 1);
    memcpy(out->params, params, out->count * sizeof *params);
    if (!accept(s, "->"))
        return fail(s, "->") != NULL;
    return (out->result = scan_type(s)) != NULL;
}

Status signature_parse(Str text, Arena *arena, Signature *out, Error *err)
{
    Scanner s = {.text = text, .arena = arena, .err = err};
    *out      = (Signature){.variadic = -1};
    if (!scan_signature(&s, out))
        return E_SYNTAX;
    skip_space(&s);
    return s.at == text.len ? OK : error_set(err, E_SYNTAX, NO_POS, "expected the end at offset %zu", s.at);
}

Status param_type_parse(Str text, Arena *arena, const ParamType **out, Error *err)
{
    Scanner s = {.text = text, .arena = arena, .err = err};
    if ((*out = scan_type(&s)) == NULL)
        return E_SYNTAX;
    skip_space(&s);
    return s.at == text.len ? OK : error_set(err, E_SYNTAX, NO_POS, "expected the end at offset %zu", s.at);
}

bool param_type_is_generic(const ParamType *type)
{
    if (type == NULL)
        return false;
    if (type->kind == PARAM_GENERIC || type->kind == PARAM_ANY)
        return true;
    for (size_t i = 0; i < type->count; i++)
        if (param_type_is_generic(type->parts[i]))
            return true;
    return param_type_is_generic(type->key) || param_type_is_generic(type->element);
}

static const SqlType *apply_struct(const ParamType *type, const Bindings *bindings, Arena *arena)
{
    SqlField *fields = ARENA_ARRAY(arena, SqlField, type->count + 1);
    for (size_t i = 0; i < type->count; i++) {
        fields[i] = (SqlField){type->names[i], param_type_apply(type->parts[i], bindings, arena)};
        if (fields[i].type == NULL)
            return NULL;
    }
    return type_struct(arena, fields, type->count);
}

const SqlType *param_type_apply(const ParamType *type, const Bindings *bindings, Arena *arena)
{
    const SqlType *key, *element;
    switch (type->kind) {
    case PARAM_SIMPLE:
        return type->type;
    case PARAM_DECIMAL:
        return bindings->types[BINDING_DECIMAL];
    case PARAM_GENERIC:
        return bindings->types[type->letter - 'A'];
    case PARAM_STRUCT:
        return apply_struct(type, bindings, arena);
    case PARAM_ARRAY:
        element = param_type_apply(type->element, bindings, arena);
        return element != NULL ? type_array(arena, element) : NULL;
    case PARAM_MAP:
        key     = param_type_apply(type->key, bindings, arena);
        element = param_type_apply(type->element, bindings, arena);
        return key != NULL && element != NULL ? type_map(arena, key, element) : NULL;
    case PARAM_ANY:
    case PARAM_LAMBDA:
    case PARAM_BY_RULE:
        return NULL;
    }
    return NULL;
}

static void print_simple(const SqlType *type, StrBuf *out)
{
    switch (type->kind) {
    case T_INTEGER:
        strbuf_adds(out, "INT");
        break;
    case T_STRING:
        strbuf_adds(out, "VARCHAR");
        break;
    case T_UNIT:
        strbuf_adds(out, "INTERVAL UNIT");
        break;
    default:
        strbuf_adds(out, type_kind_name(type->kind));
        break;
    }
}

static void print_parts(const ParamType *type, StrBuf *out)
{
    for (size_t i = 0; i < type->count; i++) {
        if (i > 0)
            strbuf_adds(out, ", ");
        if (type->names != NULL) {
            strbuf_add(out, type->names[i]);
            strbuf_addc(out, ' ');
        }
        param_type_print(type->parts[i], out);
    }
}

void param_type_print(const ParamType *type, StrBuf *out)
{
    switch (type->kind) {
    case PARAM_SIMPLE:
        print_simple(type->type, out);
        break;
    case PARAM_DECIMAL:
    case PARAM_BY_RULE:
        strbuf_adds(out, "DECIMAL"); /* every rule of ours that has no better text gives a decimal */
        break;
    case PARAM_ARRAY:
        strbuf_adds(out, "ARRAY<");
        param_type_print(type->element, out);
        strbuf_addc(out, '>');
        break;
    case PARAM_MAP:
        strbuf_adds(out, "MAP<");
        param_type_print(type->key, out);
        strbuf_adds(out, ", ");
        param_type_print(type->element, out);
        strbuf_addc(out, '>');
        break;
    case PARAM_STRUCT:
        strbuf_adds(out, "STRUCT<");
        print_parts(type, out);
        strbuf_addc(out, '>');
        break;
    case PARAM_GENERIC:
        strbuf_addc(out, type->letter);
        break;
    case PARAM_ANY:
        strbuf_adds(out, "ANY");
        break;
    case PARAM_LAMBDA:
        strbuf_adds(out, "LAMBDA (");
        print_parts(type, out);
        strbuf_adds(out, ") => ");
        param_type_print(type->element, out);
        break;
    }
}
