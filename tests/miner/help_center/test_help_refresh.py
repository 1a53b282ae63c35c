from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import settings
from miner.errors import HelpCenterRefused, HelpCenterTrouble
from miner.help_center import refresh
from miner.help_center.nearest import Nearest
from miner.help_center.records import list_articles, list_states
from miner.runs.context import Skip, StepContext
from tests.factories import TESTER
from tests.standins.zendesk.help_center import article, invented
from tests.standins.zendesk.standin import StandIn

Steps = Callable[..., StepContext]


def base(zendesk: StandIn, locale: str = "en-us") -> str:
    return f"{zendesk.base_url}/hc/{locale}"


def name(session: Session, *bases: str) -> list[str]:
    settings.save(session, settings.parse({"help_centers": list(bases)}), by=TESTER)
    session.commit()
    return list(bases)


def rows(session: Session) -> dict[int, str]:
    session.rollback()
    session.expire_all()
    return dict(session.execute(text("SELECT article_id, xmin::text FROM help_articles ORDER BY 1")).all())  # type: ignore[arg-type]


def test_without_a_help_center_there_is_nothing_to_read(step: Steps) -> None:
    assert isinstance(refresh.run(step("help_center")), Skip)


def test_articles_follow_the_help_center_and_only_what_changed_is_touched(
    step: Steps, session: Session, zendesk: StandIn
) -> None:
    bases = name(session, base(zendesk) + "/")
    context = step("help_center")
    refresh.run(context)
    before = rows(session)
    assert list(before) == [row["id"] for row in invented() if not row["draft"]]
    (state,) = list_states(session)
    assert (state.base, state.fault) == (base(zendesk), None)
    vectors = session.scalar(text("SELECT count(*) FROM embeddings"))
    assert vectors == len(before)

    first, second, *others = zendesk.store.articles
    zendesk.store.articles = [first | {"title": "Another title"}, *others]
    context.checkpoint = None
    refresh.run(context)
    after = rows(session)
    assert set(before) - set(after) == {second["id"]}
    assert [key for key in after if after[key] != before[key]] == [first["id"]]
    assert list_articles(session, bases)[0].title == "Another title"


def test_a_base_that_cannot_be_read_keeps_its_articles_and_the_others_are_read(
    step: Steps, session: Session, zendesk: StandIn
) -> None:
    good, bad = base(zendesk), base(zendesk, "fr")
    name(session, bad, good)
    context = step("help_center")
    with pytest.raises(HelpCenterRefused, match="locale"):
        refresh.run(context)
    assert {one.base: one.fault is None for one in list_states(session)} == {good: True, bad: False}
    assert len(rows(session)) == 8
    zendesk.faults.add("truncated_json", "help_articles")
    context.checkpoint = None
    with pytest.raises(HelpCenterTrouble):
        refresh.run(context)
    assert len(rows(session)) == 8


def test_what_the_settings_no_longer_name_goes(step: Steps, session: Session, zendesk: StandIn) -> None:
    name(session, base(zendesk))
    context = step("help_center")
    refresh.run(context)
    object.__setattr__(context.settings, "help_centers", [])
    assert isinstance(refresh.run(context), Skip)
    assert rows(session) == {}
    assert list_states(session) == []


def test_the_nearest_articles_are_those_about_the_matter_in_any_language() -> None:
    from miner.help_center.articles import parse_articles

    titles = ["Change your invoice address", "Reset a forgotten password", "Export hours to a CSV file",
              "Réinitialiser le mot de passe", "Exporter les heures vers un fichier"]  # fmt: skip
    given = [article(n, title, section=1, body=f"<p>{title}</p>") for n, title in enumerate(titles, 1)]
    found = Nearest(parse_articles({"articles": given}, base="b", sections={}), {})
    near = found.find(
        ["I forgot my password and cannot log in", "the csv export of hours is empty", "mot de passe oublié"], most=2
    )
    assert [one[0].title for one in near] == [titles[1], titles[2], titles[3]]
    assert [len(one) for one in near] == [2, 2, 2]
    assert found.find([], most=3) == []
