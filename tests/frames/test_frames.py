"""The WebSocket server against an independent client and raw bytes: RFC 6455, rule by rule.

Starts the release binary on free ports with an empty data folder. Topics are public, so that no log-in is needed.
"""

import json
import os
import socket
import struct
import time
import unittest
import urllib.error
import urllib.request

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from raw import Raw, frame
from server import Server


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    server.stop()


class IndependentClient(unittest.TestCase):
    def test_a_ping_is_answered_and_the_close_too(self):
        with connect(server.receive_from(), proxy=None) as client:
            self.assertTrue(client.ping(b"alive?").wait(30))
        self.assertEqual(client.close_code, 1000)

    def test_compression_is_declined(self):
        with connect(server.receive_from(), proxy=None, compression="deflate") as client:
            self.assertNotIn("Sec-WebSocket-Extensions", client.response.headers)

    def test_the_first_subprotocol_is_chosen(self):
        with connect(server.receive_from(), proxy=None, subprotocols=["one", "two"]) as client:
            self.assertEqual(client.subprotocol, "one")

    def test_what_the_client_says_is_dropped(self):
        with connect(server.receive_from(), proxy=None) as client:
            client.send("sub http://localhost/")
            client.send(b"\x00" * 1000)
            client.send(["a", "fragmented", "text"])
            self.assertTrue(client.ping().wait(30))

    def test_a_message_that_is_too_large_ends_the_connection(self):
        with connect(server.receive_from(), proxy=None) as client:
            with self.assertRaises(ConnectionClosed) as closed:
                client.send(b"\x00" * (64 * 1024 + 1))
                client.recv(30)
            self.assertEqual(closed.exception.rcvd.code, 1009)

    def test_three_connections_at_once_and_no_more(self):
        url = server.receive_from()
        with connect(url, proxy=None), connect(url, proxy=None), connect(url, proxy=None):
            with self.assertRaises(InvalidStatus) as refused:
                connect(url, proxy=None)
            self.assertEqual(refused.exception.response.status_code, 429)
        with connect(url, proxy=None) as again:
            self.assertTrue(again.ping().wait(30))

    def test_an_unknown_capability_is_not_found(self):
        url = server.receive_from().rsplit("/", 1)[0] + "/" + "A" * 32
        with self.assertRaises(InvalidStatus) as refused:
            connect(url, proxy=None)
        self.assertEqual(refused.exception.response.status_code, 404)


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


@unittest.skipUnless(os.path.isdir("/proc/self/fd"), "there is no /proc")
class LostConnections(unittest.TestCase):
    """A connection that is gone leaves nothing behind: a descriptor that stays would be a task that never ends."""

    def descriptors(self):
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    def gone(self, lose, times=10):
        before = self.descriptors()
        for _ in range(times):
            lose(Raw(server.receive_from()))
        deadline = time.monotonic() + 60
        while self.descriptors() > before:
            self.assertLess(time.monotonic(), deadline, "descriptors stay open")
            time.sleep(0.05)

    def test_after_a_close_and_a_reset(self):
        def lose(client):
            client.send(0x88, struct.pack("!H", 1000))
            reset(client)

        self.gone(lose)

    def test_after_pings_and_a_reset(self):
        def lose(client):
            client.socket.sendall(frame(0x89, b"x") * 3)
            reset(client)

        self.gone(lose)

    def test_after_pongs_that_nobody_reads(self):
        flood = frame(0x89, b"x" * 125) * 1000

        def lose(client, end):
            # More than the buffers of both sides hold, so that pongs wait for room.
            for _ in range(120):
                client.socket.sendall(flood)
            end(client)

        self.gone(lambda client: lose(client, reset), 2)
        held = []

        def half(client):
            client.socket.shutdown(socket.SHUT_WR)
            held.append(client)

        self.gone(lambda client: lose(client, half), 2)


