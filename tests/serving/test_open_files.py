"""The limit of open files at the start of a server."""

from __future__ import annotations

import logging
import resource

import pytest

from haystack_app.serving import open_files

Limits = tuple[int, int]


@pytest.mark.parametrize(
    ("limits", "raised", "warned"),
    [
        ((1_024, 65_536), (65_536, 65_536), False),
        ((1_024, 2_048), (2_048, 2_048), True),
        ((8_192, 8_192), None, False),
        ((1_024, resource.RLIM_INFINITY), (resource.RLIM_INFINITY,) * 2, False),
    ],
)
def test_it_is_raised(
    limits: Limits,
    raised: Limits | None,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Limits] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: told.append(new))
    with caplog.at_level(logging.WARNING):
        open_files.raise_limit()
    assert told == ([raised] if raised else [])
    assert bool(caplog.records) == warned


def test_a_system_that_refuses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int, __: Limits) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 65_536))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with caplog.at_level(logging.WARNING):
        open_files.raise_limit()
    assert "may open 256 files" in caplog.text
