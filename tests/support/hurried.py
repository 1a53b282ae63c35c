"""Loaded into a worker process, it lets a sync ask as fast as the stand-in answers; with `KILL_AT` it also dies there.

An account that allows a million calls a minute still gets 30 exports a minute in production, which is a second test's
patience for every page.
"""

from __future__ import annotations

import os

from miner.tickets import pace

pace.EXPORT_HIGH_VOLUME = 1_000_000

if os.environ.get("KILL_AT"):
    from tests.support import killer as killer
