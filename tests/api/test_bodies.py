"""Request bodies that the client has compressed."""

from __future__ import annotations

import gzip
import os
import zlib
from typing import Any

import pytest

from haystack_app.api import bodies
from haystack_app.api.bodies import decompress
from haystack_app.api.exceptions import BodyTooLarge, InvalidBody
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, ids_of
from tests.patience import cpu_limit

REQUEST = b'ver:"3.0"\nfilter\n"site"\n'
PACKED = gzip.compress(REQUEST, mtime=0)
MEGABYTE = 1_000_000


def post(api: Api, body: bytes, coding: str | None, op: str = "read") -> Any:
    headers = {} if coding is None else {"Content-Encoding": coding}
    return api.client.generic(
        "POST", f"/api/{op}", body, headers=headers, CONTENT_TYPE="text/zinc"
    )


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (REQUEST, None),
        (REQUEST, ""),
        (REQUEST, "identity"),
        (REQUEST, "Identity, identity"),
        (PACKED, "gzip"),
        (PACKED, "GZip"),
        (PACKED, "x-gzip"),
        (PACKED, " gzip , identity"),
        (
            gzip.compress(REQUEST[:9], mtime=0) + gzip.compress(REQUEST[9:], mtime=0),
            "gzip",
        ),
        (gzip.compress(REQUEST, mtime=0) + gzip.compress(b"", mtime=0), "gzip"),
        (gzip.compress(REQUEST, 0, mtime=0), "gzip"),
    ],
)
def test_supported_encodings(api: Api, body: bytes, coding: str | None) -> None:
    assert sorted(ids_of(post(api, body, coding)), key=str) == ["s1", "s2"]


@pytest.mark.parametrize(
    "coding", ["deflate", "br", "zstd", "gzip, gzip", "gzip, br", "nonsense", "*"]
)
def test_unsupported_encodings(api: Api, coding: str) -> None:
    response = post(api, PACKED, coding)
    assert response.status_code == 415
    assert response["Accept-Encoding"] == "gzip, identity"
    assert "Content-Encoding" in response.json()["dis"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (REQUEST, "invalid gzip"),
        (b"", "incomplete gzip"),
        (PACKED[:1], "incomplete gzip"),
        (PACKED[:-1], "incomplete gzip"),
        (PACKED[:-8], "incomplete gzip"),
        (PACKED + PACKED[:12], "incomplete gzip"),
        (PACKED + b"garbage", "invalid gzip"),
        (PACKED + b"\0", "invalid gzip|incomplete gzip"),
        (PACKED[:-5] + b"xxxxx", "invalid gzip"),
        (PACKED[:20] + b"xxxxx" + PACKED[25:], "invalid gzip"),
        (zlib.compress(REQUEST), "invalid gzip"),
        (gzip.compress(b"no grid", mtime=0), "ver"),
    ],
)
def test_invalid_bodies(api: Api, body: bytes, why: str) -> None:
    response = post(api, body, "gzip")
    assert response.status_code == 400
    assert any(word in response.json()["dis"] for word in why.split("|"))


def test_small_body_that_decompresses_to_200_megabytes(staff: Api) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(10 * MEGABYTE)
    bomb = b"".join(packer.compress(zeros) for _ in range(20)) + packer.flush()
    assert len(bomb) < MEGABYTE
    with cpu_limit(2):
        response = post(staff, bomb, "gzip", "load")
    assert response.status_code == 413
    assert "33554432 bytes (cap BODY)" in response.json()["dis"]


def test_the_cap_counts_decompressed_bytes() -> None:
    data = os.urandom(50_000)
    packed = gzip.compress(data)
    assert decompress(packed, 50_000) == data
    halves = gzip.compress(data[:25_000]) + gzip.compress(data[25_000:])
    assert decompress(halves, 50_000) == data
    for body in (packed, halves):
        with pytest.raises(BodyTooLarge):
            decompress(body, 49_999)


def test_a_body_of_a_million_members() -> None:
    with cpu_limit(2), pytest.raises(InvalidBody, match="members"):
        decompress(gzip.compress(b"", mtime=0) * (32 * MEGABYTE // 20), 32 * MEGABYTE)
    allowed = gzip.compress(b"x", mtime=0) * (bodies._MAX_MEMBERS - 1)
    assert decompress(allowed, MEGABYTE) == b"x" * (bodies._MAX_MEMBERS - 1)


def test_compressed_load(staff: Api) -> None:
    rows = b"".join(b'@g%d,"packed"\n' % number for number in range(5_000))
    body = gzip.compress(b'ver:"3.0"\nid,dis\n' + rows)
    assert post(staff, body, "gzip", "load").status_code == 200
    assert len(storages["default"].read('dis=="packed"')) == 5_000


def test_body_of_get_is_not_decompressed(api: Api) -> None:
    response = api.client.generic(
        "GET",
        "/api/read?filter=site",
        b"no gzip",
        content_type="text/plain",
        headers={"Content-Encoding": "br"},
    )
    assert len(ids_of(response)) == 2


def test_the_cap_of_the_settings(staff: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"BODY": 1_000}}
    fits = REQUEST + b"\n" * (1_000 - len(REQUEST))
    assert post(staff, fits, None).status_code == 200
    assert post(staff, gzip.compress(fits), "gzip").status_code == 200
    for body, coding in ((fits + b"\n", None), (gzip.compress(fits + b"\n"), "gzip")):
        response = post(staff, body, coding)
        assert response.status_code == 413
        assert "1000 bytes (cap BODY)" in response.json()["dis"]
