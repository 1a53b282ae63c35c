"""What each job may be asked: one model a job, whose fields also make its form, its options and its part of the API."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class Arguments(BaseModel):
    """Arguments of a job: unknown names and wrong types are refused, by name."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NoArguments(Arguments):
    """A job that takes none."""


BackfillDays = Annotated[
    int | None,
    Field(ge=1, le=3650, description="Days back to fetch every ticket created or changed; empty: what is new."),
]
BatchSize = Annotated[
    int | None,
    Field(ge=1, le=10_000, description="The most tickets this run reads; empty: all that are pending."),
]


def _day(given: str) -> str:
    try:
        return dt.date.fromisoformat(given).isoformat()
    except ValueError:
        raise ValueError("it is not a day such as 2026-11-20") from None


Day = Annotated[str | None, AfterValidator(lambda given: None if given is None else _day(given))]


class SyncArguments(Arguments):
    backfill_days: BackfillDays = None
    from_date: Annotated[
        Day, Field(description="Fetch every ticket created or changed since this day, 2026-11-20.")
    ] = None
    to_date: Annotated[Day, Field(description="Only with a first day: the last day that counts; empty: today.")] = None

    @model_validator(mode="after")
    def _one_range(self) -> SyncArguments:
        if self.backfill_days is not None and self.from_date is not None:
            raise ValueError("give days back or a first day, not both")
        if self.to_date is not None and (self.from_date is None or self.to_date < self.from_date):
            raise ValueError("a last day needs a first day that is not after it")
        return self


class AnalyzeArguments(Arguments):
    batch_size: BatchSize = 500


class TrialArguments(Arguments):
    sample: Annotated[int, Field(ge=1, le=500, description="How many tickets are read once more, drawn at random.")] = (
        50
    )
    scope: Annotated[
        Literal["all", "local", "older"],
        Field(description="Which tickets: all, local (read by the built-in rules), older (read otherwise than now)."),
    ] = "all"


class PreviewArguments(Arguments):
    granularity: Annotated[
        float | None,
        Field(ge=0.25, le=4, description="From 0.25 to 4; above 1 gives more and smaller themes. Empty: as it is set."),
    ] = None


class PipelineArguments(Arguments):
    backfill_days: BackfillDays = None
    batch_size: BatchSize = None


class ImportArguments(Arguments):
    path: Annotated[str, Field(min_length=1, description="The file: NDJSON, JSON or CSV, also with .gz.")]
    source: Annotated[str | None, Field(description="The source name; empty: file:<name>.")] = None
    columns: Annotated[str | None, Field(description="What columns are called: subject=Title,tags=Labels.")] = None
