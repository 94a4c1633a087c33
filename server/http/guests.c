/*
 * guests.c - see guests.h. The list is in the order of coming: the oldest is the first.
 */
#include "server/http/guests.h"

#include <sys/socket.h>

#include "server/http/server.h"

struct Guest {
    GuestBook *book;
    Guest     *older, *newer;
    int        fd;
    int64_t    since_ms;
    bool       gone; /* out of the list: its owner has not noticed yet */
};

void guests_init(GuestBook *book, int most)
{
    *book = (GuestBook){.most = most};
    pthread_mutex_init(&book->lock, NULL);
}

void guests_clear(GuestBook *book) { pthread_mutex_destroy(&book->lock); }

/* Lock held. */
static void unlink_guest(Guest *guest)
{
    GuestBook *book                                                = guest->book;
    *(guest->older != NULL ? &guest->older->newer : &book->oldest) = guest->newer;
    *(guest->newer != NULL ? &guest->newer->older : &book->newest) = guest->older;
    book->count--;
    guest->gone = true;
}

/* Lock held: the socket is open as long as its guest is in the list. */
static void show_out(Guest *guest)
{
    (void)shutdown(guest->fd, SHUT_RDWR);
    unlink_guest(guest);
}

Guest *guest_new(GuestBook *book, int fd, int64_t now_ms)
{
    Guest *guest = mem_alloc(sizeof *guest);
    pthread_mutex_lock(&book->lock);
    if (book->count >= book->most)
        show_out(book->oldest);
    *guest = (Guest){.book = book, .older = book->newest, .fd = fd, .since_ms = now_ms};
    *(book->newest != NULL ? &book->newest->newer : &book->oldest) = guest;
    book->newest                                                   = guest;
    book->count++;
    pthread_mutex_unlock(&book->lock);
    return guest;
}

void guest_leave(Guest *guest)
{
    if (guest == NULL)
        return;
    GuestBook *book = guest->book;
    pthread_mutex_lock(&book->lock);
    if (!guest->gone)
        unlink_guest(guest);
    pthread_mutex_unlock(&book->lock);
    mem_free(guest);
}

void guests_tick(GuestBook *book, int64_t now_ms, int64_t timeout_ms)
{
    pthread_mutex_lock(&book->lock);
    while (book->oldest != NULL && now_ms - book->oldest->since_ms > timeout_ms)
        show_out(book->oldest);
    pthread_mutex_unlock(&book->lock);
}
