/*
 * websocket.h - what the room knows of WebSockets: the handshake, the client's frames, and where an exchange
 * goes on once it has become one.
 */
#ifndef SLUICE_SERVER_HTTP_WEBSOCKET_H
#define SLUICE_SERVER_HTTP_WEBSOCKET_H

#include "server/http/server.h"

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
Str websocket_accept(Str key, Arena *arena);

/* The client's frames as they come. Zeroed at first. */
typedef struct {
    unsigned char head[14];
    size_t        head_len;
    int           opcode;
    uint64_t      left; /* of the payload */
    unsigned char mask[4];
    size_t        masked;
    char          payload[128]; /* of a control frame */
    size_t        payload_len;
} WebSocketInput;

typedef enum { WEBSOCKET_NOTHING, WEBSOCKET_PING, WEBSOCKET_CLOSE, WEBSOCKET_BROKEN } WebSocketEvent;

/* Reads up to the first event; -> how many bytes that were. */
size_t websocket_read(WebSocketInput *input, Str bytes, WebSocketEvent *event);

/* Takes over the exchange with the transport's reference, and its connection. Thread: any. */
void websocket_take(HttpExchange *x, const HttpConnection *connection);

#endif
