"""Who may import: holders of the permissions of the ops hisWrite and commit."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from ..auth.caller import READ, WRITE
from ..auth.roles import VIEW
from ..imports.rights import NEEDED, may_import
from .authentication import get_caller

__all__ = ["ImportPermission"]


class ImportPermission(BasePermission):
    """One of the permissions, since the kind of a file is known after its upload.

    The start of an import needs that of its kind. What is understood of a file has
    names of points, so ``view_entity`` is needed, too.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = READ if request.method in SAFE_METHODS else WRITE
        self.message = f"token scope {scope!r} required"
        if not get_caller(request).token_covers(scope):
            return False
        self.message = f"permissions {VIEW!r}, and one of {_WORDS}, required"
        return may_import(request.user)


_WORDS = ", ".join(map(repr, NEEDED.values()))
