/*
 * http1_head.h - inside the HTTP room: the head of a request of HTTP/1, and where its body ends (RFC 9112).
 *
 * Strict where parsers differ from each other: what two of them may read in two ways is refused, for somebody
 * may stand between us and the client and have read it the other way. Lines end in CR LF; nothing stands
 * between a field's name and its colon; a field is one line; no byte is a control character; a length is
 * digits, and there is one.
 *
 * Nothing here knows of connections: bytes in, facts out.
 */
#ifndef SLUICE_SERVER_HTTP_HTTP1_HEAD_H
#define SLUICE_SERVER_HTTP_HTTP1_HEAD_H

#include "server/http/fields.h"

enum {
    HTTP1_HEAD_MOST   = 64 * 1024, /* bytes of a head */
    HTTP1_FIELDS_MOST = 256
};

/* Why a request is refused; status 0: it is not. */
typedef struct {
    int         status;
    const char *message;
} Http1Fault;

/* Where the head in `bytes` ends, the empty line included; 0: not in there. *scanned: bytes that were looked
 * at, which a later call with more of them does not look at again. A fault as soon as it can be seen. */
size_t http1_head_end(Str bytes, size_t *scanned, Http1Fault *fault);

typedef struct {
    Str     method, target; /* of the head's bytes; the target as a path, whatever its form was */
    bool    version_1_0;
    bool    chunked;
    int64_t length;      /* of the body, where it is not chunked */
    bool    keeps_alive; /* the client wants to go on */
    bool    expects;     /* to be told that the body is wanted (100-continue) */
} Http1Head;

/* `bytes`: a whole head. Fills in fields, which the caller clears. False: *fault says why. */
bool http1_head_read(Str bytes, Http1Head *out, Fields *fields, Http1Fault *fault);

/* ---- chunks ---- */

typedef enum {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_END,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,
    CHUNK_TRAILER_END,
    CHUNK_OVER
} ChunkState;

/* Zeroed at first. */
typedef struct {
    ChunkState state;
    int        digits;
    uint64_t   left;   /* of the chunk */
    size_t     passed; /* bytes of extensions and trailers: they are dropped, and may not go on for ever */
    bool       line_empty; /* of trailers */
} Http1Chunks;

/* Takes bytes up to and with the next piece of data (*data, of `bytes`; may be empty); -> how many. The body
 * is over in CHUNK_OVER. A fault: fault->status is set. */
size_t http1_chunks_read(Http1Chunks *chunks, Str bytes, Str *data, Http1Fault *fault);

#endif
