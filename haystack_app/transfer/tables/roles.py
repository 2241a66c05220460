"""What a column is for, by the words that its header is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["are_a_path", "header_unit", "is_of_name", "is_of_place", "role_of"]

_BRACKETED = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ROLES = {
    "name": "(?:point|object|sensor|tag|item|building|entity|meter|device|variable"
    "|signal|trend|log|trend ?log|history|data ?point|channel|parameter|series|metric"
    "|register)? ?(?:id|name|path|reference|key)|point|object|name path reference|topic"
    "|tag|sensor|series|channel|variable|metric|item|source|field|signal|parameter"
    "|data ?point|datenpunkt|messstelle|trend(?: ?log)?|meter|device|equipment"
    "|meter ?(?:no|nr|number)\\.?|cups|mpan|mprn|mpr|prm|pdl|pod|nmi|icp|ean|esi ?id"
    "|zähler(?:nummer|punkt)?|z[äa]hlpunkt(?:bezeichnung)?|messlokation|marktlokation"
    "|compteur|contador|punto",
    "value": "value|val|v|reading|measurement|object ?value|valeur|wert|messwert|valor"
    "|valore|(?:trend|point|meter|sensor|present|actual|log) ?(?:value|reading)|state"
    "|value (?:string|number|numeric|float|double)|profilwert",
    "status": "status|quality|reliability|(?:value|point|object|log) ?status|qualität"
    "|quality ?(?:code|detail)|opc ?quality|qualité|calidad|m[eé]todo ?obtenci[oó]n"
    "|real ?/ ?estimado",
    "unit": "unit|units|uom|unité|unite|unidad|unità|einheit"
    "|(?:value|engineering) ?units?|unit ?of ?measure(?:ment)?",
    "flags": "trend ?flags?",
}
_ROLE = {
    role: re.compile(rf"(?:{names})", re.IGNORECASE) for role, names in _ROLES.items()
}


_PLACE = re.compile(
    r"(?:equip(?:ment)?|device|building|site|asset|system|controller|panel|house)"
    r"(?: ?(?:id|name|no|number))?",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[(\[]([^()\[\]]*)[)\]]\s*\Z|[_ ]([kM]?Wh|[kM]W)\Z")
_PART = re.compile(r"parameter|property|attribute|field|channel", re.IGNORECASE)


def are_a_path(headers: Sequence[str]) -> bool:
    """Whether all but the last one are those of places or equips, outermost first.

    ``Point`` and ``Parameter`` are a path, too.
    """
    if _PART.fullmatch(headers[-1]) and not _PART.fullmatch(headers[0]):
        return True
    return all(_PLACE.fullmatch(_words(header)) for header in headers[:-1])


def is_of_name(key: str) -> bool:
    """Whether a text names a point, or its equip or site."""
    return role_of(key) == "name" or is_of_place(key)


def is_of_place(key: str) -> bool:
    """Whether a text names an equip, a device or a site."""
    return _PLACE.fullmatch(_words(key)) is not None


def role_of(header: str) -> str | None:
    """name, value, status, unit or flags, None for other headers."""
    if header == "_measurement":  # of InfluxDB: what is measured
        return "name"
    text = _BRACKETED.sub("", header).replace("_", " ").strip()
    for role, pattern in _ROLE.items():
        if pattern.fullmatch(text) or pattern.fullmatch(_words(text)):
            return role
    return None


def header_unit(header: str) -> str | None:
    """The text in brackets, or the last word of a header such as ``use_kWh``."""
    match = _UNIT.search(header)
    return (match[1] or match[2] or "").strip() or None if match else None


def _words(header: str) -> str:
    return _CAMEL.sub(" ", header.replace("_", " ")).strip()
