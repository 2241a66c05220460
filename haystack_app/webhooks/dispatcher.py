"""The job that makes deliveries and sends them.

One runs for all storages that processes share, and one in each process with a storage
in its memory. Its thread alone uses databases; threads that wait for receivers do
nothing else, so that a slow one does not delay the others.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from django.db import close_old_connections, connections
from django.utils import timezone

from ..conf import limit
from ..jobs import DELIVERY, JobContext, enqueue_bound, task
from ..jobs.context import JobCancelled, JobLost, JobPaused
from ..models import Webhook, WebhookDelivery
from ..outages import is_outage
from ..replicas.positions import note
from ..storage.handler import storages
from . import deliveries, outbox
from .outbox import Ends
from .sending import Answer
from .view import CannotSee, View, view_of

__all__ = ["Dispatcher", "deliver_webhooks"]

logger = logging.getLogger(__name__)

_THREADS = 16
_OF_AN_OWNER = 4
_LIFETIME_SECONDS = 3_600.0
"""After which another job goes on, so that the list of jobs shows that it works."""
_IDLE_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
"""After an error of a database."""
_HELD_SECONDS = 60.0
"""After an error of one webhook."""
_STATEMENT_SECONDS = 10
"""The most that a statement for a webhook may take, for the others wait."""
_SHARE = 20
"""Limits are compared for at most one part of this many of the time."""
_PRUNE_SECONDS = 600.0


@task(title="deliver webhooks", queue_name=DELIVERY, max_attempts=1_000_000)
def deliver_webhooks(context: JobContext, shared: bool = True) -> None:
    """Run until no webhook is enabled, or for an hour, after which another job does."""
    if not Dispatcher(shared=shared).run(context):
        return
    if shared:
        deliver_webhooks.enqueue()
    else:
        enqueue_bound(deliver_webhooks, shared=False)


def enabled(*, shared: bool) -> list[Webhook]:
    """Enabled webhooks of storages that processes share, or of those in memory."""
    aliases = {alias for alias in storages if storages[alias].shared == shared}
    rows = Webhook.objects.enabled().select_related("owner")
    found = [row for row in rows if row.storage in aliases]
    if shared:
        found += [row for row in rows if row.storage not in storages]
    return found


class Dispatcher:
    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        self.pool = ThreadPoolExecutor(_THREADS, "haystack-webhooks")
        self.sending: dict[Future[Answer], WebhookDelivery] = {}
        self.compare_at: dict[int, float] = {}
        """When to compare values with the limit of a webhook again."""
        self.held_until: dict[int, float] = {}
        """Webhooks that are left alone after an error."""
        self.prune_at = time.monotonic()

    def run(self, context: JobContext) -> bool:
        """Whether there is more to do when the time is up."""
        end = time.monotonic() + _LIFETIME_SECONDS
        try:
            while time.monotonic() < end:
                context.check()
                if (pause := self._surviving_round()) is None:
                    return False
                self._wait(pause)
            self.finish()
            return True
        except (JobCancelled, JobLost, JobPaused):
            self.finish()
            raise
        finally:
            self.pool.shutdown(wait=False)

    def _surviving_round(self) -> float | None:
        """Seconds to wait; None if there is nothing to do any more."""
        try:
            webhooks = enabled(shared=self.shared)
            if not webhooks and not self.sending:
                return None
            is_busy = self.round(webhooks)
        except Exception as error:
            if not is_outage(error):
                logger.exception("delivering webhooks failed; trying again")
            connections.close_all()
            return _PAUSE_SECONDS
        close_old_connections()
        return 0.0 if is_busy else _IDLE_SECONDS

    def _wait(self, seconds: float) -> None:
        """Until an answer is there, or for some seconds."""
        if self.sending:
            wait(self.sending, min(seconds, _IDLE_SECONDS), FIRST_COMPLETED)
        elif seconds:
            time.sleep(seconds)

    def round(self, webhooks: list[Webhook]) -> bool:
        """Make deliveries, send the next ones, record answers. Whether it did any."""
        is_busy = self._record_answers()
        ends: dict[str, Ends] = {}
        views: dict[int, View] = {}
        for webhook in webhooks:
            is_busy |= self._tried(webhook, partial(self._collect, ends, views))
        by_key = {webhook.pk: webhook for webhook in webhooks}
        for key, pk in deliveries.due(timezone.now()).items():
            if key in by_key and self._may_send(by_key[key]):
                is_busy |= self._tried(by_key[key], partial(self._send, pk, views))
        self._prune()
        return is_busy

    def _may_send(self, webhook: Webhook) -> bool:
        """One delivery of a webhook at a time, and a part of the threads an owner."""
        others = [delivery.webhook for delivery in self.sending.values()]
        return (
            len(others) < _THREADS
            and webhook not in others
            and sum(one.owner_id == webhook.owner_id for one in others) < _OF_AN_OWNER
        )

    def _tried(self, webhook: Webhook, work: partial[bool]) -> bool:
        """What one webhook asks for must not keep the others from working."""
        if time.monotonic() < self.held_until.get(webhook.pk, 0.0):
            return False
        try:
            return work(webhook)
        except CannotSee as error:
            deliveries.disable(webhook, str(error))
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("webhook %s failed", webhook.pk)
            self.held_until[webhook.pk] = time.monotonic() + _HELD_SECONDS
        return False

    def _collect(
        self, ends: dict[str, Ends], views: dict[int, View], webhook: Webhook
    ) -> bool:
        views[webhook.pk] = view = view_of(webhook)
        alias = webhook.storage
        if alias not in ends:
            ends[alias] = Ends.of(view.everything)
        compares = bool(webhook.limit_op) and self._compares(webhook)
        if not (compares or outbox.has_news(webhook, ends[alias])):
            return False
        begun, now = time.monotonic(), timezone.now()
        most = min(limit("STATEMENT_SECONDS"), _STATEMENT_SECONDS)
        try:
            with view.everything.time_limit(most):
                count = outbox.collect(
                    webhook, view, ends[alias], now, compares=compares
                )
        finally:
            if compares:
                seconds = (time.monotonic() - begun) * _SHARE
                self.compare_at[webhook.pk] = begun + max(seconds, _IDLE_SECONDS)
        return count > 0

    def _compares(self, webhook: Webhook) -> bool:
        return time.monotonic() >= self.compare_at.get(webhook.pk, 0.0)

    def _send(self, pk: int, views: dict[int, View], webhook: Webhook) -> bool:
        delivery = WebhookDelivery.objects.waiting().filter(pk=pk).first()
        if delivery is None:  # deleted or skipped since
            return False
        delivery.webhook = webhook
        view = views.get(webhook.pk) or view_of(webhook)
        if (request := deliveries.prepare(delivery, view)) is not None:
            note(webhook.owner_id)  # as whom the receiver may read what has changed
            self.sending[self.pool.submit(request.send)] = delivery
        return True

    def _record_answers(self) -> bool:
        done = [future for future in self.sending if future.done()]
        for future in done:
            deliveries.record(self.sending[future], future.result(), timezone.now())
            del self.sending[future]
        return bool(done)

    def finish(self) -> None:
        """Wait for the answers to what was sent, or it would be sent again."""
        wait(self.sending)
        self._record_answers()

    def _prune(self) -> None:
        if time.monotonic() >= self.prune_at:
            deliveries.prune(timezone.now())
            self.prune_at = time.monotonic() + _PRUNE_SECONDS
