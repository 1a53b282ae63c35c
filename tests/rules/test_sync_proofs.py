"""The table of proofs names tests that exist, are collected, and compare the mirror with the truth."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "explanation" / "sync.md"
ROW = re.compile(r"^\| (\d{1,2}) \| .* \| (.*) \|$", re.M)
NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PROOFS = {int(number): NAME.findall(tests) for number, tests in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def functions(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def calls(function: ast.FunctionDef) -> set[str]:
    called = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {one.id for one in called if isinstance(one, ast.Name)}


def test_each_of_the_eighteen_proofs_has_a_test() -> None:
    assert sorted(PROOFS) == list(range(1, 19))
    assert [number for number, tests in PROOFS.items() if not tests] == []


@pytest.mark.parametrize(("path", "name"), sorted({test for tests in PROOFS.values() for test in tests}))
def test_a_named_proof_exists_and_ends_with_the_mirror_equal_to_the_truth(path: str, name: str) -> None:
    found = functions(path)
    assert name in found, f"{PAGE.name} names {path}::{name}, which is gone"
    assert "differences" in calls(found[name]), f"{name} does not compare the mirror with the truth"


def test_every_test_that_the_page_names_exists() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAME.findall(PAGE.read_text(encoding="utf-8"))
        if name not in functions(path)
    ]
    assert missing == []


def test_a_proofs_file_is_named_by_the_page() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_proof_*.py")}
    assert files <= {path for tests in PROOFS.values() for path, _ in tests}
