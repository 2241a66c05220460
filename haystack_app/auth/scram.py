"""SCRAM: cryptography and messages, as bytes.

Source: RFC 5802 sections 3, 5 and 7; RFC 7677 for SHA-256. Passwords are UTF-8
without SASLprep, as in Haystack.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from . import encoding

__all__ = [
    "ClientFinal",
    "ClientFirst",
    "Keys",
    "ScramError",
    "auth_message",
    "derive",
    "proves",
    "server_final",
    "server_first",
]

LONGEST = 4_096
"""Bytes of a client's message; the username is at most 1,000 of them."""


class ScramError(ValueError):
    """An invalid message."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a server stores of a password: sufficient to verify it, not to log in."""

    salt: bytes
    iterations: int
    stored: bytes
    server: bytes


def derive(password: bytes, salt: bytes, iterations: int, hash: str = "sha256") -> Keys:
    """RFC 5802 section 3: Hi is PBKDF2, StoredKey is H(ClientKey)."""
    salted = hashlib.pbkdf2_hmac(hash, password, salt, iterations)
    client = hmac.digest(salted, b"Client Key", hash)
    server = hmac.digest(salted, b"Server Key", hash)
    return Keys(salt, iterations, hashlib.new(hash, client).digest(), server)


# -- messages ------------------------------------------------------------------

_BINDING = re.compile(rb"(?:[ny],,)?(?=n=)")
_NONCE = re.compile(rb"[\x21-\x2b\x2d-\x7e]{1,256}")  # printable, no comma


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """``n,,n=user,r=nonce``; pyhaystack omits ``n,,``."""

    binding: bytes
    bare: bytes
    name: bytes
    nonce: bytes

    @classmethod
    def parse(cls, message: bytes) -> ClientFirst:
        """Raises ScramError.

        A name may contain unescaped commas (Haxall's client does not escape them),
        so it ends at the last ``,r=``. Channel binding and authorization as another
        user are not supported.
        """
        start = _BINDING.match(message)
        if not start or len(message) > LONGEST:
            raise ScramError("not a client-first-message")
        bare = message[start.end() :]
        name, separator, rest = bare[2:].rpartition(b",r=")
        nonce = rest.partition(b",")[0]
        if not separator or not name or not _NONCE.fullmatch(nonce):
            raise ScramError("not a client-first-message")
        return cls(start.group(), bare, name, nonce)

    def is_of(self, username: str) -> bool:
        """Whether ``n=`` names the user of the HELLO.

        It may be escaped (section 5.1), unescaped as in Haxall's client, or with
        characters truncated to bytes as in @skyfoundry/haystack-auth.
        """
        exact = username.encode()
        escaped = exact.replace(b"=", b"=3D").replace(b",", b"=2C")
        narrow = bytes(ord(char) & 0xFF for char in username)
        return self.name in (exact, escaped, narrow)


@dataclass(frozen=True, slots=True)
class ClientFinal:
    """``c=biws,r=nonce,p=proof``."""

    without_proof: bytes
    binding: bytes
    nonce: bytes
    proof: bytes

    @classmethod
    def parse(cls, message: bytes) -> ClientFinal:
        """Raises ScramError."""
        without_proof, separator, proof = message.rpartition(b",p=")
        binding, _, nonce = without_proof.partition(b",r=")
        if not separator or not binding.startswith(b"c=") or len(message) > LONGEST:
            raise ScramError("not a client-final-message")
        return cls(
            without_proof,
            _decoded(binding[2:]),
            nonce.partition(b",")[0],
            _decoded(proof),
        )


def _decoded(text: bytes) -> bytes:
    try:
        return encoding.decode(text.decode("ascii"))
    except ValueError:
        raise ScramError("not base64") from None


def server_first(nonce: str, keys: Keys) -> str:
    """``nonce`` is the client's followed by the server's; the salt is padded."""
    return f"r={nonce},s={encoding.plain_padded(keys.salt)},i={keys.iterations}"


def auth_message(first: ClientFirst, answer: str, final: ClientFinal) -> bytes:
    """The message that client and server sign, from the received bytes."""
    return b",".join((first.bare, answer.encode(), final.without_proof))


def proves(keys: Keys, message: bytes, proof: bytes, hash: str = "sha256") -> bool:
    """Whether the proof was made with the password of the keys (section 3)."""
    signature = hmac.digest(keys.stored, message, hash)
    if len(proof) != len(signature):
        proof = bytes(len(signature))
    client = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.new(hash, client).digest(), keys.stored)


def server_final(keys: Keys, message: bytes, hash: str = "sha256") -> str:
    """The server-final-message, with the server's signature."""
    return f"v={encoding.plain_padded(hmac.digest(keys.server, message, hash))}"
