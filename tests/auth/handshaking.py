"""The client side of a handshake, step by step, like Haystack clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any

from django.test import Client

PASSWORD = "correct horse"


def b64(data: bytes | str) -> str:
    """base64url without padding."""
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Handshake:
    """Each step is a method; ``last`` is the response to the last step."""

    binding = "n,,"

    def __init__(
        self, client: Client, name: str, password: str = PASSWORD, path: str = ""
    ) -> None:
        self.client = client
        self.name = name
        self.password = password
        self.path = path or "/api/about"
        self.nonce = secrets.token_hex(12)
        self.last: Any = None
        self.token = ""

    def send(self, header: str, method: str = "GET") -> Any:
        headers = {"Authorization": header}
        self.last = self.client.generic(method, self.path, headers=headers)
        return self.last

    def hello(self) -> Any:
        self.send(f"HELLO username={b64(self.name)}")
        self.token = value(self.last["WWW-Authenticate"], "handshakeToken")
        return self.last

    def scram(self, message: bytes | str) -> Any:
        return self.send(f"SCRAM data={b64(message)}, handshakeToken={self.token}")

    @property
    def bare(self) -> str:
        return f"n={self.name},r={self.nonce}"

    def first(self) -> Any:
        return self.scram(self.binding + self.bare)

    def final_message(self) -> str:
        """Computed from the challenge in ``last``."""
        challenge = unb64(value(self.last["WWW-Authenticate"], "data")).decode()
        nonce, salt, count = (part[2:] for part in challenge.split(","))
        without_proof = f"c=biws,r={nonce}"
        signed = f"{self.bare},{challenge},{without_proof}".encode()
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), base64.b64decode(salt), int(count)
        )
        key = hmac.digest(salted, b"Client Key", "sha256")
        stored = hashlib.sha256(key).digest()
        signature = hmac.digest(stored, signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        server = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = f"v={plain(hmac.digest(server, signed, 'sha256'))}"
        return f"{without_proof},p={plain(proof)}"

    def final(self) -> Any:
        return self.scram(self.final_message())

    def run(self) -> str:
        """Run all steps and return the bearer token."""
        self.hello()
        self.first()
        self.final()
        assert self.last.status_code == 200, self.last.content
        info = self.last["Authentication-Info"]
        assert unb64(value(info, "data")).decode() == self.expected
        return value(info, "authToken")


def value(header: str, name: str) -> str:
    found = re.search(rf"\b{name}=([^, ]+)", header)
    assert found, header
    return found[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"BEARER authToken={token}"}
