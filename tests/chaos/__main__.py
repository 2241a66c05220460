"""``python -m tests.chaos``: services are killed under load, and nothing is lost.

Server processes, a worker, PostgreSQL and Redis of the run's own are killed, stalled and run out
of disk, imports are killed, while clients write. Exit status 1 when an acknowledged
write is lost, doubled or torn. With sentinel and cluster, losses of what was under way
when a master was lost are counted apart: replicas of Redis follow later.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time

from tests.chaos.run import STORES, Plan, Result, chaos
from tests.chaos.troubles import table

_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--store", choices=STORES, action="append")
    parser.add_argument("--kills", type=int, help="until so many, of each store")
    parser.add_argument("--seconds", type=float, help="at most, of each store")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    kills = asked.kills or (sys.maxsize if asked.seconds else 100)
    worst = 0
    for store in asked.store or ["postgres", "redis"]:
        plan = Plan(store, kills, asked.seconds or math.inf, asked.seed)
        begin = time.monotonic()
        result = chaos(plan)
        worst = max(worst, _report(plan, result, time.monotonic() - begin))
    return worst


def _report(plan: Plan, result: Result, seconds: float) -> int:
    print(f"== {plan.store}: {result.kills} kills in {seconds:.0f} s, seed {plan.seed}")
    print(table(result.records))
    refused = result.acks.refused
    for kind, ledger in result.ledgers.items():
        print(
            f"{kind:12}{len(ledger.acked):7} acknowledged of {len(ledger.tried)},"
            f" {refused[kind]} calls refused or broken"
        )
    runs, failed = result.imports
    print(f"{runs} runs of haystack_his_import, {failed} killed or failed")
    for text in sorted(set(result.acks.odd))[:_SHOWN]:
        print(f"odd answer, {result.acks.odd.count(text)} times: {text}")
    for line in result.faults[:_SHOWN]:
        print(line)
    if result.acks.risks:
        print(
            f"{len(result.allowed)} acknowledged writes lost that were under way when a"
            f" master was, at {len(result.acks.risks)} such times"
        )
    for line in result.allowed[:_SHOWN]:
        print(f"allowed: {line}")
    words = [line.partition(":")[0] for line in result.faults]
    print(
        ", ".join(
            f"{words.count(word)} {word.lower()}"
            for word in ("LOST", "DOUBLED", "TORN", "STRANGE")
        ),
        flush=True,
    )
    return int(bool(result.faults))


if __name__ == "__main__":
    sys.exit(main())
