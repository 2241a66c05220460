"""The kind of connector in docs/connectors.md works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from haystack_app.connectors import ConnectorError, kind_of
from haystack_app.connectors.context import ConnectorContext
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import Connector
from haystack_app.storage.handler import storages
from tests.connectors.far import Proxy

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).resolve().parents[2] / "docs" / "connectors.md"


def test_the_meter() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(code.splitlines()) < 60
    exec(compile(code, str(PAGE), "exec"), {"__name__": "meter"})
    proxy = Proxy(1)
    point = {"point": MARKER, "cur": MARKER, "kind": "Number", "id": Ref("m")}
    storages["default"].load_entities([point])
    try:
        proxy.trouble = lambda op, number: b"21.5" if number == 1 else b"oops"
        settings = {"url": f"{proxy.url}/now", "point": "m"}
        row = Connector.objects.create(name="m", kind="meter", settings=settings)
        kind = kind_of("meter")(row)
        context = ConnectorContext(row)
        assert kind.perform("current", context) == {"written": 1}
        assert storages["default"].read_by_ids(["m"])[0]["curVal"] == Number(21.5)
        with pytest.raises(ConnectorError, match="no reading"):
            kind.perform("current", context)
        assert kind.intervals() == {"current": 60}
    finally:
        proxy.stop()
