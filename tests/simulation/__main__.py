"""Simulate a server of many points, and say what it would need.

    make simulate POINTS=1000000
    make simulate POINTS=100000 ARGS="--stored 20000 --seconds 30"

A store of --stored points, at least a tenth, is written and read as one of POINTS would
be, and what that takes is multiplied. Run it where nothing else runs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from tests.bench.scratch import STORES, Unreachable, database

from .plan import LARGEST_SCALE, Plan


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--stored", type=int, help="default: points, at most 100,000")
    parser.add_argument("--store", choices=STORES, default="timescale")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--every", type=float, default=900, help="seconds of a sample")
    asked = parser.parse_args()
    stored = asked.stored or min(asked.points, 100_000)
    if not stored <= asked.points <= stored * LARGEST_SCALE:
        parser.error(
            f"--stored must be {-(-asked.points // LARGEST_SCALE):,} to"
            f" {asked.points:,}: nothing is multiplied by more than {LARGEST_SCALE}"
        )
    plan = Plan(asked.points, stored, asked.seconds, asked.every)
    try:
        with database(asked.store):
            simulate(plan)
    except Unreachable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def simulate(plan: Plan) -> None:
    from haystack_app.monitoring.stores import store_facts
    from haystack_app.storage.handler import storages
    from tests.api.servers import UVICORN, Server, url_of

    from .filling import fill
    from .folding import not_folding
    from .load import Load
    from .usage import Usage

    print(f"{plan.points:,} points, by {plan.stored:,} of them\n\nassumed:", flush=True)
    for line in plan.assumptions():
        print(f"- {line}")
    start = time.monotonic()
    filled = fill(plan, dt.datetime.now(dt.UTC))
    print(f"\nfilled in {time.monotonic() - start:.0f} s", flush=True)
    sizes = store_facts(storages["default"]).tables
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        secret = os.environ["SECRET_KEY"]
        server = Server(url_of("default"), folder, SECRET_KEY=secret)
        server.command = [sys.executable, *UVICORN]
        exits.enter_context(server)
        worker = exits.enter_context(_worker(server.environ))
        exits.callback(worker.terminate)
        load = Load(plan, filled, server.port, _token())
        usage = Usage(server=server.process.pid, worker=worker.pid)
        with not_folding():
            usage.start()
            load.run(usage.look)
            usage.look()
        _report(plan, load.times, usage.seconds(), usage.memory())
        _report_folds(plan)
        if load.late > 1:
            print(
                f"\nrequests were up to {load.late:.1f} s late: too much for this machine"
            )
    _report_sizes(filled.entities, filled.samples, sizes, plan)


def _worker(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    from tests.api.servers import ROOT

    return subprocess.Popen(
        [sys.executable, "manage.py", "haystack_worker"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _token() -> str:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from haystack_app.auth import tokens

    user = get_user_model().objects.create_user("sim", password=secrets.token_hex())
    user.groups.add(Group.objects.get(name="operator"))
    return tokens.issue(user)


def _report(
    plan: Plan,
    times: dict[str, list[float]],
    seconds: dict[str, float],
    memory: dict[str, int],
) -> None:
    print(f"\n{'request':22} {'a second':>9} {'median ms':>10} {'p95 ms':>8}")
    for kind, found in sorted(times.items()):
        p95 = quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
        rate = len(found) / plan.seconds * plan.scale
        print(f"{kind:22} {rate:9.1f} {median(found) * 1e3:10.1f} {p95 * 1e3:8.1f}")
    print(f"\n{'CPU':22} {'cores':>9} {f'times {plan.scale:g}':>10}")
    for role, used in sorted(seconds.items()):
        cores = used / plan.seconds
        print(f"{role:22} {cores:9.3f} {cores * plan.scale:10.2f}")
    for role, size in sorted(memory.items()):
        print(f"memory of the {role}: {size / 1024**2:,.0f} MB")


def _report_folds(plan: Plan) -> None:
    from .folding import fold_seconds

    if each := fold_seconds():
        cores = each * plan.points / plan.every
        print(
            f"\na changed history is folded in {each * 1e3:.1f} ms of CPU, at once:"
            f" {cores:.2f} cores; one process folds, of several changes at a time"
        )


def _report_sizes(
    entities: int, samples: int, sizes: dict[str, int], plan: Plan
) -> None:
    if not sizes:  # SQLite would read all of its pages to tell
        return
    per_year = 1_000 * 365 * 86_400 / plan.every
    print(f"\n{entities:,} entities, {samples:,} samples")
    for name, size in sorted(sizes.items()):
        print(f"{name:28} {size / 1024**2:10,.1f} MB")
    each = sizes["history"] / samples
    print(
        f"{each:.0f} bytes a sample with its index; 1,000 points and a year:"
        f" {per_year * each / 1024**3:.2f} GB"
    )


if __name__ == "__main__":
    sys.exit(main())
