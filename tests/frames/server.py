"""The release binary on free ports, with an empty data folder."""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

BINARY = os.environ.get(
    "PODBELL_BINARY", str(pathlib.Path(__file__).parents[2] / "target" / "release" / "podbell")
)


def free_ports():
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with socket.socket() as second:
                try:
                    second.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
                return port


class Server:
    def __init__(self, *arguments):
        self.data = tempfile.TemporaryDirectory()
        self.port = free_ports()
        self.base = f"http://localhost:{self.port}/"
        self.process = subprocess.Popen(
            [BINARY, "serve", "--base-url", self.base, "--data", self.data.name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.base + ".well-known/solid").close()
                return
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.data.cleanup()

    def receive_from(self):
        body = {
            "@context": ["https://www.w3.org/ns/solid/notification/v1"],
            "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023",
            "topic": self.base + "alice/profile/card",
        }
        request = urllib.request.Request(
            self.base + ".notifications/WebSocketChannel2023/",
            json.dumps(body).encode(),
            {"Content-Type": "application/ld+json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["receiveFrom"]
