"""The base class of kinds of connectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from ..auth.guards import guard_for_filters
from ..auth.permissions import parsed_scope
from ..models import Connector, GroupScope
from ..storage.base import StorageAdapter
from ..storage.handler import UnknownStorage, storages
from .context import ConnectorContext
from .errors import ConnectorError, NothingToDo
from .leases import Busy, turn
from .rounds import Rounds
from .secrets import redacted, secret_of

__all__ = ["ACTIONS", "ConnectorKind", "clean_settings"]

ACTIONS = ("ping", "learn", "current", "history", "write")
"""What may be asked of a connector, by a button or by ``intervals``."""


class ConnectorKind:
    """One connector while it is used. Subclasses say what they can do by flags.

    Every method may raise ConnectorError, and calls ``check``, ``wait`` or
    ``progress`` of its context at least every few seconds: by that a worker knows that
    it is alive, and ends it. The other system is not trusted: sizes, times and depths
    of what it sends must be limited.
    """

    name: ClassVar[str] = ""
    """Set by the decorator ``connector``."""
    label: ClassVar[str] = ""
    """What people read, such as Haystack server."""
    settings_form: ClassVar[type[forms.Form]] = forms.Form
    """Its cleaned data must be JSON. A field's ``initial`` is the default."""

    can_ping: ClassVar[bool] = False
    can_learn: ClassVar[bool] = False
    can_read_current: ClassVar[bool] = False
    can_sync_history: ClassVar[bool] = False
    can_write: ClassVar[bool] = False

    def __init__(self, connector: Connector) -> None:
        """Raises ConnectorError for invalid settings."""
        self.connector = connector
        try:
            self.settings = clean_settings(type(self), connector.settings)
        except ValidationError as error:
            text = "; ".join(error.messages)
            raise ConnectorError(Connector.Status.SETTINGS, text) from None
        self.secrets: set[str] = set()
        """Values that no text about this connector may contain."""
        self.store = _store_of(connector)
        """As far as the group of the connector lets it."""

    def close(self) -> None:
        """Free what is open; called once, also after errors."""

    # -- what kinds implement -------------------------------------------------

    def ping(self, context: ConnectorContext) -> Mapping[str, Any]:
        """Reach the other system, and log in. Returns JSON to show to people."""
        raise NotImplementedError

    def learn(
        self, context: ConnectorContext, *, confirmed: bool = False
    ) -> Mapping[str, Any]:
        """Bring entities in step. ``confirmed``: many may go to the trash.

        Returns JSON to show to people.
        """
        raise NotImplementedError

    def read_current(self, context: ConnectorContext) -> Mapping[str, Any]:
        """Store current values, once. Returns JSON to show to people."""
        raise NotImplementedError

    def sync_history(self, context: ConnectorContext) -> Mapping[str, Any]:
        """Store samples up to now. Returns JSON to show to people."""
        raise NotImplementedError

    def write(self, context: ConnectorContext) -> Mapping[str, Any]:
        """Pass on what is written to points here, once."""
        raise NotImplementedError

    def intervals(self) -> Mapping[str, float]:
        """Seconds from one call of an action to the next, for ``run``."""
        return {}

    def run(self, context: ConnectorContext) -> None:
        """What a worker does as long as it holds the connector.

        Repeats actions by ``intervals``; one that fails is tried again after pauses
        that grow, and the others go on. A listener overrides it: it calls
        ``context.succeeded()`` when messages are stored, and ``context.wait()`` between
        them. What ``context`` raises must end it; after other errors it is called
        again.
        """
        Rounds(self, context).run()

    def lag(self) -> float | None:
        """Seconds that what is stored is older than what the system has, if known."""
        return None

    def went_down(
        self, context: ConnectorContext, error: Exception, action: str = "run"
    ) -> None:
        """An action, or ``run``, failed: called each time, for ``curStatus``."""

    # -- what they use --------------------------------------------------------

    def secret(self, setting: str) -> str:
        """The value of the secret that a setting names. Raises ConnectorError."""
        value = secret_of(self.settings[setting])
        self.secrets.add(value)
        return value

    def redacted(self, text: str) -> str:
        return redacted(text, self.secrets)

    def can(self, action: str) -> bool:
        flags = {
            "ping": self.can_ping,
            "learn": self.can_learn,
            "current": self.can_read_current,
            "history": self.can_sync_history,
            "write": self.can_write,
        }
        return flags[action]

    def perform(
        self,
        action: str,
        context: ConnectorContext,
        *,
        confirmed: bool = False,
        is_waiting: bool = True,
    ) -> Mapping[str, Any]:
        """Do one of ``ACTIONS``, alone among all processes.

        ``is_waiting``: for those that do the same now; else there is nothing to do.
        """
        if not self.can(action):
            raise NothingToDo(action, self.label)
        try:
            with turn(self.connector, action, context, is_waiting=is_waiting):
                if action == "learn":
                    return self.learn(context, confirmed=confirmed)
                methods = {
                    "ping": self.ping,
                    "current": self.read_current,
                    "history": self.sync_history,
                    "write": self.write,
                }
                return methods[action](context)
        except Busy:
            return {}


def clean_settings(kind: type[ConnectorKind], given: Any) -> dict[str, Any]:
    """The settings of a kind with their defaults. Raises ValidationError."""
    if not isinstance(given, dict):
        raise ValidationError("settings must be an object")
    fields = kind.settings_form.base_fields
    if unknown := sorted(given.keys() - fields.keys()):
        known = ", ".join(fields) or "none"
        raise ValidationError(f"unknown setting {unknown[0]!r}; there are: {known}")
    defaults = {
        name: field.initial
        for name, field in fields.items()
        if field.initial is not None
    }
    form = kind.settings_form(defaults | given)
    if not form.is_valid():
        raise ValidationError(
            [
                f"{name}: {text}" if name != "__all__" else text
                for name, texts in form.errors.items()
                for text in texts
            ]
        )
    return dict(form.cleaned_data)


def _store_of(connector: Connector) -> StorageAdapter:
    """The storage, restricted to what members of the connector's group may change."""
    try:
        store = storages[connector.storage]
    except UnknownStorage as error:
        raise ConnectorError(Connector.Status.SETTINGS, str(error)) from None
    if not store.shared:
        raise ConnectorError(
            Connector.Status.SETTINGS,
            f"storage {connector.storage!r} is in the memory of one process:"
            " connectors need one that processes share",
        )
    if connector.group_id is None:
        return store
    scope = GroupScope.objects.filter(group=connector.group_id).first()
    if scope is None:
        raise ConnectorError(
            Connector.Status.SETTINGS,
            "the group of the connector has no filter: give it one, or choose no group",
        )
    guard = guard_for_filters((scope.filter,))
    return store.visible_to(parsed_scope(scope.filter), lambda: guard)
