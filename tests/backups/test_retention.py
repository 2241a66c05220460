"""Back-ups of 7 days, 4 weeks and 12 months are kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from haystack_app.backups.manifest import MANIFEST
from haystack_app.backups.retention import delete_old, kept
from haystack_app.backups.targets import Folder, name_of

NOW = dt.datetime(2026, 11, 30, 1, 0, tzinfo=dt.UTC)  # a Monday


def days_ago(days: float) -> str:
    return name_of(NOW - dt.timedelta(days=days))


def test_what_is_kept() -> None:
    found = kept(days_ago(days) for days in range(800))
    daily = {days_ago(days) for days in range(7)}
    sundays = {days_ago(days) for days in (1, 8, 15)}
    ends = {
        name_of(dt.datetime(2026, month, 1, 1, tzinfo=dt.UTC) - dt.timedelta(days=1))
        for month in range(1, 12)
    }
    assert found == daily | sundays | ends


def test_several_of_a_day_count_as_one() -> None:
    names = [days_ago(hour / 24) for hour in range(24 * 3)]
    assert len(kept(names)) == 4  # of four days, the first of them begun
    assert days_ago(0) in kept(names)


def test_old_ones_are_kept_while_nothing_newer_comes() -> None:
    names = {days_ago(days) for days in range(1_000, 1_005)}
    assert kept(names) == names


def test_nightly_deletion_keeps_the_same() -> None:
    """Deleting each night must not lose the weeks and months of tomorrow."""
    had: set[str] = set()
    for day in range(500, -1, -1):
        had = kept(had | {days_ago(day)})
    assert had == kept(days_ago(day) for day in range(501))


def test_deletion(tmp_path: Path) -> None:
    target = Folder(tmp_path)
    for days in (0, 1, 400, 401):
        _make(target, days_ago(days), MANIFEST)
    for days in (0.5, 3):
        _make(target, days_ago(days), "database-default.pgdump")
    (tmp_path / "other").mkdir()
    # the older incomplete one, and no complete one: three months have some
    assert delete_old(target, NOW) == [days_ago(3)]
    for days in range(2, 500):
        _make(target, days_ago(days), MANIFEST)
    assert days_ago(401) in delete_old(target, NOW)
    assert set(target.names()) == kept(target.complete()) | {days_ago(0.5)}
    assert (tmp_path / "other").is_dir()


def _make(target: Folder, name: str, file: str) -> None:
    if target.files(name):
        return
    with target.writing(name, file) as output:
        output.write(b"{}")
