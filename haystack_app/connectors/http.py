"""HTTP to systems that are not trusted: addresses, sizes and times are limited.

Neither redirects nor proxies of the environment are followed, since either leads to
addresses that were not checked.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from threading import Timer
from urllib.parse import urlsplit

from ..models import Connector
from .addresses import connected
from .errors import ConnectorError

__all__ = ["HttpClient", "Response", "TooLarge", "checked_url", "shown"]

Status = Connector.Status
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 2.0
"""Servers close connections that are idle: after so long, a new one is opened."""
_PIECE = 65_536
_LONGEST_TEXT = 300


def shown(text: str) -> str:
    """A text of the other system, for people: short, and printable."""
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}.."
    return "".join(letter if letter.isprintable() else " " for letter in short)


def checked_url(text: str) -> str:
    """The URL without a slash at its end. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must have no user name and password in it")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must have neither ? nor #")
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError("must have no spaces")
    _ = parts.port  # raises ValueError if it is not a number
    return text.rstrip("/")


class TooLarge(ConnectorError):
    """The answer is longer than is read; a smaller request may succeed."""

    def __init__(self, text: str) -> None:
        super().__init__(Status.INVALID, text)


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Message
    body: bytes


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = connected(self.host, self.port, _CONNECT_SECONDS)


class _TlsConnection(http.client.HTTPSConnection):
    context: ssl.SSLContext

    def connect(self) -> None:
        plain = connected(self.host, self.port, _CONNECT_SECONDS)
        try:
            self.sock = self.context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class HttpClient:
    """Requests to one origin, over one connection that is kept for a moment."""

    def __init__(
        self, url: str, *, seconds: float, most: int, certificates: str = ""
    ) -> None:
        """``most`` is the bytes of an answer; ``certificates`` are PEM, or empty for
        those of the system. Raises ConnectorError."""
        self.url = url
        self.seconds = seconds
        self.most = most
        self.certificates = certificates
        self.parts = urlsplit(url)
        self.used_at = 0.0
        self.connection: http.client.HTTPConnection | None = None

    @property
    def place(self) -> str:
        return self.parts.netloc

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Response:
        """Raises ConnectorError. ``path`` is added to that of the URL."""
        try:
            return self._sent(method, f"{self.parts.path}{path}", headers, body)
        except ConnectorError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise self._explained(error) from None

    def _sent(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        if time.monotonic() - self.used_at > _IDLE_SECONDS:
            self.close()
        connection = self.connection or self._opened()
        self.connection = connection
        if connection.sock is None:
            connection.connect()
        until = time.monotonic() + self.seconds
        connection.sock.settimeout(self.seconds)
        with _cut_off(connection.sock, self.seconds) as cut:
            try:
                connection.request(method, path, body, dict(headers))
                answer = connection.getresponse()
                data = self._read(answer, until)
            except Exception:
                if cut():
                    raise TimeoutError from None
                raise
        if cut():  # it looks like an end
            raise TimeoutError
        self.used_at = time.monotonic()
        if answer.will_close:
            self.close()
        return Response(answer.status, answer.headers, data)

    def _opened(self) -> http.client.HTTPConnection:
        is_plain = self.parts.scheme == "http"
        host, port = self.parts.hostname or "", self.parts.port
        port = port or (80 if is_plain else 443)  # else a part of an IPv6 address is
        if is_plain:
            return _Connection(host, port)
        context = ssl.create_default_context(cadata=self.certificates or None)
        made = _TlsConnection(host, port, context=context)
        made.context = context
        return made

    def _read(self, answer: http.client.HTTPResponse, until: float) -> bytes:
        pieces, size = [], 0
        while piece := answer.read1(_PIECE):
            size += len(piece)
            if size > self.most:
                text = f"the answer is longer than {self.most // 1024**2:,} MB"
                raise TooLarge(text)
            if time.monotonic() > until:
                raise TimeoutError
            pieces.append(piece)
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        answer.close()  # the connection is for the next request
        return b"".join(pieces)

    def _explained(self, error: Exception) -> ConnectorError:
        """What went wrong, without texts that might have headers in them."""
        match error:
            case TimeoutError():
                text = f"{self.place} did not answer within {self.seconds:g} s"
                return ConnectorError(Status.TIMEOUT, text)
            case ssl.SSLCertVerificationError():
                why = shown(error.verify_message)
                text = f"the certificate of {self.place} is not trusted: {why}"
                return ConnectorError(Status.TLS, text)
            case ssl.SSLError():
                why = shown(error.reason or "no TLS")
                text = f"TLS with {self.place} failed: {why}; is it an https server?"
                return ConnectorError(Status.TLS, text)
            case socket.gaierror():
                text = f"host {self.parts.hostname} not found"
                return ConnectorError(Status.UNREACHABLE, text)
            case OSError() | http.client.RemoteDisconnected():
                why = error.strerror or "the connection was closed"
                text = f"{self.place} cannot be reached: {why}"
                return ConnectorError(Status.UNREACHABLE, text)
            case http.client.IncompleteRead():
                return ConnectorError(Status.INVALID, "the answer was cut off")
            case http.client.HTTPException():
                text = f"{self.place} does not speak HTTP; is it an https server?"
                return ConnectorError(Status.INVALID, text)
            case ValueError():
                text = "the user name, the password or the header cannot be sent"
                return ConnectorError(Status.SETTINGS, text)
        raise error


@contextmanager
def _cut_off(sock: socket.socket, seconds: float) -> Iterator[_Cut]:
    """Shut a connection after some time, also if bytes come one by one."""
    cut = _Cut(sock)
    timer = Timer(seconds, cut.shut)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()


class _Cut:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_done = False

    def shut(self) -> None:
        self.is_done = True
        with suppress(OSError):  # not that of an SSLSocket, which forgets its state
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def __call__(self) -> bool:
        return self.is_done
