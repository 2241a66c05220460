"""The deployment that is measured: the project as it is in production.

The parent process says by the environment which database; see ``scratch``.
"""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from tests.bench.redis_servers import storage_entries

ROOT_URLCONF = "tests.bench.urls"
LOGGING["root"]["level"] = "ERROR"  # noqa: F405
LOGGING["loggers"]["haystack_app"]["level"] = "WARNING"  # noqa: F405
HAYSTACK["STORAGES"] |= storage_entries(os.environ["BENCH_PREFIX"])  # noqa: F405
HAYSTACK["THROTTLE"] = {"USER": 10**9}  # noqa: F405  # it counts, and never refuses
