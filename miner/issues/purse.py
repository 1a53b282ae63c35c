"""The limits on money of a run: looked at before every call, with what is under way counted in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from miner.errors import BudgetReached
from miner.issues.calls import spent_in_run, spent_since
from miner.issues.prices import find_price
from miner.settings import Settings


@dataclass
class Purse:
    """What was spent and what may be, in dollars; None: no limit."""

    run_spent: Decimal
    month_spent: Decimal
    run_cap: Decimal | None
    month_cap: Decimal | None

    @classmethod
    def open(cls, session: Session, *, run_id: int, model: str, settings: Settings) -> Purse:
        """The purse of a run under the limits in force now; raises BudgetReached where a limit cannot be kept."""
        run_cap, month_cap = _dollars(settings.run_budget_usd), _dollars(settings.month_budget_usd)
        if (run_cap or month_cap) and find_price(model) is None:
            raise BudgetReached(
                f"The price of {model} is unknown, so the limits in the settings cannot be kept: remove run_budget_usd "
                "and month_budget_usd there, or set MINER_MODEL to a model with a known price"
            )
        month = month_start(dt.datetime.now(settings.zone))
        return cls(spent_in_run(session, run_id).dollars, spent_since(session, month).dollars, run_cap, month_cap)

    def spend(self, dollars: Decimal | None) -> None:
        """Take note of what a call cost."""
        if dollars is not None:
            self.run_spent += dollars
            self.month_spent += dollars

    def allows(self, coming: Decimal) -> bool:
        """Whether `coming` passes no limit."""
        try:
            self.check(coming)
        except BudgetReached:
            return False
        return True

    def check(self, coming: Decimal) -> None:
        """Raise BudgetReached if `coming`, the most that calls under way and the next one can cost, passes a limit."""
        limits = (
            ("run_budget_usd", self.run_cap, self.run_spent, "this run has spent"),
            ("month_budget_usd", self.month_cap, self.month_spent, "this month has cost"),
        )
        for name, cap, spent, who in limits:
            if cap is not None and spent + coming > cap:
                raise BudgetReached(
                    f"Reading waits: {who} ${spent:.4f} of ${cap:.2f} at Claude; raise {name} in the settings to go on"
                )


def month_start(now: dt.datetime) -> dt.datetime:
    """When the month of `now` began, in its zone."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _dollars(setting: float | None) -> Decimal | None:
    return None if setting is None else Decimal(str(setting))
