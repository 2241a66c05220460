"""The registry of ops: functions on grids, by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from ..filters import is_trash
from ..kinds.grid import Grid
from ..storage.base import StorageAdapter
from ..storage.errors import UnknownEntity
from ..wire.record import Record

__all__ = ["Context", "Op", "OpError", "all_ops", "find_op", "op"]


class OpError(ValueError):
    """An invalid request; the message is returned in an error grid."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a call of an op.

    ``storage`` shows only what the caller may see; ``close`` ends the caller's
    login; ``has_permission`` takes a codename; ``subscriber`` is the connection that
    watch updates are pushed to, empty for a client that polls; ``now`` is an aware
    datetime.
    """

    storage: StorageAdapter
    username: str = ""
    close: Callable[[], None] = lambda: None
    has_permission: Callable[[str], bool] = lambda permission: True
    subscriber: str = ""
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def existing(self, id: str) -> Record:
        """The record of an id. Raises UnknownEntity, also for one in the trash."""
        record = self.storage.existing(id)
        if is_trash(record):
            raise UnknownEntity(id)
        return record


Revisions = Callable[[Context, Grid], Sequence[str] | None]
Step = Callable[[Context], Mapping[str, int]]
"""A part of a job, which may be repeated; it returns counts of what it did."""
Steps = Callable[[Context, Grid], Sequence[Step] | None]


@dataclass(frozen=True, slots=True)
class Op:
    """A registered op.

    - ``permission``: codename of the permission that a caller needs; empty if any
      authenticated user may call it
    - ``side_effects``: refused by GET
    - ``read_scope``: the token scope ``read`` is sufficient despite side effects,
      because entities, samples and points do not change
    - ``replicated``: it only reads, so that a replica may answer; the answer may be
      some seconds old, except for what the caller has written
    - ``accepts_list``: a JSON list of dicts is accepted as a grid
    - ``takes_samples``: rows of times and numbers may be ``SampleRows``
    - ``requires_meta``: the answer is useless without its meta, so it is refused in
      formats that have no meta
    - ``revisions``: for an op whose answer depends on its request and on the entities
      in it alone, ``Records.revisions`` of the answer, for less than the answer; None
      where that is unknown. Answers that are ``Records`` get an ETag.
    - ``download``: the name of the file if a person asks for one, by the parameters
      ``format`` and ``download`` of GET, which the op has no arguments of; empty if
      these parameters are arguments of the op
    - ``arguments``: what those of GET are, by their names, for the OpenAPI schema
    - ``as_job``: callers may let a job run it, which may do so more than once
    - ``flags``: names of meta that callers may set by the query of a POST, too
    - ``steps``: what a job does one after the other instead of ``run``, the same for
      the same request, after all of it was checked; None if it must be done at once.
      The answer is then the sum of the counts
    """

    name: str
    run: Callable[[Context, Grid], Grid]
    permission: str
    side_effects: bool
    read_scope: bool
    replicated: bool
    accepts_list: bool
    takes_samples: bool
    requires_meta: bool
    revisions: Revisions | None
    download: str
    arguments: Mapping[str, str]
    as_job: bool
    flags: tuple[str, ...]
    steps: Steps | None

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
    read_scope: bool = False,
    replicated: bool = False,
    accepts_list: bool = False,
    takes_samples: bool = False,
    requires_meta: bool = False,
    revisions: Revisions | None = None,
    download: str = "",
    arguments: Mapping[str, str] | None = None,
    as_job: bool = False,
    flags: tuple[str, ...] = (),
    steps: Steps | None = None,
) -> Callable[[Callable[[Context, Grid], Grid]], Callable[[Context, Grid], Grid]]:
    """Register a function as the op ``name``.

    Raises ImproperlyConfigured for the name of an op that another function has.
    """

    def register(
        run: Callable[[Context, Grid], Grid],
    ) -> Callable[[Context, Grid], Grid]:
        known = _ops.get(name)
        if known is not None and known.run.__qualname__ != run.__qualname__:
            raise ImproperlyConfigured(f"op {name!r} is already registered")
        _ops[name] = Op(
            name,
            run,
            permission,
            side_effects,
            read_scope,
            replicated,
            accepts_list,
            takes_samples,
            requires_meta,
            revisions,
            download,
            arguments or {},
            as_job,
            flags,
            steps,
        )
        return run

    return register


def find_op(name: str) -> Op | None:
    return _ops.get(name)


def all_ops() -> Iterator[Op]:
    """All ops, sorted by name."""
    return (_ops[name] for name in sorted(_ops))
