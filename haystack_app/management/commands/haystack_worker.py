"""``haystack_worker``: run jobs until it is stopped."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from haystack_app.jobs.tasks import ALARMS, DELIVERY, LONG, QUEUES, SHORT
from haystack_app.jobs.worker import Worker


class Command(BaseCommand):
    help = (
        "Run jobs: imports, loads, schedules. Any number of workers may run, on any "
        "number of machines. On SIGTERM the worker ends after the steps that its jobs "
        "are at; another worker goes on with them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for queue, text in ((SHORT, "seconds"), (LONG, "minutes and more")):
            parser.add_argument(
                f"--{queue}",
                type=int,
                default=1,
                metavar="N",
                help=f"threads for jobs that take {text} (default: 1)",
            )
        for queue, text in (
            (DELIVERY, "deliver webhooks"),
            (ALARMS, "evaluate the rules of alarms"),
        ):
            parser.add_argument(
                f"--{queue}",
                type=int,
                default=1,
                choices=(0, 1),
                help=f"whether to {text}; one worker at a time does (default: 1)",
            )
        parser.add_argument(
            "--until-idle",
            type=float,
            metavar="SECONDS",
            help="end when there was no work for so long",
        )
        parser.add_argument(
            "--parent",
            type=int,
            metavar="PID",
            help="end when this process, which started the worker, has ended",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker({queue: options[queue] for queue in QUEUES})
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run(options["until_idle"], options["parent"])
