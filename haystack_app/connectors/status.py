"""What became of a connector: stored for people, and announced when it changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.db import router, transaction
from django.db.models.functions import Now
from django.utils import timezone

from ..models import Connector
from ..storage.signals import connector_status_changed, send

__all__ = ["remember", "report"]

logger = logging.getLogger(__name__)
_LONGEST = 2_000


def report(
    connector: Connector,
    status: Connector.Status,
    error: str = "",
    *,
    lag: float | None = None,
) -> None:
    """Store the status of a connector, and send the signal if it is another one.

    Errors must have no secrets any more. Of several processes that report the same
    change, one sends the signal.
    """
    rows = Connector.objects.filter(pk=connector.pk)
    changed = rows.exclude(status=status).update(status=status, status_since=Now())
    fields: dict[str, Any] = {}
    if error:
        fields = {"last_error": error[:_LONGEST], "last_error_at": timezone.now()}
    elif status == Connector.Status.OK:
        fields = {"last_success_at": timezone.now(), "lag": lag}
        if lag is None:
            del fields["lag"]
    if fields:
        rows.update(**fields)
    for name, value in {**fields, "status": status}.items():
        setattr(connector, name, value)
    if changed:
        _announce(connector, status, error)


def remember(connector: Connector, state: Mapping[str, Any]) -> None:
    """Merge JSON into the state of a connector."""
    using = router.db_for_write(Connector)
    with transaction.atomic(using=using):
        rows = Connector.objects.using(using).select_for_update()
        row = rows.filter(pk=connector.pk).first()
        if row is not None:
            merged = {**row.state, **state}
            Connector.objects.using(using).filter(pk=row.pk).update(state=merged)
            connector.state = merged


def _announce(connector: Connector, status: str, error: str) -> None:
    level = logging.INFO if status == Connector.Status.OK else logging.WARNING
    logger.log(
        level, "connector %s: %s%s", connector.name, status, error and f": {error}"
    )
    send(connector_status_changed, connector=connector, status=status, error=error)
