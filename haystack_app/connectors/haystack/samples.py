"""Samples in answers of hisRead, as samples of points here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...kinds.columns import SampleColumn, SampleRows
from ...kinds.datetimes import DateTime
from ...kinds.grid import Grid
from ...kinds.scalars import Ref
from ...kinds.series import microseconds_of
from ...models import Connector
from ...storage.samples import HisPoint, Sample
from ..errors import ConnectorError

__all__ = ["FarSamples", "NotOfAll", "samples_of"]

_NO_SAMPLES = "hisRead: the answer has no samples"


class NotOfAll(ConnectorError):
    """The answer is not of all points: some servers read the first row alone."""

    def __init__(self, what: str) -> None:
        super().__init__(Connector.Status.INVALID, f"{_NO_SAMPLES}: {what}")


class FarSamples:
    """Of one point; ``last`` is the time of the newest in microseconds, if any."""

    def __init__(self, samples: Sequence[Sample] | SampleColumn) -> None:
        self.samples = samples
        if isinstance(samples, SampleColumn):
            times = [
                time
                for time, val in zip(samples.times, samples.vals, strict=True)
                if val is not None
            ]
        else:
            times = [microseconds_of(ts.utc) for ts, _ in samples]
        self.size = len(times)
        self.last = max(times, default=None)

    def within(self, start: int, end: int) -> FarSamples:
        """Those with start <= time < end: some servers send more than is asked for."""
        if isinstance(self.samples, SampleColumn):
            times = self.samples.times
            kept = [n for n, time in enumerate(times) if start <= time < end]
            if len(kept) == len(times):
                return self
            vals = self.samples.vals
            column = SampleColumn(
                self.samples.tz,
                [times[n] for n in kept],
                [vals[n] for n in kept],
                self.samples.unit,
            )
            return FarSamples(column)
        return FarSamples(
            [one for one in self.samples if start <= microseconds_of(one[0].utc) < end]
        )


def samples_of(
    answer: Grid, ids: Sequence[str], points: Mapping[str, HisPoint]
) -> dict[str, FarSamples]:
    """By far id. Raises ConnectorError for an answer to another question.

    Times get the zone of the point.
    """
    names = _columns(answer, ids)
    found: dict[str, FarSamples] = {}
    for id, name in names.items():
        tz = points[id].tz
        if isinstance(answer.rows, SampleRows):
            given = answer.rows.columns[name]
            column = SampleColumn(tz, given.times, given.vals, given.unit)
            found[id] = FarSamples(column)
        else:
            found[id] = FarSamples(list(_samples(answer, name, tz)))
    return found


def _columns(answer: Grid, ids: Sequence[str]) -> dict[str, str]:
    """Names of columns by far id: by the meta of columns, else by their order."""
    names = answer.names
    if names[0] != "ts":
        if not any(True for _ in answer):
            return {}  # some servers answer without columns if there are no samples
        raise _invalid("the first column is not ts")
    cols = answer.cols[1:]
    if len(ids) == 1:
        wanted = [col for col in cols if col.name in ("val", "v0")] or list(cols)
        return {ids[0]: wanted[0].name} if wanted else {}
    given = {
        ref.id: col.name for col in cols if isinstance(ref := col.meta.get("id"), Ref)
    }
    if given:
        return {id: given[id] for id in ids if id in given}
    if len(cols) != len(ids) or isinstance(answer.meta.get("id"), Ref):
        raise NotOfAll(f"{len(cols)} columns for {len(ids)} points")
    return dict(zip(ids, (col.name for col in cols), strict=True))


def _samples(answer: Grid, name: str, tz: str) -> Iterable[Sample]:
    for row in answer:
        value: Any = row.get(name)
        if value is None:
            continue
        ts = row.get("ts")
        if not isinstance(ts, DateTime):
            raise _invalid("a row has no time")
        yield DateTime(ts.utc, tz), value


def _invalid(what: str) -> ConnectorError:
    return ConnectorError(Connector.Status.INVALID, f"{_NO_SAMPLES}: {what}")
