"""Encrypted files: what was changed, moved or cut off is noticed."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from haystack_app.backups import encryption
from haystack_app.backups.encryption import Decrypting, Encrypting, key_from_file
from haystack_app.backups.errors import BackupError

KEY = bytes(range(32))
HEADER, TAG, CHUNK = 10 + 32 + 32, 16, 64


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "CHUNK", CHUNK)


def sealed(data: bytes, name: str = "a", key: bytes = KEY, step: int = 7) -> bytes:
    output = io.BytesIO()
    writer = Encrypting(output, key, name)
    for at in range(0, len(data), step):
        writer.write(data[at : at + step])
    writer.close()
    return output.getvalue()


def opened(data: bytes, name: str = "a", key: bytes | None = KEY) -> bytes:
    return Decrypting(io.BytesIO(data), key, name).read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1_000])
def test_it_is_read_back(size: int) -> None:
    data = os.urandom(size)
    assert opened(sealed(data)) == opened(sealed(data, step=999)) == data
    reader, parts = Decrypting(io.BytesIO(sealed(data)), KEY, "a"), []
    while part := reader.read(13):
        parts.append(part)
    assert b"".join(parts) == data


def test_equal_data_is_sealed_differently() -> None:
    assert sealed(b"same")[HEADER:] != sealed(b"same")[HEADER:]


def test_every_cut_is_noticed() -> None:
    whole = sealed(os.urandom(3 * CHUNK))
    for end in range(len(whole)):
        with pytest.raises(BackupError):
            opened(whole[:end])


def test_every_changed_byte_is_noticed() -> None:
    whole = sealed(os.urandom(2 * CHUNK + 5))
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        with pytest.raises(BackupError):
            opened(bytes(changed))


def test_chunks_cannot_be_moved_or_added() -> None:
    whole, size = sealed(os.urandom(3 * CHUNK)), CHUNK + TAG
    head, chunks = whole[:HEADER], whole[HEADER:]
    one, two, three = (chunks[at : at + size] for at in range(0, 3 * size, size))
    assert len(one + two + three) == len(chunks)
    for wrong in (two + one + three, one + three, one + two + three + three, three):
        with pytest.raises(BackupError, match="changed or cut off"):
            opened(head + wrong)


def test_a_file_is_not_another_one() -> None:
    with pytest.raises(BackupError, match="changed or cut off"):
        opened(sealed(b"x", name="monday/a"), name="tuesday/a")


def test_keys() -> None:
    with pytest.raises(BackupError, match="another key"):
        opened(sealed(b"x"), key=bytes(32))
    with pytest.raises(BackupError, match="is encrypted: give the key"):
        opened(sealed(b"x"), key=None)
    with pytest.raises(BackupError, match="not an encrypted file"):
        opened(b"PGDMP" * 100)


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for text in ("", "c2hvcnQ=", "not base64 at all", "ä"):
        path.write_text(text)
        with pytest.raises(BackupError, match=r"32 bytes|cannot be read") as raised:
            key_from_file(path)
        assert not text or text not in str(raised.value)
    with pytest.raises(BackupError, match="cannot be read"):
        key_from_file(tmp_path / "missing")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ImproperlyConfigured, match=r"haystack-server\[backup\]"):
        sealed(b"x")
