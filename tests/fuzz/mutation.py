"""Damaged texts: a seed, changed a few times where it may hurt."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from .seeds import SEEDS, TOKENS

__all__ = ["damaged"]

_ANYWHERE = [
    "\0",
    "\ud800",
    "\udfff",
    "\ufeff",
    "é",
    "😀",
    "٣",
    "\x7f",
    "9" * 400,
    "[" * 200,
]
_EVERY = [text for texts in SEEDS.values() for text in texts]
_LONGEST = 20_000
Change = Callable[[st.DrawFn, str, str], str]


def _place(draw: st.DrawFn, text: str) -> int:
    return draw(st.integers(0, len(text)))


def _insert(draw: st.DrawFn, text: str, name: str) -> str:
    at = _place(draw, text)
    piece = st.sampled_from(TOKENS[name] + _ANYWHERE) | st.text(max_size=4)
    return text[:at] + draw(piece) + text[at:]


def _delete(draw: st.DrawFn, text: str, name: str) -> str:
    at = _place(draw, text)
    return text[:at] + text[at + draw(st.sampled_from([1, 1, 2, 5, 20])) :]


def _repeat(draw: st.DrawFn, text: str, name: str) -> str:
    """A stretch of the text many times, nested or in a row."""
    start = _place(draw, text)
    end = start + draw(st.integers(1, 30))
    times = draw(st.sampled_from([2, 3, 70, 300]))
    return text[:start] + text[start:end] * times + text[end:]


def _splice(draw: st.DrawFn, text: str, name: str) -> str:
    other = draw(st.sampled_from(SEEDS[name]))
    return text[: _place(draw, text)] + other[_place(draw, other) :]


def _move(draw: st.DrawFn, text: str, name: str) -> str:
    start = _place(draw, text)
    end = start + draw(st.integers(1, 12))
    rest = text[:start] + text[end:]
    at = _place(draw, rest)
    return rest[:at] + text[start:end] + rest[at:]


_CHANGES: list[Change] = [_insert, _insert, _delete, _repeat, _splice, _move]


@st.composite
def damaged(draw: st.DrawFn, name: str) -> str:
    """Text that is nearly of the format ``name``, or of another one."""
    if draw(st.integers(0, 30)) == 0:
        return draw(st.text(max_size=40) | st.sampled_from(_EVERY))
    text = draw(st.sampled_from(SEEDS[name]))
    for change in draw(st.lists(st.sampled_from(_CHANGES), max_size=5)):
        text = change(draw, text, name)[:_LONGEST]
    return text
