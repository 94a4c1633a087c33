"""A client of HTTP/2 for tests that look at frames: no library, no checks, and what it sends may be wrong on purpose."""
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that is never indexed; names and values below 127 bytes, or as long as `length` can say."""
    return b"\x00" + length(name) + name + length(value) + value


def length(text):
    n = len(text)
    if n < 127:
        return bytes([n])
    out, n = b"\x7f", n - 127
    while n >= 128:
        out, n = out + bytes([n % 128 + 128]), n // 128
    return out + bytes([n])


def request_headers(method, path, extra=()):
    fields = [(b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"), *extra]
    return b"".join(literal(name, value) for name, value in fields)


class Client:
    def __init__(self, port, window=None, sock=None):
        """sock: a connection that is there already, and may be one of TLS."""
        self.sock = sock or socket.create_connection(("127.0.0.1", port), 20)
        settings = b"" if window is None else struct.pack(">HI", 4, window)
        self.sock.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        self.file = self.sock.makefile("rb")
        self.next = 1
        self.kept = {}  # stream: DATA that came while another was waited for

    def close(self):
        self.file.close()
        self.sock.close()

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def ask(self, method, path, body=None, extra=(), end=True):
        """Sends a request; -> its stream."""
        stream, self.next = self.next, self.next + 2
        last = END_STREAM if body is None and end else 0
        self.send(frame(HEADERS, END_HEADERS | last, stream, request_headers(method.encode(), path.encode(), extra)))
        if body is not None:
            self.send(frame(DATA, END_STREAM if end else 0, stream, body))
        return stream

    def frame(self):
        """-> (kind, flags, stream, payload); None: the server has closed. Answers SETTINGS and PING."""
        head = self.file.read(9)
        if len(head) < 9:
            return None
        size, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
        payload = self.file.read(size)
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        return kind, flags, stream, payload

    def frames(self, stream):
        """Frames of a stream until it ends; what others are sent is kept."""
        while True:
            got = self.frame()
            assert got is not None and got[0] != GOAWAY, got
            if got[2] != stream:
                if got[0] == DATA and got[3]:
                    self.kept.setdefault(got[2], []).append(got[3])
                continue
            yield got
            if got[0] == RST_STREAM or (got[0] in (DATA, HEADERS) and got[1] & END_STREAM):
                return

    def data(self, stream):
        """The DATA frames of a stream that hold something, to its end."""
        return [payload for kind, _, _, payload in self.frames(stream) if kind == DATA and payload]

    def next_data(self, stream):
        if self.kept.get(stream):
            return self.kept[stream].pop(0)
        while True:
            got = self.frame()
            assert got is not None, "the server has closed"
            kind, flags, of, payload = got
            assert kind not in (RST_STREAM, GOAWAY), (kind, payload)
            if of == stream and kind == DATA and payload:
                return payload
            assert not (of == stream and flags & END_STREAM and kind in (DATA, HEADERS)), "the stream has ended"
