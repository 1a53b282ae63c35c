"""Settings: what operators edit, versioned as rows; the environment is Config.

Only what differs from the defaults is stored, so a better default reaches everybody who did not choose otherwise.
A run loads the settings once, at its start, and remembers their version.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments
from miner.issues.profiles import SECOND_MODEL
from miner.models import SettingsVersion
from miner.settings_rules import list_faults, remedy
from miner.tickets.text import TextRules


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("it is not an IANA time zone such as Europe/Berlin")
    return name


IssueType = Literal[
    "bug", "friction", "ux_confusion", "feature_request", "documentation_gap", "data_issue", "configuration",
    "performance", "other",
]  # fmt: skip
Severity = Literal["critical", "high", "medium", "low"]


class Settings(BaseModel):
    """Every setting with its default, bounds and sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    time_zone: Annotated[
        str, AfterValidator(_zone), Field(description="The zone in which days and weeks are counted.")
    ] = "UTC"
    areas: Annotated[
        dict[str, list[str]],
        Field(description="Product areas, each with the words that show it; the local analyzer looks for them."),
    ] = {}
    components: Annotated[
        dict[str, list[str]], Field(description="The components of each area, for Claude; an area may have none.")
    ] = {}
    product: Annotated[
        str,
        Field(
            max_length=20_000, description="What Claude should know of the product: devices, plans, features, words."
        ),
    ] = ""
    help_centers: Annotated[
        list[str],
        Field(
            description="Public Help Centers, each with host and locale: https://support.example.com/hc/en-us. Read "
            "weekly without any credential."
        ),
    ] = []
    language: Annotated[
        str, Field(min_length=2, max_length=50, description="The language in which Claude sums issues up.")
    ] = "English"
    type_definitions: Annotated[
        dict[IssueType, str], Field(description="Own definitions of issue types, for Claude; the others keep theirs.")
    ] = {}
    severity_definitions: Annotated[
        dict[Severity, str], Field(description="Own definitions of severities, for Claude; the others keep theirs.")
    ] = {}
    examples: Annotated[
        int, Field(ge=0, le=40, description="The most corrections that Claude is shown as examples; 0: none.")
    ] = 12
    tickets_per_call: Annotated[
        int, Field(ge=1, le=20, description="The most tickets that Claude is shown in one call.")
    ] = 5
    tickets_per_batch_call: Annotated[
        int, Field(ge=1, le=20, description="The most tickets that Claude is shown in one request of a batch.")
    ] = 8
    second_model: Annotated[
        str,
        Field(
            max_length=100,
            description="The model that gets one try at a ticket which the first one declines to read; it needs a "
            "known price. Empty: none.",
        ),
    ] = SECOND_MODEL
    calls_at_once: Annotated[int, Field(ge=1, le=64, description="The most calls to Claude at the same time.")] = 8
    reading: Annotated[
        Literal["auto", "live", "batch"],
        Field(
            description="How Claude is asked: live, in batches at half the price, or as many tickets as wait suggest."
        ),
    ] = "auto"
    batch_above: Annotated[
        int, Field(ge=1, le=100_000, description="With reading auto, more waiting tickets than this go in batches.")
    ] = 500
    cache_in_batches: Annotated[
        bool, Field(description="Whether batches use the prompt cache too; worth it where most requests find it.")
    ] = False
    run_budget_usd: Annotated[
        float | None, Field(gt=0, description="The most dollars a run may spend on Claude; empty: no limit.")
    ] = None
    month_budget_usd: Annotated[
        float | None, Field(gt=0, description="The most dollars a month may cost at Claude; empty: no limit.")
    ] = None
    backlog: Annotated[
        Literal["ask", "read", "leave"],
        Field(
            description="What becomes of older tickets at the first reading of a source, and when a reading may cost "
            "more than ask_above_usd: ask, read them at once, or leave them. The newest 200 are read in any case."
        ),
    ] = "ask"
    ask_above_usd: Annotated[
        float,
        Field(gt=0, description="Dollars that a later reading may cost without being asked about; see backlog."),
    ] = 5.0
    granularity: Annotated[
        float, Field(ge=0.25, le=4, description="How fine themes are cut; above 1 gives more and smaller themes.")
    ] = 1.0
    regroup_days: Annotated[
        int, Field(ge=1, le=90, description="Days after which all issues are grouped anew; between, new ones join.")
    ] = 3
    private_notes: Annotated[
        bool, Field(description="Whether agents' private notes are read too; they are stored in any case.")
    ] = False
    redaction: Annotated[
        bool,
        Field(
            description="Whether mail addresses, phone, card and account numbers, network addresses, secrets and names "
            "are taken out of the text that is read, shown and sent. A change reaches stored texts with the next "
            "analysis; only tickets whose text is another then are read again."
        ),
    ] = True
    customer_fields: Annotated[
        dict[Literal["plan", "revenue", "currency", "segment", "owner"], str],
        Field(
            description="Which field of an organization or user at the source holds a customer's plan and so on; "
            "tag:plan_* takes what follows plan_ in a tag."
        ),
    ] = {}
    run_days: Annotated[
        int, Field(ge=1, le=3650, description="Days that finished runs are kept; the last success and failure stay.")
    ] = 90
    smallest_theme: Annotated[int, Field(ge=2, le=50, description="Issues that make a theme.")] = 3

    def tickets_in_call(self, *, batch: bool) -> int:
        """The most tickets in one call, live or in a batch."""
        return self.tickets_per_batch_call if batch else self.tickets_per_call

    @property
    def text_rules(self) -> TextRules:
        return TextRules(redact=self.redaction, private=self.private_notes)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def load(session: Session) -> tuple[int, Settings]:
    """The version in force and its settings."""
    row = session.scalars(select(SettingsVersion).order_by(SettingsVersion.version.desc()).limit(1)).one()
    return row.version, Settings.model_validate(row.values)


def load_version(session: Session, version: int) -> Settings:
    """The settings of that version, as a run remembers them."""
    return Settings.model_validate(session.get_one(SettingsVersion, version).values)


def save(session: Session, settings: Settings, *, by: Actor, note: str = "") -> int:
    """Store `settings` as the new version in force and return its number."""
    require(by, Role.admin, "change the settings")
    before, _ = load(session)
    row = SettingsVersion(values=settings.model_dump(exclude_defaults=True), note=note, created_by=str(by))
    session.add(row)
    session.flush()
    audit(session, by, "settings.save", "settings", row.version, before={"version": before}, after=row.values)
    return row.version


def parse(values: dict[str, Any]) -> Settings:
    """Settings from outside; raises InvalidArguments naming each refused field."""
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidArguments(field_faults(error, known=Settings.model_fields)) from None
    if faults := list_faults(settings):
        raise InvalidArguments(faults)
    return settings


def field_faults(error: ValidationError, *, known: Collection[str] | None = None) -> dict[str, str]:
    """pydantic's findings as {field: sentence}, without the refused value; `known`: with what to do about it."""
    return {
        ".".join(str(part) for part in fault["loc"]) or "value": fault["msg"] if known is None else remedy(fault, known)
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    }
