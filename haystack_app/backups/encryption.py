"""Encryption of files in chunks, each of them authenticated.

A file is a header (magic, salt, proof of the key) and chunks of 1 MiB, sealed by
AES-256-GCM with a key of the file's own (HKDF of the key, the salt and the name). The
nonce is the number of the chunk and whether it is the last one, so that chunks that
were changed, moved, repeated, left out or cut off are not opened. Source: the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from pathlib import Path
from typing import IO, Any, Protocol

from ..extras import imported_for
from .errors import BackupError

__all__ = ["Decrypting", "Encrypting", "Writer", "key_from_file", "key_from_text"]

CHUNK = 1024 * 1024
_MAGIC = b"HSBACKUP1\n"
_SALT, _PROOF, _TAG, _KEY = 32, 32, 16, 32


class Writer(Protocol):
    def write(self, data: bytes, /) -> Any: ...


def key_from_text(text: str) -> bytes:
    """The 32 bytes of a key in base64. Raises BackupError, without the text."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY:
        raise BackupError(
            "the key of back-ups is not 32 bytes in base64: make one by"
            " openssl rand -base64 32"
        )
    return key


def key_from_file(path: Path) -> bytes:
    """Raises BackupError."""
    try:
        return key_from_text(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"the key file {path} cannot be read: {error}") from None


def _derived(key: bytes, salt: bytes, purpose: str) -> bytes:
    with imported_for("encryption of back-ups", "backup"):
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    return HKDF(SHA256(), _KEY, salt, purpose.encode()).derive(key)


def _cipher(key: bytes, salt: bytes, name: str) -> Any:
    derived = _derived(key, salt, f"haystack back-up, file {name}")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(derived)


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes([last])


class Encrypting:
    """Encrypts what is written to it; ``close`` seals the last chunk."""

    def __init__(self, output: Writer, key: bytes, name: str) -> None:
        salt = os.urandom(_SALT)
        self._cipher = _cipher(key, salt, name)
        self._output, self._rest, self._index = output, bytearray(), 0
        output.write(_MAGIC + salt + _derived(key, salt, "haystack back-up, proof"))

    def write(self, data: bytes) -> int:
        self._rest += data
        while len(self._rest) > CHUNK:  # a chunk stays: the last one is marked
            self._seal(bytes(self._rest[:CHUNK]), last=False)
            del self._rest[:CHUNK]
        return len(data)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        nonce = _nonce(self._index, last=last)
        self._output.write(self._cipher.encrypt(nonce, chunk, None))
        self._index += 1

    def close(self) -> None:
        self._seal(bytes(self._rest), last=True)


class Decrypting:
    """Reads an encrypted file. Raises BackupError for what is not as it was written."""

    def __init__(self, file: IO[bytes], key: bytes | None, name: str) -> None:
        self._file, self._name = file, name
        header = _exactly(file, len(_MAGIC) + _SALT + _PROOF)
        salt, proof = header[len(_MAGIC) : -_PROOF], header[-_PROOF:]
        if not header.startswith(_MAGIC) or len(salt) != _SALT:
            raise BackupError(f"{name} is not an encrypted file of a back-up")
        if key is None:
            raise BackupError(
                f"{name} is encrypted: give the key by HAYSTACK_BACKUP_KEY or"
                " --key-file"
            )
        if not hmac.compare_digest(
            _derived(key, salt, "haystack back-up, proof"), proof
        ):
            raise BackupError(f"{name} was encrypted with another key")
        self._cipher = _cipher(key, salt, name)
        self._index, self._opened = 0, b""
        self._next = _exactly(file, CHUNK + _TAG)
        if not self._next:  # also an empty file has a chunk
            raise BackupError(f"{name} was cut off")

    def read(self, size: int = -1) -> bytes:
        while self._next and (size < 0 or len(self._opened) < size):
            self._opened += self._open()
        if size < 0:
            size = len(self._opened)
        data, self._opened = self._opened[:size], self._opened[size:]
        return data

    def _open(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        sealed, self._next = self._next, _exactly(self._file, CHUNK + _TAG)
        try:
            nonce = _nonce(self._index, last=not self._next)
            opened: bytes = self._cipher.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError):
            raise BackupError(
                f"{self._name} was changed or cut off, at about byte"
                f" {self._index * (CHUNK + _TAG):,}"
            ) from None
        self._index += 1
        return opened


def _exactly(file: IO[bytes], size: int) -> bytes:
    """That many bytes, or those that are left."""
    parts = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
