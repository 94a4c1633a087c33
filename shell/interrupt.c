/*
 * interrupt.c - signals of the shell; see interrupt.h.
 *
 * Handlers set flags and write a byte to a pipe, nothing else: no lock, no memory, no stdio. The system runs
 * them on any thread that does not block the signal. Ours and the engine's do (interrupt_block), but
 * libraries start threads, too (libcurl, to resolve a name): so flags are atomic, and who waits polls the
 * pipe and does not count on its own system call being interrupted. A stop (Ctrl-Z) and a death put the
 * terminal back first, because line editing leaves it in another mode.
 */
#include "shell/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <termios.h>
#include <unistd.h>

static atomic_int     interrupted, leaving, resized, continued;
static struct termios original; /* written once, before the handlers are there */
static bool           has_terminal;
static atomic_bool    pastes;   /* the terminal marks what is pasted (input.c) */
static int wakes[2] = {-1, -1}; /* a byte for each signal: one that comes before a poll is not lost */

static void wake(void)
{
    int     saved   = errno;
    ssize_t ignored = write(wakes[1], "", 1);
    (void)ignored; /* full: there is something to read */
    errno = saved;
}

/* Other programs would take the marks for keys. */
static void mark_pastes(bool on)
{
    static const char begin[] = "\033[?2004h", end[] = "\033[?2004l";
    ssize_t           ignored = write(STDOUT_FILENO, on ? begin : end, sizeof begin - 1);
    (void)ignored; /* the terminal is gone */
}

/* In a handler. */
static void restore_terminal(void)
{
    if (atomic_load(&pastes))
        mark_pastes(false);
    if (has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &original);
}

static void on_interrupt(int signal_number)
{
    atomic_store(&interrupted, 1);
    wake();
}

static void on_resize(int signal_number)
{
    atomic_store(&resized, 1);
    wake();
}

static void on_leave(int signal_number)
{
    if (atomic_fetch_add(&leaving, 1) == 0) {
        atomic_store(&interrupted, 1); /* whatever runs stops, the shell sees the flag and goes */
        wake();
        return;
    }
    restore_terminal();
    _exit(128 + signal_number);
}

static void on_crash(int signal_number)
{
    restore_terminal();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void set_handler(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

/* Ctrl-Z: the terminal as it was, stop, and as the line editor had it. */
static void on_stop(int signal_number)
{
    struct termios now;
    sigset_t       unblock;
    int            saved = errno;
    bool           known = has_terminal && tcgetattr(STDIN_FILENO, &now) == 0;
    if (atomic_load(&pastes))
        mark_pastes(false);
    if (known)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &original);
    signal(SIGTSTP, SIG_DFL);
    sigemptyset(&unblock);
    sigaddset(&unblock, SIGTSTP);
    raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &unblock, NULL); /* stops here */
    set_handler(SIGTSTP, on_stop);
    if (known)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
    if (atomic_load(&pastes))
        mark_pastes(true);
    atomic_store(&continued, 1);
    atomic_store(&resized, 1);
    wake();
    errno = saved;
}

static const int deaths[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

void interrupt_install(bool terminal)
{
    has_terminal = terminal && tcgetattr(STDIN_FILENO, &original) == 0;
    if (wakes[0] < 0 && pipe2(wakes, O_CLOEXEC | O_NONBLOCK) != 0)
        wakes[0] = wakes[1] = -1;
    set_handler(SIGINT, on_interrupt);
    set_handler(SIGTERM, on_leave);
    set_handler(SIGHUP, on_leave);
    signal(SIGPIPE, SIG_IGN);
    if (!has_terminal)
        return;
    set_handler(SIGWINCH, on_resize);
    set_handler(SIGTSTP, on_stop);
    for (unsigned i = 0; i < sizeof deaths / sizeof deaths[0]; i++)
        set_handler(deaths[i], on_crash);
}

bool interrupt_wait_readable(int fd)
{
    struct pollfd waited[] = {{.fd = fd, .events = POLLIN}, {.fd = wakes[0], .events = POLLIN}};
    char          bytes[64];
    while (poll(waited, 2, -1) < 0)
        if (errno != EINTR)
            return true; /* the read will say what is wrong */
    if (waited[1].revents == 0)
        return true;
    while (read(wakes[0], bytes, sizeof bytes) > 0)
        ;
    return false;
}

void interrupt_mark_pastes(bool on)
{
    atomic_store(&pastes, on);
    mark_pastes(on);
}

void interrupt_restore(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGWINCH, SIGTSTP};
    for (unsigned i = 0; i < sizeof ours / sizeof ours[0]; i++)
        signal(ours[i], SIG_DFL);
    if (has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &original);
}

static struct termios lent; /* how it was when it was lent */
static bool           is_lent;

void interrupt_lend_terminal(void)
{
    is_lent = has_terminal && tcgetattr(STDIN_FILENO, &lent) == 0;
    if (is_lent)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &original);
}

void interrupt_take_terminal(void)
{
    if (is_lent)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &lent);
    is_lent = false;
}

bool interrupt_pending(void) { return atomic_load(&interrupted) != 0; }
bool interrupt_leave(void) { return atomic_load(&leaving) != 0; }

void interrupt_clear(void)
{
    atomic_store(&interrupted, 0);
    if (interrupt_leave()) /* asked last: a SIGTERM that comes in between is not lost */
        atomic_store(&interrupted, 1);
}

/* One step: a signal between reading and clearing would be lost. */
bool interrupt_resized(void) { return atomic_exchange(&resized, 0) != 0; }
bool interrupt_continued(void) { return atomic_exchange(&continued, 0) != 0; }

void interrupt_block(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    /* A thread that crashes runs the handler itself; blocked, the system would end us with the terminal as
     * line editing has it. */
    for (unsigned i = 0; i < sizeof deaths / sizeof deaths[0]; i++)
        sigdelset(&all, deaths[i]);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void interrupt_unblock(const sigset_t *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }
