"""A Mosquitto of the test's own, on a free port."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from tests.outages.services import Service, free_port

__all__ = ["BINARY", "Broker", "missing"]

BINARY = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def missing() -> str:
    """Why there can be no broker; empty if there can."""
    if not BINARY:
        return "no mosquitto: install the package mosquitto"
    if not shutil.which("mosquitto_pub"):
        return "no mosquitto_pub: install the package mosquitto-clients"
    return ""


class Broker(Service):
    """It keeps sessions and messages on disk, so that it may be started again."""

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True) -> None:
        self.port = free_port()
        folder.chmod(0o755)
        data = folder / "broker"
        data.mkdir()
        data.chmod(0o777)
        file = folder / "mosquitto.conf"
        config = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(anonymous).lower()}",
            "persistence true",
            f"persistence_location {data}/",
            "max_queued_messages 1000000",
            *(["user root"] if os.geteuid() == 0 else []),
            *lines,
        ]
        file.write_text("\n".join(config) + "\n")
        super().__init__([BINARY or "mosquitto", "-c", str(file)])

    def answers(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0
