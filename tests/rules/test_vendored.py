"""Files that others wrote are the ones that were published, and their licence lies beside them."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from pathlib import Path

VENDOR = Path(__file__).parent.parent.parent / "dashboard" / "static" / "vendor"
PACKAGES = tomllib.loads((VENDOR / "vendor.toml").read_text(encoding="utf-8"))["package"]


def test_every_vendored_file_has_its_published_hash() -> None:
    for package in PACKAGES:
        for name, expected in package["sha256"].items():
            assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected, name


def test_nothing_lies_there_that_the_list_does_not_name() -> None:
    named = {name for package in PACKAGES for name in package["sha256"]}
    assert {path.name for path in VENDOR.iterdir()} == named | {"vendor.toml"}


def test_each_package_comes_with_version_licence_and_registry_integrity() -> None:
    for package in PACKAGES:
        assert (VENDOR / package["licence_file"]).read_text(encoding="utf-8").strip()
        assert package["licence"]
        assert package["integrity"].startswith("sha512-")
        assert all(package["version"] in name for name in package["sha256"])


def test_pages_load_a_vendored_script_with_its_integrity() -> None:
    layout = (VENDOR.parent.parent / "templates" / "layout.html").read_text(encoding="utf-8")
    scripts = dict(re.findall(r'<script src="/static/vendor/([^"]+)" integrity="([^"]+)"', layout))
    expected = {name: value for package in PACKAGES for name, value in package["sha384"].items()}
    assert scripts == expected
    for name, integrity in scripts.items():
        digest = base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()
        assert integrity == f"sha384-{digest}"
