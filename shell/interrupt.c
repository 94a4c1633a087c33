/*
 * interrupt.c - signals of the shell; see interrupt.h.
 *
 * Handlers are installed without SA_RESTART: the read at the prompt returns and sees the flag. A stop
 * (Ctrl-Z) and a death put the terminal back first, because line editing leaves it in another mode.
 */
#include "shell/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted, leaving, resized, continued;
static struct termios        original; /* written once, before the handlers are there */
static bool                  has_terminal;
static int wakes[2] = {-1, -1}; /* a byte for each signal: one that comes before a poll is not lost */

static void wake(void)
{
    int     saved   = errno;
    ssize_t ignored = write(wakes[1], "", 1);
    (void)ignored; /* full: there is something to read */
    errno = saved;
}

static void on_interrupt(int signal_number)
{
    interrupted = 1;
    wake();
}

static void on_resize(int signal_number)
{
    resized = 1;
    wake();
}

static void on_leave(int signal_number)
{
    if (leaving++ == 0) {
        interrupted = 1; /* whatever runs stops, the shell sees the flag and goes */
        wake();
        return;
    }
    if (has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &original);
    _exit(128 + signal_number);
}

static void on_crash(int signal_number)
{
    if (has_terminal)
        tcsetattr(STDIN_FILENO, TCSANOW, &original);
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
    if (known)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &original);
    signal(SIGTSTP, SIG_DFL);
    sigemptyset(&unblock);
    sigaddset(&unblock, SIGTSTP);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &unblock, NULL); /* stops here */
    set_handler(SIGTSTP, on_stop);
    if (known)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
    continued = 1;
    resized   = 1;
    wake();
    errno = saved;
}

void interrupt_install(bool terminal)
{
    static const int deaths[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    has_terminal              = terminal && tcgetattr(STDIN_FILENO, &original) == 0;
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

bool interrupt_pending(void) { return interrupted != 0; }
bool interrupt_leave(void) { return leaving != 0; }

void interrupt_clear(void)
{
    if (!leaving)
        interrupted = 0;
}

bool interrupt_resized(void)
{
    bool was = resized != 0;
    resized  = 0;
    return was;
}

bool interrupt_continued(void)
{
    bool was  = continued != 0;
    continued = 0;
    return was;
}
