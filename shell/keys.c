/*
 * keys.c - see keys.h.
 */
#include "shell/keys.h"

#include <errno.h>
#include <string.h>

#include "core/str.h"
#include "shell/interrupt.h"

enum { ESC = 27, KEY_PAUSE_MS = 30 /* between the bytes of one key */ };

/* Keys that nobody can press, for what libedit does only when a key asks for it. Ctrl-\ is the terminal's. */
#define KEY_BOTTOM "\033[9998~"
#define KEY_VI_ESCAPE "\034"

static const struct {
    const char *key, *function;
} bindings[] =
    {
        {"^R", "em-inc-search-prev"}, {"^L", "ed-clear-screen"}, {"\t", "sluice-complete"},
        {"^F", "sluice-right"},       {"^E", "sluice-end"},      {"^_", "sluice-undo"},
},
  sequences[] = {
      {"\033[A", "ed-prev-history"},      {"\033OA", "ed-prev-history"}, {"\033[B", "ed-next-history"},
      {"\033OB", "ed-next-history"},      {"\033[C", "sluice-right"},    {"\033OC", "sluice-right"},
      {"\033[D", "ed-prev-char"},         {"\033OD", "ed-prev-char"},    {"\033[1;5C", "em-next-word"},
      {"\033[1;5D", "ed-prev-word"},      {"\033[H", "ed-move-to-beg"},  {"\033OH", "ed-move-to-beg"},
      {"\033[1~", "ed-move-to-beg"},      {"\033[7~", "ed-move-to-beg"}, {"\033[F", "sluice-end"},
      {"\033OF", "sluice-end"},           {"\033[4~", "sluice-end"},     {"\033[8~", "sluice-end"},
      {"\033[3~", "ed-delete-next-char"}, {"\033[200~", "sluice-paste"}, {KEY_BOTTOM, "sluice-bottom"},
};

/* ---- what keys do ---- */

static unsigned char move_to_bottom(EditLine *edit, int key)
{
    const LineInfo *line = el_line(edit);
    el_cursor(edit, (int)(line->lastchar - line->cursor)); /* bytes, at least as many as characters */
    return CC_CURSOR;
}

void keys_bind(Keys *keys, Typed *typed, void (*redraw)(EditLine *edit, bool elsewhere), EditLine *edit)
{
    const char *editor = "";
    el_set(edit, EL_ADDFN, "sluice-bottom", "Behind all that was typed", move_to_bottom);
    el_source(edit, NULL); /* `bind -v` there forgets what was bound before */
    el_get(edit, EL_EDITOR, &editor);
    *keys = (Keys){.typed = typed, .redraw = redraw, .vi = strcmp(editor, "vi") == 0};
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++)
        el_set(edit, EL_BIND, bindings[i].key, bindings[i].function, NULL);
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        el_set(edit, EL_BIND, sequences[i].key, sequences[i].function, NULL);
        if (keys->vi)
            el_set(edit, EL_BIND, "-a", sequences[i].key, sequences[i].function, NULL);
    }
    if (keys->vi) {
        el_set(edit, EL_BIND, KEY_VI_ESCAPE, "vi-command-mode", NULL);
        el_set(edit, EL_BIND, "-a", KEY_VI_ESCAPE, "ed-unassigned", NULL);
    }
}

/* ---- signals ---- */

static bool is_pressing(const Keys *keys) { return keys->at < keys->len; }

static void press(Keys *keys, const char *key)
{
    keys->at  = 0;
    keys->len = strlen(key);
    memcpy(keys->pending, key, keys->len);
}

/* -1: what was typed is dropped. */
static int take_signal(Keys *keys, EditLine *edit)
{
    const LineInfo *line = el_line(edit);
    if (interrupt_pending() && line->cursor < line->lastchar && !keys->at_bottom) {
        keys->at_bottom = true; /* what follows stands below all lines of the text */
        press(keys, KEY_BOTTOM);
        return 0;
    }
    if (interrupt_pending()) {
        errno = EINTR;
        return -1;
    }
    bool continued = interrupt_continued(), resized = interrupt_resized();
    if (continued || resized)
        keys->redraw(edit, continued);
    return 0;
}

/* ---- keys of several bytes ---- */

/* The rest of a key, as far as it comes at once: up to the letter that ends it. */
static void read_rest(Keys *keys)
{
    char byte;
    keys->pending[0] = ESC;
    keys->at         = 0;
    keys->len        = 1;
    while (keys->len < sizeof keys->pending && typed_comes_within(keys->typed, KEY_PAUSE_MS) &&
           typed_read(keys->typed, &byte) == 1) {
        keys->pending[keys->len++] = byte;
        bool opens                 = keys->len == 2 && (byte == '[' || byte == 'O');
        bool goes_on               = keys->len > 2 && keys->pending[1] == '[' && byte >= ' ' && byte < '@';
        if (!opens && !goes_on)
            return;
    }
}

static bool is_bound(const char *key, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
        if (strlen(sequences[i].key) == len && memcmp(sequences[i].key, key, len) == 0)
            return true;
    return false;
}

/* With Shift, Alt or Ctrl: ESC [ 1 ; N LETTER. Words are passed with Alt and Ctrl, all else is as without. */
static void drop_modifier(Keys *keys)
{
    char *key = keys->pending;
    if (keys->len != 6 || memcmp(key, "\033[1;", 4) != 0)
        return;
    bool word = key[4] >= '3' && (key[5] == 'C' || key[5] == 'D');
    if (word)
        key[4] = '5';
    else {
        key[2]    = key[5];
        keys->len = 3;
    }
}

/* An ESC was read: what follows at once is one key with it. */
static void read_key(Keys *keys)
{
    read_rest(keys);
    drop_modifier(keys);
    bool sequence = keys->len > 2 || (keys->len == 2 && keys->pending[1] == '[');
    if (sequence && !is_bound(keys->pending, keys->len))
        keys->len = 0; /* no key of ours */
    else if (!sequence && keys->vi)
        keys->pending[0] = KEY_VI_ESCAPE[0];
}

int keys_read(Keys *keys, EditLine *edit, wchar_t *out)
{
    mbstate_t state = {0};
    for (;;) {
        char byte;
        if (is_pressing(keys)) {
            *out = (wchar_t)(unsigned char)keys->pending[keys->at++];
            return 1;
        }
        if (interrupt_pending() || !typed_wait(keys->typed)) {
            if (take_signal(keys, edit) < 0)
                return -1;
            continue;
        }
        if (interrupt_pending())
            continue; /* while we waited: what can be read was typed after the Ctrl-C */
        ssize_t got = typed_read(keys->typed, &byte);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        if (byte == '\0')
            continue; /* after Ctrl-V it would stand in the line, and be where libedit's copies of that end */
        if (byte == ESC) {
            read_key(keys);
            continue;
        }
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1)
            state = (mbstate_t){0}; /* no UTF-8: dropped */
        else if (used != (size_t)-2)
            return 1;
    }
}

bool keys_are_typed(const Keys *keys) { return is_pressing(keys) || typed_comes_within(keys->typed, 0); }

void keys_begin(Keys *keys) { keys->at_bottom = false; }
