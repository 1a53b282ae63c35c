"""The version of this software, from its installed metadata; a checkout that was not installed reads pyproject.toml."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _find() -> str:
    try:
        return version("product-issue-miner")
    except PackageNotFoundError:
        project = Path(__file__).parent.parent / "pyproject.toml"
        found = (
            re.search(r'^version = "(.+?)"', project.read_text(encoding="utf-8"), re.M) if project.exists() else None
        )
        return found.group(1) if found else "unknown"


VERSION = _find()
