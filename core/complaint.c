/*
 * complaint.c - see complaint.h.
 */
#include "core/complaint.h"

#include "core/width.h"

enum { TAB = 8 };

/* ---- places in messages ---- */

static bool skip_text(Str message, size_t *at, const char *text)
{
    size_t len = strlen(text);
    if (*at + len > message.len || memcmp(message.ptr + *at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool skip_number(Str message, size_t *at, unsigned *out)
{
    size_t begin = *at;
    *out         = 0;
    for (; *at < message.len && *at - begin < 8 && message.ptr[*at] >= '0' && message.ptr[*at] <= '9';
         (*at)++)
        *out = *out * 10 + (unsigned)(message.ptr[*at] - '0');
    return *at > begin;
}

/* In the order in which they are tried. `behind` goes with the place, where it follows. */
static const struct {
    const char *before, *between, *behind;
    bool        begins; /* only where the message begins */
} spellings[] = {
    {"line ", ":", ": ", true},
    {"line ", ":", ":", true},
    {" at Line: ", ", Col: ", NULL, false}, /* `Illegal argument at Line: 1, Col: 8. ...` */
    {"Line: ", ", Col: ", ": ", false},     /* `Exception while preparing statement: Line: 1, Col: 8: ...` */
    {"Line: ", ", Col: ", ". ", false},
};

/* The place that is spelt so in the first line, and which bytes tell it. */
static bool find_place(Str line, size_t spelling, size_t *from, size_t *to, Pos *pos)
{
    for (*from = 0; *from < line.len; (*from)++) {
        *to = *from;
        if (skip_text(line, to, spellings[spelling].before) && skip_number(line, to, &pos->line) &&
            skip_text(line, to, spellings[spelling].between) && skip_number(line, to, &pos->col) &&
            (spellings[spelling].behind == NULL || skip_text(line, to, spellings[spelling].behind)))
            return true;
        if (spellings[spelling].begins)
            return false;
    }
    return false;
}

static Str first_line(Str text)
{
    const char *end = memchr(text.ptr != NULL ? text.ptr : "", '\n', text.len);
    return end != NULL ? str_n(text.ptr, (size_t)(end - text.ptr)) : text;
}

/* `Syntax Error` alone says nothing: what follows is the sentence, and some of that says it once more. */
static Str join_syntax_error(Arena *arena, Str message)
{
    Str line = first_line(message), rest;
    if (!str_equal(line, STR_LIT("Syntax Error")) || line.len == message.len)
        return message;
    rest = str_n(message.ptr + line.len + 1, message.len - line.len - 1);
    return str_starts_with(rest, STR_LIT("Syntax error"))
               ? rest
               : str_printf(arena, "Syntax Error: " STR_FMT, STR_ARG(rest));
}

Pos complaint_take_place(Arena *arena, Str *message)
{
    Pos    pos = NO_POS;
    size_t from, to;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        if (find_place(first_line(*message), i, &from, &to, &pos)) {
            *message = str_printf(arena, STR_FMT STR_FMT, STR_ARG(str_n(message->ptr, from)),
                                  STR_ARG(str_n(message->ptr + to, message->len - to)));
            *message = join_syntax_error(arena, *message);
            return pos;
        }
    return NO_POS;
}

/* ---- positions ---- */

static Pos position_of(Str text, size_t at)
{
    Pos pos = {1, 1};
    for (size_t i = 0; i < at && i < text.len; i++)
        if (text.ptr[i] == '\n')
            pos = (Pos){pos.line + 1, 1};
        else
            pos.col += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return pos;
}

/* A position that is counted from `base` on. */
static Pos moved(Pos base, Pos pos)
{
    if (pos.line > 1)
        return (Pos){base.line + pos.line - 1, pos.col};
    return (Pos){base.line, base.col + (pos.col > 0 ? pos.col - 1 : 0)};
}

/* Further places in the message, `... at line 1:8`: that of the complaint itself goes, others (of a word that
 * a hint is about) are counted as the first is. */
static Str move_places(Arena *arena, Str message, Pos own, Pos base)
{
    StrBuf out = {0};
    for (size_t at = 0; at < message.len;) {
        size_t to = at;
        Pos    pos;
        if (!skip_text(message, &to, " at line ") || !skip_number(message, &to, &pos.line) ||
            !skip_text(message, &to, ":") || !skip_number(message, &to, &pos.col)) {
            strbuf_addc(&out, message.ptr[at++]);
            continue;
        }
        if (pos.line != own.line || pos.col != own.col)
            strbuf_addf(&out, " at line %u:%u", moved(base, pos).line, moved(base, pos).col);
        at = to;
    }
    Str done = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return done;
}

/* ---- the line ---- */

static bool find_line(Str text, unsigned number, Str *line)
{
    for (unsigned n = 1; n < number; n++) {
        Str first = first_line(text);
        if (first.len == text.len)
            return false;
        text = str_n(text.ptr + first.len + 1, text.len - first.len - 1);
    }
    *line = first_line(text);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return number > 0;
}

/* Behind the text that is `width` columns wide up to `from`. */
static void add_tab(StrBuf *out, size_t *from, size_t *width)
{
    *width += width_text(str_n(out->ptr + *from, out->len - *from));
    for (size_t to = *width - *width % TAB + TAB; *width < to; ++*width)
        strbuf_addc(out, ' ');
    *from = out->len;
}

/* The line as it is shown: tabs as blanks, nothing that moves the cursor. Returns how many bytes of it stand
 * in front of column `col`. */
static size_t make_showable(Arena *arena, Str line, unsigned col, StrBuf *out)
{
    size_t   before = SIZE_MAX, measured = 0, width = 0;
    unsigned number = 1;
    strbuf_reserve(out, line.len + TAB);
    for (size_t at = 0; at < line.len; number++) {
        size_t from = at;
        before      = number == col ? out->len : before;
        if (utf8_next(line, &at) == '\t')
            add_tab(out, &measured, &width);
        else
            strbuf_add(out, width_clean(arena, str_n(line.ptr + from, at - from)));
    }
    for (; number < col; number++) /* behind the end */
        strbuf_addc(out, ' ');
    return before != SIZE_MAX ? before : out->len;
}

/* Where to begin for what is left in front of `place` to be at most `room` wide. A line may be a megabyte
 * long, so it is measured once. */
static size_t begin_for(Str line, size_t place, size_t room)
{
    size_t width = width_text(str_n(line.ptr, place));
    if (width <= room)
        return 0;
    size_t from = width_prefix(str_n(line.ptr, place), width - room);
    Str    rest = str_n(line.ptr + from, place - from);
    return width_text(rest) <= room ? from : from + width_prefix(rest, 2); /* half of a wide one is none */
}

/* Two lines: the text, or what of it fits around the place, and the mark. */
static void append_line(StrBuf *out, Str line, Pos pos, size_t columns)
{
    enum { INDENT = 2 };
    StrBuf text  = {0};
    Arena *arena = arena_new(SIZE_MAX);
    size_t place = make_showable(arena, line, pos.col, &text), from = 0;
    size_t room = (columns > 3 * TAB ? columns : 3 * TAB) - INDENT - 1;
    if (width_text(strbuf_str(&text)) > room)
        from = begin_for(strbuf_str(&text), place, room * 2 / 3);
    Str  shown = str_n(text.ptr + from, text.len - from);
    bool cut   = width_text(shown) > room - (from > 0);
    if (cut)
        shown.len = width_prefix(shown, room - 1 - (from > 0));
    strbuf_addf(out, "\n  %s" STR_FMT "%s\n  %s", from > 0 ? "…" : "", STR_ARG(shown), cut ? "…" : "",
                from > 0 ? " " : "");
    for (size_t width = width_text(str_n(text.ptr + from, place - from)); width > 0; width--)
        strbuf_addc(out, ' ');
    strbuf_addc(out, '^');
    strbuf_clear(&text);
    arena_free(arena);
}

/* ---- the whole ---- */

static void append_place(StrBuf *out, const Complaint *complaint, Pos pos)
{
    if (complaint->file != NULL)
        strbuf_addf(out, "%s:%u:%u: ", complaint->file, pos.line, pos.col);
    else
        strbuf_addf(out, "line %u:%u: ", pos.line, pos.col);
}

/* A message may quote a record: only lines and tabs are its own. */
static Str make_harmless(Arena *arena, Str message)
{
    StrBuf out = {0};
    for (size_t at = 0, from = 0; at < message.len; from = at)
        if (message.ptr[at] == '\n' || message.ptr[at] == '\t')
            strbuf_addc(&out, message.ptr[at++]);
        else {
            while (at < message.len && message.ptr[at] != '\n' && message.ptr[at] != '\t')
                at++;
            strbuf_add(&out, width_clean(arena, str_n(message.ptr + from, at - from)));
        }
    Str clean = str_dup(arena, strbuf_str(&out));
    strbuf_clear(&out);
    return clean;
}

void complaint_append(StrBuf *out, const Complaint *complaint)
{
    Arena *arena   = arena_new(SIZE_MAX);
    Str    message = make_harmless(arena, str_trim(complaint->message)), line;
    Pos    told    = complaint_take_place(arena, &message);
    Pos    own     = complaint->pos.line > 0 ? complaint->pos : told;
    Pos    base = position_of(complaint->text, complaint->start), pos = moved(base, own);
    Pos    shown = {pos.line + complaint->lines_before, pos.col};
    bool   known = own.line > 0;
    if (known)
        message = move_places(arena, message, told.line > 0 ? told : own,
                              (Pos){base.line + complaint->lines_before, base.col});
    if (known || (complaint->file != NULL && complaint->text.len > 0))
        append_place(out, complaint, shown);
    else if (complaint->file != NULL)
        strbuf_addf(out, "%s: ", complaint->file);
    Str sentence = first_line(message);
    strbuf_add(out, sentence);
    if (complaint->code.len > 0)
        strbuf_addf(out, " (" STR_FMT ")", STR_ARG(complaint->code));
    if (known && find_line(complaint->text, pos.line, &line) && line.len > 0)
        append_line(out, line, pos, complaint->columns > 0 ? complaint->columns : COMPLAINT_COLUMNS);
    strbuf_add(out, str_n(message.ptr + sentence.len, message.len - sentence.len)); /* hints */
    arena_free(arena);
}
