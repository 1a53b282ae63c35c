"""A theme as the text of a tracker's item, held to files that a person has read.

To make the files anew after a wanted change: `python -m tests.miner.themes.test_tracker`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.themes.tracker import FORMATS, Item, Said, render, safe_address
from tests.dashboard.hostile import PAYLOADS

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"markdown": "md", "jira": "jira"}
WHOLE = Item(
    title="Export to CSV fails",
    problem=["People who export a report get an empty file.", "It happens since the last update."],
    affected=[
        "9 customers in these 28 days: 5 on Business, 2 on Starter, 2 with an unknown plan",
        "Yearly revenue of these: 48,000 EUR, unknown for 3 of them",
        "4 tickets still open",
    ],
    numbers=[
        "14 reports from 9 customers in the 28 days to 24 Nov 2026; 5 reports from 4 customers in the 28 days before",
        "First report on 3 Mar 2026",
        "Rising: 9 reports in the 7 days to 23 Nov 2026 against 5 in the 28 before; chance of this without a change "
        "1 in 4,000 (each customer counts once a day)",
    ],
    quotes=[
        Said(
            "I press the button\nand the file is empty.",
            "Zendesk ticket 1041",
            "https://acme.zendesk.com/agent/tickets/1041",
            "Acme GmbH",
        ),
        Said("Nothing comes out of it!", "Ticket 17", "https://issues.example.com/tickets/3#issue-9", None),
        Said("Empty again (3 times)", "Ticket 18", None, "Bolt_& Sons"),
    ],
    customers=["Acme GmbH", "Bolt_& Sons"],
    steps=["Open a report, choose CSV, press Export"],
    errors=["Error 0x80004005: stream ended\n  at export()"],
    workarounds=["Exporting as XLSX works"],
    link="https://issues.example.com/themes/4",
)
BARE = Item(
    title="Login", problem=[], affected=["No known customer in these 28 days"], numbers=["No report"], quotes=[]
)
ATTACKS = [
    *PAYLOADS,
    "[click](https://evil.example) ![x](https://evil.example/p.png) <https://evil.example>",
    "[click|https://evil.example] !https://evil.example/p.png! {html}<b>x</b>{html} {color:red}x{color}",
    "{noformat} {code} {quote} {jql:project=A} [~admin] [^file]",
    "@everyone @channel fixes #12 closes !7 GH-3 www.evil.example mailto:a@evil.example",
    "``` ~~~ ` $x$ | a | b | ||h|| ---- ==== ***** \\\\ \\n",
    "*bold* _it_ -gone- +new+ ^up^ ~down~ ??cite?? (x) (/) (!) :) &#91;x&#93;",
]
LINE_STARTS = [
    "# h",
    "- x",
    "+ x",
    "1. x",
    "2) x",
    "> x",
    "/close",
    "= x",
    "    code",
    "h1. x",
    "bq. x",
    "* x",
    "\t- x",
]
LABEL = "\u202e<b>[x|y](z) {quote}\n* @all"
HOSTILE_ITEM = Item(
    title=LABEL,
    problem=ATTACKS,
    affected=LINE_STARTS,
    numbers=ATTACKS,
    quotes=[Said(one, LABEL, f"https://x.example/{one}", LABEL) for one in [*ATTACKS[20:], *LINE_STARTS, "a\n# b\n/c"]],
    customers=[LABEL],
    steps=LINE_STARTS,
    errors=["```\n````\n# x", "{noformat}\n{quote} {NOFORMAT:x=y}\n*x*", "/close\n\u202ex\x1b[1m"],
    workarounds=ATTACKS,
    link="https://issues.example.com/themes/4)](javascript:alert(1)|x]",
)
CASES = {
    "whole": (WHOLE, False),
    "names": (WHOLE, True),
    "bare": (BARE, False),
    "hostile": (HOSTILE_ITEM, True),
}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_a_theme_reads_as_in_the_golden_file(name: str, format_: str) -> None:
    item, names = CASES[name]
    expected = (GOLDEN / f"{name}.{ENDINGS[format_]}").read_text(encoding="utf-8")
    assert render(item, format_=format_, names=names) == expected


@pytest.mark.parametrize("format_", FORMATS)
def test_customers_are_named_only_on_request(format_: str) -> None:
    assert "Acme" not in render(WHOLE, format_=format_)
    assert "Acme" in render(WHOLE, format_=format_, names=True)


def unescaped(text: str, markers: str) -> list[str]:
    """Characters that a renderer would act upon, links and code of ours left out."""
    return [found[0] for found in re.finditer(rf"(?<!\\)[{re.escape(markers)}]", text)]


OURS = re.compile(r"^(?:# |## |- |> )", re.M)


@given(st.text(max_size=300) | st.sampled_from(ATTACKS + LINE_STARTS))
def test_no_text_is_markup_in_markdown(text: str) -> None:
    item = Item(title=text, problem=[text], affected=[text], numbers=[text], quotes=[Said(text, text, None, text)])
    lines = OURS.sub("", render(item, format_="markdown", names=True))
    assert unescaped(lines, "`*_{}[]<>#|~&$") == []
    assert re.findall(r"@\w|://|^[-+=/]|^\d+[.)]", lines, re.M) == []


@given(st.text(max_size=300) | st.sampled_from(ATTACKS + LINE_STARTS))
def test_no_text_is_markup_in_jira(text: str) -> None:
    item = Item(title=text, problem=[text], affected=[text], numbers=[text], quotes=[Said(text, text, None, text)])
    made = re.sub(r"^(?:h1\. |h2\. |\* |\{quote\}$)", "", render(item, format_="jira", names=True), flags=re.M)
    lines = made.replace("&#92;", "").replace("&amp;", "")
    assert unescaped(lines, "{}[]*_+^~?!|#&") == []
    assert "\\\\" not in made
    assert re.findall(r"@\w|://|^(?:bq|h\d)\.", lines, re.M) == []


@given(st.text(max_size=200))
def test_an_address_holds_nothing_that_could_end_it(text: str) -> None:
    for url in (f"https://x.example/{text}", text):
        address = safe_address(url)
        assert address is None or re.fullmatch(r"https?://[A-Za-z0-9:/?#@&=+,;%~._-]+", address)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x.example", "https://", "x", "https://[x"]
)
def test_what_a_browser_should_not_open_is_no_link(url: str) -> None:
    assert safe_address(url) is None


@given(st.text(alphabet="`~{}noformatNOFORMAT:\n x", max_size=120))
def test_nothing_closes_a_block_of_code(text: str) -> None:
    item = Item(title="x", problem=[], affected=[], numbers=[], quotes=[], errors=[text])
    fence = re.search(r"^(`{3,})text\n(.*)\n\1$", render(item, format_="markdown"), re.S | re.M)
    assert fence is not None
    assert re.search(rf"^ *{fence[1]}", fence[2], re.M) is None
    assert len(re.findall(r"\{noformat", render(item, format_="jira"), re.I)) == 2


if __name__ == "__main__":
    for name, (item, names) in CASES.items():
        for format_ in FORMATS:
            path = GOLDEN / f"{name}.{ENDINGS[format_]}"
            path.write_text(render(item, format_=format_, names=names), encoding="utf-8")
