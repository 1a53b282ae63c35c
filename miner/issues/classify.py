"""`python -m miner.issues.local --in texts.csv --out types.csv`: the local analyzer on a file, without a database.

Reads the columns id,text; writes id,type,confidence,quote, one line for each text: its first issue, or the type `none`.
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
        writer.writerows((key, *classify(analyzer, text or "")) for key, text in rows)
    return 0


def classify(analyzer: LocalAnalyzer, text: str) -> tuple[str, float | None, str]:
    """(type, confidence, quote) of the first issue in `text`; ("none", None, "") where there is none."""
    whole = clean(text)
    ticket = TicketText(0, whole, passages=(Passage(0, len(whole)),))
    _, found = checked(analyzer.read_one(ticket), ticket)
    if not found:
        return "none", None, ""
    first = found[0].finding
    return first.type, first.confidence, first.quote
