"""Reading a labelled set with one configuration or another: what it would cost, and what it answers.

Nothing is stored but what Claude's calls cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import settings as stored_settings
from miner import settings_file
from miner.config import Config
from miner.db import transaction
from miner.errors import ConfigError, NotFound, UsageError
from miner.issues.answer import Reading, checked
from miner.issues.calls import call_cost, record_calls
from miner.issues.estimate import Estimate, estimate
from miner.issues.evaluation import Answer, Result, evaluate
from miner.issues.examples import choose_examples
from miner.issues.labels import Case, Label
from miner.issues.local import LocalAnalyzer
from miner.issues.pending import list_by_id
from miner.issues.prompt import Taxonomy, system_text
from miner.issues.purse import Purse
from miner.issues.readers import LOCAL_VERSION
from miner.issues.taxonomy_settings import list_examples, taxonomy_of
from miner.models import SettingsVersion
from miner.settings import Settings

PATIENCE = 120.0  # seconds that an evaluation waits in place when Claude asks for a pause


@dataclass(frozen=True)
class Configuration:
    """Who reads, and under which settings; `model` None: the local rules."""

    name: str
    model: str | None
    settings: Settings
    taxonomy: Taxonomy


def parse_configuration(session: Session, spec: str, *, config: Config, without: Sequence[Case]) -> Configuration:
    """`local`, `claude` or a model's id, then optionally `@` and a settings file or version; empty: what is in force.

    Corrections of the tickets of `without` are not among the examples: what is scored is not taught.
    """
    version, current = stored_settings.load(session)
    who, at, file = spec.partition("@")
    if at and file.isascii() and file.isdecimal() and len(file) < 10:
        if session.get(SettingsVersion, int(file)) is None:
            raise NotFound("settings version", file)
        version, current = int(file), stored_settings.load_version(session, int(file))
    elif at:
        try:
            current = settings_file.merge(Path(file).read_text(encoding="utf-8"), current)
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"{file or spec!r} cannot be read as a settings file") from None
    local = who == "local" or (not who and (config.analyzer == "local" or not config.anthropic_api_key))
    model = None if local else config.model if who in ("", "claude") else who
    if model and not config.anthropic_api_key:
        raise ConfigError(f"reading with {model} needs a key: set ANTHROPIC_API_KEY")
    taxonomy = taxonomy_of(current)
    if model and current.examples:
        tickets = {case.text.id for case in without}
        found = [one for one in list_examples(session, version=version) if one.ticket_id not in tickets]
        taxonomy = replace(taxonomy, examples=choose_examples(found, most=current.examples))
    return Configuration(f"{model or LOCAL_VERSION}{at}{file}", model, current, taxonomy)


def estimate_reading(configuration: Configuration, cases: Sequence[Case]) -> Estimate | None:
    """Dollars, low and high; 0 for the local rules; None: the price is unknown."""
    if configuration.model is None:
        return Estimate(Decimal(0), Decimal(0))
    return estimate(
        len(cases),
        sum(len(case.text.text) for case in cases),
        prefix=len(system_text(configuration.taxonomy)),
        per_call=configuration.settings.tickets_per_call,
        model=configuration.model,
    )


def run_evaluation(
    configuration: Configuration, cases: Sequence[Case], *, config: Config, say: Callable[[str], None] = lambda _: None
) -> tuple[Result, dict[str, Answer]]:
    """Read `cases`; returns how it did and its checked answers by case.

    Raises what stops all calls (a key, a limit on money, an outage); the calls made until then are recorded.
    """
    texts = {case.text.id: case for case in cases}
    answers: dict[str, Answer] = {}

    def take(readings: Sequence[Reading]) -> None:
        for reading in readings:
            case = texts[reading.ticket_id]
            answers[case.key] = checked(reading, case.text)
        say(f"{configuration.name}: {len(answers):,} of {len(cases):,} tickets read")

    dollars: Decimal | None = Decimal(0)
    if configuration.model is None:
        take(list(LocalAnalyzer(configuration.settings.areas).read([case.text for case in cases])))
    else:
        dollars = _ask_claude(configuration, cases, config, take)
    result = evaluate(configuration.name, cases, answers)
    result.dollars = dollars
    return result, answers


def _ask_claude(
    configuration: Configuration, cases: Sequence[Case], config: Config, take: Callable[[Sequence[Reading]], None]
) -> Decimal | None:
    from miner.issues.aside import AsideReading
    from miner.issues.claude import Claude
    from miner.issues.knowledge import Knowledge
    from miner.issues.question import Question

    assert configuration.model  # noqa: S101 - the caller has looked
    with transaction() as session:
        _, current = stored_settings.load(session)
        purse = Purse.open(session, run_id=0, model=configuration.model, settings=current)
    claude = Claude(
        api_key=str(config.anthropic_api_key), base_url=config.anthropic_base_url, model=configuration.model
    )
    costs: list[Decimal | None] = []
    try:
        reading = AsideReading(
            Question(claude, Knowledge(configuration.taxonomy)),
            [case.text for case in cases],
            per_call=configuration.settings.tickets_per_call,
            at_once=configuration.settings.calls_at_once,
            purse=purse,
            patience=PATIENCE,
        )
        for part in reading.parts():
            with transaction() as session:
                record_calls(session, part.calls, run_id=None)
            costs += [call_cost(reply) for reply, _ in part.calls]
            take(part.readings)
    finally:
        claude.close()
    return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def list_stored_cases(session: Session, which: str) -> list[Case]:
    """What people said here as a labelled set: `corrections` or `checks`. Raises UsageError when there is nothing."""
    rows = session.execute(text(_CORRECTED if which == "corrections" else _CHECKED)).all()
    tickets = {one.id: one for one in list_by_id(session, sorted({row.ticket_id for row in rows}))}
    labels: dict[int, list[Label]] = {}
    none: set[int] = set()
    missed: set[int] = set()
    for row in rows:
        ticket = tickets.get(row.ticket_id)
        if ticket is None or ticket.text_hash != row.text_hash:
            continue
        found = labels.setdefault(row.ticket_id, [])
        if row.quote is None:
            (none if row.issue else missed).add(row.ticket_id)
        elif row.start is not None:
            found.append(Label((row.start, row.end), row.quote, row.fields if row.issue else {}, row.issue))

    def has_issue(ticket_id: int) -> bool | None:
        if ticket_id in missed or any(label.issue for label in labels[ticket_id]):
            return True
        return False if ticket_id in none else None

    cases = [
        Case(
            key=str(ticket_id),
            text=tickets[ticket_id].text,
            labels=tuple(found),
            complete=ticket_id in none,
            has_issue=has_issue(ticket_id),
        )
        for ticket_id, found in labels.items()
    ]
    if not cases:
        raise UsageError(f"there are no {which} yet whose tickets still have the text that was judged")
    return cases


# quote NULL: the ticket as a whole; issue then says whether "no issue" was right. A report that was judged wrong says
# what is not right, but not what would be.
_CORRECTED = """
    SELECT issue.ticket_id, issue.text_hash, issue.quote, issue.quote_start AS start, issue.quote_end AS "end",
      issue.retired_reason IS NULL AS issue, coalesce(jsonb_object_agg(field.key, field.value)
        FILTER (WHERE field.key IN ('type', 'area', 'severity')), '{}') AS fields
    FROM corrections AS said JOIN issues AS issue ON issue.id = said.issue_id AND issue.quote_verified
      CROSS JOIN LATERAL jsonb_each(issue.edited) AS field
    WHERE said.undone_at IS NULL AND said.kind <> 'theme'
      AND (issue.retired_at IS NULL OR issue.retired_reason = 'not an issue')
    GROUP BY issue.id ORDER BY issue.id"""
_CHECKED = """
    SELECT item.ticket_id, analysis.text_hash, item.shown ->> 'quote' AS quote,
      CAST(item.shown ->> 'start' AS integer) AS start, CAST(item.shown ->> 'end' AS integer) AS "end",
      item.verdict <> 'wrong' AS issue,
      jsonb_build_object('type', item.shown -> 'type', 'area', item.shown -> 'area',
        'severity', item.shown -> 'severity') AS fields
    FROM check_items AS item JOIN analyses AS analysis ON analysis.id = item.analysis_id
    WHERE item.verdict IS NOT NULL AND item.shown <> '{}' AND (item.kind = 'no_issue' OR item.verdict <> 'wrong')
    ORDER BY item.id"""
