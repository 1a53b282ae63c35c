"""Proof 17: Claude reads a ticket as often as its text changes, however often Zendesk delivers it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from miner.issues import analyze
from miner.runs import lifecycle
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn as Claude
from tests.standins.zendesk.fixture import zendesk as zendesk
from tests.standins.zendesk.standin import StandIn as Zendesk
from tests.support.mirror import Run, config_for, differences, sync


def read_by_claude(zendesk: Zendesk, claude: Claude) -> int:
    """Read all that waits; how many tickets were sent."""
    before = len(claude.calls)
    run = Run(config_for(zendesk), job="analyze")
    analyze.run(run.context)
    run.end_with(lifecycle.complete)
    return sum(len(call.tickets) for call in claude.calls[before:])


def test_claude_reads_as_many_tickets_as_texts_changed_not_as_many_as_were_delivered(
    zendesk: Zendesk, claude: Claude, session: Session
) -> None:
    sync(zendesk, backfill_days=100)
    live = [number for number, one in zendesk.truth.items() if not one["deleted"]]
    assert read_by_claude(zendesk, claude) == len(live)

    for _ in range(3):  # delivered again and again, by automations and by pages that repeat their rows
        zendesk.ops.bulk_touch()
        zendesk.settle()
        zendesk.faults.add("repeat_rows", "tickets_cursor", times=2)
        zendesk.faults.add("twice", "tickets_cursor", times=2)
        zendesk.switches.page_cap = 10
        assert sync(zendesk).counters["tickets"] >= len(live)
        zendesk.quiet()
    zendesk.ops.agent_update(live[0], status="solved", tags=["vip"])
    zendesk.ops.agent_update(live[1], priority="urgent", custom={11001: "export"})
    zendesk.ops.comment(live[2], "between us", public=False)
    zendesk.settle()
    sync(zendesk)
    assert read_by_claude(zendesk, claude) == 0
    assert differences(session, zendesk) == {}

    zendesk.ops.comment(live[3], "It crashed again.")
    zendesk.ops.comment(live[3], "And again.", count=2)
    zendesk.ops.redact(live[4], 0)
    zendesk.ops.make_private(live[5], 0)
    zendesk.settle()
    sync(zendesk)
    zendesk.ops.bulk_touch()
    zendesk.settle()
    sync(zendesk)
    assert read_by_claude(zendesk, claude) == 3
    assert differences(session, zendesk) == {}
