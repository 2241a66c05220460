"""The thread that simulates the demo in a server process.

Every process with the setting runs one; only one at a time owns the task.
"""

from __future__ import annotations

import datetime as dt
import logging
from threading import Event, Thread

from django.db import connections

from ..conf import app_settings
from ..storage.handler import DEFAULT_ALIAS, storages
from .simulation import Simulation

__all__ = ["Simulator", "start"]

logger = logging.getLogger(__name__)


class Simulator(Thread):
    """Simulates a store until it is stopped, and retries after failures."""

    def __init__(self, seconds: float, alias: str = DEFAULT_ALIAS) -> None:
        super().__init__(name="haystack-simulator", daemon=True)
        self.seconds, self.alias = seconds, alias
        self.stopped = Event()
        self.is_failing = False
        every = dt.timedelta(seconds=seconds)
        self.simulation = Simulation(storages[alias], every)

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                self.step()
                self.stopped.wait(self.seconds)
        finally:
            self.simulation.release()

    def step(self) -> None:
        try:
            self.simulation.step(dt.datetime.now(dt.UTC))
            self.is_failing = False
        except Exception:
            if not self.is_failing:  # log an outage once, not at every step
                logger.exception(
                    "simulation of storage %r failed; trying again", self.alias
                )
            self.is_failing = True
        finally:
            connections.close_all()


def start() -> Simulator | None:
    """Start this process's simulator, if ``SIMULATE_SECONDS`` is more than 0."""
    if (seconds := app_settings.SIMULATE_SECONDS) <= 0:
        return None
    simulator = Simulator(seconds)
    simulator.start()
    return simulator
