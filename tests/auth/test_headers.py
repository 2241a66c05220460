"""Header fields: any spelling is accepted, one is written."""

from __future__ import annotations

import pytest

from haystack_app.auth.headers import (
    Authorization,
    MalformedHeader,
    authentication_info,
    challenge,
)


@pytest.mark.parametrize(
    "header",
    [
        "SCRAM data=YWI=, handshakeToken=aa11",
        "scram handshaketoken=aa11,data=YWI=",
        'Scram  Data = "YWI=" ,HANDSHAKETOKEN=aa11',
        "  sCRAM\tdata=YWI=,, handshakeToken=aa11, ",
    ],
)
def test_any_spelling(header: str) -> None:
    read = Authorization.parse(header)
    assert read.scheme == "scram"
    assert read.parameters() == {"data": "YWI=", "handshaketoken": "aa11"}


@pytest.mark.parametrize(
    "rest",
    ["data", "data=a b", 'data="a', "=a", "data=a, Data=b", "dä=a", "x" * 20_000],
)
def test_malformed(rest: str) -> None:
    with pytest.raises(MalformedHeader):
        Authorization.parse(f"SCRAM {rest}").parameters()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("BEARER authToken=abc", "abc"),
        ('bearer AUTHTOKEN="abc"', "abc"),
        ("Bearer abc", "abc"),
        ("bearer authToken=abc, data=x", "abc"),
        ("Bearer", ""),
        ("Bearer a=b", ""),
        ("Bearer authToken=a, authToken=b", ""),
    ],
)
def test_bearer(header: str, token: str) -> None:
    assert Authorization.parse(header).bearer() == token


def test_what_is_written() -> None:
    assert challenge() == "scram hash=SHA-256"
    assert challenge(token="t") == "scram handshakeToken=t, hash=SHA-256"
    assert (
        challenge(data="d", token="t") == "scram data=d, handshakeToken=t, hash=SHA-256"
    )
    assert (
        authentication_info(token="t", data="d") == "authToken=t, data=d, hash=SHA-256"
    )


def test_nothing() -> None:
    assert Authorization.parse("").scheme == ""
    assert "secret" not in repr(Authorization.parse("Bearer secret"))
