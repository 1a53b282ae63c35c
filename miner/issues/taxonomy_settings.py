"""What Claude is told: from the settings, and from what people corrected."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.issues.examples import Example, choose_examples
from miner.issues.prompt import Taxonomy
from miner.settings import Settings

MOST_CORRECTIONS = 500  # the newest, from which examples are chosen
_FIELDS = ("type", "area", "severity")


def taxonomy_of(settings: Settings) -> Taxonomy:
    """The areas with their components, the definitions and the product, as the prompt takes them."""
    names = list(dict.fromkeys([*settings.areas, *settings.components]))
    return Taxonomy(
        areas={name: settings.components.get(name, []) for name in names},
        product=settings.product,
        language=settings.language,
        types={str(name): text for name, text in settings.type_definitions.items()},
        severities={str(name): text for name, text in settings.severity_definitions.items()},
    )


def load_taxonomy(session: Session, settings: Settings, *, version: int) -> Taxonomy:
    """`taxonomy_of`, with corrections as examples for readings under that `version` of the settings."""
    found = list_examples(session, version=version) if settings.examples else []
    return replace(taxonomy_of(settings), examples=choose_examples(found, most=settings.examples))


def list_examples(session: Session, *, version: int) -> list[Example]:
    """Standing corrections as examples, the newest first, one for each issue.

    None of a ticket whose reading under `version` is in a check: what is scored is not taught.
    """
    rows = session.execute(text(_STANDING), {"version": version, "most": MOST_CORRECTIONS}).all()
    examples = []
    for row in rows:
        after = {name: value for one in row.after for name, value in one.items() if name in _FIELDS}
        before = {name: value for one in row.original for name, value in one.items() if name in _FIELDS}
        missed = "missed" in row.kinds
        right = None if "not_an_issue" in row.kinds else after
        wrong = {"type": row.type} if right is None else {} if missed else before
        if right is None or right:
            examples.append(Example(row.issue_id, row.quote, right, wrong, missed, row.ticket_id))
    return examples


_STANDING = """
    SELECT issue.id AS issue_id, issue.ticket_id, issue.quote, issue.type, array_agg(said.kind) AS kinds,
      jsonb_agg(said.after ORDER BY said.id) AS after, jsonb_agg(said.original ORDER BY said.id) AS original
    FROM (SELECT * FROM corrections WHERE undone_at IS NULL AND kind <> 'theme' ORDER BY id DESC LIMIT :most) AS said
      JOIN issues AS issue ON issue.id = said.issue_id AND issue.quote_verified
        AND (issue.retired_at IS NULL OR issue.retired_reason = 'not an issue')
      JOIN tickets AS ticket ON ticket.id = issue.ticket_id AND ticket.deleted_at IS NULL
        AND ticket.text_hash = issue.text_hash
    WHERE NOT EXISTS (
      SELECT FROM check_items AS item WHERE item.ticket_id = issue.ticket_id AND item.settings_version = :version)
    GROUP BY issue.id ORDER BY max(said.id) DESC"""
