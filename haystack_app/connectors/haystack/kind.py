"""The kind of connector: what follows another Haystack server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from ...kinds.datetimes import DateTime
from ...kinds.scalars import is_tag_name
from ...models import Connector
from ..context import ConnectorContext
from ..errors import ConnectorError
from ..http import shown
from ..kind import ConnectorKind
from ..registry import connector
from .client import FarServer
from .currents import CurrentValues
from .history import Histories
from .learning import Learning
from .settings import HaystackForm, own_tags
from .writing import Writes

__all__ = ["HaystackConnector"]

_ABOUT = (
    *("serverName", "productName", "productVersion", "vendorName", "tz"),
    *("haystackVersion", "whoami"),
)


@connector("haystack")
class HaystackConnector(ConnectorKind):
    """Learns entities, follows values, copies histories, and writes points."""

    label = "Haystack server"
    settings_form = HaystackForm
    can_ping = can_learn = can_read_current = can_sync_history = can_write = True

    def __init__(self, row: Connector) -> None:
        super().__init__(row)
        settings = self.settings
        self.server = FarServer(settings, self.secret, self.secrets)
        parts = row, self.store, self.server
        self.currents = CurrentValues(*parts)
        self.histories = Histories(*parts, settings["history_days"])
        self.writes = Writes(*parts, settings["write_level"])

    def close(self) -> None:
        with suppress(ConnectorError):
            self.currents.close()
        self.server.close()

    def ping(self, context: ConnectorContext) -> Mapping[str, Any]:
        about = self.server.about()
        version = str(about.get("haystackVersion", "3"))
        if not version.startswith(("3", "4")):
            text = f"the server speaks Haystack {shown(version)}: 3 or 4 is needed"
            raise ConnectorError(Connector.Status.UNSUPPORTED, text)
        there = about.get("serverTime")
        self.server.check_clock(there.utc if isinstance(there, DateTime) else None)
        found = {
            name: shown(value)
            for name in _ABOUT
            if isinstance(value := about.get(name), str) and is_tag_name(name)
        }
        context.remember(server=found)
        return found

    def learn(
        self, context: ConnectorContext, *, confirmed: bool = False
    ) -> Mapping[str, Any]:
        self.ping(context)
        learning = Learning(
            self.connector,
            self.store,
            self.settings,
            own_tags(self.settings["tags"]),
            self._identity(),
            context,
            confirmed,
        )
        return learning.run(self.server.read(self.settings["filter"]))

    def _identity(self) -> str:
        """What the server calls itself, or where it is."""
        given = self.server.about().get("serverId")
        if isinstance(given, str) and given.isalnum() and len(given) <= 64:
            return given
        parts = urlsplit(self.settings["url"])
        return f"{parts.netloc}{parts.path}"

    def read_current(self, context: ConnectorContext) -> Mapping[str, Any]:
        return {"values": self.currents.read(context)}

    def sync_history(self, context: ConnectorContext) -> Mapping[str, Any]:
        by_person = context.is_job
        done = self.histories.sync(context, gaps=by_person)
        if done["samples"]:
            context.remember(history=done)
        self.server.check_clock()
        return done

    def write(self, context: ConnectorContext) -> Mapping[str, Any]:
        return {"written": self.writes.send(context)}

    def intervals(self) -> Mapping[str, float]:
        settings = self.settings
        seconds = {
            "learn": settings["learn_minutes"] * 60,
            "current": settings["current_seconds"],
            "history": settings["history_seconds"],
            "write": settings["write"] and (settings["current_seconds"] or 5),
        }
        return {action: every for action, every in seconds.items() if every}

    def lag(self) -> float | None:
        synced = self.histories.synced
        return (timezone.now() - synced).total_seconds() if synced else None

    def went_down(
        self, context: ConnectorContext, error: Exception, action: str = "run"
    ) -> None:
        """Current values are old if they, or all of it, failed."""
        if action in ("current", "run") and self.settings["current_seconds"]:
            text = str(error) if isinstance(error, ConnectorError) else "internal error"
            self.currents.mark_down(self.redacted(text))
