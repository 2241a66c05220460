"""One POST to the URL of a webhook.

By ``http.client``, which knows neither redirects nor proxies of the environment, over
a socket of our own: connected to the address that was checked, and shut down when the
time is up, at any point of the handshake, the request or the answer.
"""

from __future__ import annotations

import http.client
import logging
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from threading import Event, Timer
from urllib.parse import urlsplit

from .addresses import RefusedAddress, addresses_of

__all__ = ["ALL_SECONDS", "CONNECT_SECONDS", "Answer", "post"]

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
ALL_SECONDS = 10.0
"""From the look-up of the name to the end of the answer."""
_MOST_READ = 64 * 1024
_MOST_SHOWN = 500
_ADDRESSES = 3
"""Addresses of a host that are tried."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer and the beginning of its body, or what went wrong."""

    status: int | None = None
    text: str = ""
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether the receiver works, and refuses this request."""
        status = self.status or 0
        return 400 <= status < 500 and status not in (408, 425, 429)


class _Failure(Exception):
    """No answer; the text is for people."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body. What goes wrong is in the answer."""
    try:
        return _sent(url, body, headers)
    except (RefusedAddress, _Failure) as error:
        return Answer(error=str(error))
    except Exception as error:  # such as no thread for the timer
        logger.exception("sending failed")
        return Answer(error=f"internal error ({type(error).__name__})")


def _sent(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises RefusedAddress or _Failure."""
    deadline = time.monotonic() + ALL_SECONDS
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connected = _connected(host, port, deadline)
    with connected, _shut_down_at(connected, deadline) as is_late:
        try:
            is_tls = parts.scheme == "https"
            sock = _encrypted(connected, host) if is_tls else connected
            with _asked(sock, parts.netloc, target, body, headers) as response:
                if is_late.is_set():  # the end of the headers looks like this
                    raise TimeoutError
                return _answer(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if is_late.is_set() or isinstance(error, TimeoutError):
                raise _Failure(f"no answer within {ALL_SECONDS:g} s") from None
            raise _Failure(_text(error)) from None


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to one of the allowed addresses. Raises _Failure."""
    try:
        addresses = addresses_of(host, port)
    except OSError as error:
        raise _Failure(f"{host!r} not found: {_text(error)}") from None
    too_late = _Failure(f"no connection within {CONNECT_SECONDS:g} s")
    failure = too_late
    until = min(time.monotonic() + CONNECT_SECONDS, deadline)
    for address in addresses[:_ADDRESSES]:
        if (seconds := until - time.monotonic()) <= 0:
            break
        try:
            return socket.create_connection((address, port), seconds)
        except TimeoutError:
            failure = too_late
        except OSError as error:
            failure = _Failure(f"no connection: {_text(error)}")
    raise failure


@contextmanager
def _shut_down_at(sock: socket.socket, deadline: float) -> Iterator[Event]:
    """Shut a connection down at a time; the event says that this has happened.

    A timeout of the socket would begin anew with each byte.
    """
    is_late = Event()
    # TLS takes the socket's descriptor, and a duplicate is the same connection
    with socket.socket(fileno=os.dup(sock.fileno())) as same:

        def shut_down() -> None:
            is_late.set()
            with suppress(OSError):  # it is closed
                same.shutdown(socket.SHUT_RDWR)

        sock.settimeout(ALL_SECONDS)
        timer = Timer(max(deadline - time.monotonic(), 0), shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield is_late
        finally:
            timer.cancel()
            timer.join()


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _encrypted(sock: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS for the name of the host, whose certificate is checked."""
    return _context().wrap_socket(sock, server_hostname=host)


@contextmanager
def _asked(
    sock: socket.socket,
    netloc: str,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, as far as its headers."""
    connection = http.client.HTTPConnection("")
    connection.sock = sock
    try:
        connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", netloc)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.putheader("Connection", "close")
        connection.endheaders(body)
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def _answer(response: http.client.HTTPResponse) -> Answer:
    """The status decides; what is wrong with the body does not matter."""
    try:
        text = response.read(_MOST_READ).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        text = ""
    shown = text.replace("\0", "")[:_MOST_SHOWN]
    return Answer(response.status, shown, _error_of(response.status))


def _error_of(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"


def _text(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or 'handshake failed'}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, http.client.HTTPException | ValueError):
        return f"invalid answer ({type(error).__name__})"
    return type(error).__name__
