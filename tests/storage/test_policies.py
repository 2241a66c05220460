"""Policies: which decides, what is dropped, and what roll-ups answer afterwards."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from haystack_app.conf import problems
from haystack_app.folds.buckets import DAY as ONE_DAY
from haystack_app.folds.buckets import Interval, buckets
from haystack_app.folds.rollup import Rollup
from haystack_app.jobs import retention
from haystack_app.jobs.retention import apply_policies
from haystack_app.jobs.worker import Worker
from haystack_app.kinds import MARKER, REMOVE, DateTime, Grid, Number, Ref
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.models import (
    AuditEntry,
    FoldPoint,
    HisSample,
    HistoryPolicy,
    Job,
    JobSchedule,
)
from haystack_app.ops import Context, find_op
from haystack_app.ops.frames import history_frame
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import InvalidSample
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.policies import assigned, cutoff, policy_of
from haystack_app.storage.retention import plans
from tests.folds.histories import DAY, a_rollup, a_zone
from tests.storage.building import at, point
from tests.storage.test_folds import (
    TOGETHER,
    a_change,
    check,
    fold_some,
    remove_all,
    some_histories,
    written,
)

CASES = int(os.environ.get("DROP_CASES", "1200"))
HOUR = 3_600_000_000


def a_day(tz: str, time: int) -> int:
    """The start of the local day at an instant."""
    return next(buckets(ONE_DAY, tz, time))[0]


def allowed_rollups(
    random: Random, tz: str, base: int, kinds: list[str], dropped: int
) -> list[Rollup]:
    """Of days or longer, whose range begins and ends with days where it must."""
    shared = a_rollup(random, tz, base)
    start = shared.start - random.choice([0, 0, 3, 40]) * DAY
    end = shared.end + random.choice([0, 0, 3, 40]) * DAY
    start = a_day(tz, start) if start < dropped else start
    end = a_day(tz, end) if end < dropped else end
    unit = random.choice(["day", "day", "wk", "mo", "yr"])
    shared = replace(
        shared, interval=Interval.of(Number(1, unit)), start=start, end=max(start, end)
    )
    owns = [a_rollup(random, tz, base, kind) for kind in kinds]
    return [replace(shared, folds=own.folds, meaning=own.meaning) for own in owns]


@pytest.mark.parametrize("seed", range(2))
def test_roll_ups_stay_when_samples_are_dropped(
    sql_store: OrmAdapter, seed: int
) -> None:
    """They are those of the samples that were there, in every state of the parts."""
    random = Random(1_000 + seed)
    for _ in range(-(-CASES // (6 * 3 * TOGETHER))):
        tz, base = a_zone(random)
        kinds, histories = some_histories(random, tz, base)
        sql_store.load_entities([point(f"p{n}", tz=tz) for n in range(TOGETHER)])
        points = sql_store.his_points([f"p{n}" for n in range(TOGETHER)])
        with sql_store.locked([]):
            sql_store.his_store(
                {f"p{n}": written(one) for n, one in enumerate(histories)}
            )
        fold_some(sql_store, random)
        dropped = a_day(tz, base + random.choice([0, 1, 2, 3]) * DAY)
        for each in points:
            sql_store.his_drop(each, dropped)
        for _ in range(3):
            check(
                sql_store, histories, allowed_rollups(random, tz, base, kinds, dropped)
            )
            fold_some(sql_store, random)
            changed = [later_change(random, base, one, dropped) for one in histories]
            histories = [samples for samples, _ in changed]
            with sql_store.locked([]):
                sql_store.his_store(
                    {f"p{n}": batch for n, (_, batch) in enumerate(changed)}
                )
        remove_all(sql_store)


def later_change(
    random: Random, base: int, samples: list[Any], dropped: int
) -> tuple[list[Any], Any]:
    """Changes of samples that are kept."""
    old = [one for one in samples if one[0] <= dropped]
    new = [one for one in samples if one[0] > dropped]
    after, batch = a_change(random, base, new)
    kept = {time: value for time, value in batch.written.items() if time > dropped}
    after = [one for one in after if one[0] > dropped]
    return sorted([*old, *after]), replace(batch, written=kept)


# -- a point with a year of samples -----------------------------------------------

NOW = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
KW = Number(5, "kW")


def a_year(store: StorageAdapter, id: str = "p", **tags: Any) -> int:
    """Hourly samples, the last at 11:00 UTC of 1 July. Returns their number."""
    store.load_entities([point(id, tz="New_York", unit="kW", **tags)])
    times = [NOW - dt.timedelta(hours=n) for n in range(1, 24 * 100)]
    store.his_write(
        id,
        [(DateTime(time, "New_York"), Number(n, "kW")) for n, time in enumerate(times)],
    )
    return len(times)


def policy(name: str = "short", **fields: Any) -> HistoryPolicy:
    values = {"filter": "point", "position": 1, "keep_days": 30} | fields
    return HistoryPolicy.objects.create(name=name, **values)


def read(store: StorageAdapter, **arguments: Any) -> Grid:
    op = find_op("hisRead")
    assert op is not None
    grid = op.run(Context(store, now=NOW), Grid.of([{"id": Ref("p"), **arguments}]))
    return grid


def test_an_example(sql_store: OrmAdapter) -> None:
    count = a_year(sql_store)
    days = {
        "range": "2024-04-01,2024-06-30",
        "rollup": "sum",
        "interval": Number(1, "day"),
    }
    before = list(read(sql_store, **days).rows)
    [history] = sql_store.his_points(["p"])
    end = cutoff(history, 30, NOW)
    assert DateTime(instant_of(end), "New_York").iso.startswith(
        "2024-06-01T00:00:00-04:00"
    )
    dropped = sql_store.his_drop(history, end)
    left = HisSample.objects.using(sql_store.history_using).filter(point_id="p").count()
    assert dropped + left == count
    assert left == 24 * 30 + 8 + 1  # and the newest of the dropped ones
    [record] = sql_store.read_by_ids(["p"])
    assert record is not None
    assert record["hisSize"].val == left
    assert record["hisDropped"].iso.startswith("2024-06-01T00:00:00-04:00")
    grid = read(sql_store, **days)
    assert list(grid.rows) == before
    assert grid.meta["dropped"] == record["hisDropped"]
    raw = read(sql_store, range="2024-05-01,2024-06-01")
    assert len(list(raw.rows)) == 25
    assert raw.meta["dropped"] == record["hisDropped"]
    assert "dropped" not in read(sql_store, range="2024-06-10").meta
    context = Context(sql_store, now=NOW)
    frame = history_frame(context, {"range": "2024-05-01,2024-06-01"}, ["p"])
    assert frame.meta["dropped"] == {"p": record["hisDropped"].iso}
    assert "dropped" not in history_frame(context, {"range": "2024-06-10"}, ["p"]).meta
    # again: nothing is left to do
    assert sql_store.his_drop(sql_store.his_points(["p"])[0], end) == 0
    assert sql_store.differences() == []
    months = read(
        sql_store, range="2024-04-01,2024-06-30", rollup="count", maxPoints=Number(4)
    )
    assert months.meta["interval"] == Number(1, "mo")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"range": "2024-05-10", "interval": Number(1, "hr")},
            "interval must be 1day or longer, not 1hr",
        ),
        (
            {"range": "2024-05-10,2024-06-10", "interval": Number(15, "min")},
            "not 15min",
        ),
        (
            {
                "range": DateTime(
                    dt.datetime(2024, 5, 10, 12, tzinfo=dt.UTC), "New_York"
                ),
                "interval": Number(1, "day"),
            },
            "the range must begin with a day, not 2024-05-10T08:00:00-04:00",
        ),
    ],
)
def test_what_is_no_longer_known(
    sql_store: OrmAdapter, arguments: dict[str, Any], text: str
) -> None:
    a_year(sql_store)
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    with pytest.raises(ValueError, match="samples before 2024-06-01") as caught:
        read(sql_store, rollup="avg", **arguments)
    assert text in str(caught.value)
    # what is kept has any interval
    kept = read(sql_store, rollup="avg", range="2024-06-10", interval=Number(1, "hr"))
    assert len(list(kept.rows)) == 24


@pytest.mark.parametrize("late", ["refuse", "keep"])
def test_late_samples(sql_store: OrmAdapter, late: str) -> None:
    a_year(sql_store)
    policy(late=late)
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    old = [(at("2024-05-10 12:30", "New_York"), KW)]
    days = {"range": "2024-05-10", "rollup": "count", "interval": Number(1, "day")}
    if late == "refuse":
        with pytest.raises(InvalidSample, match="dropped by policy 'short'"):
            sql_store.his_write("p", old)
        with pytest.raises(InvalidSample, match="is before 2024-06-01"):
            sql_store.his_write("p", [(old[0][0], None or Number(1, "kW"))])
    else:
        sql_store.his_write("p", old)
        sql_store.fold_dirty()
        assert len(list(read(sql_store, range="2024-05-10").rows)) == 1
    # the day stays as it was folded
    [row] = read(sql_store, **days).rows
    assert row["val"].val == 24
    sql_store.his_write("p", [(at("2024-06-10 12:30", "New_York"), KW)])


@pytest.mark.parametrize("late", ["refuse", "keep"])
def test_undoing_a_removal_of_dropped_samples(sql_store: OrmAdapter, late: str) -> None:
    a_year(sql_store)
    policy(late=late)
    old, new = (at(day, "New_York") for day in ("2024-05-10 12:00", "2024-06-10 12:00"))
    sql_store.his_write("p", [(old, REMOVE), (new, REMOVE)])
    [change] = sql_store.sample_changes()
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    done = sql_store.undo_samples(change.origin.change)
    days = {"rollup": "count", "interval": Number(1, "day")}
    [row] = read(sql_store, range="2024-05-10", **days).rows
    assert row["val"].val == 23  # as it was folded
    [row] = read(sql_store, range="2024-06-10", **days).rows
    assert row["val"].val == 24
    left = list(read(sql_store, range="2024-05-10").rows)
    time = microseconds_of(old.utc)
    if late == "refuse":
        assert (done.restored, done.dropped, left) == (1, [("p", time)], [])
    else:
        assert (done.restored, done.dropped, len(left)) == (2, [], 1)


def test_a_policy_decides_alike_for_callers_with_a_scope(
    sql_store: OrmAdapter,
) -> None:
    north = {"id": Ref("north"), "region": MARKER}
    site = {"id": Ref("hq"), "site": MARKER, "regionRef": Ref("north")}
    sql_store.load_entities([north, site])
    a_year(sql_store)
    sql_store.update_entities([{"id": Ref("p"), "siteRef": Ref("hq")}], force=True)
    policy(filter="siteRef->regionRef->region", late="keep")
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    seen = sql_store.visible_to(sql_store.parsed("point"))
    assert policy_of(seen, "p") is None
    seen.his_write("p", [(at("2024-05-10 12:30", "New_York"), KW)])
    assert len(list(read(sql_store, range="2024-05-10").rows)) == 1


def test_other_points_and_a_removed_point(
    sql_store: OrmAdapter, django_capture_on_commit_callbacks: Any
) -> None:
    count = a_year(sql_store)
    a_year(sql_store, "q")
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    samples = HisSample.objects.using(sql_store.history_using)
    assert samples.filter(point_id="q").count() == count
    # without the tag his it has no history for a while: nothing is lost
    days = {"range": "2024-05-10", "rollup": "sum", "interval": Number(1, "day")}
    before = list(read(sql_store, **days).rows)
    sql_store.update_entities([{"id": Ref("p"), "his": REMOVE}], force=True)
    while sql_store.fold_dirty():
        pass
    sql_store.update_entities([{"id": Ref("p"), "his": MARKER}], force=True)
    assert list(read(sql_store, **days).rows) == before
    with django_capture_on_commit_callbacks(using=sql_store.using, execute=True):
        sql_store.commit([], remove=["p"])
    while sql_store.fold_dirty():
        pass
    assert (
        not FoldPoint.objects.using(sql_store.history_using)
        .filter(point_id="p")
        .exists()
    )


def test_other_rules_of_the_zone(sql_store: OrmAdapter) -> None:
    """A new tzdata makes all parts anew, but those whose samples are gone."""
    a_year(sql_store)
    days = {
        "range": "2024-04-01,2024-06-30",
        "rollup": "sum",
        "interval": Number(1, "day"),
    }
    before = list(read(sql_store, **days).rows)
    [history] = sql_store.his_points(["p"])
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    FoldPoint.objects.using(sql_store.history_using).update(
        zone="America/New_York 1999.1"
    )
    assert list(read(sql_store, **days).rows) == before
    sql_store.his_write("p", [(at("2024-06-10 12:30", "New_York"), KW)])
    while sql_store.fold_dirty():
        pass
    assert (
        FoldPoint.objects.using(sql_store.history_using).get().zone
        != "America/New_York 1999.1"
    )
    after = list(read(sql_store, **days).rows)
    assert len(after) == len(before)
    assert after[:60] == before[:60]


def test_the_sample_at_the_end_of_what_is_dropped(sql_store: OrmAdapter) -> None:
    """Of a meter it belongs to the last dropped day."""
    a_year(sql_store, hisMode="consumption")
    [history] = sql_store.his_points(["p"])
    days = {
        "range": "2024-05-30,2024-06-02",
        "rollup": "sum",
        "interval": Number(1, "day"),
    }
    before = [row["val"].val for row in read(sql_store, **days).rows]
    sql_store.his_drop(history, cutoff(history, 30, NOW))
    assert [row["val"].val for row in read(sql_store, **days).rows] == before
    midnight = at("2024-06-01 00:00", "New_York")
    [old] = [
        row["val"].val
        for row in read(sql_store, range="2024-06-01").rows
        if row["ts"] == midnight
    ]
    sql_store.his_write("p", [(midnight, Number(old + 1_000, "kW"))])
    after = [row["val"].val for row in read(sql_store, **days).rows]
    assert after == [before[0], before[1] + 1_000, *before[2:]]


def test_infinite_readings_stay(sql_store: OrmAdapter) -> None:
    a_year(sql_store)
    infinite = at("2024-05-10 10:30", "New_York")
    sql_store.his_write("p", [(infinite, Number(float("inf"), "kW"))])
    days = {
        "range": "2024-04-01,2024-06-30",
        "rollup": "avg",
        "interval": Number(1, "mo"),
    }
    before = list(read(sql_store, **days).rows)
    [history] = sql_store.his_points(["p"])
    for _ in range(2):
        sql_store.his_drop(history, cutoff(history, 30, NOW))
        [record] = sql_store.read_by_ids(["p"])
        assert record is not None
        assert record["hisDropped"].iso.startswith("2024-05-10T00:00:00")
        assert list(read(sql_store, **days).rows) == before
    assert len(list(read(sql_store, range="2024-05-10").rows)) == 25


# -- which policy -----------------------------------------------------------------


def test_the_first_that_matches_decides(sql_store: OrmAdapter, settings: Any) -> None:
    a_year(sql_store, "p", meter=MARKER)
    a_year(sql_store, "q")
    sql_store.load_entities([point("r", tz="New_York", his=None)])
    settings.HAYSTACK = {
        **settings.HAYSTACK,
        "POLICIES": [{"name": "meters", "filter": "meter"}],
    }
    policy("all", position=2, keep_days=30)
    policy("off", position=1, enabled=False, keep_days=1)
    found = {one.name: [p.id for p, _ in points] for one, points in assigned(sql_store)}
    assert found == {"meters": ["p"], "all": ["q"]}
    for id, name in (("p", "meters"), ("q", "all")):
        decides = policy_of(sql_store, id)
        assert decides is not None and decides.name == name
    HistoryPolicy.objects.all().delete()
    assert policy_of(sql_store, "q") is None
    [plan] = plans(sql_store, NOW)
    assert (plan.points, plan.old_samples) == (1, 0)


def test_invalid_policies(settings: Any) -> None:
    for bad in (
        [{"filter": "point"}],
        [{"name": "x", "filter": "point and"}],
        [{"name": "x", "filter": "point", "keep_days": 0}],
        [{"name": "x", "filter": "point", "days": 5}],
        [{"name": "x", "filter": "point", "late": "odd"}],
        {"name": "x"},
    ):
        settings.HAYSTACK = {**settings.HAYSTACK, "POLICIES": bad}
        [problem] = problems()
        assert problem.name == "HAYSTACK['POLICIES']"
    row = HistoryPolicy(name="x", position=1, filter="point and", keep_days=0)
    with pytest.raises(ValidationError) as caught:
        row.full_clean(validate_unique=False)
    assert set(caught.value.message_dict) == {"filter", "keep_days"}


# -- the command --------------------------------------------------------------------


def run(store: StorageAdapter, *words: str) -> str:
    out = StringIO()
    call_command("haystack_policy", "--storage", store.alias, *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def named(sql_store: OrmAdapter) -> OrmAdapter:
    alias = next(
        alias
        for alias in storages
        if getattr(storages[alias], "using", "") == sql_store.using
    )
    found: Any = storages[alias]
    return found


def test_a_dry_run_and_applying(named: OrmAdapter) -> None:
    count = a_year(named)
    assert "all samples are kept" in run(named)
    policy(compress_days=7)
    text = run(named)
    assert (
        f"short (point: samples are kept 30 days; compressed after 7 days; late samples are refused): 1 points, {count:,} samples"
        in text
    )
    assert f"; {count:,} samples of 1 points are older" in text  # the year is long ago
    assert "dry run, nothing dropped: use --apply" in text
    assert "compression needs" in text
    assert HisSample.objects.using(named.using).count() == count
    assert f"short: {count - 1:,} samples dropped" in run(named, "--apply")
    assert HisSample.objects.using(named.using).count() == 1
    assert "; 0 samples of 0 points are older" in run(named)
    [entry] = AuditEntry.objects.filter(event=AuditEntry.SAMPLES_DROPPED)
    assert (
        entry.detail == f"{count - 1:,} samples of storage {named.alias!r} by 'short'"
    )


def test_the_nightly_job(named: OrmAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "storages", {named.alias: named})
    count = a_year(named)
    policy()
    schedule = JobSchedule.objects.get(name="apply_policies")
    assert not schedule.enabled  # until a superuser switches it on
    apply_policies.enqueue()
    assert Worker({"long": 1}).run_one(["long"])
    job = Job.objects.get()
    assert job.status == Job.Status.SUCCESSFUL, job.errors
    assert job.result[named.alias] == count - 1
    assert HisSample.objects.using(named.using).count() == 1
    assert AuditEntry.objects.filter(event=AuditEntry.SAMPLES_DROPPED).count() == 1


def test_what_went_before_an_error_is_audited(named: OrmAdapter) -> None:
    count = a_year(named)
    a_year(named, "q")
    policy()
    [plan] = plans(named, dt.datetime.now(dt.UTC))
    audited: list[str] = []

    def begin() -> None:
        entries = AuditEntry.objects.filter(event=AuditEntry.SAMPLES_DROPPED)
        audited.extend(entries.values_list("detail", flat=True))
        if audited:  # as kill -9 would find it
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.drop(named, plan, begin)
    assert len(audited) == 1
    assert audited[0].startswith(f"{count - 1:,} samples of storage")
    [entry] = AuditEntry.objects.filter(event=AuditEntry.SAMPLES_DROPPED)
    assert entry.detail == audited[0]
    [plan] = plans(named, dt.datetime.now(dt.UTC))
    assert retention.drop(named, plan, lambda: None) == count - 1
    assert AuditEntry.objects.filter(event=AuditEntry.SAMPLES_DROPPED).count() == 2


def test_explaining(named: OrmAdapter) -> None:
    a_year(named)
    policy("meters", filter="meter")
    policy("rest", position=2, keep_days=None)
    text = run(named, "--explain", "@p")
    assert "meters: does not match: meter" in text
    assert "@p: rest (point: samples are kept for ever" in text
    HistoryPolicy.objects.filter(name="rest").delete()
    assert "@p: no policy matches" in run(named, "--explain", "p")
    with pytest.raises(CommandError, match="nowhere"):
        run(named, "--explain", "nowhere")


def test_stores_without_parts() -> None:
    with pytest.raises(CommandError, match="policies need a database"):
        call_command("haystack_policy", "--storage", "memory")


test_stores_without_parts = pytest.mark.django_db(test_stores_without_parts)
test_invalid_policies = pytest.mark.django_db(test_invalid_policies)
