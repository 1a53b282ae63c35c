from __future__ import annotations

from dataclasses import replace

from miner.themes.embed import embed_texts
from miner.themes.planning import IssueRow, ThemePlan, ThemeRow, name_is_due, plan_themes

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails"]


def issue(number: int, summary: str, theme: int | None = None, pinned: bool = False, kind: str = "bug") -> IssueRow:
    return IssueRow(number, kind, summary, theme, pinned)


def theme(number: int, named_from: set[int] | None = None, source: str = "terms", live: bool = True) -> ThemeRow:
    return ThemeRow(number, f"Theme {number}", source, [], None, live, frozenset(named_from or ()))


def plan(
    issues: list[IssueRow], known: list[ThemeRow] | None = None, dissolved: dict[int, int] | None = None
) -> list[ThemePlan]:
    vectors = embed_texts([one.summary for one in issues])
    themes = {one.id: one for one in known or []}
    return plan_themes(issues, vectors, themes, dissolved=dissolved or {}, granularity=1, smallest=3).themes


def test_unknown_issues_become_new_named_themes() -> None:
    issues = [issue(number, summary) for number, summary in enumerate(EXPORT + LOGIN, start=1)]
    found = plan(issues)
    assert [(one.id, one.members) for one in found] == [(None, [1, 2, 3]), (None, [4, 5, 6])]
    assert found[0].name in EXPORT
    assert found[1].name in LOGIN
    assert "csv" in " ".join(found[0].terms)


def test_issues_about_one_thing_are_one_theme_whatever_their_types() -> None:
    issues = [
        issue(n, text, kind=kind) for n, (kind, text) in enumerate((k, t) for k in ("bug", "friction") for t in EXPORT)
    ]
    assert [one.members for one in plan(issues)] == [[0, 1, 2, 3, 4, 5]]


def test_a_new_issue_joins_the_known_theme_which_keeps_its_name() -> None:
    issues = [issue(1, EXPORT[0], theme=8), issue(2, EXPORT[1], theme=8), issue(3, EXPORT[2], theme=8)]
    found = plan([*issues, issue(4, "CSV export crashes")], [theme(8, {1, 2, 3})])
    assert [(one.id, one.members, one.name) for one in found] == [(8, [1, 2, 3, 4], None)]


def test_a_pinned_issue_stays_in_its_theme_and_keeps_it_alive() -> None:
    issues = [issue(n, text, theme=8) for n, text in enumerate(EXPORT, start=1)]
    pinned = issue(4, "CSV export fails too", theme=9, pinned=True)
    found = plan([*issues, pinned], [theme(8), theme(9)])
    assert [(one.id, one.members) for one in found] == [(8, [1, 2, 3]), (9, [4])]


def test_an_issue_pinned_to_no_theme_is_not_grouped() -> None:
    issues = [issue(n, text) for n, text in enumerate(EXPORT, start=1)]
    found = plan([*issues, issue(4, EXPORT[0], theme=None, pinned=True)])
    assert [one.members for one in found] == [[1, 2, 3]]


def test_the_issues_of_a_dissolved_theme_bring_it_back() -> None:
    issues = [issue(n, text) for n, text in enumerate(EXPORT, start=1)]
    found = plan(issues, [theme(5, {1, 2, 3}, live=False)], dissolved={1: 5, 2: 5})
    assert [(one.id, one.members) for one in found] == [(5, [1, 2, 3])]


def test_a_name_is_due_when_over_a_third_of_the_members_changed() -> None:
    assert not name_is_due(theme(1, {1, 2, 3}), [1, 2, 3])
    assert not name_is_due(theme(1, {1, 2}), [1, 2, 3])  # exactly a third
    assert name_is_due(theme(1, {1, 2, 3}), [1, 2, 3, 4, 5])
    assert name_is_due(theme(1, {1, 2, 3}), [2, 3, 4])


def test_a_human_name_is_never_due() -> None:
    assert not name_is_due(theme(1, {1, 2, 3}, source="human"), [7, 8, 9])


def test_a_name_of_unknown_origin_stays() -> None:
    assert not name_is_due(theme(1), [7, 8, 9])


def test_no_two_live_themes_have_one_name() -> None:
    pinned = [issue(n, "CSV export fails", 1, pinned=True) for n in range(3)]
    free = [issue(n, "CSV export fails") for n in range(3, 6)]
    found = plan(pinned + free, [replace(theme(1), name="CSV export fails")])
    assert [one.members for one in found] == [[0, 1, 2], [3, 4, 5]]
    assert found[1].name
    assert found[1].name.lower() != "csv export fails"
