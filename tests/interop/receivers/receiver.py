"""A receiver of webhooks in Python: is it from the server that I subscribed at, for me, unchanged and recent?

    pip install http-message-signatures standardwebhooks cryptography

The body is the bytes as they came, before anything parses them; the URL is as the server calls it; names of headers are
in lower case. Each check alone is enough; each raises if there is anything wrong.
"""

import base64
import datetime
import json
import sys
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from standardwebhooks.webhooks import Webhook

COVERED = ("@method", "@scheme", "@authority", "@path", "content-type", "content-digest")


@dataclass
class Request:
    method: str
    url: str
    headers: dict
    body: bytes


class Keys(HTTPSignatureKeyResolver):
    """The keys of one sender, read from its document. Keep it for as long as its Cache-Control says."""

    def __init__(self, sender):
        self.sender = sender

    def resolve_public_key(self, key_id):
        # The key of another sender says nothing about this one.
        if key_id.split("#")[0] != self.sender:
            raise ValueError("signed by somebody else")
        asked = urllib.request.Request(self.sender, headers={"Accept": "application/ld+json"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            document = json.load(answer)
        if document["id"] != self.sender or key_id not in document["authentication"]:
            raise ValueError("the sender has no such key")
        jwk = next(method for method in document["verificationMethod"] if method["id"] == key_id)["publicKeyJwk"]
        x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[part] + "=="), "big") for part in "xy")
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def verify_signature(request, sender):
    """By the HTTP message signature (RFC 9421): the key is in the sender's document."""
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Keys(sender))
    covered = COVERED + (("@query",) if urlsplit(request.url).query else ())
    age = datetime.timedelta(minutes=5)
    verifier.verify(request, max_age=age, require_components=covered, body=request.body)


def verify_secret(request, secret):
    """By a secret that the subscription was made with."""
    Webhook(secret).verify(request.body, request.headers)


if __name__ == "__main__":
    # Tries requests from the standard input: {"sender", "secret", "requests": [{"method", "url", "headers", "body"}]}.
    tried = json.load(sys.stdin)
    results = []
    for given in tried["requests"]:
        request = Request(given["method"], given["url"], given["headers"], base64.b64decode(given["body"]))
        result = {}
        for name, check in {
            "signature": lambda: verify_signature(request, tried["sender"]),
            "secret": lambda: verify_secret(request, tried["secret"]),
        }.items():
            try:
                check()
                result[name] = "good"
            except Exception as error:
                result[name] = str(error) or type(error).__name__
        results.append(result)
    json.dump(results, sys.stdout)
