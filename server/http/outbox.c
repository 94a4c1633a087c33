/* outbox.c - bytes on their way to a socket: one loop for all protocols. */
#include "server/http/outbox.h"

#include <errno.h>
#include <string.h>

size_t outbox_due(const Outbox *outbox) { return outbox->bytes.len - outbox->sent; }

bool outbox_send(Outbox *outbox, TlsSession *tls, int fd)
{
    outbox->blocked = false;
    while (outbox_due(outbox) > 0) {
        ssize_t n = tls_send(tls, fd, outbox->bytes.ptr + outbox->sent, outbox_due(outbox));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            outbox->blocked = true;
            return true;
        }
        if (n < 0)
            return false;
        outbox->sent += (size_t)n;
    }
    strbuf_reset(&outbox->bytes);
    outbox->sent = 0;
    return true;
}

void outbox_forget_sent(Outbox *outbox)
{
    StrBuf *bytes = &outbox->bytes;
    if (outbox->sent == 0)
        return;
    memmove(bytes->ptr, bytes->ptr + outbox->sent, bytes->len - outbox->sent);
    bytes->len -= outbox->sent;
    outbox->sent = 0;
}

void outbox_clear(Outbox *outbox)
{
    strbuf_clear(&outbox->bytes);
    *outbox = (Outbox){0};
}
