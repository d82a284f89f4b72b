"""Pods with origins of their own: no name that a client uses leads into another pod.

Host headers by hand, since names below localhost need not resolve everywhere.
"""

import json
import socket
import unittest

from raw import Raw
from server import Server


def setUpModule():
    global server
    server = Server("--subdomains")


def tearDownModule():
    server.stop()


def ask(host, path, method="GET", headers=(), body=b"", target=None):
    """Status, head and body of the answer to a request with that Host."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as stream:
        hosts = [f"Host: {host}"] if isinstance(host, str) else [f"Host: {each}" for each in host]
        lines = [f"{method} {target or path} HTTP/1.1", *hosts, "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        stream.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while part := stream.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


class Origins(unittest.TestCase):
    card = "/profile/card"

    def name(self, name):
        return f"{name}.localhost:{server.port}"

    def says(self, host, **rest):
        """Whose card that is, by its names; none if there is none."""
        status, _, body = ask(host, self.card, headers=["Accept: application/n-triples", *rest.pop("headers", ())], **rest)
        names = [name for name in ("alice", "bob") if f"<http://{self.name(name)}/profile/card#me>".encode() in body]
        return names[0] if status == 200 else None

    def test_each_pod_answers_to_its_own_name(self):
        for name in ("alice", "bob"):
            self.assertEqual(self.says(self.name(name)), name)
            self.assertEqual(self.says(self.name(name).upper()), name)

    def test_no_other_name_and_no_path_leads_into_a_pod(self):
        port = server.port
        for host in (
            f"localhost:{port}",
            f"127.0.0.1:{port}",
            f"[::1]:{port}",
            f"x.alice.localhost:{port}",
            f"alice.localhost:{port + 1}",
            "alice.localhost",
            f"alice.localhost.evil.example:{port}",
            f"evilalice.localhost:{port}",
            f"alicelocalhost:{port}",
            f".localhost:{port}",
            f"alice..localhost:{port}",
            f"alice%2elocalhost:{port}",
            f"%61lice.localhost:{port}",
            f"ali\tce.localhost:{port}",
            f"bob@alice.localhost:{port}",
            f"alice.localhost:{port}/",
            f"alice.localhost:{port}, bob.localhost:{port}",
            "",
        ):
            self.assertIsNone(self.says(host), host)
        for path in ("/alice/profile/card", "/alice.localhost/profile/card", "//alice.localhost/profile/card"):
            self.assertNotEqual(ask(f"localhost:{port}", path)[0], 200, path)
            self.assertNotEqual(ask(self.name("bob"), path)[0], 200, path)

    def test_two_names_at_once_are_refused(self):
        self.assertEqual(ask([self.name("alice"), self.name("bob")], self.card)[0], 400)

    def test_an_absolute_target_counts_more_than_the_host(self):
        target = f"http://{self.name('bob')}{self.card}"
        self.assertIn(self.says(self.name("alice"), target=target), ("bob", None))

    def test_what_is_forwarded_by_a_stranger_is_not_believed(self):
        for header in ("X-Forwarded-Host: %s", "Forwarded: host=%s", "X-Original-Host: %s", "X-Host: %s"):
            forwarded = [header % self.name("bob")]
            self.assertEqual(self.says(self.name("alice"), headers=forwarded), "alice", header)

    def test_a_pod_does_not_lend_its_rules_to_another(self):
        for name in ("alice", "bob"):
            for path in ("/.acl", "/profile/.acl", "/profile/card.acl"):
                self.assertEqual(ask(self.name(name), path)[0], 401, path)
            status, head, _ = ask(self.name(name), "/new", "PUT", ["Content-Type: text/turtle"], b"<#a> <#b> 1 .")
            self.assertEqual(status, 401)
            self.assertIn("www-authenticate: dpop", head)

    def test_a_channel_made_at_one_origin_hears_only_what_its_topic_names(self):
        topic = f"http://{self.name('alice')}{self.card}"
        body = {
            "@context": ["https://www.w3.org/ns/solid/notification/v1"],
            "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023",
        }
        service = "/.notifications/WebSocketChannel2023/"
        made = 0
        for host in (self.name("alice"), self.name("bob"), f"localhost:{server.port}"):
            for asked, allowed in ((topic, True), (f"http://{self.name('alice')}/private/x", False)):
                sent = json.dumps({**body, "topic": asked}).encode()
                status, _, answer = ask(host, service, "POST", ["Content-Type: application/ld+json"], sent)
                if not allowed:
                    self.assertIn(status, (401, 404), host)
                    continue
                self.assertIn(status, (200, 404), host)
                if status == 200:
                    channel = json.loads(answer)
                    self.assertEqual(channel["topic"], topic)
                    with Raw(channel["receiveFrom"]) as socket:
                        self.assertIn(" 101 ", socket.head.splitlines()[0])
                    made += 1
        self.assertTrue(made)


if __name__ == "__main__":
    unittest.main()
