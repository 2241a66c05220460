"""Metrics that are read from the stores when they are asked for.

What is slow or down is left out, and ``haystack_up`` of the storage is 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ..backups.ages import last_backup
from ..jobs.load import job_counts, oldest_ready_seconds
from ..models import Connector
from ..redis_replication import RedisReplica, cache_urls, replicas_of
from ..replicas.replica import State
from ..replicas.report import replication
from ..storage.handler import storages
from .pools import pools
from .stores import recent_facts

__all__ = ["StoreCollector", "redis_replicas"]

logger = logging.getLogger(__name__)


class StoreCollector(Collector):
    def collect(self) -> Iterable[Metric]:
        yield from _stores()
        yield from _jobs()
        yield from _connectors()
        yield from _pools()
        yield from _backups()
        yield from _replication()
        yield from redis_replicas()


def _stores() -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "haystack_up", "Whether the storage answers.", labels=["storage"]
    )
    entities = GaugeMetricFamily(
        "haystack_entities", "Entities by kind.", labels=["storage", "kind"]
    )
    samples = GaugeMetricFamily(
        "haystack_samples",
        "Stored samples, by the facts of points.",
        labels=["storage"],
    )
    size = GaugeMetricFamily(
        "haystack_store_bytes", "Bytes of the storage.", labels=["storage"]
    )
    watches = GaugeMetricFamily("haystack_watches", "Open watches.", labels=["storage"])
    table = GaugeMetricFamily(
        "haystack_table_bytes",
        "Bytes of a table with its indexes.",
        labels=["storage", "table"],
    )
    for alias in storages:
        facts = recent_facts(storages[alias])
        up.add_metric([alias], float(facts is not None))
        if facts is None:
            continue
        for kind, count in facts.counts.items():
            entities.add_metric([alias, kind], count)
        if facts.samples is not None:
            samples.add_metric([alias], facts.samples)
        if facts.size is not None:
            size.add_metric([alias], facts.size)
        if facts.watches is not None:
            watches.add_metric([alias], facts.watches)
        for name, held in facts.tables.items():
            table.add_metric([alias, name], held)
    yield from (up, entities, samples, size, watches, table)


def _jobs() -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "haystack_jobs",
        "Jobs that are not finished, and those that failed today.",
        labels=["queue", "status"],
    )
    lag = GaugeMetricFamily(
        "haystack_job_wait_seconds", "How long the oldest job waits for a worker."
    )
    try:
        for (queue, status), count in job_counts().items():
            jobs.add_metric([queue, status], count)
        lag.add_metric([], oldest_ready_seconds())
    except Exception as error:
        logger.warning("jobs: %s", type(error).__name__)
        return
    yield from (jobs, lag)


def _connectors() -> Iterator[Metric]:
    """Of those that are enabled; their names are in labels."""
    up = GaugeMetricFamily(
        "haystack_connector_up", "Whether its status is ok.", labels=["connector"]
    )
    age = GaugeMetricFamily(
        "haystack_connector_success_age_seconds",
        "Seconds since its last success.",
        labels=["connector"],
    )
    lag = GaugeMetricFamily(
        "haystack_connector_lag_seconds",
        "How much older what is stored is than what the other system has.",
        labels=["connector"],
    )
    try:
        connectors = list(Connector.objects.filter(enabled=True))
    except Exception as error:
        logger.warning("connectors: %s", type(error).__name__)
        return
    now = timezone.now()
    for one in connectors:
        up.add_metric([one.name], float(one.status == Connector.Status.OK))
        if one.last_success_at:
            age.add_metric([one.name], (now - one.last_success_at).total_seconds())
        if one.lag is not None:
            lag.add_metric([one.name], one.lag)
    yield from (up, age, lag)


def _pools() -> Iterator[Metric]:
    """Connections of this process alone."""
    gauge = GaugeMetricFamily(
        "haystack_pool",
        "Connections of the pool of this process.",
        labels=["database", "of"],
    )
    for alias, pool in pools():
        for name, value in pool.get_stats().items():
            if name in ("pool_size", "pool_available", "requests_waiting"):
                gauge.add_metric([alias, name], value)
    yield gauge


def _replication() -> Iterator[Metric]:
    """As this process sees it; nothing of a database without replication."""
    found = replication()
    if not found.timeline:
        return
    lag = GaugeMetricFamily(
        "haystack_replica_lag_seconds",
        "Seconds since the primary was where the replica is.",
        labels=["database"],
    )
    states = GaugeMetricFamily(
        "haystack_replica_state",
        "1 for the state that the replica is in.",
        labels=["database", "state"],
    )
    for one in found.replicas:
        if one.lag is not None:
            lag.add_metric([one.alias], one.lag)
        for state in State:
            states.add_metric([one.alias, state], float(one.state is state))
    yield from (lag, states)
    yield GaugeMetricFamily(
        "haystack_timeline",
        "The timeline of the primary, which grows with each failover.",
        value=found.timeline,
    )
    yield GaugeMetricFamily(
        "haystack_commits_stalled",
        "Whether no standby confirms commits that wait for one.",
        value=float(bool(found.is_stalled)),
    )


def redis_replicas() -> Iterator[Metric]:
    """Of stores and caches on Redis with Sentinel or on a cluster."""
    count = GaugeMetricFamily(
        "haystack_redis_replicas",
        "Replicas of Redis that are connected to the master.",
        labels=["service"],
    )
    lag = GaugeMetricFamily(
        "haystack_redis_replica_lag_seconds",
        "Seconds since the replica last confirmed what it has.",
        labels=["service", "replica"],
    )
    missing = GaugeMetricFamily(
        "haystack_redis_replica_missing_bytes",
        "Bytes of the log of changes that the replica has not confirmed.",
        labels=["service", "replica"],
    )
    for service, found in _asked_replicas():
        count.add_metric([service], len(found))
        for one in found:
            lag.add_metric([service, one.address], one.lag)
            missing.add_metric([service, one.address], one.missing)
    yield from (count, lag, missing)


def _asked_replicas() -> Iterator[tuple[str, list[RedisReplica]]]:
    asked: list[tuple[str, Callable[[], list[RedisReplica] | None]]] = [
        *((f"storage {one}", storages[one].server_replicas) for one in storages),
        *((f"cache {one}", partial(replicas_of, url)) for one, url in cache_urls()),
    ]
    for service, ask in asked:
        try:
            found = ask()
        except Exception as error:  # of any driver
            logger.warning("replicas of %s: %s", service, type(error).__name__)
            continue
        if found is not None:
            yield service, found


def _backups() -> Iterator[Metric]:
    """Of the setting ``BACKUP``; infinite if there is no complete back-up."""
    try:
        last = last_backup()
    except Exception as error:
        logger.warning("back-ups: %s", type(error).__name__)
        return
    if last is not None:
        yield GaugeMetricFamily(
            "haystack_backup_age_seconds",
            "Age of the newest complete back-up.",
            value=last.seconds,
        )
