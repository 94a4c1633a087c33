/*
 * guests.h - inside the HTTP room: connections whose client has not been admitted yet.
 *
 * From accept on, until the first of its requests is one that may be answered (its headers are there, and who
 * asks has proved it where somebody has to), a connection is a guest of its listener: through the handshake,
 * whatever it speaks. Guests have a bounded time in all, and there is a bounded number of them; beyond it the
 * oldest has to go, so that who comes now is heard whatever others hold open. A client that was admitted may
 * idle as long as the settings say.
 *
 * Whoever owns the socket sees the end as if the client had left: the socket is shut down, never closed, by
 * the book.
 */
#ifndef SLUICE_SERVER_HTTP_GUESTS_H
#define SLUICE_SERVER_HTTP_GUESTS_H

#include <pthread.h>

#include "core/str.h"

typedef struct Guest Guest;

/* Of a listener. Thread: any. */
typedef struct {
    pthread_mutex_t lock;
    Guest          *oldest, *newest;
    int             count, most;
} GuestBook;

void guests_init(GuestBook *book, int most);
void guests_clear(GuestBook *book); /* all have left */
/* One more; the oldest goes when there are too many. */
Guest *guest_new(GuestBook *book, int fd, int64_t now_ms);
/* It was admitted, or its socket is about to be closed. Accepts NULL. */
void guest_leave(Guest *guest);
/* Those that have had their time go. */
void guests_tick(GuestBook *book, int64_t now_ms, int64_t timeout_ms);

#endif
