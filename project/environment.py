"""Variables of the environment; errors name the variable that is not a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import Env

__all__ = ["Environment"]

_T = TypeVar("_T", int, float)


class Environment(Env):  # type: ignore[misc]  # the package has no types
    def int(self, var: str, default: Any = Env.NOTSET) -> int:
        return self._number(int, "a whole number", var, default)

    def float(self, var: str, default: Any = Env.NOTSET) -> float:
        """Env's own takes the digits out of any text: 30 of ``30d``."""
        return self._number(float, "a number", var, default)

    def _number(
        self, read: Callable[[Any], _T], kind: str, var: str, default: Any
    ) -> _T:
        given = self.str(var, default=default)
        try:
            return read(given)
        except ValueError:
            why = f"{var} is {given!r}: it must be {kind}"
            raise ImproperlyConfigured(why) from None
