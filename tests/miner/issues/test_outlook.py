from __future__ import annotations

from miner.issues.outlook import look_ahead


def test_in_batches_it_costs_half_and_takes_up_to_an_hour() -> None:
    live, batch = (
        look_ahead(1_000, 400_000, prefix=5_000, per_call=5, at_once=8, model="claude-haiku-5-5", batch=batch)
        for batch in (False, True)
    )
    assert batch.high is not None
    assert live.high is not None
    assert 0 < batch.high < live.high
    assert batch.time == "10 to 60 minutes"
