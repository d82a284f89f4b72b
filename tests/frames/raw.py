"""A WebSocket by hand, so that it can break the rules."""

import base64
import os
import socket
import struct
from urllib.parse import urlsplit

MASK = b"\x01\x02\x03\x04"


def frame(first, payload=b"", mask=MASK, length=None):
    """The bytes of a frame; an empty mask leaves it unmasked, `length` is what it claims."""
    length = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    head = bytes([first])
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", length)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


class Raw:
    def __init__(self, url, headers=()):
        parts = urlsplit(url)
        self.socket = socket.create_connection(("127.0.0.1", parts.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [
            f"GET {parts.path or '/'} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
            *headers,
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.rest = b""
        self.head = self.until(b"\r\n\r\n").decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def until(self, end):
        while end not in self.rest:
            self.more()
        head, self.rest = self.rest.split(end, 1)
        return head

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise EOFError(self.rest)
        self.rest += part

    def read(self, count):
        while len(self.rest) < count:
            self.more()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def frame(self):
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read(8))
        assert not second & 0x80, "a server does not mask"
        return first, self.read(length)

    def send(self, first, payload=b"", **rest):
        self.socket.sendall(frame(first, payload, **rest))

    def close_code(self):
        while True:
            first, payload = self.frame()
            if first == 0x88:
                return struct.unpack("!H", payload[:2])[0]

    def ended(self):
        """Whether nothing more came before the end of the connection."""
        try:
            return self.rest + self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
