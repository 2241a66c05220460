"""The op ``invokeAction`` and the registry of actions.

    @action("silence", applies_to="ahu and alarm")
    def silence(context: Context, entity: Record, arguments: Row) -> None: ...

``HAYSTACK["ACTIONS"]`` lists the modules that register actions.
Source: docHaystack Ops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import filters
from ..filters.ast import And, Compare, Filter
from ..kinds.grid import Grid, Row
from ..kinds.scalars import Ref
from ..wire.record import Record
from .arguments import require_ref, require_str
from .registry import Context, OpError, op

__all__ = ["Action", "action", "all_actions"]

Run = Callable[[Context, Record, Row], Any]


@dataclass(frozen=True, slots=True)
class Action:
    """A function that callers can invoke on the entities that match a filter."""

    name: str
    applies_to: Filter
    run: Run


_actions: dict[str, list[Action]] = {}


def action(name: str, *, applies_to: str) -> Callable[[Run], Run]:
    """Register a function as an action.

    Several actions may share a name if their filters differ. The function receives
    the entity and the row of arguments, and returns a grid, one value or None. An
    OpError that it raises becomes an error grid. Raises ParseError.
    """
    tree = filters.parse(applies_to)

    def register(run: Run) -> Run:
        _actions.setdefault(name, []).append(Action(name, tree, run))
        return run

    return register


def all_actions() -> list[str]:
    """Names of the registered actions, sorted."""
    return sorted(_actions)


@op("invokeAction", permission="invoke_actions", side_effects=True)
def invoke_action(context: Context, request: Grid) -> Grid:
    """Invoke the action of meta ``action`` on the entity of meta ``id``.

    The first row contains the arguments of the action, which returns the answer.
    """
    id = require_ref(request.meta.get("id"), "meta id").id
    name = require_str(request.meta.get("action"), "meta action")
    entity = context.existing(id)
    for known in _actions.get(name, ()):
        if _applies(context, known, id):
            return _grid(known.run(context, entity, request.first))
    if name not in _actions:
        raise OpError(f"unknown action {name!r}")
    raise OpError(f"action {name!r} does not apply to @{id}")


def _applies(context: Context, known: Action, id: str) -> bool:
    this = And((Compare(("id",), "==", Ref(id)), known.applies_to))
    return len(context.storage.read(this, 1)) > 0


def _grid(answer: Any) -> Grid:
    if isinstance(answer, Grid):
        return answer
    return Grid() if answer is None else Grid.of([{"val": answer}])
