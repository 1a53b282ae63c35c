from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.issues import classify
from miner.issues.answer import Finding, Passage, Reading, TicketText, checked
from miner.issues.language import guess_language
from miner.issues.local import LocalAnalyzer
from miner.issues.readers import LOCAL_VERSION
from miner.issues.severity import find_severity
from miner.tickets.text import build_text, clean, clean_line


def ticket(body: str, subject: str = "", *replies: tuple[str, str]) -> TicketText:
    """A ticket of a subject, a customer's message, and replies as (author kind, text)."""
    built = build_text(clean_line(subject), [(True, clean(one)) for one in (body, *(text for _, text in replies))])
    kinds = ["customer", *(kind for kind, _ in replies)]
    passages = tuple(Passage(*place, kind) for place, kind in zip(built.places, kinds, strict=True) if place)
    return TicketText(1, built.text, len(clean_line(subject)), passages)


def read(body: str, subject: str = "", *replies: tuple[str, str], areas: dict[str, list[str]] | None = None) -> Reading:
    return LocalAnalyzer(areas).read_one(ticket(body, subject, *replies))


def only(body: str, subject: str = "") -> Finding:
    (finding,) = read(body, subject).findings
    return finding


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("The app crashes when I open the calendar.", "bug"),
        ("I can't export my invoices any more.", "bug"),
        ("It takes forever to load the report, it is very slow.", "performance"),
        ("It would be great if you could add a dark mode.", "feature_request"),
        ("Please add an option to sort by date.", "feature_request"),
        ("The new menu is confusing, I don't understand where to click.", "ux_confusion"),
        ("How do I change the time zone?", "ux_confusion"),
        ("It is annoying that I have to log in manually over and over.", "friction"),
        ("The user guide is outdated.", "documentation_gap"),
        ("The update deleted all my bookmarks.", "data_issue"),
        ("The installer fails on my laptop.", "configuration"),
        ("L'application ne fonctionne plus depuis la mise à jour.", "bug"),
        ("Il serait bien de pouvoir trier par date.", "feature_request"),
        ("C'est très lent et ça rame.", "performance"),
        ("Je ne comprends pas comment faire.", "ux_confusion"),
        ("J ai perdu toutes mes données.", "data_issue"),
    ],
)
def test_a_sentence_is_read_as_what_it_says(said: str, kind: str) -> None:
    finding = only(said)
    assert (finding.type, finding.quote) == (kind, said)


@pytest.mark.parametrize(
    "said",
    [
        "I love this app, it is easy to use.",
        "Works great, no problems at all.",
        "Thank you for your help!",
        "The issue was fixed quickly, thanks.",
        "Super application, je recommande, aucun bug.",
        "The weather is fine in Kyoto today.",
    ],
)
def test_praise_thanks_and_chatter_are_no_issue_and_the_reason_is_told(said: str) -> None:
    reading = read(said)
    assert (reading.outcome, reading.findings) == ("no_issue", ())
    assert "no sentence" in str(reading.reason)


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Automatic reply: Your export", "an automatic reply"),
        ("Réponse automatique : congés", "an automatic reply"),
        ("Undeliverable: Hello", "a notice of undelivered mail"),
    ],
)
def test_automatic_mail_is_skipped(subject: str, reason: str) -> None:
    reading = read("The server crashes.", subject)
    assert (reading.outcome, reading.reason) == ("skipped", reason)


def test_a_ticket_without_words_is_skipped() -> None:
    assert read("12 :-) ...").outcome == "skipped"


def test_what_agents_write_is_not_evidence() -> None:
    assert read("Thank you!", "Question", ("agent", "The server crashes sometimes.")).findings == ()
    (finding,) = read("Hello", "Question", ("customer", "The export fails.")).findings
    assert finding.quote == "The export fails."


def test_the_subject_speaks_for_the_issue_and_the_message_is_quoted() -> None:
    finding = only("Hi,\n\nI pressed the button. Then it crashes.", "Re: Export of large tables crashes")
    assert finding.summary == "Export of large tables crashes"
    assert finding.quote == "Then it crashes."
    assert only("It crashes when I export.", "Help needed!!").summary == "It crashes when I export."
    assert only("See the picture.", "The export crashes").quote == "The export crashes"


def test_a_report_by_template_is_a_problem_even_without_a_word_that_says_so() -> None:
    finding = only("Steps to reproduce: Drag two rows. Actual results: One row is moved. Expected results: Two rows.")
    assert (finding.type, finding.quote) == ("bug", "One row is moved.")


