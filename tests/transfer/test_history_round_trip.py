"""What histories have comes back equal from every file that we write."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, NA, Coord, DateTime, Grid, Number, Ref
from haystack_app.ops import Context, find_op
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.transfer.his_export import ExportedPoint, Exports
from haystack_app.transfer.his_folders import folder_files
from haystack_app.transfer.his_import import import_histories
from haystack_app.wire.registry import FORMATS
from haystack_app.wire.zinc_writer import value_text
from tests.commands.test_what_we_write import SUFFIX

_TEXT = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8
)


def _degrees(most: float) -> st.SearchStrategy[float]:
    """Without -0.0, which is stored as 0."""
    return st.floats(-most, most).map(lambda value: value + 0.0)


_NUMBERS = st.one_of(
    st.floats(allow_nan=False).map(Number), st.integers(-(10**6), 10**6).map(Number)
)
_VALUES = {
    "Number": _NUMBERS | st.just(NA),
    "Bool": st.booleans() | st.just(NA),
    "Str": st.one_of(
        _TEXT, st.sampled_from(["NA", "", "72", "T", "=1", "'", "@a", "a,b", '"', "-"])
    ),
    "Coord": st.builds(Coord, _degrees(90), _degrees(180)) | st.just(NA),
}
_ZONES = ["New_York", "Kolkata", "UTC"]
_TIMES = st.one_of(
    st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2100, 1, 1)),
    # the hour that occurs twice
    st.datetimes(dt.datetime(2023, 11, 5, 4, 30), dt.datetime(2023, 11, 5, 7, 30)),
)
_FROM = dt.datetime(2023, 10, 1, tzinfo=dt.UTC)
_TO = dt.datetime(2023, 12, 2, tzinfo=dt.UTC)
_FEW_MONTHS = st.datetimes(dt.datetime(2023, 10, 2), dt.datetime(2023, 12, 1))


@st.composite
def stores(
    draw: st.DrawFn, times: st.SearchStrategy[dt.datetime] = _TIMES
) -> InMemoryAdapter:
    store = InMemoryAdapter()
    tz = draw(st.sampled_from(_ZONES))
    for kind, values in _VALUES.items():
        unit = {"unit": "°C"} if kind == "Number" and draw(st.booleans()) else {}
        tags = {"point": MARKER, "his": MARKER, "kind": kind, "tz": tz, **unit}
        store.load_entities([{"id": Ref(kind.lower()), **tags}])
        samples = draw(st.lists(st.tuples(times, values), max_size=5))
        store.his_write(
            kind.lower(),
            [
                (DateTime(_milli(at), tz), _with_unit(value, unit.get("unit")))
                for at, value in samples
            ],
        )
    return store


def _milli(at: dt.datetime) -> dt.datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=dt.UTC)


def _with_unit(value: Any, unit: str | None) -> Any:
    return Number(value.val, unit) if isinstance(value, Number) else value


def _contents(store: InMemoryAdapter) -> dict[str, list[str]]:
    return {
        kind: [f"{row['ts']} {value_text(row['val'])}" for row in store.his_read(kind)]
        for kind in map(str.lower, _VALUES)
    }


def _empty(store: InMemoryAdapter) -> InMemoryAdapter:
    found = InMemoryAdapter()
    found.load_entities(
        {name: val for name, val in record.tags.items() if name[:3] != "his"}
        | {"his": MARKER}
        for record in store.scan()
    )
    return found


def _answers(store: InMemoryAdapter) -> list[Grid]:
    op = find_op("hisRead")
    assert op is not None
    span = "1950-01-02,2100-12-31"
    ids = [kind.lower() for kind in _VALUES]
    single = [Grid.of([{"id": Ref(id), "range": span}]) for id in ids]
    batch = Grid.of([{"id": Ref(id)} for id in ids], meta={"range": span})
    return [op.run(Context(store), request) for request in (*single, batch)]


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_answers(format: Any) -> None:
    @settings(max_examples=12, deadline=None)
    @given(stores())
    def check(store: InMemoryAdapter) -> None:
        *single, batch = _answers(store)
        for grids in (single, [batch]):
            with tempfile.TemporaryDirectory() as folder:
                paths = []
                for number, grid in enumerate(grids):
                    path = Path(folder) / f"{number}.{SUFFIX[format.name]}"
                    path.write_text("".join(format.write(grid)), "utf-8", newline="")
                    paths.append(path)
                found = _empty(store)
                import_histories(found, paths)
            assert _contents(found) == _contents(store)

    check()


@pytest.mark.parametrize("format", ["csv", "zinc", "parquet"])
def test_exports(format: str) -> None:
    @settings(max_examples=10, deadline=None)
    @given(stores(_FEW_MONTHS))
    def check(store: InMemoryAdapter) -> None:
        ids = [kind.lower() for kind in _VALUES]
        start, end = (int(at.timestamp()) * 10**6 for at in (_FROM, _TO))
        points = [
            ExportedPoint(point, None, start, end) for point in store.his_points(ids)
        ]
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "out"
            exports = Exports(target, {"format": format}, dt.datetime.now(dt.UTC))
            exports.write(store, points, lambda _: None)
            found = _empty(store)
            if exports.rows:
                import_histories(found, folder_files(target))
        assert _contents(found) == _contents(store)

    check()
