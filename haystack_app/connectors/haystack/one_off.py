"""The entities of another Haystack server, fetched once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from ...kinds.scalars import Ref
from ...models import Connector
from ..errors import ConnectorError
from ..kind import clean_settings
from ..secrets import secret_of
from .client import FarServer
from .entities import Rewriting, taken_over
from .kind import HaystackConnector

__all__ = ["far_records"]


def far_records(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Entities with ids that begin with ``id_prefix``, and refs that lead to them.

    ``given`` are settings of a connector. Tags by which the other server acts are left
    out. Raises ConnectorError; a list that is not complete is an error, too.
    """
    try:
        settings = clean_settings(HaystackConnector, dict(given))
    except ValidationError as error:
        text = "; ".join(error.messages)
        raise ConnectorError(Connector.Status.SETTINGS, text) from None
    server = FarServer(settings, lambda name: secret_of(settings[name]), set())
    try:
        answer = server.read(settings["filter"])
    finally:
        server.close()
    if "incomplete" in answer.meta:
        text = "the answer is incomplete: use a narrower filter"
        raise ConnectorError(Connector.Status.INVALID, text)
    rows = [row for row in answer if isinstance(row.get("id"), Ref)]
    ids = {row["id"].id: f"{settings['id_prefix']}{row['id'].id}" for row in rows}
    rewriting = Rewriting(ids)
    return [
        rewriting.tags(taken_over(row, current=True, history=True, write=True))
        | {"id": Ref(ids[row["id"].id])}
        for row in rows
    ]
