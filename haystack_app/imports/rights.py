"""The permissions that imports need: those of the ops hisWrite and commit."""

from __future__ import annotations

from typing import Any

from ..auth.caller import ADMIN, WRITE
from ..auth.permissions import has_permission
from ..auth.roles import VIEW
from ..models import FileImport
from .corrections import ENTITIES, HISTORY

__all__ = ["CHANGE_ENTITY", "NEEDED", "WRITE_HISTORY", "may_import", "needed_for"]

WRITE_HISTORY, CHANGE_ENTITY = "write_history", "change_entity"
NEEDED = {HISTORY: WRITE_HISTORY, ENTITIES: CHANGE_ENTITY}
"""By kind of file."""
_SCOPES = {WRITE_HISTORY: WRITE, CHANGE_ENTITY: ADMIN}


def may_import(user: Any) -> bool:
    """Whether a user may upload files: what is in them is known later."""
    return has_permission(user, VIEW) and any(
        has_permission(user, name) for name in NEEDED.values()
    )


def needed_for(found: FileImport) -> list[tuple[str, str]]:
    """The permissions, each with the scope of a token, to import a checked file."""
    report: dict[str, Any] = found.found or {}
    names = [NEEDED[report["kind"]]] if report.get("kind") in NEEDED else []
    if report.get("newPoints") or report.get("hisMode"):
        names.append(CHANGE_ENTITY)
    return [(name, _SCOPES[name]) for name in names]
