"""``hypothesis.given`` for tests that pytest repeats with other parameters.

    @pytest.mark.parametrize("name", FORMATS)
    @given_once(settings(max_examples=200, derandomize=True), grid=grids())
    def test_grids(name: str, grid: Grid) -> None: ...

Drawing a grid takes longer than writing and reading it. The examples are drawn once
in a process, and every parameter, and every test that names the same strategies,
tries all of them. Tests must not change them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

__all__ = ["given_once"]

_Strategies = dict[str, st.SearchStrategy[Any]]

# The strategies are kept: the id of one that is gone could be another's.
_DRAWN: dict[Any, tuple[_Strategies, list[dict[str, Any]]]] = {}


def given_once(
    how: settings, **strategies: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The test with all examples, one after another.

    Hypothesis makes a failure small: it runs the failing case as an ordinary
    ``given`` test with the same seed.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        alone = _seeded(how, how(given(**strategies)(test)))

        @wraps(test)
        def tried(**arguments: Any) -> None:
            for example in _drawn(how, strategies):
                try:
                    test(**arguments, **example)
                except Exception as error:
                    error.add_note(f"with {example!r}")
                    alone(**arguments)
                    raise

        del tried.__wrapped__  # type: ignore[attr-defined]
        signature = inspect.signature(test)
        tried.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[
                parameter
                for name, parameter in signature.parameters.items()
                if name not in strategies
            ]
        )
        return tried

    return decorate


def _seeded(how: settings, test: Callable[..., None]) -> Callable[..., None]:
    return seed(0)(test) if how.derandomize else test


def _drawn(how: settings, strategies: _Strategies) -> list[dict[str, Any]]:
    ids = tuple((name, id(strategy)) for name, strategy in strategies.items())
    key = (how.max_examples, how.derandomize, ids)
    if key not in _DRAWN:
        examples: list[dict[str, Any]] = []

        @how
        @given(example=st.fixed_dictionaries(strategies))
        def draw(example: dict[str, Any]) -> None:
            examples.append(example)

        _seeded(how, draw)()
        _DRAWN[key] = (strategies, examples)
    return _DRAWN[key][1]
