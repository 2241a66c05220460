"""``haystack_simulate``: simulate the demo's points."""

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
        "Simulate the demo's points: current values, and at each quarter of an hour "
        "commands and samples, including missed ones. make demo does this by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--once", action="store_true", help="simulate up to now, then exit"
        )
        parser.add_argument(
            "--every",
            type=float,
            default=5.0,
            metavar="SECONDS",
            help="interval between two steps (default: 5)",
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
        counts = simulation.step(timezone.now())
        simulation.release()
        if counts is None:
            self.stdout.write("another process simulates this storage")
            return
        self.stdout.write(
            f"simulated: {counts.currents:,} current values, "
            f"{counts.samples:,} samples, {counts.commands:,} commands"
        )
