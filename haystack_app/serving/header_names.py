"""Names of the headers of a log-in, spelt as the specifications spell them.

Case means nothing in a header's name, but some clients look for
``WWW-Authenticate`` letter by letter (pyhaystack does), and every layer below
Django's answer, uvicorn itself included, writes names in lower case.
"""

from __future__ import annotations

from haystack_app.serving.bodies import App, Message, Receive, Scope, Send

__all__ = ["HeaderNameLayer"]


class Spelt(bytes):
    """A header's name that uvicorn writes as it is: it asks each for ``lower()``."""

    def lower(self) -> bytes:
        return self


SPELT = {
    bytes(name).lower(): name
    for name in (Spelt(b"WWW-Authenticate"), Spelt(b"Authentication-Info"))
}


class HeaderNameLayer:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def spell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (SPELT.get(name, name), value) for name, value in message["headers"]
                ]
            await send(message)

        await self.app(scope, receive, spell if scope["type"] == "http" else send)
