"""``python -m tests.soak``: watches under load, with trouble.

Exit status 1 when a watcher's state is not the store's at the end, or when a
server grew; with ``--p95`` also when pushes took longer.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.bench.scratch import DEFAULT_DSN, Unreachable, database
from tests.soak.run import Plan, Result, percentile, soak

GROWTH_MB = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--store", choices=sorted(DEFAULT_DSN), default="timescale")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--watchers", type=int, default=500)
    parser.add_argument("--each", type=int, default=100, help="points on a watch")
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--rate", type=int, default=200, help="changes a second")
    parser.add_argument("--breaks", type=float, default=5, help="connections a second")
    parser.add_argument("--p95", type=float, help="ms that 95 %% of pushes may take")
    asked = parser.parse_args()
    plan = Plan(
        asked.seconds,
        asked.watchers,
        asked.each,
        asked.points,
        asked.rate,
        asked.breaks,
    )
    try:
        with database(asked.store):
            result = soak(plan, _user(), _points(plan.points))
    except Unreachable as error:
        print(error, file=sys.stderr)
        return 2
    return _report(result, asked.p95)


def _user() -> str:
    """The token of an operator."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from haystack_app.auth import tokens

    user = get_user_model().objects.create_user("soak", password=secrets.token_hex())
    user.groups.add(Group.objects.get(name="operator"))
    return tokens.issue(user)


def _points(count: int) -> list[str]:
    from haystack_app.kinds import MARKER, Ref
    from haystack_app.storage.handler import storages

    ids = [f"soak.{number}" for number in range(count)]
    marks = {"point": MARKER, "cur": MARKER, "sensor": MARKER, "temp": MARKER}
    storages["default"].load_entities(
        {"id": Ref(id), "kind": "Number", "dis": f"Point {id}", **marks} for id in ids
    )
    return ids


def _report(result: Result, p95: float | None) -> int:
    watchers, delays = result.watchers, result.delays
    late = percentile(delays, 95) * 1000
    print(
        f"{result.writes} values written, {result.refused} calls failed,"
        f" {sum(one.pushes for one in watchers)} pushes of {len(delays)} values,"
        f" {sum(one.connects for one in watchers)} connections,"
        f" {sum(one.opened for one in watchers)} watches opened"
    )
    print(
        f"delay of a push: median {percentile(delays, 50) * 1000:.0f} ms,"
        f" p95 {late:.0f} ms, p99 {percentile(delays, 99) * 1000:.0f} ms"
    )
    grown = []
    for number, sizes in enumerate(zip(*result.memory, strict=True)):
        known = [size for size in sizes if size]
        first, last = max(known[: len(known) // 4]), max(known[-len(known) // 4 :])
        grown.append(last - first)
        print(
            f"server {number}: {first:.0f} MB in the first quarter, {last:.0f} MB in the last"
        )
    for line in result.lost[:10]:
        print(f"LOST: {line}")
    wrong = bool(result.lost) or max(grown) > GROWTH_MB
    print(f"{len(result.lost)} lost states")
    return int(wrong or (p95 is not None and late > p95))


if __name__ == "__main__":
    sys.exit(main())
