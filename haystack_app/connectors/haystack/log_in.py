"""Logging in to another Haystack server.

Source: docHaystack Auth, RFC 7617.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ...extras import imported_for
from ...models import Connector
from ..errors import ConnectorError
from ..http import HttpClient, Response, shown
from . import settings as forms

__all__ = ["authorization"]

Status = Connector.Status
_REFUSED = (401, 403)


def authorization(
    client: HttpClient,
    settings: Mapping[str, Any],
    secret: Callable[[str], str],
    secrets: set[str],
) -> dict[str, str]:
    """Log in. Returns the header fields of requests. Raises ConnectorError.

    ``secret`` is called with the name of a setting; what is derived from secrets is
    added to ``secrets``.
    """
    auth = settings["auth"]
    if auth == forms.NONE:
        return {}
    if auth == forms.HEADER:
        value = f"{settings['header_prefix']} {secret('token')}".strip()
        secrets.add(value)
        return {settings["header"]: value}
    username, password = settings["username"], secret("password")
    if auth == forms.BASIC:
        encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
        secrets.add(encoded)
        return {"Authorization": f"Basic {encoded}"}
    if auth == forms.PLAINTEXT:
        token = _by_plaintext(client, username, password, secrets)
    else:
        token = _by_scram(client, username, password)
    secrets.add(token)
    return {"Authorization": f"BEARER authToken={token}"}


def _by_scram(client: HttpClient, username: str, password: str) -> str:
    try:
        with imported_for("the log-in by SCRAM", "connectors"):
            from .scram import Scram
    except ImproperlyConfigured as error:
        raise ConnectorError(Status.SETTINGS, str(error)) from None
    scram = Scram(client, username, password)
    try:
        token: str = scram.get_auth_token().split()[0]
    except ConnectorError:
        raise
    except Exception as error:
        raise _refusal(scram.last, type(error).__name__) from None
    return token


def _refusal(last: Response | None, name: str) -> ConnectorError:
    """Why a handshake ended, by the last answer."""
    if last is None or name == "ScramServerSignatureNotEqualError":
        text = "the server does not know the password that it asked for: is it another?"
        return ConnectorError(Status.AUTHENTICATION, text)
    offered = (last.headers.get("WWW-Authenticate") or "").split(None, 1)
    scheme = offered[0].lower() if offered else ""
    if last.status in _REFUSED and scheme in ("", "scram"):
        text = "wrong user name or password"
        return ConnectorError(Status.AUTHENTICATION, text)
    if last.status in _REFUSED:
        text = f"the server does not offer SCRAM: it asks for {shown(scheme)}"
        return ConnectorError(Status.AUTHENTICATION, text)
    if last.status < 300:
        text = "the server answers without a log-in: set the log-in to none"
        return ConnectorError(Status.AUTHENTICATION, text)
    if last.status == 404:
        text = "there is no Haystack API at this URL (404)"
        return ConnectorError(Status.INVALID, text)
    text = f"the server answered the log-in with status {last.status}"
    is_down = last.status in (502, 503, 504)
    return ConnectorError(Status.UNREACHABLE if is_down else Status.INVALID, text)


def _by_plaintext(
    client: HttpClient, username: str, password: str, secrets: set[str]
) -> str:
    def encoded(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    secrets.add(encoded(password))
    value = f"PLAINTEXT username={encoded(username)}, password={encoded(password)}"
    answer = client.send("GET", "/about", {"Authorization": value})
    info = answer.headers.get("Authentication-Info") or ""
    for part in info.split(","):
        name, _, token = part.strip().partition("=")
        if name.lower() == "authtoken" and token:
            return token
    raise _refusal(answer, "")
