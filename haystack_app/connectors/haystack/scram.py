"""SCRAM with another Haystack server: phable's handshake, over requests with limits.

Source: docHaystack Auth, RFC 5802. phable reads what most servers write. Others use
the URL-safe alphabet of base64, any case and order, or another token for each message:
their header fields are rewritten for it.
"""

from __future__ import annotations

from email.message import Message
from typing import Any

from phable.auth.scram import ScramScheme

from ...auth.encoding import decode, plain_padded, urlsafe
from ...auth.headers import Authorization
from ...models import Connector
from ..errors import ConnectorError
from ..http import HttpClient, Response

__all__ = ["Scram"]

_MOST_ITERATIONS = 2_000_000
"""About a second of work; servers ask for 10,000 to some 100,000."""
_TO_PLAIN = str.maketrans("-_", "+/")


class Scram(ScramScheme):
    """``last`` is the last answer, which says why a handshake failed."""

    def __init__(self, client: HttpClient, username: str, password: str) -> None:
        super().__init__(client.url, username, password, "zinc")
        self.client = client
        self.last: Response | None = None
        self.token = ""

    def _ph_scram_get(
        self, url: str, headers: dict[str, str], context: Any = None
    ) -> Message:
        value, found, _ = headers["Authorization"].partition("handshakeToken=")
        if found:  # phable would cut it at the first - or _
            value = f"{value}{found}{self.token}"
        sent = {"Authorization": value, "Accept": "text/zinc"}
        self.last = self.client.send("GET", url.removeprefix(self.uri), sent)
        return self._rewritten(self.last.headers)

    def _rewritten(self, given: Message) -> Message:
        """The fields of the handshake as phable reads them. Raises MalformedHeader."""
        challenge = Authorization.parse(given.get("WWW-Authenticate") or "")
        info = Authorization.parse(f"info {given.get('Authentication-Info') or ''}")
        fields = Message()
        if challenge.scheme == "scram":
            names = challenge.parameters()
            self.token = names.get("handshaketoken") or self.token
            fields["WWW-Authenticate"] = (
                f"scram hash={names.get('hash', '')}, data={_plain(names)},"
                " handshakeToken=t"
            )
        if names := info.parameters():
            token = names.get("authtoken", "")
            text = f"authToken={token}, data={_plain(names)}"
            fields["Authentication-Info"] = text
        return fields

    def _client_final_message(self) -> str:
        """With the padding of the proof, which RFC 5802 asks for."""
        text = decode(super()._client_final_message()).decode()
        head, _, proof = text.rpartition("p=")
        return urlsafe(f"{head}p={plain_padded(decode(proof))}".encode())

    @property
    def _salted_password(self) -> bytes:
        if not 0 < self._iter_count <= _MOST_ITERATIONS:
            text = f"the server asks for {self._iter_count:,} iterations of the hash"
            raise ConnectorError(Connector.Status.INVALID, text)
        key: bytes = super()._salted_password
        return key


def _plain(names: dict[str, str]) -> str:
    return names.get("data", "").translate(_TO_PLAIN)
