"""The ops the server knows: functions on grids, found by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..kinds.grid import Grid
from ..storage.base import StorageAdapter

__all__ = ["Context", "Op", "OpError", "all_ops", "find_op", "op"]


class OpError(ValueError):
    """A request that an op cannot answer; the message becomes an error grid."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, and of which store: as far as they may see it.

    ``close`` ends the caller's log-in; ``may`` tells whether they have a permission;
    ``subscriber`` is the connection that watch updates are pushed to, empty for a
    client that polls; ``now`` is an aware datetime.
    """

    storage: StorageAdapter
    username: str = ""
    close: Callable[[], None] = lambda: None
    may: Callable[[str], bool] = lambda permission: True
    subscriber: str = ""
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dataclass(frozen=True, slots=True)
class Op:
    """One op.

    ``permission``: the permission that a caller needs, by its codename; empty for
    whoever is logged in. ``side_effects``: never answered to GET. ``only_asks``: and
    yet it changes nothing of the model. ``takes_list``: a JSON list of dicts is taken
    for a grid of them. ``tells_in_meta``: without the meta of its answer nothing can be
    done with it, so that it is not answered in formats that have none.
    """

    name: str
    run: Callable[[Context, Grid], Grid]
    permission: str
    side_effects: bool
    only_asks: bool
    takes_list: bool
    tells_in_meta: bool

    @property
    def doc(self) -> str:
        """The first paragraph of the function's docstring."""
        text = (self.run.__doc__ or "").strip().partition("\n\n")[0]
        return " ".join(text.replace("``", "").split())


_ops: dict[str, Op] = {}


def op(
    name: str,
    *,
    permission: str = "",
    side_effects: bool = False,
    only_asks: bool = False,
    takes_list: bool = False,
    tells_in_meta: bool = False,
) -> Callable[[Callable[[Context, Grid], Grid]], Callable[[Context, Grid], Grid]]:
    """Register a function as the op ``name``."""

    def register(
        run: Callable[[Context, Grid], Grid],
    ) -> Callable[[Context, Grid], Grid]:
        _ops[name] = Op(
            name, run, permission, side_effects, only_asks, takes_list, tells_in_meta
        )
        return run

    return register


def find_op(name: str) -> Op | None:
    return _ops.get(name)


def all_ops() -> Iterator[Op]:
    """In order of their names."""
    return (_ops[name] for name in sorted(_ops))
