"""The codec, rule by rule: RFC 6455 for a server without extensions.

Product sockets do not answer data, so this talks to the example `echo` of `podbell-delivery`, which has the codec alone.
The numbers are those of the case classes of the Autobahn|Testsuite.
"""

import os
import pathlib
import struct
import subprocess
import unittest

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from raw import Raw, frame

ECHO = os.environ.get(
    "PODBELL_ECHO", str(pathlib.Path(__file__).parents[2] / "target" / "release" / "examples" / "echo")
)
LIMIT = 100_000
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
"""Whole frames; without the high bit they are the first parts of a message."""
NEXT, LAST = 0x00, 0x80


class Echo:
    def __init__(self, limit):
        self.process = subprocess.Popen([ECHO, str(limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def stop(self):
        # It ends when its standard input does.
        self.process.communicate(timeout=30)


def setUpModule():
    global echo
    echo = Echo(LIMIT)


def tearDownModule():
    echo.stop()


def code(number, reason=b""):
    return struct.pack("!H", number) + reason


class Case(unittest.TestCase):
    def hears(self, sent, heard, step=None):
        """Sends bytes, in pieces of `step`, and hears these frames in this order, and then the answer to a ping."""
        with Raw(echo.url) as client:
            sent += frame(PING, b"the end")
            for at in range(0, len(sent), step or len(sent)):
                client.socket.sendall(sent[at : at + (step or len(sent))])
            for expected in [*heard, (PONG, b"the end")]:
                self.assertEqual(client.frame(), expected)

    def fails(self, number, sent, heard=()):
        """Sends bytes that break a rule: what came before is answered, then comes the close and nothing more."""
        with Raw(echo.url) as client:
            client.socket.sendall(sent)
            for expected in heard:
                self.assertEqual(client.frame(), expected)
            self.assertEqual(client.close_code(), number, sent[:32])
            self.assertTrue(client.ended())


class C01Framing(Case):
    sizes = (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, LIMIT)

    def test_1_messages_of_every_size_in_every_chop(self):
        for opcode in (TEXT, BINARY):
            for size in self.sizes:
                for step in (None, 997):
                    with self.subTest(opcode=opcode, size=size, step=step):
                        self.hears(frame(opcode, b"*" * size), [(opcode, b"*" * size)], step)

    def test_1_messages_of_every_size_one_octet_at_a_time(self):
        for size in self.sizes[:-2]:
            with self.subTest(size=size):
                self.hears(frame(TEXT, b"*" * size), [(TEXT, b"*" * size)], 1)

    def test_1_an_independent_client_agrees_about_every_size(self):
        with connect(echo.url, proxy=None, compression=None) as client:
            for size in self.sizes:
                for message in ("*" * size, bytes(size)):
                    client.send(message)
                    self.assertEqual(client.recv(30), message)

    def test_1_a_length_takes_its_shortest_form(self):
        for length in (b"\xfe\x00\x00", b"\xfe\x00\x7d", b"\xff" + bytes(8), b"\xff" + struct.pack("!Q", 65535)):
            self.fails(1002, bytes([BINARY]) + length + b"mask")

    def test_1_every_mask_is_taken_and_none_is_refused(self):
        for mask in (bytes(4), b"\xff" * 4, b"\x00\x00\x00\x80"):
            self.hears(frame(TEXT, b"masked", mask=mask), [(TEXT, b"masked")])
        for opcode in (TEXT, BINARY, PING, PONG, 0x01):
            self.fails(1002, frame(opcode, b"bare", mask=b""))
        self.fails(1002, frame(CLOSE, code(1000), mask=b""))
        self.fails(1002, frame(0x01, b"a") + frame(LAST, b"b", mask=b""))


class C02PingsPongs(Case):
    def test_2_pings_of_every_size_are_answered(self):
        for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd", b"\xfe" * 125):
            for step in (None, 1):
                self.hears(frame(PING, payload), [(PONG, payload)], step)

    def test_2_5_a_ping_or_pong_over_125_octets_is_refused(self):
        for opcode in (PING, PONG):
            for size in (126, 65536):
                self.fails(1002, frame(opcode, b"\xfe" * size))

    def test_2_7_an_unsolicited_pong_is_ignored(self):
        self.hears(frame(PONG) + frame(PONG, b"unsolicited"), [])

    def test_2_10_many_pings_are_answered_in_order(self):
        payloads = [str(at).encode() for at in range(10)]
        for step in (None, 1):
            sent = b"".join(frame(PING, payload) for payload in payloads)
            self.hears(sent, [(PONG, payload) for payload in payloads], step)


class C03ReservedBits(Case):
    def test_3_each_reserved_bit_is_refused_on_every_frame(self):
        before = frame(TEXT, b"before")
        for bits in range(1, 8):
            for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
                payload = code(1000) if opcode == CLOSE else b"x"
                self.fails(1002, before + frame(opcode | bits << 4, payload), [(TEXT, b"before")])
            self.fails(1002, frame(0x01, b"a") + frame(LAST | bits << 4, b"b"))


class C04ReservedOpcodes(Case):
    def test_4_each_reserved_opcode_is_refused(self):
        before = frame(TEXT, b"before")
        for opcode in (*range(3, 8), *range(11, 16)):
            for payload in (b"", b"payload"):
                for last in (0x80, 0):
                    self.fails(1002, before + frame(last | opcode, payload), [(TEXT, b"before")])


class C05Fragmentation(Case):
    def test_5_1_control_frames_are_whole(self):
        for opcode in (0x08, 0x09, 0x0A):
            self.fails(1002, frame(opcode, code(1000)) + frame(LAST, b"rest"))

    def test_5_3_messages_in_parts_are_put_together(self):
        for kind in (0x01, 0x02):
            for parts in ([b"a", b"b"], [b"", b"b"], [b"a", b""], [b"", b"", b""], [b"a"] * 100):
                sent = frame(kind, parts[0]) + b"".join(frame(NEXT, part) for part in parts[1:-1])
                whole = (0x80 | kind, b"".join(parts))
                for step in (None, 1):
                    self.hears(sent + frame(LAST, parts[-1]), [whole], step)

    def test_5_6_pings_are_answered_between_the_parts(self):
        sent, heard = frame(0x01, b"0"), []
        for at in range(1, 5):
            sent += frame(PING, b"p%d" % at) + frame(PONG) + frame(NEXT, b"%d" % at)
            heard.append((PONG, b"p%d" % at))
        for step in (None, 1):
            self.hears(sent + frame(LAST, b"5"), [*heard, (TEXT, b"012345")], step)

    def test_5_9_a_continuation_continues_something(self):
        for first in (NEXT, LAST):
            self.fails(1002, frame(first, b"of nothing") + frame(TEXT, b"after"))
            self.fails(1002, frame(TEXT, b"whole") + frame(first, b"of nothing"), [(TEXT, b"whole")])
            done = frame(0x01, b"a") + frame(LAST, b"b")
            self.fails(1002, done + frame(first, b"of nothing"), [(TEXT, b"ab")])

    def test_5_15_messages_do_not_interleave(self):
        for second in (TEXT, BINARY, 0x01, 0x02):
            self.fails(1002, frame(0x01, b"a") + frame(second, b"b"))

    def test_5_an_independent_client_agrees(self):
        with connect(echo.url, proxy=None, compression=None) as client:
            for parts in (["κ", "όσ", "με"], [b"", b"\x00" * 1000, b"\xff"]):
                client.send(parts)
                self.assertEqual(client.recv(30), parts[0][:0].join(parts))
            self.assertTrue(client.ping(b"alive").wait(30))


class C06Utf8(Case):
    valid = (
        "κόσμε",
        "Hello-µ@ßöäüàá-UTF-8!!",
        "\u0000\u007f",
        "\u0080\u07ff",
        "\u0800\ud7ff\ue000\ufffd",
        "\ufdd0\ufffe\uffff",
        "\U00010000\U0001fffe\U0010ffff",
    )
    invalid = (
        b"\x80",
        b"\xbf",
        b"\xc0\x80",  # longer than needed
        b"\xc1\xbf",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x8f\xbf\xbf",
        b"\xed\xa0\x80",  # surrogates
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf4\x90\x80\x80",  # past the last code point
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",  # five and six octets
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xc3(",
        b"\xe2\x82(",
        b"\xf0\x9f\x98(",
    )
    unfinished = (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", "κόσμε".encode()[:-1])

    def test_6_2_valid_text_is_taken_split_anywhere(self):
        for text in self.valid:
            text = text.encode()
            self.hears(frame(TEXT, text), [(TEXT, text)], 1)
            for at in range(1, len(text)):
                self.hears(frame(0x01, text[:at]) + frame(LAST, text[at:]), [(TEXT, text)])
            parts = [frame(NEXT, bytes([octet])) for octet in text]
            self.hears(frame(0x01) + b"".join(parts) + frame(LAST), [(TEXT, text)])

    def test_6_3_invalid_text_is_refused_split_anywhere(self):
        for octets in self.invalid:
            self.fails(1007, frame(TEXT, b"before" + octets + b"after"))
            for at in range(1, len(octets)):
                self.fails(1007, frame(0x01, octets[:at]) + frame(LAST, octets[at:]))

    def test_6_3_a_code_point_that_never_ends_is_refused(self):
        for octets in self.unfinished:
            self.fails(1007, frame(TEXT, octets))
            self.fails(1007, frame(0x01, octets) + frame(LAST))
            self.fails(1007, frame(0x01, octets) + frame(PING) + frame(LAST, b"x"), [(PONG, b"")])

    def test_6_4_invalid_text_is_refused_before_the_rest_comes(self):
        for octets in self.invalid:
            whole = frame(TEXT, octets + b"rest" * 100)
            self.fails(1007, whole[: len(whole) - 400])
            self.fails(1007, frame(0x01, octets))

    def test_6_binary_need_not_be_text(self):
        for octets in (*self.invalid, *self.unfinished):
            self.hears(frame(BINARY, octets), [(BINARY, octets)])


class C07Close(Case):
    def test_7_1_nothing_after_a_close_is_answered(self):
        for after in (frame(TEXT, b"after"), frame(PING, b"after"), frame(CLOSE, code(1001)), frame(NEXT, b"a"), b"?!"):
            self.fails(1000, frame(CLOSE, code(1000)) + after)
        self.fails(1000, frame(0x01, b"unfinished") + frame(CLOSE, code(1000)) + frame(LAST, b"rest"))
        self.fails(1001, frame(TEXT, b"before") + frame(CLOSE, code(1001)), [(TEXT, b"before")])

    def test_7_3_payloads_are_checked(self):
        self.fails(1000, frame(CLOSE))
        self.fails(1002, frame(CLOSE, b"\x03"))
        self.fails(1000, frame(CLOSE, code(1000, b"Hello World!")))
        self.fails(1000, frame(CLOSE, code(1000, b"*" * 123)))
        self.fails(1002, frame(CLOSE, code(1000, b"*" * 124)))

    def test_7_5_the_reason_is_text(self):
        self.fails(1000, frame(CLOSE, code(1000, "κόσμε".encode())))
        for octets in (*C06Utf8.invalid, *C06Utf8.unfinished):
            self.fails(1007, frame(CLOSE, code(1000, octets)))

    def test_7_7_codes_that_may_be_sent_are_repeated(self):
        for number in (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999):
            self.fails(number, frame(CLOSE, code(number)))

    def test_7_9_codes_that_may_not_be_sent_are_refused(self):
        for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
            self.fails(1002, frame(CLOSE, code(number)))
            self.fails(1002, frame(CLOSE, code(number, b"reason")))

    def test_7_an_independent_client_closes_cleanly(self):
        with connect(echo.url, proxy=None, compression=None) as client:
            client.close(4000, "that is all")
        self.assertEqual((client.close_code, client.protocol.close_rcvd.code), (4000, 4000))


class C09Limits(Case):
    def test_9_a_message_at_the_limit_is_taken_in_parts_too(self):
        half = b"*" * (LIMIT // 2)
        self.hears(frame(0x02, half) + frame(LAST, half), [(BINARY, half * 2)])
        self.hears(frame(BINARY, half * 2) * 3, [(BINARY, half * 2)] * 3)

    def test_9_a_message_over_the_limit_is_refused_before_its_payload(self):
        for length in (LIMIT + 1, 2**31, 2**63 - 1):
            self.fails(1009, frame(BINARY, length=length))
        half = b"*" * (LIMIT // 2)
        self.fails(1009, frame(0x02, half) + frame(NEXT, half) + frame(LAST, length=1))
        self.fails(1002, frame(BINARY, length=2**63))

    def test_9_an_independent_client_is_told_so(self):
        with connect(echo.url, proxy=None, compression=None) as client:
            with self.assertRaises(ConnectionClosed) as closed:
                client.send(bytes(LIMIT + 1))
                client.recv(30)
            self.assertEqual(closed.exception.rcvd.code, 1009)


if __name__ == "__main__":
    unittest.main()
