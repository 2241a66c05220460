"""Passwords and keys by name: connectors store the name, never the value.

``env:CONNECTOR_PLANT`` is an environment variable, whose name must begin with
``CONNECTOR_``; ``file:plant`` is a file in the folder of the setting
``CONNECTOR_SECRETS``. So who may edit connectors cannot send other secrets of the
server to a system of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..conf import app_settings
from ..models import Connector
from .errors import ConnectorError

__all__ = ["SecretField", "check_name", "redacted", "secret_of"]

_NAME = re.compile(
    r"env:CONNECTOR_[A-Za-z0-9_]{1,100}|file:[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
)
_FORMS = "env:CONNECTOR_NAME (an environment variable) or file:NAME (a file)"
_HELP = _(
    "the name of the secret: env:CONNECTOR_NAME (an environment variable) or file:NAME"
    " (a file)"
)
_MOST = 64 * 1024
_HIDDEN = "[hidden]"
_SHORTEST = 3
"""Characters; of shorter secrets every text is full."""


def check_name(name: str) -> None:
    """Raises ValidationError. The message does not repeat what may be a password."""
    if not _NAME.fullmatch(name):
        raise ValidationError(f"write the name of the secret, not its value: {_FORMS}")


class SecretField(forms.CharField):
    """The name of a secret, for settings of connectors."""

    default_validators = [check_name]

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _HELP)
        super().__init__(**kwargs)


def secret_of(name: str) -> str:
    """The value of a secret. Raises ConnectorError that names it."""
    if not _NAME.fullmatch(name):
        raise _invalid(f"invalid name of a secret: use {_FORMS}")
    place, _, key = name.partition(":")
    value = os.environ.get(key) if place == "env" else _from_file(key)
    if not value:
        where = "environment variable" if place == "env" else "file"
        raise _invalid(f"secret {name!r}: the {where} is missing or empty")
    return value


def _from_file(name: str) -> str | None:
    path = Path(app_settings.CONNECTOR_SECRETS) / name
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = type(error).__name__
        raise _invalid(f"secret 'file:{name}' cannot be read: {why}") from None
    if len(text) > _MOST:
        raise _invalid(f"secret 'file:{name}' is longer than {_MOST // 1024} KB")
    return text.rstrip("\r\n")


def _invalid(text: str) -> ConnectorError:
    return ConnectorError(Connector.Status.SETTINGS, text)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the values of secrets, longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, _HIDDEN)
    return text
