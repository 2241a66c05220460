"""Commits that wait until a standby has them, and what happens if none does.

With ``synchronous_standby_names`` PostgreSQL waits for ever, and neither
``statement_timeout`` nor a client that has left ends that. So servers look for commits
that wait, and cancel those that have waited for ``COMMIT_SECONDS``. Such a commit is
stored in the primary alone: PostgreSQL sends a warning and success. The setting
``UNCONFIRMED`` says whether its request is refused or accepted.

From then on no commit waits, until a commit of this module is confirmed.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..breaker import is_watching
from ..conf import app_settings
from ..instruments import UNCONFIRMED_COMMITS
from ..outages import Unconfirmed, Unstored
from ..replicas.asking import Asker, Loop, ask
from ..sql.sessions import is_pooled

__all__ = ["ACCEPT", "REFUSE", "Commits"]

logger = logging.getLogger("haystack_app.databases")

REFUSE, ACCEPT = "refuse", "accept"
_SECONDS = 0.25
_WAITING = """
    SELECT coalesce(array_agg(pid || ' ' || query_start), '{}') FROM pg_stat_activity
    WHERE wait_event = 'SyncRep' AND usename = current_user
        AND datname = current_database()
"""
"""Roles without privileges see what their own sessions wait for."""
_CANCEL = """
    SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
    WHERE wait_event = 'SyncRep' AND pid || ' ' || query_start = ANY(%s)
"""
_PROBE = "SELECT pg_logical_emit_message(true, 'haystack', '')"
"""A commit that changes nothing, and is confirmed as any other."""
_FUNCTION = "SyncRepWaitForLSN"
"""Of PostgreSQL, which the warning names in any language."""
_FLAG, _MODE = "_haystack_unconfirmed", "_haystack_commits"
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|COPY)\b", re.IGNORECASE)
_HAS_WRITTEN = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


class Commits:
    """Those of one database.

    ``parameters`` are of connections to its primary; ``admit`` refuses those to others.
    """

    def __init__(
        self,
        name: str,
        parameters: Callable[[], Mapping[str, Any]],
        admit: Callable[[Any], None],
    ) -> None:
        self.name = name
        self._admit = admit
        self.is_stalled = False
        """Whether the standbys confirm nothing."""
        self._waits: dict[str, float] = {}
        self._askers = [
            Asker(parameters, call, _failed, opened=self._opened)
            for call in (self._look, self._probe)
        ]
        self._loops = [
            Loop(f"commits-{name}-{number}", asker, _SECONDS)
            for number, asker in enumerate(self._askers)
        ]

    @property
    def _is_watched(self) -> bool:
        """Whether this process looks for waits, and for their end; others only find
        that their own were ended."""
        return is_watching() and bool(app_settings.REPLICATION["COMMIT_SECONDS"])

    def start(self) -> None:
        if self._is_watched:
            for loop in self._loops:
                loop.start()

    def begin_anew(self) -> None:
        """Another host is the primary."""
        self.is_stalled = False
        for asker in self._askers:
            asker.cut()

    # -- for connections -------------------------------------------------------

    def before_statement(self, connection: Any, sql: Any = "") -> None:
        """While nothing is confirmed, commits do not wait: neither those that are
        accepted nor those that are refused, by Unstored.

        ``sql`` commits by itself, or is empty at the begin of a transaction.
        """
        raw = connection.connection
        if self.is_stalled and not _accepts() and _WRITES.match(str(sql)):
            raise Unstored("no standby confirms commits")
        mode = "local" if self.is_stalled and _accepts() else ""
        # what a pooler lends out is not ours to change
        if raw is None or mode == getattr(raw, _MODE, "") or is_pooled(connection):
            return
        with raw.cursor() as cursor:
            cursor.execute(
                f"SET synchronous_commit = {mode}"
                if mode
                else "RESET synchronous_commit"
            )
        setattr(raw, _MODE, mode)

    def before_commit(self, connection: Any) -> None:
        """Raises Unstored if the commit would be refused after its wait."""
        raw = connection.connection
        if not self.is_stalled or _accepts() or raw is None or raw.read_only:
            return
        with raw.cursor() as cursor:
            cursor.execute(_HAS_WRITTEN)
            has_written = cursor.fetchone()[0]
        if has_written:
            raise Unstored("no standby confirms commits")

    def after_commit(self, raw: Any) -> None:
        """Raises Unconfirmed if the last commit was not, unless that is accepted."""
        if not getattr(raw, _FLAG, False):
            return
        setattr(raw, _FLAG, False)
        self._stall()
        UNCONFIRMED_COMMITS.labels("accepted" if _accepts() else "refused").inc()
        if not _accepts():
            raise Unconfirmed("no standby confirmed the commit")

    # -- in threads ------------------------------------------------------------

    def _opened(self, raw: Any) -> None:
        self._admit(raw)
        follow(raw)

    def _look(self, raw: Any) -> None:
        """End waits that have lasted too long."""
        now = time.monotonic()
        found = ask(raw, _WAITING)[0]
        self._waits = {one: self._waits.get(one, now) for one in found}
        most: float = app_settings.REPLICATION["COMMIT_SECONDS"]
        overdue = [one for one, since in self._waits.items() if now - since >= most]
        if overdue:
            self._stall()
            ask(raw, _CANCEL, [overdue])

    def _probe(self, raw: Any) -> None:
        if not self.is_stalled:
            return
        raw.execute(_PROBE)  # until it is confirmed or ended
        if not getattr(raw, _FLAG, False):
            self.is_stalled = False
            logger.warning("database %r: standbys confirm commits again", self.name)
        setattr(raw, _FLAG, False)

    def _stall(self) -> None:
        if self._is_watched and not self.is_stalled:
            self.is_stalled = True
            logger.error(
                "database %r: no standby confirms commits: writes are %s",
                *(self.name, "accepted" if _accepts() else "refused"),
            )


def follow(raw: Any) -> None:
    """Note the warnings that a connection is sent."""
    raw.add_notice_handler(lambda diagnostic: _note(raw, diagnostic))


def _note(raw: Any, diagnostic: Any) -> None:
    if diagnostic.source_function == _FUNCTION:
        setattr(raw, _FLAG, True)


def _accepts() -> bool:
    return bool(app_settings.REPLICATION["UNCONFIRMED"] == ACCEPT)


def _failed(error: Exception) -> None:
    logger.debug("commits were not looked at: %r", error)
