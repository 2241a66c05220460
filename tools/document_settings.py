"""Write the tables of settings in docs/configuration.md from ``haystack_app.conf``.

python tools/document_settings.py          print the document as it should be
python tools/document_settings.py --write  write it
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "configuration.md"


def documented(text: str) -> str:
    """The document with each ``<!-- table NAME -->`` section made anew."""
    from haystack_app.conf import DEFAULTS, LIMITS, REPLICATION, THROTTLE

    tables = {
        "settings": DEFAULTS,
        "limits": LIMITS,
        "throttle": THROTTLE,
        "replication": REPLICATION,
    }
    for name, settings in tables.items():
        pattern = rf"(<!-- table {name} -->\n).*?(<!-- end {name} -->)"
        table = _table(settings)
        text, count = re.subn(
            pattern, lambda m, t=table: m[1] + t + m[2], text, flags=re.S
        )
        if count != 1:
            raise SystemExit(f"{DOCUMENT}: {count} sections {name!r}, expected 1")
    return text


def _table(settings: Mapping[str, Any]) -> str:
    lines = ["| key | default | must be | |", "|---|---|---|---|"]
    for name, setting in settings.items():
        help = setting.help.replace("``", "`")
        lines.append(
            f"| `{name}` | {_shown(setting.default)} | {setting.expected} | {help} |"
        )
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "default" in value:
        return "an `OrmAdapter`"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.12g}"
    return f"`{value!r}`"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    text = documented(DOCUMENT.read_text("utf-8"))
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(text, "utf-8")
    else:
        print(text, end="")
