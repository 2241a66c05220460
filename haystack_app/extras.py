"""Packages that only some deployments need: the extras of the distribution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured

__all__ = ["imported_for"]


@contextmanager
def imported_for(use: str, extra: str) -> Iterator[None]:
    """Imports for ``use``. Raises ImproperlyConfigured where the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise ImproperlyConfigured(
            f"{use} needs the package {package!r}: install haystack-server[{extra}]"
        ) from error