def test_a_second_issue_is_found_only_where_it_is_another_matter() -> None:
    both = read("The app crashes on start. It would be nice if there were a dark mode.").findings
    assert {finding.type for finding in both} == {"bug", "feature_request"}
    assert both[1].summary == both[1].quote
    assert len(read("The app crashes on start. It also freezes. It would be nice if it were fixed.").findings) == 1
    another = read("The app crashes on start. Another problem: the export fails with an error.").findings
    assert [finding.type for finding in another] == ["bug", "bug"]


def test_what_is_to_be_done_is_not_evidence_of_a_problem() -> None:
    finding = only("The helper was moved.", "Remove the workaround for the crash in the parser")
    assert (finding.type, finding.severity, finding.severity_phrase) == ("other", "medium", None)
    assert only("The old icon is small.", "Add a larger icon").type == "feature_request"


@pytest.mark.parametrize(
    ("text", "severity", "phrase"),
    [
        ("After the update I lost all my data.", "critical", "lost all my data"),
        ("It crashes.", "high", "crashes"),
        ("I cannot log in.", "high", "cannot log in"),
        ("A small typo in the title.", "low", "typo"),
        ("The total is wrong.", "medium", None),
        ("There is no data loss, but the total is wrong.", "medium", None),
        ("It does not crash.", "medium", None),
    ],
)
def test_a_severity_needs_the_words_that_show_it(text: str, severity: str, phrase: str | None) -> None:
    assert find_severity(text) == (severity, phrase)


def test_an_area_comes_from_the_words_in_the_settings() -> None:
    (finding,) = read("The invoice is wrong, an error.", areas={"Billing": ["invoice"]}).findings
    assert finding.area == "Billing"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The app does not start", "en"),
        ("L'application ne marche plus", "fr"),
        ("Ich kann mich nicht einloggen", "other"),
        ("Приложение не работает", "other"),
        ("Synchronisation impossible", "unknown"),
        ("The page https://die.der.example/das/und/nicht crashes", "en"),
    ],
)
def test_the_language_is_guessed_by_small_words(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_another_language_is_not_guessed_at() -> None:
    finding = only("Ich kann mich nicht einloggen. Die Seite bleibt leer.")
    assert (finding.type, finding.confidence) == ("unclear", 0.2)


pieces = st.sampled_from(
    [
        "It crashes. ",
        "Please add more. ",
        "\n\n",
        "> ",
        "é😀 ",
        "Actual: ",
        "lost all my data ",
        "\x00",
        "\ud800",
        "<!-- x -->",
    ]
)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=300) | st.lists(pieces, max_size=30).map("".join), st.text(max_size=40))
def test_every_quote_is_verified_at_its_place(body: str, subject: str) -> None:
    given_ticket = ticket(body, subject)
    reading = LocalAnalyzer().read_one(given_ticket)
    _, found = checked(reading, given_ticket)
    assert len(found) == len(reading.findings)
    for located, finding in zip(found, reading.findings, strict=True):
        assert located.place is not None
        assert given_ticket.text[slice(*located.place)] == located.finding.quote == finding.quote
        assert located.finding.severity_phrase == finding.severity_phrase


@pytest.mark.parametrize("unit", ["a", " ", "not ", "> ", "\n- ", "The app does not work. ", "lost all my ", "<!--"])
def test_the_longest_text_is_read(unit: str) -> None:
    given_ticket = ticket((unit * 65_000)[:65_000], (unit * 65_000)[:65_000])
    reading = LocalAnalyzer().read_one(given_ticket)
    assert reading.outcome in ("issues", "no_issue", "skipped")


def test_the_command_line_classifies_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "texts.csv", tmp_path / "types.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text"), ("a", "The app crashes.\nEvery day."), ("b", "Nice!"), ("c", "")])
        csv.writer(file).writerow(("d", "Ich kann mich nicht einloggen."))
    assert classify.main(["--in", str(source), "--out", str(target)]) == 0
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0].pop("confidence")) > 0.9
    unclear = {"id": "d", "type": "unclear", "confidence": "0.2", "quote": "Ich kann mich nicht einloggen."}
    assert rows == [
        {"id": "a", "type": "bug", "quote": "The app crashes."},
        {"id": "b", "type": "none", "confidence": "", "quote": ""},
        {"id": "c", "type": "none", "confidence": "", "quote": ""},
        unclear,
    ]


def test_the_command_line_names_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "texts.csv"
    source.write_text("id,body\n1,x\n")
    assert classify.main(["--in", str(source), "--out", str(tmp_path / "o.csv")]) == 2
    assert "no column 'text'" in capsys.readouterr().err
    assert classify.main(["--in", str(tmp_path / "no.csv"), "--out", str(tmp_path / "o.csv")]) == 2


def test_the_version_names_the_rules() -> None:
    assert LocalAnalyzer.model == LOCAL_VERSION
