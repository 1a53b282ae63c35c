"""The numbers behind a trend flag, named for people (pure); miner/trends/wording.py and its users make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# In the order in which they explain a verdict. Names say the unit; a chance is that of no change at all.
LABELS = {
    "as_of": "Judged day, the last complete one",
    "counted": "What counts",
    "covered_days": "Days with data, read by one analyzer",
    "first": "Day of the first report",
    "days_before": "Days with data before the first report",
    "new_p": "Chance that it was only not seen before, from 0 to 1",
    "fixed": "Day on which the fix reached customers",
    "since_fixed": "Who reported it since",
    "apart": "Reports since that are listed apart",
    "reports": "Reports in all",
    "customers": "Different customers in all",
    "day": "Reports on the judged day",
    "day_expected": "Usual on such a day, reports",
    "spike_p": "Chance of as many on one day, from 0 to 1",
    "recent": "Reports in the recent days",
    "recent_days": "Length of the recent time, days",
    "week_before": "Reports in the 7 days before those",
    "before": "Reports in the time before",
    "before_days": "Length of the time before, days",
    "ratio": "Reports a day, times those before",
    "ratio_low": "At least, times those before (95 %)",
    "ratio_high": "At most, times those before (95 %)",
    "rising_p": "Chance of such a rise, from 0 to 1",
    "fading_p": "Chance of such a fall, from 0 to 1",
    "quiet_days": "Days with data since the last report",
    "faded_p": "Chance of such a silence, from 0 to 1",
    "dispersion": "Burstiness: variance over mean, 1 is none",
}
_PLACES = {name: place for place, name in enumerate(LABELS)}


def named(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, value) of each number, those without a label last and under their own name."""
    names = sorted(numbers, key=lambda name: (_PLACES.get(name, len(_PLACES)), name))
    return [(LABELS.get(name, name.replace("_", " ")), figure(numbers[name])) for name in names]


def figure(value: object) -> str:
    """One of the numbers behind a flag, whatever it is."""
    if value is None:
        return "unknown"
    if isinstance(value, bool) or not isinstance(value, (int, float, list, tuple)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(figure(one) for one in value)
    if isinstance(value, int):
        return f"{value:,}"
    if 0 < abs(value) < 0.0001:
        return "under 0.0001"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:,.2f}"
