/*
 * input.c - the prompt: lines by libedit, gathered until a statement is complete, kept as one entry of the
 * history.
 *
 * Our own signal handlers stay (interrupt.h): libedit's would send Ctrl-C on to the whole process group.
 */
#include "shell/session.h"

#include <errno.h>
#include <histedit.h>
#include <unistd.h>

#include "shell/complete.h"
#include "shell/interrupt.h"
#include "shell/keys.h"
#include "shell/live.h"
#include "shell/past.h"
#include "shell/recall.h"
#include "core/width.h"

enum {
    COMPLETE_WAIT_MS  = 100, /* for names, before the first look at the server is over */
    CANDIDATES_LISTED = 200,
    PASTE_MAX         = 1 << 20,
};

typedef struct {
    Shell      *shell;
    EditLine   *edit;
    History    *history;
    const char *history_path; /* NULL: none */
    bool        history_warned;
    StrBuf      text; /* not complete yet */
    SplitOpen   open;
    Live        live;
    Keys        keys;
} Input;

static char *prompt(EditLine *edit)
{
    static const char *const prompts[] = {
        [OPEN_NOTHING] = "sluice> ", [OPEN_STATEMENT] = "     -> ", [OPEN_QUOTE] = "     '> ",
        [OPEN_NAME] = "     \"> ",   [OPEN_COMMENT] = "     *> ",   [OPEN_PAREN] = "     (> ",
    };
    Input *input = NULL;
    el_get(edit, EL_CLIENTDATA, &input);
    return (char *)(uintptr_t)prompts[input->text.len == 0 ? OPEN_NOTHING : input->open];
}

/* libedit makes its picture of the screen anew for another size, but leaves its cursor where it was, perhaps
 * outside of that, and the next letter would be written there, in memory that is not the picture's. So the
 * line is drawn again before anything else happens, from where it began in the old size; no key can do that,
 * for a search would take it for its own. */
static void redraw(EditLine *edit, bool elsewhere)
{
    Input *input   = NULL;
    int    columns = 0, lines = 0;
    el_get(edit, EL_CLIENTDATA, &input);
    el_get(edit, EL_GETTC, "co", &columns);
    el_get(edit, EL_GETTC, "li", &lines);
    if (!elsewhere)
        live_rewind(&input->live, strlen(prompt(edit)), columns, lines);
    el_resize(edit);
    el_set(edit, EL_REFRESH);
    live_show(&input->live, strlen(prompt(edit)));
}

/* One character of the terminal for libedit; -1 when a signal wants to be looked at. */
static int read_character(EditLine *edit, wchar_t *out)
{
    Input *input = NULL;
    el_get(edit, EL_CLIENTDATA, &input);
    if (!keys_are_typed(&input->keys)) /* keys that come together are shown together */
        live_show(&input->live, strlen(prompt(edit)));
    int result = keys_read(&input->keys, edit, out);
    live_hide(&input->live);
    return result;
}

/* ---- completion ---- */

/* What was typed so far: earlier lines, and this one up to the cursor and behind it. */
static void typed_text(Input *input, StrBuf *before, StrBuf *after)
{
    const LineInfo *line = el_line(input->edit);
    strbuf_add(before, strbuf_str(&input->text));
    strbuf_add(before, str_n(line->buffer, (size_t)(line->cursor - line->buffer)));
    strbuf_add(after, str_n(line->cursor, (size_t)(line->lastchar - line->cursor)));
}

static void list_candidates(const Input *input, const Completion *found)
{
    size_t widest = 0, screen = out_columns(&input->shell->out);
    size_t shown = found->count < CANDIDATES_LISTED ? found->count : CANDIDATES_LISTED;
    for (size_t i = 0; i < shown; i++) {
        size_t width = width_text(found->items[i]);
        widest       = width > widest ? width : widest;
    }
    size_t columns = screen > widest + 2 ? screen / (widest + 2) : 1;
    fputc('\n', stdout);
    for (size_t i = 0; i < shown; i++) {
        size_t pad = widest + 2 - width_text(found->items[i]);
        printf(STR_FMT "%*s%s", STR_ARG(found->items[i]), (int)pad, "",
               (i + 1) % columns == 0 || i + 1 == shown ? "\n" : "");
    }
    if (shown < found->count)
        printf("... and %zu more\n", found->count - shown);
}

/* Takes what was typed of the word away and puts `text` in its place. */
static void replace_word(EditLine *edit, size_t typed_characters, Str text)
{
    char *copy = str_to_heap(text);
    if (typed_characters > 0)
        el_deletestr(edit, (int)typed_characters);
    el_insertstr(edit, copy);
    mem_free(copy);
}

