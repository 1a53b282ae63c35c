"""Grouping as a command on CSV files, without a database: what `python -m miner.themes.grouping` runs."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence

from miner.themes.embed import embed_texts
from miner.themes.grouping import group_issues


def main(arguments: Sequence[str] | None = None) -> None:
    """Read columns id and text (and a partition column), write id,cluster; exit code 2 with a sentence on bad input.

    Without --smallest every group is written, however small; with it, smaller groups get -1 as in the product.
    """
    parser = argparse.ArgumentParser(prog="python -m miner.themes.grouping", description="Group texts into clusters.")
    parser.add_argument("--in", dest="source", required=True, help="CSV with the columns id and text")
    parser.add_argument("--out", required=True, help="CSV to write: id,cluster")
    parser.add_argument("--partition", help="column whose values keep texts apart")
    parser.add_argument("--granularity", type=float, default=1.0, help="0.25 to 4; above 1: more, smaller clusters")
    parser.add_argument("--smallest", type=int, default=1, help="clusters with fewer texts become -1")
    options = parser.parse_args(arguments)
    if not 0.25 <= options.granularity <= 4:
        parser.error(f"--granularity must be 0.25 to 4, not {options.granularity:g}")
    columns = ["id", "text", *([options.partition] if options.partition else [])]
    try:
        with open(options.source, newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                parser.error(f"{options.source} has no column {', '.join(missing)}")
            rows = [{name: row[name] or "" for name in columns} for row in reader]
    except (OSError, csv.Error) as error:
        parser.error(f"{options.source} cannot be read: {error}")
    texts = [row["text"] for row in rows]
    partitions = [row[options.partition] if options.partition else "" for row in rows]
    labels = group_issues(embed_texts(texts), texts, partitions, options.granularity, options.smallest)
    try:
        with open(options.out, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "cluster"])
            writer.writerows((row["id"], int(label)) for row, label in zip(rows, labels, strict=True))
    except OSError as error:
        parser.error(f"{options.out} cannot be written: {error}")
