"""`miner doctor`: what is connected, what is not, and what to do about it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from miner.commands.output import show_json
from miner.config import Config
from miner.findings import FAILED
from miner.tickets.doctor import check_account

_SIGNS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


def doctor(options: Namespace) -> int:
    """Print each finding; 1 when one of them failed."""
    findings = check_account(Config.from_environment())
    if options.json:
        show_json([asdict(one) for one in findings])
    else:
        for one in findings:
            print(f"{_SIGNS[one.state]}  {one.sentence}")
    return int(any(one.state == FAILED for one in findings))
