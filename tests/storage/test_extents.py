"""The ends of the histories of several points, as their samples say."""

from __future__ import annotations

from haystack_app.kinds import Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.orm import OrmAdapter, history
from tests.storage.building import at, point

TIMES = ("2019-12-31 23:59:59.999", "2024-03-01 00:00", "2024-03-01 00:00:00.001")


def test_ends_of_histories(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([point("p"), point("empty"), point("later")])
    sql_store.his_write("p", [(at(time), Number(1)) for time in TIMES])
    sql_store.his_write("later", [(at("2024-06-01 12:00"), Number(1))])
    connection = sql_store.samples
    ids = ["later", "nothing", "p", "empty", "p"]
    first, middle, last = (microseconds_of(at(time).utc) for time in TIMES)
    only = microseconds_of(at("2024-06-01 12:00").utc)
    for start, found in (
        (None, None),
        (first, first),
        (first + 1, middle),
        (last, last),
        (last + 1, None),
    ):
        of_later = None if start is None else only
        assert history.extents(connection, ids, start) == [
            (of_later, only),
            (None, None),
            (found, last),
            (None, None),
            (found, last),
        ]
