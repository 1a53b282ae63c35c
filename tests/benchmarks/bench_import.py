"""Import rate and memory, by hand: `pytest tests/benchmarks/bench_import.py -s`.

The texts are the sample's, under new ids, with two comments, a requester and an organization each. Memory is the
process's own peak; flat means that four times the file does not move it.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from miner import db
from miner.runs.context import StepContext
from miner.tickets import importer
from miner.tickets.sample import sample_path
from tests.support.memory import peak_mb

pytestmark = pytest.mark.benchmark


def write_tickets(path: Path, count: int) -> None:
    reports = [json.loads(line) for line in gzip.decompress(sample_path().read_bytes()).splitlines()]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            report, other = reports[number % len(reports)], reports[(number * 7 + 1) % len(reports)]
            file.write(
                json.dumps(
                    report
                    | {
                        "id": number,
                        "requester_id": number % 5_000,
                        "organization_id": number % 900,
                        "comments": [
                            {"id": 3 * number, "author_id": number % 5_000, "body": report["description"]},
                            {"id": 3 * number + 1, "author_id": 7, "body": other["description"]},
                            {"id": 3 * number + 2, "author_id": 7, "body": "Escalated.", "public": False},
                        ],
                    }
                )
                + "\n"
            )


def test_rate_and_memory_of_an_import(step: Callable[..., StepContext], tmp_path: Path) -> None:
    print(f"\nbefore: peak {peak_mb():.0f} MB")
    context = None
    for count in (10_000, 40_000):
        path = tmp_path / f"{count}.ndjson"
        write_tickets(path, count)
        for attempt in ("first", "again"):
            context = step("import", {"path": str(path)}) if context is None else context
            context.hold.claim.args["path"] = str(path)
            context.checkpoint = None
            began = time.perf_counter()
            importer.run(context)
            seconds = time.perf_counter() - began
            print(
                f"{count:,} tickets ({path.stat().st_size >> 20} MB), {attempt}: {seconds:.1f} s, "
                f"{count / seconds:,.0f} tickets/s, peak {peak_mb():.0f} MB"
            )
    with db.transaction() as session:
        print("stored:", session.execute(text("SELECT count(*) FROM tickets")).scalar_one())