static size_t characters(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        utf8_next(text, &at);
    return count;
}

/* A finished word is followed by a blank, but where something must follow at once; a quoted one by its quote.
 */
static Str finished(Arena *arena, const Completion *found, Str after)
{
    Str  item = found->items[0];
    char last = item.ptr[item.len - 1];
    if (last == '(' || last == '<' || last == '/' || last == ';')
        return item;
    if (found->quote == 0)
        return str_printf(arena, STR_FMT " ", STR_ARG(item));
    bool closed = after.len > 0 && after.ptr[0] == found->quote;
    return closed ? item : str_printf(arena, STR_FMT "%c ", STR_ARG(item), found->quote);
}

static unsigned char complete_word(EditLine *edit, int key)
{
    Input        *input  = NULL;
    StrBuf        before = {0}, after = {0};
    Completion    found;
    unsigned char answer = CC_ERROR;
    Arena        *arena  = arena_new(SIZE_MAX);
    el_get(edit, EL_CLIENTDATA, &input);
    typed_text(input, &before, &after);
    NameList names = names_take(input->shell->names, COMPLETE_WAIT_MS);
    complete(&names, strbuf_str(&before), strbuf_str(&after), arena, &found);
    Str    typed  = str_n(before.ptr + found.start, before.len - found.start);
    size_t common = completion_common(&found);
    if (found.count == 1) {
        replace_word(edit, characters(typed), finished(arena, &found, strbuf_str(&after)));
        answer = CC_REFRESH;
    } else if (found.count > 1 && common > typed.len) {
        replace_word(edit, characters(typed), str_n(found.items[0].ptr, common));
        answer = CC_REFRESH;
    } else if (found.count > 1) {
        list_candidates(input, &found);
        answer = CC_REDISPLAY;
    }
    names_release(input->shell->names, &names);
    strbuf_clear(&before);
    strbuf_clear(&after);
    arena_free(arena);
    return answer;
}

/* ---- suggestions and undo ---- */

/* What is suggested is taken at the end of the line; elsewhere the cursor moves. */
static unsigned char take_or_move(EditLine *edit, int columns)
{
    Input *input = NULL;
    el_get(edit, EL_CLIENTDATA, &input);
    if (live_take(&input->live))
        return CC_REFRESH;
    el_cursor(edit, columns);
    return CC_CURSOR;
}

static unsigned char move_right(EditLine *edit, int key) { return take_or_move(edit, 1); }

static unsigned char move_to_end(EditLine *edit, int key) { return take_or_move(edit, PASTE_MAX); }

static unsigned char undo(EditLine *edit, int key)
{
    Input *input = NULL;
    el_get(edit, EL_CLIENTDATA, &input);
    return live_undo(&input->live) ? CC_REFRESH : CC_ERROR;
}

/* ---- pasted text ---- */

/* A terminal that is asked to (input_open) puts pasted text between ESC[200~ and ESC[201~: it is one edit, in
 * which Tab and newline are no keys. It is run by the next Enter. */
static const char paste_end[] = "\033[201~";

static bool ends_paste(const StrBuf *text) { return str_ends_with(strbuf_str(text), str_c(paste_end)); }

/* Reads up to the end of what is pasted. Of more than PASTE_MAX nothing is kept, but it is read: or else the
 * rest would be keys, and run. False: it was too much. */
static bool read_paste(Typed *typed, StrBuf *text)
{
    char byte;
    bool fits = true;
    while (!ends_paste(text)) {
        if (!typed_wait(typed)) {
            if (interrupt_pending())
                break;
            continue;
        }
        ssize_t got = typed_read(typed, &byte);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        if (got > 0)
            strbuf_addc(text, byte == '\t' ? ' ' : byte == '\r' ? '\n' : byte == '\0' ? ' ' : byte);
        if (text->len > PASTE_MAX) {
            size_t kept = sizeof paste_end - 1;
            memmove(text->ptr, text->ptr + text->len - kept, kept);
            text->len = kept;
            fits      = false;
        }
    }
    if (ends_paste(text))
        text->len -= sizeof paste_end - 1;
    return fits;
}

