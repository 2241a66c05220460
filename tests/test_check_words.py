"""The check for plain English that lint runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_words


def words(text: str) -> list[str]:
    return [hit.words for hit in check_words.hits("a.py", text.splitlines())]


@pytest.mark.parametrize(
    "text",
    [
        "# Whoever calls this holds the lock.",
        "def test_nobody_else_sees_it() -> None:",
        '"""The offset behind the comma."""',
        "raise ValueError('x is no grid')",
        "# where there is none",
        "# watches are told of it",
        "# a client that hears of it",
        "# the user and what he may do",
    ],
)
def test_dialect_is_found(text: str) -> None:
    assert len(words(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# Set it if the server is behind a reverse proxy.",
        "# There is no limit.",
        "# The value is no longer valid.",
        "assert value is None",
        "rows = store.his_read(id)",
    ],
)
def test_plain_english_is_accepted(text: str) -> None:
    assert words(text) == []


def test_rate_above_the_budget_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text("fine\n" * 4_999 + "It is no grid.\n")
    monkeypatch.setattr(check_words, "ROOT", tmp_path)
    monkeypatch.setattr(check_words, "files", lambda: iter(["a.md"]))
    assert check_words.main() == 0
    monkeypatch.setattr(check_words, "BUDGET", 1.9)
    assert check_words.main() == 1
    output = capsys.readouterr().out
    assert "a.md:5000: 'is no': It is no grid." in output
    assert "1 in 5,000 lines, 2.0 per 10,000" in output
