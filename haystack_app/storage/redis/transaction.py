"""Transactions: changes under a lock, in memory until one script applies them.

Other processes see none of them before, and a caller that fails or dies leaves
nothing. The caller's own reads include them: entities, levels, libraries and tasks by
their ids, samples by ``history.merge``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from redis.exceptions import RedisError, ResponseError

from ..changes import Change
from ..changeset import Changeset, EntityRow
from ..priority_array import Level
from ..samples import Batch
from . import levels, libs, log
from .entities import fetch
from .history.series import Plan
from .history.timeseries import Histories
from .index.base import Moves
from .keys import Keys
from .locks import Lease, LeaseLost
from .scripts import APPLY, FENCED, STAGED
from .server import Command, Server

__all__ = ["Pending", "Transaction", "apply"]

_AT_ONCE = 20_000
"""Words that are arguments of the script; more are sent before it in parts."""
_STAGED = 5_000
_STAGE_SECONDS = 600


@dataclass(slots=True)
class Pending:
    """The changes to apply.

    ``before`` and ``arrays_before`` have the stored state of changed entities and
    arrays. ``batches`` are relative to the stored samples, or to an empty history for
    ids in ``dropped``.
    """

    entities: dict[str, EntityRow | None] = field(default_factory=dict)
    before: dict[str, EntityRow | None] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    batches: dict[str, Batch] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    arrays: dict[str, dict[int, Level]] = field(default_factory=dict)
    arrays_before: dict[str, dict[int, Level]] = field(default_factory=dict)
    libs: libs.Libs | None = None
    tasks: dict[str, bytes] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    """Other commands, which are applied first."""
    calls: list[Callable[[], object]] = field(default_factory=list)
    """To call after the commit."""

    def copy(self) -> Pending:
        return replace(
            self,
            **{
                name: getattr(self, name).copy()
                for name in (
                    *("entities", "before", "log", "batches", "plans", "dropped"),
                    *("arrays", "arrays_before", "commands", "calls", "tasks"),
                )
            },
        )


class Transaction:
    def __init__(self, server: Server, keys: Keys) -> None:
        self.server, self.keys = server, keys
        self.lease = Lease(server, keys.locks)
        self.pending = Pending()
        self.series: Histories | None = None
        """For which the changes of histories are planned."""
        self._known: dict[str, EntityRow | None] = {}
        self._arrays: dict[str, dict[int, Level]] = {}

    # -- reading ---------------------------------------------------------------

    def fetch(self, ids: Sequence[str]) -> dict[str, EntityRow]:
        pending = self.pending.entities
        missing = [id for id in ids if id not in pending and id not in self._known]
        stored = fetch(self.server, self.keys, missing)
        for id in missing:
            if self.lease.covers(id):  # no other process can change it meanwhile
                self._known[id] = stored.get(id)
        found: dict[str, EntityRow] = {}
        for id in ids:
            entity = pending[id] if id in pending else self._known.get(id)
            entity = entity if id in pending else entity or stored.get(id)
            if entity is not None:
                found[id] = entity
        return found

    def levels_of(self, id: str) -> dict[int, Level]:
        if id in self.pending.arrays:
            return dict(self.pending.arrays[id])
        if id in self.pending.dropped:
            return {}
        if id in self._arrays:
            return dict(self._arrays[id])
        found = levels.read(self.server, self.keys, id)
        if self.lease.covers(id):  # no other process can change it meanwhile
            self._arrays[id] = dict(found)
        return found

    def touches(self, id: str) -> bool:
        """Whether the transaction changes an entity's history."""
        return id in self.pending.batches or id in self.pending.dropped

    # -- changing --------------------------------------------------------------

    def take(self, changes: Changeset) -> None:
        """Add a changeset, whose rows must come from ``fetch``."""
        for move in changes.moves:
            self.put(move.id, move.before, move.after)
            if move.after is None:
                self._drop(move.id)
        self.pending.log += changes.log

    def put(self, id: str, before: EntityRow | None, after: EntityRow | None) -> None:
        """Set an entity; ``before`` must come from ``fetch``."""
        self.pending.before.setdefault(id, before)
        self.pending.entities[id] = after

    def _drop(self, id: str) -> None:
        """Delete the history and the priority array of a removed entity."""
        pending = self.pending
        pending.dropped.add(id)
        for held in (
            *(pending.batches, pending.plans, pending.arrays, pending.arrays_before),
        ):
            held.pop(id, None)

    def set_levels(self, id: str, array: Mapping[int, Level]) -> None:
        if id not in self.pending.arrays:
            self.pending.arrays_before[id] = self.levels_of(id)
        self.pending.arrays[id] = dict(array)

    def plan_for(self, series: Histories) -> None:
        """Plan the changes of histories anew if they were planned for others."""
        if self.series in (None, series):
            return
        self.series = series
        for id, batch in self.pending.batches.items():
            plan = series.fresh if id in self.pending.dropped else series.plan
            self.pending.plans[id] = plan(id, batch)

    # -- applying --------------------------------------------------------------

    def apply(
        self, kind: str, store_commands: Callable[[Moves], Iterable[Command]]
    ) -> None:
        """Apply all changes at once. Raises LeaseLost or LayoutChanged.

        ``store_commands`` returns the commands that store changed entities in an
        index of this kind.
        """
        apply(self.server, self.keys, self.lease, kind, self._commands(store_commands))

    def _commands(
        self, store_commands: Callable[[Moves], Iterable[Command]]
    ) -> Iterator[Command]:
        pending, keys = self.pending, self.keys
        moves = {
            id: (pending.before[id], after)
            for id, after in pending.entities.items()
            if pending.before[id] is not after
        }
        yield from pending.commands
        yield from store_commands(moves)
        for change in pending.log:
            yield "LOG", change.id, log.entry_of(change)
        for id in sorted(pending.dropped):
            yield "DROP", id
        for plan in pending.plans.values():
            yield from plan.commands
        for id, array in pending.arrays.items():
            yield from levels.commands(keys, id, pending.arrays_before[id], array)
        for name, text in pending.tasks.items():
            yield "HSET", keys.tasks, name, text
        if pending.libs is not None:
            yield from libs.commands(keys, pending.libs)


