"""SCRAM keys and messages, compared with the RFCs' vectors and another library."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scramp import ScramClient, ScramMechanism

from haystack_app.auth import scram
from haystack_app.auth.scram import ClientFinal, ClientFirst, Keys, ScramError

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SHARED", ROOT.parent / "shared"))
VECTORS = SHARED / "conformance" / "scram.json"

RFC_7677 = {
    "hash": "SHA-256",
    "password": "pencil",
    "saltB64": "W22ZaJ0SNY7soEsUEjb6gQ==",
    "iterations": 4096,
    "serverNonce": "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    "clientFirst": "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "serverFirst": "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "clientFinal": "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "serverFinal": "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
}


def vectors() -> list[Any]:
    shared = json.loads(VECTORS.read_text())["vectors"] if VECTORS.exists() else []
    return [RFC_7677, *shared]


@pytest.mark.parametrize("case", vectors())
def test_vectors(case: dict[str, Any]) -> None:
    hash = case["hash"].replace("-", "").lower()
    salt = base64.b64decode(case["saltB64"])
    keys = scram.derive(case["password"].encode(), salt, case["iterations"], hash)
    for field, key in (("storedKeyB64", keys.stored), ("serverKeyB64", keys.server)):
        if field in case:
            assert base64.b64encode(key).decode() == case[field]
    first = ClientFirst.parse(case["clientFirst"].encode())
    nonce = first.nonce.decode() + case["serverNonce"]
    answer = scram.server_first(nonce, keys)
    assert answer == case["serverFirst"]
    final = ClientFinal.parse(case["clientFinal"].encode())
    message = scram.auth_message(first, answer, final)
    assert scram.proves(keys, message, final.proof, hash)
    assert not scram.proves(keys, message + b" ", final.proof, hash)
    assert not scram.proves(keys, message, final.proof[:-1], hash)
    assert scram.server_final(keys, message, hash) == case["serverFinal"]


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@hypothesis_settings(max_examples=60, deadline=None)
@given(words, words, st.booleans(), st.binary(min_size=16, max_size=40))
def test_another_library_agrees(
    name: str, password: str, right: bool, salt: bytes
) -> None:
    """The library is the client; SASLprep does not change printable ASCII."""
    keys = scram.derive(password.encode(), salt, 4096)
    mechanism = ScramMechanism("SCRAM-SHA-256")
    assert mechanism.make_auth_info(password, 4096, salt) == (
        salt,
        keys.stored,
        keys.server,
        4096,
    )
    client = ScramClient(["SCRAM-SHA-256"], name, password if right else password + "!")
    first = ClientFirst.parse(client.get_client_first().encode())
    assert first.is_of(name)
    answer = scram.server_first(first.nonce.decode() + "5e4f", keys)
    client.set_server_first(answer)
    final = ClientFinal.parse(client.get_client_final().encode())
    message = scram.auth_message(first, answer, final)
    assert scram.proves(keys, message, final.proof) == right
    if right:
        client.set_server_final(scram.server_final(keys, message))


@pytest.mark.parametrize(
    ("message", "name", "nonce", "binding"),
    [
        (b"n,,n=user,r=abc", b"user", b"abc", b"n,,"),
        (b"y,,n=user,r=abc", b"user", b"abc", b"y,,"),
        (b"n=user,r=abc", b"user", b"abc", b""),
        (b"n,,n=user,r=abc,x=later", b"user", b"abc", b"n,,"),
        (b"n,,n=a,b=c,r=abc", b"a,b=c", b"abc", b"n,,"),
        (b"n,,n=a=2Cb=3Dc,r=abc", b"a=2Cb=3Dc", b"abc", b"n,,"),
        ("n,,n=ünï,r=a+/=".encode(), "ünï".encode(), b"a+/=", b"n,,"),
    ],
)
def test_first_messages(
    message: bytes, name: bytes, nonce: bytes, binding: bytes
) -> None:
    first = ClientFirst.parse(message)
    assert (first.name, first.nonce, first.binding) == (name, nonce, binding)
    assert binding + first.bare == message


def test_names_as_clients_escape_them() -> None:
    for written in (b"a,b=c", b"a=2Cb=3Dc"):
        assert ClientFirst.parse(b"n=" + written + b",r=x").is_of("a,b=c")
    for written in ("ünï".encode(), "ünï".encode("latin-1")):
        assert ClientFirst.parse(b"n=" + written + b",r=x").is_of("ünï")
    assert not ClientFirst.parse(b"n=bob,r=x").is_of("alice")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"n,,n=user",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=user,r=a b",
        b"n,,n=user,r=\xff",
        b"n,,m=new,n=user,r=abc",
        b"n,a=admin,n=user,r=abc",
        b"p=tls-unique,,n=user,r=abc",
        b"x,,n=user,r=abc",
        b"n,,n=user,r=" + b"a" * 257,
        b"n,,n=" + b"u" * 5000 + b",r=abc",
    ],
)
def test_invalid_first_messages(message: bytes) -> None:
    with pytest.raises(ScramError):
        ClientFirst.parse(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"c=biws",
        b"c=biws,r=abc",
        b"r=abc,c=biws,p=AAAA",
        b"c=biws,r=abc,p=!",
        b"c=biws,r=abc,p=\xff",
        b"c=b,r=abc,p=AAAA",
        b"c=biws,r=abc,p=AB",  # bits that belong to no byte
        b"c=biws,r=abc,p=" + b"A" * 5000,
    ],
)
def test_invalid_final_messages(message: bytes) -> None:
    with pytest.raises(ScramError):
        ClientFinal.parse(message)


def test_proofs_in_either_alphabet() -> None:
    proof = bytes(range(200, 232))
    plain = base64.b64encode(proof)
    for text in (plain, plain.rstrip(b"="), plain + b"\n"):
        assert ClientFinal.parse(b"c=biws,r=abc,p=" + text).proof == proof
    urlsafe = base64.urlsafe_b64encode(proof)
    assert ClientFinal.parse(b"c=biws,r=abc,p=" + urlsafe).proof == proof


def test_keys_do_not_log_in() -> None:
    """Stored keys do not make a proof (RFC 5802 section 9)."""
    keys = scram.derive(b"pencil", b"0" * 16, 4096)
    for stolen in (keys.stored, keys.server):
        signature = scram.server_final(Keys(b"", 1, b"", keys.stored), b"m")
        proof = bytes(
            a ^ b for a, b in zip(stolen, base64.b64decode(signature[2:]), strict=True)
        )
        assert not scram.proves(keys, b"m", proof)
