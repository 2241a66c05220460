"""Readers return a value that can be written again, or raise ParseError.

    FUZZ_SECONDS=600 pytest tests/fuzz      as long as that, in all

Without the variable each decoder gets some hundred texts, the same each time.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from haystack_app.kinds import Grid
from haystack_app.wire import (
    csv_reader,
    csv_writer,
    hayson_reader,
    hayson_writer,
    json3_reader,
    json3_writer,
    trio_reader,
    trio_writer,
    zinc_reader,
    zinc_writer,
)
from haystack_app.wire.errors import EncodeError, ParseError
from tests.strategies import canonical

from .mutation import damaged
from .seeds import SEEDS

SECONDS = float(os.environ.get("FUZZ_SECONDS") or 0)
EXAMPLES = 1_000 if SECONDS else 200
PATIENCE = 1.0
"""Seconds of processor time for one text."""


def _comparable(value: Any) -> Any:
    try:
        return canonical(value)
    except EncodeError:  # of a tag _kind, which only Hayson does not have
        return None


class Decoder(NamedTuple):
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    kept: Callable[[Any], Any] = _comparable
    """What of a value has to come back."""


def _zinc(text: str) -> Any:
    is_grid = text.removeprefix("\ufeff").startswith("ver")
    return zinc_reader.read_grid(text) if is_grid else zinc_reader.read_value(text)


def _zinc_text(value: Any) -> str:
    if isinstance(value, Grid):
        return zinc_writer.grid_text(value)
    return zinc_writer.value_text(value)


DECODERS = {
    "zinc": Decoder(_zinc, _zinc_text),
    "hayson": Decoder(hayson_reader.read_value, hayson_writer.dump),
    "json3": Decoder(json3_reader.read_value, json3_writer.dump),
    "trio": Decoder(trio_reader.read_dicts, trio_writer.dicts_text),
    "csv": Decoder(
        csv_reader.read_grid, csv_writer.grid_text, lambda grid: list(grid.rows)
    ),
}


@pytest.mark.parametrize("name", DECODERS)
def test_every_seed_is_read(name: str) -> None:
    for text in SEEDS[name]:
        _check_value(DECODERS[name], DECODERS[name].read(text))


@pytest.mark.parametrize("name", DECODERS)
def test_damaged_texts(name: str) -> None:
    decoder = DECODERS[name]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not SECONDS,
        suppress_health_check=list(HealthCheck),
    )
    @given(text=damaged(name))
    def run(text: str) -> None:
        with _patience():
            try:
                value = decoder.read(text)
            except ParseError as err:
                assert err.message
                return
        _check_value(decoder, value)

    end = time.monotonic() + SECONDS / len(DECODERS)
    run()
    while time.monotonic() < end:
        run()


def _check_value(decoder: Decoder, value: Any) -> None:
    text = decoder.write(value)
    found = decoder.read(text)
    assert decoder.write(found) == text
    assert decoder.kept(found) == decoder.kept(value)


@contextmanager
def _patience() -> Iterator[None]:
    """Fails what takes too long, and stops what does not end.

    Processor time, so that a busy machine cannot fail the test; a signal can only be
    had in the main thread.
    """
    stoppable = threading.current_thread() is threading.main_thread()
    if stoppable:
        before = signal.signal(signal.SIGVTALRM, _too_long)
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    start = time.thread_time()
    try:
        yield
    finally:
        if stoppable:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
    assert time.thread_time() - start < PATIENCE


def _too_long(number: int, frame: Any) -> None:
    raise AssertionError(f"no end after {PATIENCE} s")