def apply(
    server: Server, keys: Keys, lease: Lease, kind: str, commands: Iterable[Command]
) -> None:
    """Apply all commands at once, and release the lease.

    ``kind`` is that of the index for which the commands were made, or empty if they do
    not touch the index. Raises LeaseLost or LayoutChanged.
    """
    words = chain.from_iterable((len(command), *command) for command in commands)
    first = list(islice(words, _AT_ONCE + 1))
    if not first:
        lease.release()
        return
    if len(first) <= _AT_ONCE:
        _run(server, keys, lease, kind, first, sent=0)
        return
    stage = keys.stage(lease.token)
    try:
        sent = _stage(server, stage, chain(first, words))
        _run(server, keys, lease, kind, (), sent=sent)
    except BaseException:
        # free its memory, which the server may need
        with suppress(RedisError):
            server.unlink(stage)
        raise


def _run(
    server: Server,
    keys: Keys,
    lease: Lease,
    kind: str,
    words: Sequence[Any],
    *,
    sent: int,
) -> None:
    fields, token = lease.fields, lease.token
    names = (
        *(lease.key, keys.done(token), keys.stage(token), keys.meta),
        *(keys.log, keys.log_end, keys.log_oldest),
    )
    head = token, keys.base, log.KEPT, sent, kind
    try:
        server.run(APPLY, names, *head, len(fields), *fields, *words)
    except ResponseError as error:
        if str(error).startswith((FENCED, STAGED)):
            raise LeaseLost(str(error)) from None
        raise
    lease.end()


def _stage(server: Server, key: str, words: Iterator[Any]) -> int:
    """Send many words before the script, so that only the script blocks the server.

    Returns how many; at most one part of them is in memory at a time.
    """
    sent = 0
    while part := list(islice(words, _STAGED)):
        server.together(("RPUSH", key, *part), ("EXPIRE", key, _STAGE_SECONDS))
        sent += len(part)
    return sent
