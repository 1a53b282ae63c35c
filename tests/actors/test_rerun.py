from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from actors.enqueue import rerun, start_run
from miner import db
from miner.errors import InvalidArguments, NotFound, Refused, UsageError
from miner.models import JobRun
from miner.runs import lifecycle
from tests.factories import TESTER


def over(job: str = "sync", **args: object) -> int:
    run_id = start_run(job, args, by=TESTER, trigger="cli").run_id
    with db.transaction() as session:
        lifecycle.request_cancel(session, run_id, by=TESTER)
    return run_id


def test_a_repeat_is_a_new_row_that_points_to_the_old_one_which_stays_as_it_is(session: Session) -> None:
    first = over(backfill_days=7)
    second = rerun(first, by=TESTER).run_id
    old, new = session.get_one(JobRun, first), session.get_one(JobRun, second)
    assert (old.state, new.state, new.rerun_of_id, new.trigger) == ("cancelled", "queued", first, "rerun")
    assert new.args == {"backfill_days": 7}


def test_a_repeat_may_have_other_arguments_which_are_checked(session: Session) -> None:
    first = over(backfill_days=7)
    with pytest.raises(InvalidArguments):
        rerun(first, {"backfill_days": 0}, by=TESTER)
    assert session.get_one(JobRun, rerun(first, {"backfill_days": 8}, by=TESTER).run_id).args == {"backfill_days": 8}


def test_only_a_run_that_is_over_can_be_repeated(database: str) -> None:
    run_id = start_run("sync", {}, by=TESTER, trigger="button").run_id
    with pytest.raises(UsageError, match="not over"):
        rerun(run_id, by=TESTER)
    with pytest.raises(NotFound):
        rerun(999, by=TESTER)


def test_a_file_import_cannot_be_pointed_to_another_file_or_started_from_a_page(database: str) -> None:
    first = over("import", path="/tmp/tickets.csv")
    with pytest.raises(Refused):
        rerun(first, {"path": "/etc/passwd"}, by=TESTER)
    for trigger in ("button", "api"):
        with pytest.raises(Refused, match="command line"):
            start_run("import", {"path": "/etc/passwd"}, by=TESTER, trigger=trigger)
