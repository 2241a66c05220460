"""A mail server of the tests' own, which keeps what it gets."""

from __future__ import annotations

import queue
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller

from tests.outages.services import free_port
from tests.patience import PATIENCE

__all__ = ["MailServer"]


class MailServer:
    """It runs inside of the context; ``url`` is for ``EMAIL_URL``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.arrived: queue.Queue[EmailMessage] = queue.Queue()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> Self:
        self.controller.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        made = message_from_bytes(envelope.content, policy=policy.default)
        self.arrived.put(made)  # type: ignore[arg-type]
        return "250 kept"

    def next(self) -> EmailMessage:
        return self.arrived.get(timeout=PATIENCE)

    def link_to(self, address: str) -> str:
        """The last link of the next mail, which must be to this address."""
        mail = self.next()
        assert mail["To"] == address
        found: list[str] = re.findall(r"https?://\S+", mail.get_content())
        return found[-1]
