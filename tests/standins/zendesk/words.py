"""Invented words of customers and agents, chosen by a number: the same number always says the same."""

from __future__ import annotations

PROBLEMS = (
    "CSV export drops the last column", "login loops back to the sign-in page", "invoice shows the wrong VAT rate",
    "mobile app crashes when opening a photo", "search finds nothing for names with an accent",
    "webhook is delivered twice", "dashboard takes a minute to load", "password reset mail never arrives",
    "calendar sync moves events by one hour", "PDF report is blank on page two", "dark mode hides the save button",
    "upload stops at 99 percent", "two-factor code is refused", "API returns 500 for empty lists",
    "notifications arrive a day late", "import ignores the time zone", "filter resets after every click",
    "invitation link says it has expired", "chart legend covers the chart", "sorting by date is wrong",
    "seat count is billed twice", "autosave overwrites a colleague's text", "attachments cannot be opened",
    "Slack integration lost its connection",
)  # fmt: skip
OPENINGS = (
    "Hello,", "Hi team,", "Good morning,", "Since the last update this happens every day.",
    "We have seen this again.", "Not urgent, but annoying:",
)  # fmt: skip
DETAILS = (
    "It happens in Chrome and in Firefox.", "Only our admins are affected.", "Version 4.2 did not do this.",
    "We have about 40 people who cannot work because of it.", "A restart helps for an hour.",
    "The log shows nothing.", "I attached a screenshot.", "It worked last week.",
    "We may have to cancel if this stays.", "Reloading the page does not help.",
    "The same thing on the phone.", "It fails for large projects only.",
)  # fmt: skip
REPLIES = (
    "Thank you for the details, we are looking into it.", "Could you send us the project's number?",
    "This is a known problem and will be fixed with the next release.", "We have passed this on to engineering.",
    "Please clear the cache and try again.", "The fix is out; could you confirm that it works for you?",
)  # fmt: skip
CLOSINGS = ("Thanks", "Kind regards", "Best", "Please hurry", "Cheers")
NAMES = ("Kim", "Alex", "Sam", "Noor", "Jo", "Robin", "Mika", "Sasha", "Ren", "Toni", "Uma", "Lou")
SURNAMES = ("Ito", "Berg", "Costa", "Diaz", "Egger", "Fall", "Gray", "Holm", "Ivers", "Jansen", "Kaya", "Lund")
TAGS = ("csv", "login", "billing", "mobile", "search", "v4_2", "v5_0", "api")


def subject(number: int) -> str:
    """The subject of a ticket whose first comment has this number."""
    problem = PROBLEMS[_mix(number) // 11 % len(PROBLEMS)]
    return problem[0].upper() + problem[1:]


def body(number: int, agent: bool) -> str:
    """A message of a customer, or of an agent."""
    mixed = _mix(number)
    if agent:
        return f"{REPLIES[mixed % len(REPLIES)]}\n\n{CLOSINGS[mixed // 7 % len(CLOSINGS)]}"
    return "\n".join(
        (
            OPENINGS[mixed % len(OPENINGS)],
            f"{PROBLEMS[mixed // 11 % len(PROBLEMS)]}. {DETAILS[mixed // 13 % len(DETAILS)]}",
            f"{DETAILS[mixed // 17 % len(DETAILS)]} Our reference is {number % 100_000}.",
            CLOSINGS[mixed // 19 % len(CLOSINGS)],
        )
    )


def _mix(number: int) -> int:
    return number * 2_654_435_761 >> 5


def person(number: int) -> str:
    return f"{NAMES[number % len(NAMES)]} {SURNAMES[number // len(NAMES) % len(SURNAMES)]}"