static unsigned char paste(EditLine *edit, int key)
{
    StrBuf text  = {0};
    Input *input = NULL;
    el_get(edit, EL_CLIENTDATA, &input);
    bool fits = read_paste(&input->shell->typed, &text);
    while (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    strbuf_addc(&text, '\0');
    if (!fits) {
        fputc('\n', stdout);
        out_error(&input->shell->out, "That is more than 1 MB of text; run it as a file: \\i FILE");
    }
    bool inserted = fits && el_insertstr(edit, text.ptr) == 0;
    strbuf_clear(&text);
    return inserted ? CC_REFRESH : fits ? CC_ERROR : CC_REDISPLAY;
}

static void bracketed_paste(const Out *out, bool on)
{
    if (!out->escapes)
        return;
    fflush(stdout);
    interrupt_mark_pastes(on);
}

/* ---- the prompt ---- */

static void add_functions(EditLine *edit)
{
    el_set(edit, EL_ADDFN, "sluice-complete", "Complete the word", complete_word);
    el_set(edit, EL_ADDFN, "sluice-paste", "Take pasted text", paste);
    el_set(edit, EL_ADDFN, "sluice-right", "Right, or take the suggestion", move_right);
    el_set(edit, EL_ADDFN, "sluice-end", "To the end, or take the suggestion", move_to_end);
    el_set(edit, EL_ADDFN, "sluice-undo", "Undo the last change", undo);
}

static void input_open(Input *input, Shell *shell, const char *history_path)
{
    HistEvent event;
    *input      = (Input){.shell = shell, .history_path = history_path};
    input->edit = el_init("sluice", stdin, stdout, stderr);
    el_set(input->edit, EL_CLIENTDATA, input);
    el_set(input->edit, EL_PROMPT, prompt);
    el_set(input->edit, EL_SIGNAL, 0);
    /* Between two lines libedit would go back to the terminal's own line editing, to which a Ctrl-D that
     * comes right then is an end of file, and lost: -x is that mode. */
    el_set(input->edit, EL_SETTY, "-x", "-icanon", "-echo", NULL);
    el_wset(input->edit, EL_GETCFN, read_character);
    el_set(input->edit, EL_EDITOR, "emacs");
    input->history = history_init();
    history(input->history, &event, H_SETSIZE, PAST_ENTRIES);
    history(input->history, &event, H_SETUNIQUE, 1);
    if (history_path != NULL)
        past_load(input->history, history_path);
    el_set(input->edit, EL_HIST, history, input->history);
    live_init(&input->live, shell, input->edit, input->history, &input->text);
    add_functions(input->edit);
    keys_bind(&input->keys, &shell->typed, redraw, input->edit);
    shell->history = input->history;
}

static void input_close(Input *input)
{
    input->shell->history = NULL;
    live_clear(&input->live);
    history_end(input->history);
    el_end(input->edit);
    strbuf_clear(&input->text);
}

/* Passwords in a connector's properties are nobody's business tomorrow. */
static bool may_be_kept(Str text)
{
    static const char *const secrets[] = {"password", "secret", "token", "credential", "sasl.jaas"};
    Arena                   *arena     = arena_new(SIZE_MAX);
    Str                      upper     = str_upper(arena, text);
    bool                     keep      = true;
    for (size_t i = 0; i < ARRAY_LEN(secrets) && keep; i++)
        keep = str_find(upper, str_upper(arena, str_c(secrets[i])), 0) < 0;
    arena_free(arena);
    return keep;
}

/* One line is easier to edit, but a comment must end, and a text in quotes stay what it is. */
static bool may_be_joined(Str text)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t behind = split_skip_text(text, at);
        if (behind > at && memchr(text.ptr + at, '\n', behind - at) != NULL)
            return false;
        if (behind > at && text.ptr[at] == '-')
            return false;
        at = behind > at ? behind - 1 : at;
    }
    return true;
}

static void remember(Input *input, Str text)
{
    HistEvent event;
    text = str_trim(text);
    if (text.len == 0 || !may_be_kept(text))
        return;
    char *line = str_to_heap(text);
    bool  join = may_be_joined(text);
    for (char *c = line; *c != '\0' && join; c++)
        if (*c == '\n')
            *c = ' ';
    bool again = history(input->history, &event, H_FIRST) >= 0 && strcmp(event.str, line) == 0;
    history(input->history, &event, H_ENTER, line);
    if (input->history_path != NULL && !again && !input->history_warned &&
        !past_add(input->history_path, str_c(line))) {
        input->history_warned = true;
        out_error(&input->shell->out, "The history cannot be written to %s", input->history_path);
    }
    mem_free(line);
}

