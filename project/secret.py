"""Secrets: from the environment, from files that it names, or made here."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

__all__ = ["given_secret", "refuse_example", "stored_secret_key"]

_EXAMPLES = ("change-me", "changeme", "django-insecure-")
"""How secrets begin that come from an example or a generator of examples."""


def given_secret(name: str) -> str:
    """The variable ``name``, or the content of the file that ``name``_FILE names.

    Empty if neither is set. A newline at the file's end is not a part. Raises
    ImproperlyConfigured, which never quotes the secret.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set")
    if path:
        value = _content(name, path)
    refuse_example(name, value)
    return value


def refuse_example(name: str, value: str) -> None:
    """Raises ImproperlyConfigured for a secret that everybody knows."""
    if value.lower().startswith(_EXAMPLES):
        raise ImproperlyConfigured(f"{name} is that of an example: set one of your own")


def _content(name: str, path: str) -> str:
    try:
        value = Path(path).read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeError) as error:
        why = type(error).__name__  # its text might quote the file
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {why}") from None
    if not value:  # a file that is named must have a secret
        raise ImproperlyConfigured(f"{name}_FILE names an empty file")
    return value


def stored_secret_key(path: Path) -> str:
    """The key kept in ``path``; made there, readable by its owner only, if absent."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        _create(path)
        return path.read_text().strip()


def _create(path: Path) -> None:
    # Linking a finished file: of two processes starting at once, one wins and
    # the other reads a whole key.
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
        draft.write(get_random_secret_key())
        draft.flush()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return
