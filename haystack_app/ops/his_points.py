"""The points whose histories a request asks for: by their ids, or by a filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..conf import limit
from ..filters import is_trash, without_trash
from ..filters.ast import Filter
from ..kinds.timezones import city_name, same_zone, zone_of
from ..storage.errors import NotHistorized, UnknownEntity
from ..storage.samples import HisPoint
from ..wire.record import Record
from .arguments import require_filter, require_str
from .registry import Context, OpError

__all__ = ["historized", "matching", "records_matching", "records_of", "zone_for"]


def records_of(context: Context, ids: Sequence[str]) -> list[Record]:
    """Raises UnknownEntity, as ``read`` does, also for entities in the trash."""
    records = []
    for id, record in zip(ids, context.storage.read_by_ids(ids), strict=True):
        if record is None or is_trash(record):
            raise UnknownEntity(id)
        records.append(record)
    return records


def records_matching(context: Context, filter: Any) -> list[Record]:
    """As ``matching``, of a request: at most the cap IDS. Raises ParseError, too."""
    return matching(context, require_filter(filter), cap=limit("IDS"))


def matching(
    context: Context, tree: Filter, cap: int | None = None, what: str = "entities"
) -> list[Record]:
    """The entities that a filter matches, but for trash, in the order of their ids.

    Raises OpError if it matches nothing, which is then called ``what``, or more than
    ``cap``.
    """
    found = context.storage.read(without_trash(tree), None if cap is None else cap + 1)
    if cap is not None and len(found) > cap:
        raise OpError(
            f"filter matches more than {cap} entities (cap IDS): use one that matches"
            " fewer"
        )
    if not found:
        raise OpError(f"filter matches no {what}")
    return sorted(found, key=lambda record: str(record["id"].id))


def historized(records: Iterable[Record], *, by_filter: bool = False) -> list[HisPoint]:
    """The records as points. Raises NotHistorized, or OpError for those of a filter."""
    try:
        return [HisPoint.of(record) for record in records]
    except NotHistorized as err:
        if not by_filter:
            raise
        raise OpError(
            f"filter matches an entity without a history: {err}; a filter such as"
            " point and his and siteRef == @hq matches points with history only"
        ) from None


def zone_for(tz: Any, points: Sequence[HisPoint], argument: str = "meta tz") -> str:
    """The zone of an answer about several points: ``tz``, or else their own one.

    Raises OpError, also if they have several and ``tz`` is None, and UnknownTimeZone.
    """
    if tz is not None:
        city = city_name(require_str(tz, "tz"))
        zone_of(city)
        return city
    zones = sorted({point.tz for point in points})
    if not all(same_zone(zone, zones[0]) for zone in zones):
        names = ", ".join(zones)
        raise OpError(
            f"missing {argument}: the points have several time zones ({names})"
        )
    return zones[0]
