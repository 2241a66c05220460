"""``haystack_simulate``: the demo's points live."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from haystack_app.conf import DEFAULTS
from haystack_app.demo.simulation import Simulation
from haystack_app.demo.simulator import Simulator

from ._storage import StorageCommand


class Command(StorageCommand):
    help = (
        "Let the demo's points move: current values, samples each quarter of an hour "
        "with those that were missed, and commands. make demo does it by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--once", action="store_true", help="up to now, and no further"
        )
        parser.add_argument(
            "--every",
            type=float,
            default=5.0,
            metavar="SECONDS",
            help="from one time to the next, until it is stopped (default: 5)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        every = options["every"]
        if not (DEFAULTS["SIMULATE_SECONDS"].accepts(every) and every > 0):
            raise CommandError("--every must be a number of seconds above 0")
        adapter = self.writable_adapter(options)
        if not options["once"]:
            with suppress(KeyboardInterrupt):
                Simulator(every, adapter.alias).run()
            return
        simulation = Simulation(adapter)
        done = simulation.step(timezone.now())
        simulation.release()
        if done is None:
            self.stdout.write("another process simulates this storage")
            return
        self.stdout.write(
            f"simulated: {done.currents:,} current values, {done.samples:,} samples, "
            f"{done.commands:,} commands"
        )
