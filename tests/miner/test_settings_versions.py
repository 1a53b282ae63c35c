"""Versions of the settings: who changes the same at once, what differs, what is in force again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from miner import settings
from miner.db import transaction
from miner.errors import InvalidArguments, NotFound, Refused, SettingsConflict
from miner.models import SettingsVersion
from miner.settings import Settings, parse, save
from miner.settings_versions import change_settings, list_differences, list_versions, restore
from tests.factories import TESTER, VIEWER


@pytest.fixture
def base(session: Session) -> int:
    version = save(session, Settings(), by=TESTER)
    session.commit()
    return version


def at_once(*works: Callable[[Session], object]) -> list[object]:
    """What each gives or raises, all in transactions of their own that begin together."""
    barrier, found = threading.Barrier(len(works)), []

    def run(work: Callable[[Session], object]) -> None:
        barrier.wait(30)
        try:
            with transaction() as session:
                found.append(work(session))
        except SettingsConflict as conflict:
            found.append(conflict)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_two_who_change_the_same_at_once_one_is_told(session: Session, base: int) -> None:
    def change(value: float) -> Callable[[Session], object]:
        return lambda session: change_settings(session, {"granularity": value}, based_on=base, by=TESTER)

    found = at_once(*(change(value) for value in (2.0, 3.0, 4.0)))
    conflicts = [one for one in found if isinstance(one, SettingsConflict)]
    assert (len(conflicts), conflicts[0].names) == (2, ["granularity"])
    session.rollback()
    assert settings.load(session)[0] == base + 1


def test_of_two_who_change_different_things_at_once_both_have_their_way(session: Session, base: int) -> None:
    def change(**values: object) -> Callable[[Session], object]:
        return lambda session: change_settings(session, values, based_on=base, by=TESTER)

    at_once(change(granularity=2.0, smallest_theme=3), change(granularity=1.0, smallest_theme=7))
    session.rollback()
    assert settings.load(session)[1] == parse({"granularity": 2.0, "smallest_theme": 7})


def test_the_same_change_twice_is_no_conflict_and_no_version(session: Session, base: int) -> None:
    first = change_settings(session, {"granularity": 2.0}, based_on=base, by=TESTER)
    assert first == (base + 1, ("granularity",))
    assert change_settings(session, {"granularity": 2.0}, based_on=base, by=TESTER) == (base + 1, ())


def test_what_breaks_a_rule_or_is_done_by_the_wrong_role_stores_nothing(session: Session, base: int) -> None:
    with pytest.raises(InvalidArguments):
        change_settings(session, {"components": {"None": ["x"]}}, based_on=base, by=TESTER)
    for act in (
        lambda: change_settings(session, {"granularity": 2.0}, based_on=base, by=VIEWER),
        lambda: restore(session, base, based_on=base, by=VIEWER),
    ):
        with pytest.raises(Refused):
            act()
    with pytest.raises(NotFound):
        restore(session, 999, based_on=base, by=TESTER)
    assert settings.load(session)[0] == base


def test_an_older_version_is_in_force_again_as_a_new_one_with_equal_values(session: Session, base: int) -> None:
    older = save(session, parse({"product": "One"}), by=TESTER)
    newest = save(session, parse({"product": "Two", "granularity": 2}), by=TESTER)
    assert restore(session, older, based_on=newest, by=TESTER) == (newest + 1, ("product", "granularity"))
    rows = [session.get_one(SettingsVersion, one).values for one in (older, newest + 1)]
    assert rows[0] == rows[1]
    assert [one.names for one in list_versions(session, limit=3)] == [
        ("product", "granularity"),
        ("product", "granularity"),
        ("product",),
    ]


def test_differences_are_lines_of_what_people_read() -> None:
    before = parse({"areas": {"Mail": ["inbox"], "Team": []}, "product": "One\nTwo"})
    after = parse({"areas": {"Mail": ["inbox", "sent"], "Team": []}, "product": "One\nThree", "redaction": False})
    assert {one.name: one.lines for one in list_differences(before, after)} == {
        "areas": (("-", "Mail: inbox"), ("+", "Mail: inbox, sent"), (" ", "Team: ")),
        "product": ((" ", "One"), ("-", "Two"), ("+", "Three")),
        "redaction": (("-", "yes"), ("+", "no")),
    }