void shell_print_history(Shell *shell)
{
    HistEvent event;
    int       number = 1;
    if (shell->history == NULL)
        return;
    for (int code = history(shell->history, &event, H_LAST); code >= 0;
         code     = history(shell->history, &event, H_PREV))
        out_printf(&shell->out, "%4d: %s\n", number++, event.str);
}

/* Of a pasted script, or a line of several statements: who reads the error is to know what came of the rest.
 */
static void tell_of_rest(Shell *shell, Str text, size_t at)
{
    size_t count = 0;
    Split  split;
    for (; split_next(text, at, true, shell_is_command, &split); at = split.end)
        count++;
    if (count > 0)
        out_error(&shell->out, "%zu statement%s behind it %s not run", count, count == 1 ? "" : "s",
                  count == 1 ? "was" : "were");
}

/* The complete part of the text is run; what is left waits for the next line. */
static void run_complete(Input *input)
{
    size_t count = 0;
    Split  split;
    Str    text     = strbuf_str(&input->text);
    bool   complete = split_next(text, 0, false, shell_is_command, &split);
    if (!complete) {
        input->open = split.open;
        if (split.open == OPEN_NOTHING)
            strbuf_reset(&input->text); /* blanks and comments */
        return;
    }
    remember(input, text);
    interrupt_clear();
    Place typed  = {.text = text};
    int   status = shell_run_text(input->shell, &typed, false, &count);
    if (status != SHELL_OK && !input->shell->wants_exit)
        tell_of_rest(input->shell, text, typed.start);
    size_t used = status != SHELL_OK ? text.len : typed.start; /* what follows a failure belongs to it */
    memmove(input->text.ptr, input->text.ptr + used, text.len - used);
    input->text.len -= used;
    if (input->text.len > 0)
        run_complete(input);
}

static void drop_line(Input *input)
{
    fputs("^C\n", stdout);
    keys_begin(&input->keys);
    strbuf_reset(&input->text);
    interrupt_clear();
    el_reset(input->edit);
}

/* False: it calls up an entry of the history that is not there. */
static bool take_line(Input *input, Str line)
{
    Error  err;
    StrBuf entry = {0};
    if (input->text.len > 0 || !recall_is_meant(line)) {
        strbuf_add(&input->text, line);
        return true;
    }
    bool found = recall(input->history, line, &entry, &err) == OK;
    if (found) {
        out_printf(&input->shell->out, STR_FMT "\n", STR_ARG(strbuf_str(&entry))); /* what is run */
        strbuf_add(&input->text, strbuf_str(&entry));
        strbuf_addc(&input->text, '\n');
    } else
        out_error(&input->shell->out, "%s", err.message);
    strbuf_clear(&entry);
    return found;
}

static void tell_of_lost_keys(Shell *shell)
{
    if (shell->typed.lost)
        out_error(&shell->out, "More than 1 MB was typed while the statement ran; nothing of it is run");
    shell->typed.lost = false;
}

int shell_interactive(Shell *shell, const char *history_path)
{
    Input input;
    input_open(&input, shell, history_path);
    while (!shell->wants_exit && !interrupt_leave()) {
        int         len = 0;
        const char *line;
        if (interrupt_resized())
            el_resize(input.edit);
        shell_tell_news(shell);
        /* el_gets() would show the prompt first: a Ctrl-D that comes in between is an end of file to the
         * terminal, and lost. */
        el_set(input.edit, EL_PREP_TERM, 1);
        errno = 0;
        bracketed_paste(&shell->out, true);
        live_begin(&input.live);
        line = el_gets(input.edit, &len);
        bracketed_paste(&shell->out, false);
        if (interrupt_pending()) {
            drop_line(&input);
            continue;
        }
        if (line == NULL && errno == EINTR)
            continue;
        if (line == NULL || len <= 0)
            break; /* Ctrl-D */
        if (shell->out.spool != NULL)
            fprintf(shell->out.spool, "%s%s", prompt(input.edit), line);
        if (!take_line(&input, str_n(line, (size_t)len)))
            continue;
        /* What is typed while the statement runs stays keys for the next line: the terminal's own line
         * editing would show it amid the rows and take a Ctrl-D for an end of file, which nobody reads.
         * Ctrl-C is a signal all the same. */
        el_set(input.edit, EL_PREP_TERM, 1);
        shell->typed.keeps = true;
        run_complete(&input);
        shell->typed.keeps = false;
        tell_of_lost_keys(shell);
    }
    if (!shell->wants_exit)
        fputc('\n', stdout);
    input_close(&input);
    return SHELL_OK;
}
