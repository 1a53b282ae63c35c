"""The flags about a theme's life rather than its rate, pure: NEW, CAME BACK, FADED."""

from __future__ import annotations

import datetime as dt

from miner.trends.counting import Coverage, Floats
from miner.trends.fixes import QUIET_DAYS
from miner.trends.measures import RECENT, USUAL_DISPERSION
from miner.trends.phrases import counted, date
from miner.trends.wording import History, Verdict, note, rounded

NEW_WITHIN, NEW_REPORTS, NEW_COVERED = 14, 3, 14  # days, distinct customers, covered days before the first report
NEW_BELOW = 0.01  # chance that a theme of a steady rate was not seen before
FADED_AFTER, FADED_BELOW, FADED_BASE = 28, 0.001, 56  # days without a report; its chance; days that tell the rate
CAME_BACK, RISING_VOICES = 3, 5  # customers after the fix; customers a day that a rise after it needs


def judge_return(history: History, rising: Verdict | None, *, day: dt.date) -> Verdict | None:
    """CAME BACK, once after each fix: the third customer since, or a rise that lies wholly after it.

    Reports that are listed apart do not count. It holds until 28 days bring no report that counts.
    """
    since = history.since
    if history.fixed is None or history.told or since.last is None or (day - since.last).days >= QUIET_DAYS:
        return None
    fixed = f"since the fix of {date(history.fixed)}"
    if since.who >= CAME_BACK:
        who = "report" if history.customers is None else "customer"
        unnamed = f", {since.unknown} of them unknown" if since.unknown and history.customers is not None else ""
        sentence = f"Came back: {counted(since.who, who)} {fixed}{unnamed}"
    elif rising and since.voices >= RISING_VOICES and history.fixed <= day - dt.timedelta(days=RECENT):
        sentence = f"Came back: rising {fixed}, {rising.sentence.removeprefix('Rising: ')}"
    else:
        return None
    numbers = {"fixed": history.fixed.isoformat(), "since_fixed": since.who, "apart": since.apart}
    return Verdict("came_back", sentence, None, numbers)


def judge_new(history: History, coverage: Coverage) -> Verdict | None:
    """NEW: first reported after at least 14 covered days without it, by several, and not just too seldom to be seen.

    Were its rate steady, each report would be as likely in the days before the first one as since; that none is has
    the chance `(days since / all days) ** voices`.
    """
    voices = history.reports if history.customers is None else history.customers
    before = coverage.count(coverage.first, history.first - dt.timedelta(days=1))
    recent = max(1, (coverage.last - history.first).days + 1)
    if not coverage.holds(history.first) or recent - 1 > NEW_WITHIN or before < NEW_COVERED or voices < NEW_REPORTS:
        return None
    p = float((recent / (recent + before)) ** voices)
    if p >= NEW_BELOW:
        return None
    whose = "" if history.customers is None else f" from {counted(voices, 'customer')}"
    return Verdict(
        "new",
        f"New: {counted(history.reports, 'report')}{whose} since {date(history.first)}, none in the {before} days "
        f"before{note(history) if history.customers is None else ''}",
        p,
        {"days_before": before, "new_p": rounded(p)},
    )


def judge_faded(counts: Floats, history: History, coverage: Coverage) -> Verdict | None:
    """FADED: quiet for 28 covered days, although the days up to the last report make that unlikely.

    `counts` are of the calendar days up to the judged one. A theme that was always rare takes longer to fade.
    """
    quiet = coverage.count(history.last + dt.timedelta(days=1), coverage.last)
    if quiet < FADED_AFTER or coverage.last - dt.timedelta(days=len(counts) - 1) > history.last:
        return None
    end = len(counts) - (coverage.last - history.last).days
    begin = max(0, end - FADED_BASE)
    alive = coverage.count(history.last - dt.timedelta(days=end - begin - 1), history.last)
    voices = float(counts[begin:end].sum())
    p = float((alive / max(1, alive + quiet)) ** (voices / USUAL_DISPERSION))
    if p >= FADED_BELOW:
        return None
    return Verdict(
        "faded",
        f"Faded: no report in the {quiet} days to {date(coverage.last)} after {counted(voices, 'report')} in "
        f"{alive}; the last one came on {date(history.last)}",
        p,
        {"quiet_days": quiet, "faded_p": rounded(p)},
    )