class BrokenRules(unittest.TestCase):
    def broken(self, code, *sent):
        client = Raw(server.receive_from())
        self.assertIn(" 101 ", client.head.splitlines()[0])
        for frame in sent:
            client.send(**frame)
        self.assertEqual(client.close_code(), code)

    def test_frames_are_masked(self):
        self.broken(1002, {"first": 0x81, "payload": b"x", "mask": b""})

    def test_reserved_bits_are_zero(self):
        self.broken(1002, {"first": 0xC1, "payload": b"x"})

    def test_reserved_opcodes_are_refused(self):
        for opcode in (3, 7, 11, 15):
            self.broken(1002, {"first": 0x80 | opcode})

    def test_control_frames_are_short_and_whole(self):
        self.broken(1002, {"first": 0x89, "payload": b"x" * 126})
        self.broken(1002, {"first": 0x09, "payload": b"x"})

    def test_a_continuation_continues_something(self):
        self.broken(1002, {"first": 0x80, "payload": b"x"})

    def test_messages_do_not_interleave(self):
        self.broken(1002, {"first": 0x01, "payload": b"x"}, {"first": 0x81, "payload": b"y"})

    def test_text_is_utf8(self):
        self.broken(1007, {"first": 0x81, "payload": b"\xff"})
        self.broken(1007, {"first": 0x01, "payload": b"\xc3"}, {"first": 0x80, "payload": b"\x28"})

    def test_a_giant_length_is_refused_before_its_payload(self):
        self.broken(1009, {"first": 0x82, "length": 2**62})

    def test_the_close_frame_arrives_although_more_is_being_sent(self):
        for _ in range(20):
            client = Raw(server.receive_from())
            client.socket.sendall(frame(0xC1, b"x") + frame(0x82, bytes(60000)) * 20)
            self.assertEqual(client.close_code(), 1002)
            with self.assertRaises(EOFError):
                client.more()

    def test_close_codes_are_checked(self):
        for code in (0, 999, 1005, 1006, 1016, 2999, 5000):
            self.broken(1002, {"first": 0x88, "payload": struct.pack("!H", code)})
        self.broken(1002, {"first": 0x88, "payload": b"\x03"})
        self.broken(1007, {"first": 0x88, "payload": b"\x03\xe8\xff"})

    def test_a_close_code_is_repeated(self):
        for code in (1000, 1001, 3000, 4999):
            self.broken(code, {"first": 0x88, "payload": struct.pack("!H", code)})

    def test_a_flood_of_pings_and_empty_frames_is_survived(self):
        client = Raw(server.receive_from())
        for _ in range(5000):
            client.send(0x89, b"ping")
        client.send(0x01)
        for _ in range(5000):
            client.send(0x00)
        client.send(0x80)
        client.send(0x88, struct.pack("!H", 1000))
        self.assertEqual(client.close_code(), 1000)

    def test_bytes_split_anywhere_are_understood(self):
        client = Raw(server.receive_from())
        for byte in b"\x89\x82\x01\x02\x03\x04" + bytes([ord("h") ^ 1, ord("i") ^ 2]):
            client.socket.sendall(bytes([byte]))
        self.assertEqual(client.frame(), (0x8A, b"hi"))


class Openings(unittest.TestCase):
    def status(self, path, headers):
        request = urllib.request.Request(server.base + path, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers

    def test_a_plain_get_is_told_to_upgrade(self):
        path = server.receive_from().split("/", 3)[3]
        status, headers = self.status(path, {})
        self.assertEqual((status, headers["Upgrade"]), (426, "websocket"))
        self.assertEqual(headers["Content-Type"], "application/problem+json")

    def test_another_version_is_told_the_right_one(self):
        url = server.receive_from()
        client = Raw(url, ["Sec-WebSocket-Version: 8"])
        self.assertNotIn(" 101 ", client.head.splitlines()[0])

    def test_the_gateway_takes_only_its_subprotocol_and_each_url_once(self):
        body = json.dumps({"topic": server.base + "alice/profile/card"}).encode()
        request = urllib.request.Request(
            server.base + ".notifications/ess/", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            offer = json.load(answer)
        self.assertEqual((offer["protocol"], offer["subprotocol"]), ("ws", "solid-0.2"))
        wrong = Raw(offer["endpoint"], ["Sec-WebSocket-Protocol: solid-0.1"])
        self.assertIn(" 400 ", wrong.head.splitlines()[0])
        with connect(offer["endpoint"], proxy=None, subprotocols=["solid-0.2"]) as client:
            self.assertEqual(client.subprotocol, "solid-0.2")
        with self.assertRaises(InvalidStatus) as refused:
            connect(offer["endpoint"], proxy=None, subprotocols=["solid-0.2"])
        self.assertIn(refused.exception.response.status_code, (404, 410))


if __name__ == "__main__":
    unittest.main()
