"""A seeded account: the same seed, size and clock give the same rows."""

from __future__ import annotations

import random
from typing import Any

from tests.standins.zendesk import help_center, words
from tests.standins.zendesk.model import DELETED, Audit, Comment, Message, Organization, Ticket, User
from tests.standins.zendesk.store import BRANDS, FIRST_ORGANIZATION, FIRST_USER, GROUPS, Store

ADMIN, BOT, AGENTS = FIRST_USER, FIRST_USER + 1, range(FIRST_USER + 10, FIRST_USER + 15)
DAY = 86_400
QUIET = 180  # nothing happens in the last three minutes before the clock's start


def fill(store: Store, *, tickets: int, seed: int, now: int, days: int = 90) -> None:
    """Add `tickets` tickets of the last `days` days, with their people, comments and updates."""
    rng = random.Random(seed)
    _people(store, rng, tickets, now)
    customers = [one for one in store.users.values() if one.role == "end-user"]
    moments = sorted(rng.randrange(now - days * DAY, now - QUIET - 60) for _ in range(tickets))
    for created in moments:
        _ticket(store, rng, rng.choice(customers), created, now - QUIET)


def _people(store: Store, rng: random.Random, tickets: int, now: int) -> None:
    store.articles = help_center.invented()
    old = now - 400 * DAY
    store.users[ADMIN] = User(ADMIN, "Ada Admin", "admin@acme.invalid", "admin", updated_at=old)
    store.users[BOT] = User(BOT, "Answer Bot", None, "agent", updated_at=old)
    for number in AGENTS:
        name = words.person(number)
        store.users[number] = User(number, name, f"agent{number % 100}@acme.invalid", "agent", updated_at=old)
    organizations = max(2, min(tickets // 20, 5000))
    for index in range(organizations):
        number = FIRST_ORGANIZATION + index
        fields = {"plan": rng.choice(["free", "pro", "enterprise"]), "yearly_revenue": str(rng.randrange(1, 90) * 1000)}
        store.organizations[number] = Organization(
            number, f"Customer {index}", (f"customer{index}.invalid",), ("vip",) if index % 10 == 0 else (), fields, old
        )
    for index in range(max(3, min(tickets // 3, 60_000))):
        number = FIRST_USER + 1000 + index
        belongs = rng.random() < 0.8
        organization = FIRST_ORGANIZATION + rng.randrange(organizations) if belongs else None
        domain = f"customer{organization - FIRST_ORGANIZATION}.invalid" if organization else "mail.invalid"
        store.users[number] = User(
            number, words.person(number), f"user{index}@{domain}", organization_id=organization, updated_at=old
        )


def _ticket(store: Store, rng: random.Random, requester: User, created: int, limit: int) -> None:
    number, chance = store.new_ticket_id(), rng.random()
    channel = (
        "native_messaging" if chance < 0.03 else "chat" if chance < 0.05 else "voice" if chance < 0.07 else "email"
    )
    ticket = Ticket(
        number,
        None,
        created,
        created,
        created,
        requester.id,
        rng.choices(list(BRANDS), (70, 20, 10))[0],
        status=rng.choices(("new", "open", "pending", "hold", "solved", "closed"), (5, 20, 15, 5, 30, 25))[0],
        priority=rng.choice((None, "low", "normal", "high", "urgent")),
        type=rng.choice((None, "question", "incident", "problem", "task")),
        assignee_id=rng.choice((None, *AGENTS)),
        organization_id=requester.organization_id,
        group_id=rng.choice((None, *GROUPS)),
        channel=channel,
        tags=tuple(sorted(rng.sample(words.TAGS, rng.randrange(3)))),
        custom=_custom(rng),
        score=rng.choices(("unoffered", "offered", "good", "bad"), (60, 20, 15, 5))[0],
        reopens=rng.choices((0, 1, 2), (85, 12, 3))[0],
        ai_agent=rng.random() < 0.03,
    )
    store.add_ticket(ticket)
    moment = created
    for index in range(1 if rng.random() < 0.25 else 2 + int(rng.expovariate(0.5))):
        _comment(store, rng, ticket, moment, first=index == 0)
        ticket.updated_at = moment
        moment = min(moment + rng.randrange(300, 2 * DAY), limit)
    if channel != "chat":
        ticket.subject = words.subject(ticket.comments[0].id)
    if channel in ("chat", "native_messaging"):
        ticket.messages = [
            Message(store.new_event_id(), ticket.assignee_id or AGENTS[0] if agent else requester.id, created, agent,
                    words.body(number + agent, agent))
            for agent in (False, True)
        ]  # fmt: skip
    _late_life(store, rng, ticket, limit)


def _comment(store: Store, rng: random.Random, ticket: Ticket, moment: int, *, first: bool) -> None:
    agent = not first and rng.random() < 0.6
    author = (ticket.assignee_id or rng.choice(AGENTS)) if agent else ticket.requester_id
    comment = Comment(
        store.new_event_id(), author, moment, public=not (agent and rng.random() < 0.25), agent=agent,
        kind="VoiceComment" if first and ticket.channel == "voice" else "Comment",
    )  # fmt: skip
    ticket.comments.append(comment)
    store.add_audit(Audit(store.new_event_id(), ticket.id, moment, author, ticket.channel, comment))


def _late_life(store: Store, rng: random.Random, ticket: Ticket, limit: int) -> None:
    generated = ticket.updated_at
    if rng.random() < 0.5:
        change = ("status", "open", ticket.status)
        store.add_audit(Audit(store.new_event_id(), ticket.id, ticket.updated_at, ADMIN, "web", change=change))
    if rng.random() < 0.1:  # an automation or a bulk job: only the version moves
        generated = min(generated + rng.randrange(60, 5 * DAY), limit)
    if rng.random() < 0.02:
        ticket.state, ticket.status_before, ticket.status = DELETED, ticket.status, "deleted"
        ticket.updated_at = generated = min(generated + 3600, limit)
    if ticket.status == "closed" and ticket.updated_at < limit - 120 * DAY:
        ticket.archived = True
    store.restamp(ticket, generated)


def _custom(rng: random.Random) -> dict[int, Any]:
    chosen = rng.random()
    if chosen < 0.3:
        return {}
    found: dict[int, Any] = {11001: rng.choice(("billing", "export", "mobile")), 11004: chosen < 0.6}
    if chosen > 0.8:
        found |= {11003: ["ios", "web"], 11005: str(rng.randrange(1000)), 11007: "2026-10-01"}
    return found
