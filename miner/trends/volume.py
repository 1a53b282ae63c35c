"""When everything rises at once, pure: a theme is compared with all other tickets of its days.

After an outage most themes are reported more. Counts alone would flag them all; their shares tell which one it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miner.trends.counting import LEAST_FACTOR, Floats, Mask
from miner.trends.measures import Measures, measure

JUMP = 0.001  # the others rose when chance alone gives their count less often than this


@dataclass(frozen=True)
class Shares:
    """Of some themes: whether all other tickets rose too (on the day, in the week), and the chances by share."""

    day_rose: Mask
    week_rose: Mask
    spike_p: Floats
    rising_p: Floats


def measure_shares(
    counts: Floats, totals: Floats, factors: Floats, known: Mask, since: NDArray[np.int64] | None
) -> Shares:
    """`counts` of the themes in question, shape (themes, days); `totals` say who wrote on each day.

    A theme's own reports are taken out of the total: one that makes most of the tickets is not its own excuse.
    """
    others = np.maximum(totals - counts, 0)
    volume = measure(others, factors, known)
    mean = np.maximum(np.where(known, others, 0).sum(axis=1) / max(1, int(known.sum())), LEAST_FACTOR)
    shares: Measures = measure(counts, np.maximum(others / mean[:, None], LEAST_FACTOR), known, since)
    return Shares(
        day_rose=volume.spike_p < JUMP,
        week_rose=volume.rising_p < JUMP,
        spike_p=shares.spike_p,
        rising_p=shares.rising_p,
    )
