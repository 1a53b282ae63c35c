"""Templates never switch escaping off, and hold nothing that the content security policy would silently block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.render import environment

DASHBOARD = Path(__file__).parent.parent.parent / "dashboard"
TEMPLATES = sorted((DASHBOARD / "templates").rglob("*.html"))
FORBIDDEN = {
    r"\|\s*safe\b": "switches escaping off",
    r"autoescape": "switches escaping off",
    r"\bMarkup\b": "switches escaping off",
    r"\bstyle\s*=": "is blocked by style-src 'self'",
    r"<style\b": "is blocked by style-src 'self'",
    r"\son[a-z]+\s*=\s*[\"']": "is blocked by script-src 'self'",
    r"\bhx-on\b": "needs eval, which script-src 'self' blocks",
    r"\bhx-vals\s*=\s*[\"']\s*js:": "needs eval, which script-src 'self' blocks",
    r"hx-trigger\s*=\s*[\"'][^\"']*\[": "a trigger filter needs eval, which script-src 'self' blocks",
    r"javascript:": "is blocked by script-src 'self'",
    r"<script(?![^>]*\bsrc=)": "is blocked by script-src 'self'",
    r"<(iframe|object|embed|base)\b": "is blocked by default-src 'none'",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD)))
def test_a_template_holds_nothing_forbidden(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [f"{match[0]!r} {why}" for pattern, why in FORBIDDEN.items() for match in re.finditer(pattern, text, re.I)]
    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD)))
def test_an_attribute_with_a_value_of_ours_is_quoted(path: Path) -> None:
    """Escaping protects a quoted attribute only."""
    assert re.findall(r"\w=\{\{[^}]*\}\}", path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(DASHBOARD)))
def test_every_template_compiles(path: Path) -> None:
    environment().get_template(str(path.relative_to(DASHBOARD / "templates")))


def test_no_python_file_of_the_dashboard_marks_text_as_safe() -> None:
    marking = [
        path.name
        for path in DASHBOARD.rglob("*.py")
        if re.search(r"\bMarkup\b|\|safe|autoescape=False", path.read_text(encoding="utf-8"))
    ]
    assert marking == []


def test_everything_is_escaped_and_an_unknown_name_is_an_error() -> None:
    env = environment()
    assert env.from_string("{{ it }}").render(it="<b>&'\"") == "&lt;b&gt;&amp;&#39;&#34;"
    with pytest.raises(Exception, match="'missing' is undefined"):
        env.from_string("{{ missing }}").render()
