"""Imports point one way: dashboard -> actors.enqueue -> miner, and miner knows no queue and no web."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PURE = [
    *(
        f"miner/issues/{name}.py"
        for name in (
            "answer",
            "batching",
            "comparison",
            "evaluation",
            "examples",
            "features",
            "judge",
            "labels",
            "language",
            "lexicon",
            "linear",
            "local",
            "pace",
            "prices",
            "profiles",
            "prompt",
            "quotes",
            "reconcile",
            "reply",
            "sentences",
            "settling",
            "severity",
            "shares",
            "skips",
            "subjects",
            "taxonomy",
            "weighing",
            "wire",
        )
    ),
    "miner/findings.py",
    "miner/help_center/articles.py",
    "miner/runs/cron.py",
    "miner/settings_rules.py",
    "miner/weeks.py",
    *(
        f"miner/themes/{name}.py"
        for name in (
            "assigning",
            "borders",
            "communities",
            "constraints",
            "grouping",
            "letter",
            "links",
            "matching",
            "modes",
            "naming",
            "neighbours",
            "planning",
            "portraits",
            "similarity",
            "telling",
            "tracker",
            "trees",
            "words",
        )
    ),
    *(
        f"miner/tickets/{name}.py"
        for name in (
            "comments",
            "conversation",
            "customer_list",
            "customers",
            "drift",
            "exported",
            "jsonstream",
            "names",
            "payload",
            "redact",
            "redact_names",
            "redact_secrets",
            "text",
            "titles",
            "values",
            "webhook",
            "zendesk_answers",
        )
    ),
    *(
        f"miner/trends/{name}.py"
        for name in (
            "counting",
            "covering",
            "detection",
            "episodes",
            "fixes",
            "judging",
            "life",
            "measures",
            "phrases",
            "volume",
            "wording",
        )
    ),
]
IMPURE = ("sqlalchemy", "psycopg", "httpx", "anthropic", "dramatiq", "starlette", "miner.db", "miner.models")


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def wrong(paths: list[Path], forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if any(name == one or name.startswith(one + ".") for one in forbidden)
    ]


def test_the_domain_knows_no_queue_and_no_web() -> None:
    doors = [ROOT / "miner" / "cli.py", *files("miner/commands")]
    domain = [path for path in files("miner") if path not in doors]
    assert (
        wrong(domain, ("actors", "dashboard", "dramatiq", "dramatiq_postgres", "periodiq", "starlette", "uvicorn"))
        == []
    )


def test_the_dashboard_reaches_the_actors_only_through_the_door() -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("dashboard")
        for name in imports(path)
        if name.split(".")[0] in ("actors", "dramatiq", "periodiq") and not name.startswith("actors.enqueue")
    ]
    assert found == []


def test_what_pages_start_is_counted() -> None:
    """Buttons and the API start work through dashboard/starting.py, where limits are; `again` does within `counted`."""
    allowed = [ROOT / "dashboard" / "starting.py", ROOT / "dashboard" / "pages" / "again.py"]
    free = [path for path in files("dashboard") if path not in allowed]
    assert (
        wrong(free, tuple(f"actors.enqueue.{name}" for name in ("start_run", "rerun", "settle_backlog", "wake_run")))
        == []
    )


def test_actors_do_not_know_the_dashboard() -> None:
    assert wrong(files("actors"), ("dashboard", "starlette", "uvicorn")) == []


def test_only_the_pipeline_knows_the_steps() -> None:
    """Packages meet through tables; a step of one noun does not call another noun's step."""
    steps = ("miner.tickets.sync", "miner.issues.analyze", "miner.themes.cluster", "miner.trends.refresh")
    owners = {step: step.split(".")[1] for step in steps}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("miner")
        for name in imports(path)
        for step, owner in owners.items()
        if name.startswith(step) and path.parent.name != owner
    ]
    assert found == []


@pytest.mark.parametrize("path", PURE)
def test_pure_rules_touch_nothing_outside(path: str) -> None:
    assert wrong([ROOT / path], IMPURE) == []


def test_package_files_import_nothing_but_the_one_that_dramatiq_loads() -> None:
    found = [
        str(path.relative_to(ROOT))
        for package in ("miner", "actors", "dashboard", "migrations")
        for path in files(package)
        if path.name == "__init__.py" and list(imports(path))
    ]
    assert found == ["actors/__init__.py"]


def test_only_config_reads_the_environment() -> None:
    allowed = {"miner/config.py", "miner/supervisor.py"}
    found = []
    for package in ("miner", "actors", "dashboard"):
        for path in files(package):
            source = path.read_text(encoding="utf-8")
            if ("os.environ" in source or "getenv" in source) and str(path.relative_to(ROOT)) not in allowed:
                found.append(str(path.relative_to(ROOT)))
    assert found == []
