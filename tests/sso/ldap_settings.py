"""The settings for LDAP that the docs show, with the server of the tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

_PAGE = (Path(__file__).parents[2] / "docs" / "rights.md").read_text()
_BLOCK = re.search(r"### LDAP\n.*?```python\n(.*?)```", _PAGE, re.DOTALL)
assert _BLOCK is not None
exec(_BLOCK[1])

AUTH_LDAP_SERVER_URI = os.environ["LDAP_URI"]
