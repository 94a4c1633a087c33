/*
 * interrupt.h - Ctrl-C means: stop what runs, keep the shell. Also the terminal's other signals, so that it
 * is whole again however we leave.
 *
 * Signal flags are the one kind of global that the style allows.
 */
#ifndef SLUICE_SHELL_INTERRUPT_H
#define SLUICE_SHELL_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* Installs the handlers, for the life of the process; with a terminal its settings are kept to be restored.
 */
void interrupt_install(bool terminal);
/* Ctrl-C was pressed since the last clear. */
bool interrupt_pending(void);
void interrupt_clear(void);
/* In a child, before it becomes another program: signals do what they do by default, the terminal is as it
 * was. */
void interrupt_restore(void);
/* Asks the terminal to mark what is pasted; signals that end or stop us take it back. */
void interrupt_mark_pastes(bool on);
/* Around another program that has the terminal (an editor, a pager): it finds it as it was before us, and
 * what it leaves behind, or line editing had set, is as it was before it. */
void interrupt_lend_terminal(void);
void interrupt_take_terminal(void);
/* Around the start of a thread, which inherits what is blocked: signals are handled by the thread of the
 * shell. `before` is the caller's, to be handed to interrupt_unblock. */
void interrupt_block(sigset_t *before);
void interrupt_unblock(const sigset_t *before);
/* SIGTERM or SIGHUP came. */
bool interrupt_leave(void);
/* Waits until `fd` can be read; false: a signal came first, perhaps before the call. */
bool interrupt_wait_readable(int fd);
/* The window's size changed since the last call. */
bool interrupt_resized(void);
/* Was it stopped (Ctrl-Z), and goes on since the last call? */
bool interrupt_continued(void);

#endif
