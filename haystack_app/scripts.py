"""What pages with scripts share: names of modules, URLs, and units to choose from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import reverse

from .kinds.units import UNITS

__all__ = ["modules_of", "script_urls", "unit_choices"]

_QUANTITIES = (
    *("area", "energy", "enthalpy", "length", "mass flow", "power", "pressure"),
    *("temperature", "temperature differential", "velocity", "volume"),
    "volumetric flow",
)
_IMPORT = re.compile(r'^(?:import|export|\}) ?[^"]*? ?"(\.[^"]+)";$', re.MULTILINE)
_STATIC = Path(__file__).resolve().parent / "static"


@cache
def modules_of(main: str) -> list[str]:
    """Static names of a module and of all that it imports, directly and indirectly.

    Pages name them for browsers to load all of them at once: otherwise a module is
    loaded only after the one that imports it. ``main`` is below
    ``static/haystack_app/``.
    """
    found: set[Path] = set()
    waiting = [_STATIC / "haystack_app" / main]
    while waiting:
        file = waiting.pop().resolve()
        if file not in found:
            found.add(file)
            names = _IMPORT.findall(file.read_text("utf-8"))
            waiting += [file.parent / name for name in names]
    return sorted(file.relative_to(_STATIC).as_posix() for file in found)


def script_urls() -> dict[str, str]:
    """The URLs that scripts use.

    ``api`` and ``ws`` are the roots of the ops and of the websockets and end with
    a slash, as those of ``explorer`` and ``import`` do; ``login`` and ``home`` are
    pages.
    """
    return {
        "api": reverse("haystack:api"),
        "ws": reverse("haystack:websocket"),
        "login": resolve_url(settings.LOGIN_URL),
        "home": reverse("haystack:front"),
        "explorer": reverse("haystack:explorer"),
        "import": reverse("haystack:import"),
    }


@cache
def unit_choices() -> dict[str, list[list[str | float]]]:
    """Units that people may choose, by quantity: symbol, scale and offset of each.

    The SI value is ``value * scale + offset``.
    """
    found: dict[str, list[list[str | float]]] = {name: [] for name in _QUANTITIES}
    for id, unit in UNITS.items():
        if unit.quantity in found and unit.scale and id == unit.symbol:
            found[unit.quantity].append([unit.symbol, unit.scale, unit.offset])
    return found
