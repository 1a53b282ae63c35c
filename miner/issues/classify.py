"""`python -m miner.issues.local --in texts.csv --out types.csv`: the local analyzer on a file, without a database.

Reads the columns id,text; writes id,type,confidence,quote, one line for each text: its first issue, or the type `none`,
or `unclear` where no type stands out, as in a language that the analyzer does not know.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from miner.issues.answer import Passage, TicketText, checked
from miner.issues.local import LocalAnalyzer
from miner.tickets.text import clean

_BATCH = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with a sentence where the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m miner.issues.local", description=__doc__)
    parser.add_argument("--in", dest="source", required=True, type=Path, help="CSV with the columns id,text")
    parser.add_argument("--out", dest="target", required=True, type=Path, help="CSV with id,type,confidence,quote")
    options = parser.parse_args(argv)
    csv.field_size_limit(1 << 24)
    try:
        with options.source.open(encoding="utf-8-sig", newline="") as source:
            rows = [(row["id"], row["text"]) for row in csv.DictReader(source)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        reason = f"it has no column {error}" if isinstance(error, KeyError) else error
        print(f"{options.source} cannot be read: {reason}", file=sys.stderr)  # noqa: T201
        return 2
    analyzer = LocalAnalyzer()
    with options.target.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(("id", "type", "confidence", "quote"))
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            answers = classify_all(analyzer, [text or "" for _, text in batch])
            writer.writerows((key, *answer) for (key, _), answer in zip(batch, answers, strict=True))
    return 0


def classify_all(analyzer: LocalAnalyzer, texts: Sequence[str]) -> list[tuple[str, float | None, str]]:
    """(type, confidence, quote) of the first issue in each text; ("none", None, "") where there is none."""
    wholes = [clean(text) for text in texts]
    tickets = [TicketText(0, whole, passages=(Passage(0, len(whole)),)) for whole in wholes]
    answers: list[tuple[str, float | None, str]] = []
    for ticket, reading in zip(tickets, analyzer.read(tickets), strict=True):
        _, found = checked(reading, ticket)
        if not found:
            answers.append(("none", None, ""))
            continue
        first = found[0].finding
        answers.append((first.type, first.confidence, first.quote))
    return answers
