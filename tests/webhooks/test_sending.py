"""One request: where it may go, what comes back, and how long it may take."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app.webhooks import addresses, sending
from haystack_app.webhooks.addresses import RefusedAddress, addresses_of
from haystack_app.webhooks.sending import post
from tests.webhooks import receiver as servers
from tests.webhooks.receiver import Receiver

REFUSED = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:db8::1",
    "4000::1",
]


def looked_up(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str]:
    """Let each name have these addresses; the names that are asked for."""
    asked: list[str] = []

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        if host in found:  # to connect to it
            return real(host, port, *args, **more)
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return asked


def allow(settings: Any, *networks: str) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "WEBHOOKS_ALLOW_PRIVATE": [*networks]}


@pytest.mark.parametrize("address", REFUSED)
def test_private_addresses_are_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(monkeypatch, address)
    with pytest.raises(RefusedAddress, match="WEBHOOKS_ALLOW_PRIVATE"):
        addresses_of("plant.example", 443)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::", "::ffff:8.8.8.8", "2002:808:808::"],
)
def test_public_addresses(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(monkeypatch, "10.0.0.1", address)
    assert addresses_of("plant.example", 443) == [address]


def test_allowed_networks(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    allow(settings, "10.1.0.0/16", "fd12::/16")
    looked_up(
        monkeypatch, "10.1.2.3", "10.2.2.3", "::ffff:10.1.0.9", "fd12::1", "fd13::1"
    )
    found = addresses_of("plant.example", 443)
    assert found == ["10.1.2.3", "::ffff:10.1.0.9", "fd12::1"]
    allow(settings, "0.0.0.0/0", "::/0")  # which is more than was meant
    for address in ("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0"):
        looked_up(monkeypatch, address)
        with pytest.raises(RefusedAddress):
            addresses_of("plant.example", 443)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::1]", "0"]
)
def test_other_spellings_of_loopback(
    host: str, receiver: Receiver, settings: Any
) -> None:
    allow(settings)
    answer = post(f"http://{host}:{receiver.port}/", b"{}", {})
    assert answer.status is None
    assert "private" in answer.error or "not found" in answer.error
    assert not receiver.received


def test_the_name_is_looked_up_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of the second look-up could be another address."""
    asked = looked_up(monkeypatch, "127.0.0.1")
    assert post(f"http://rebind.example:{receiver.port}/x", b"{}", {}).status == 200
    assert asked == ["rebind.example"]
    assert receiver.last.headers["Host"] == f"rebind.example:{receiver.port}"
    assert receiver.last.path == "/x"


def test_answers(receiver: Receiver) -> None:
    receiver.behaviours = [
        servers.answer(204),
        servers.answer(500, b"out of\0order"),
        servers.answer(302, Location=f"http://127.0.0.1:{receiver.port}/other"),
        servers.answer(429),
        servers.answer(404),
        servers.garbage,
        servers.hang_up,
    ]
    found = [post(receiver.url, b'{"a":1}', {"X-Mine": "yes"}) for _ in range(7)]
    assert [one.status for one in found] == [204, 500, 302, 429, 404, None, None]
    assert [one.is_refusal for one in found] == [False] * 4 + [True] + [False] * 2
    assert [one.error for one in found] == [
        "",
        "answered 500",
        "answered 302: redirects are not followed",
        "answered 429",
        "answered 404",
        "invalid answer (BadStatusLine)",
        "invalid answer (RemoteDisconnected)",
    ]
    assert found[1].text == "out oforder"
    assert len(receiver.received) == 7
    assert {one.path for one in receiver.received} == {"/hook?a=1"}
    assert receiver.received[0].body == b'{"a":1}'
    assert receiver.received[0].headers["X-Mine"] == "yes"


def test_large_answers_are_cut(receiver: Receiver) -> None:
    receiver.behaviours = [servers.answer(500, b"y" * 5_000_000), servers.endless]
    assert post(receiver.url, b"{}", {}).text == "y" * 500
    assert post(receiver.url, b"{}", {}).text == "x" * 500


def test_slow_answers_end(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALL_SECONDS", 0.3)
    receiver.behaviours = [servers.drip]
    assert post(receiver.url, b"{}", {}).error == "no answer within 0.3 s"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("http", "https"):
            answer = post(f"{scheme}://127.0.0.1:{port}/", b"{}", {})
            assert answer.error == "no answer within 0.3 s"


def test_unreachable(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert answer.error == "no connection: Connection refused"

    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", fail)
    answer = post("http://nosuch.example/", b"{}", {})
    assert answer.error == "'nosuch.example' not found: Name or service not known"


def test_a_look_up_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALL_SECONDS", 0.0)
    looked_up(monkeypatch, "93.184.216.34")
    answer = post("http://slow.example/", b"{}", {})
    assert (answer.is_success, answer.error) == (False, "no connection within 5 s")


def test_what_nothing_expects(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(sending, "_shut_down_at", fail)
    answer = post(receiver.url, b"{}", {})
    assert (answer.is_success, answer.error) == (False, "internal error (RuntimeError)")


def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert post(receiver.url, b"{}", {}).status == 200


@pytest.fixture
def encrypted(receiver: Receiver, tmp_path: Path) -> Iterator[Path]:
    """The receiver with a certificate for plant.example; the file of it."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    command += f" -days 2 -subj /CN=plant.example -keyout {key} -out {cert}"
    names = ["-addext", "subjectAltName=DNS:plant.example"]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = receiver.server
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    yield cert


def test_certificates_are_checked_by_name(
    receiver: Receiver, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(monkeypatch, "127.0.0.1")
    url = f"https://plant.example:{receiver.port}/"
    assert post(url, b"{}", {}).error.startswith("TLS: self")
    trusting = ssl.create_default_context(cafile=str(encrypted))
    monkeypatch.setattr(sending, "_context", lambda: trusting)
    assert post(url, b"{}", {}).status == 200
    answer = post(url.replace("plant", "other"), b"{}", {})
    assert answer.error.startswith("TLS: Hostname mismatch")
    assert len(receiver.received) == 1
