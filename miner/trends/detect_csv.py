"""Detection as a command on CSV files, without a database: what `python -m miner.trends.detection` runs."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from miner.errors import UsageError
from miner.trends.counting import Coverage, Floats, estimate_weekday_factors, fill_days, spread_factors
from miner.trends.detection import judge_themes
from miner.trends.wording import History, Verdict


def main(arguments: Sequence[str] | None = None) -> None:
    """Read columns theme, date (YYYY-MM-DD) and count; write theme,date,flag,p for every theme and day.

    Days from the first to the last date are covered, those without a row are 0. Exit code 2 with a sentence on bad
    input.
    """
    parser = argparse.ArgumentParser(prog="python -m miner.trends.detection", description="Judge daily counts.")
    parser.add_argument("--in", dest="source", required=True, help="CSV with the columns theme, date and count")
    parser.add_argument("--out", required=True, help="CSV to write: theme,date,flag,p")
    parser.add_argument("--totals", help="CSV with the columns date and count: all tickets, for the test of shares")
    options = parser.parse_args(arguments)
    try:
        counts = _read(options.source, ("theme", "date", "count"))
        totals = _read(options.totals, ("date", "count"))[""] if options.totals else None
    except UsageError as error:
        parser.error(str(error))
    try:
        with open(options.out, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["theme", "date", "flag", "p"])
            for theme, day, verdict in judge_every_day(counts, totals):
                p = "" if verdict.p is None else f"{verdict.p:.6g}"
                writer.writerow([theme, day.isoformat(), verdict.flag or "", p])
    except OSError as error:
        parser.error(f"{options.out} cannot be written: {error}")


def _read(path: str, columns: Sequence[str]) -> dict[str, Counter[dt.date]]:
    """{theme: {day: count}}, the theme empty where the file has none; raises UsageError naming file and line."""
    counts: dict[str, Counter[dt.date]] = defaultdict(Counter)
    line = 1
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise UsageError(f"{path} has no column {', '.join(sorted(missing))}")
            for row in reader:
                line = reader.line_num
                count = int(row["count"])
                if count < 0:
                    raise ValueError(f"{count} is negative")
                counts[row["theme"] if "theme" in columns else ""][dt.date.fromisoformat(row["date"])] += count
    except (OSError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} line {line}: {error}") from None
    return counts


def judge_every_day(
    counts: Mapping[str, Mapping[dt.date, int]], totals: Mapping[dt.date, int] | None = None
) -> Iterator[tuple[str, dt.date, Verdict]]:
    """Each day judged with what came before it alone, also its weekday factors.

    `totals` are all tickets of each day; without them the factors are those of all themes together, and no share is
    tested: a file whose every theme jumps does not say that everything else stayed.
    """
    dates = [day for days in counts.values() for day in days]
    if not dates:
        return
    coverage = Coverage(min(dates), max(dates))
    themes = sorted(counts)
    table = np.array([fill_days(counts[theme], coverage) for theme in themes])
    total = table.sum(axis=0) if totals is None else fill_days(totals, coverage)
    for number, day in enumerate(coverage.dates(), start=1):
        seen = Coverage(coverage.first, day)
        factors = spread_factors(estimate_weekday_factors(total[: number - 1], coverage.first), seen)
        met = [row for row in range(len(themes)) if table[row, :number].any()]
        histories = [_history(table[row, :number], coverage) for row in met]
        found = judge_themes(
            table[met, :number], factors, seen, histories, totals=None if totals is None else total[:number]
        )
        verdicts = dict(zip(met, found, strict=True))
        for row, theme in enumerate(themes):
            yield theme, day, verdicts.get(row, Verdict(None, "Not seen yet", None, {}))


def _history(counts: Floats, coverage: Coverage) -> History:
    days = np.flatnonzero(counts)
    first, last = (coverage.first + dt.timedelta(days=int(days[end])) for end in (0, -1))
    return History(first, last, reports=int(counts.sum()), customers=None)
