"""``haystack_policy``: what policies of histories decide, and dropping by them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import CommandError, CommandParser

from haystack_app.jobs.retention import drop
from haystack_app.kinds.datetimes import DateTime
from haystack_app.kinds.series import instant_of
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.policies import Policy, cutoff, policies, policy_of
from haystack_app.storage.retention import Plan, compress_before, plans

from ._storage import StorageCommand, progress_bar


class Command(StorageCommand):
    help = (
        "Show the policies of histories: the points that each decides for, and the "
        "samples that it would drop. With --apply, drop them. Roll-ups to days and "
        "longer stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--apply",
            action="store_true",
            help="drop the samples, and compress what is to be compressed",
        )
        parser.add_argument(
            "--explain",
            metavar="POINT",
            help="show which policy decides for the point with this id",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        store, now = self.adapter(options), dt.datetime.now(dt.UTC)
        if options["explain"] is not None:
            self._explain(store, options["explain"].removeprefix("@"), now)
            return
        if not store.supports_policies:
            raise CommandError(
                f"storage {store.alias!r} cannot keep roll-ups without samples:"
                " policies need a database"
            )
        found = list(plans(store, now))
        if not found:
            self.stdout.write("there are no policies: all samples are kept")
        for plan in found:
            self._print(plan)
            if options["apply"]:
                self._apply(store, plan)
        if (before := compress_before(found, now)) is not None:
            self.stdout.write(store.his_compress(before, apply=options["apply"]))
        if not options["apply"]:
            self.stdout.write("dry run, nothing dropped: use --apply")

    def _print(self, plan: Plan) -> None:
        bytes, old = plan.samples * plan.sample_bytes, plan.old_samples
        self.stdout.write(
            f"{plan.policy.name} ({_what(plan.policy)}): {plan.points:,} points,"
            f" {plan.samples:,} samples, about {_size(bytes)}; {old:,} samples of"
            f" {len(plan.old):,} points are older, about"
            f" {_size(old * plan.sample_bytes)}"
        )

    def _apply(self, store: StorageAdapter, plan: Plan) -> None:
        total = len(plan.old)
        with progress_bar(desc=plan.policy.name, unit=" points", total=total) as bar:
            dropped = drop(store, plan, bar.update)
        self.stdout.write(f"{plan.policy.name}: {dropped:,} samples dropped")

    def _explain(self, store: StorageAdapter, id: str, now: dt.datetime) -> None:
        [point] = store.his_points([id])
        policy = policy_of(store, id)
        for other in policies():
            if policy is not None and other.name == policy.name:
                break
            self.stdout.write(f"{other.name}: does not match: {other.filter}")
        if policy is None:
            self.stdout.write(f"@{id}: no policy matches: all samples are kept")
            return
        self.stdout.write(f"@{id}: {policy.name} ({_what(policy)})")
        if policy.keep_days is not None:
            first = instant_of(cutoff(point, policy.keep_days, now))
            self.stdout.write(
                f"samples from {DateTime(first, point.tz).iso} on are kept"
            )


def _what(policy: Policy) -> str:
    keep = "for ever" if policy.keep_days is None else f"{policy.keep_days:,} days"
    words = [f"{policy.filter}: samples are kept {keep}"]
    if policy.compress_days is not None:
        words.append(f"compressed after {policy.compress_days:,} days")
    words.append("late samples are " + ("refused" if policy.refuses_late else "stored"))
    return "; ".join(words)


def _size(bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if bytes < 1_000:
            return f"{bytes:.3g} {unit}"
        bytes /= 1_000
    return f"{bytes:.3g} TB"
