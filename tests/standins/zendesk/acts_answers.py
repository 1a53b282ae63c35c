"""Acts that put another answer in the place of the true one (forms of the reference, sections 1.10 and 5)."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from tests.standins.zendesk.faults import Scene, act
from tests.standins.zendesk.http import HTML, Answer, text_answer
from tests.standins.zendesk.limits import EXCEEDED
from tests.standins.zendesk.oauth import INVALID, REFUSED

PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
EDGE = {
    "detail": "Rate limited by Zendesk edge protection", "status": "429", "title": "Too Many Requests",
    "type": "https://developer.zendesk.com/api-reference/introduction/rate-limits/",
}  # fmt: skip
OURS = (401, 429)  # the gate's own refusals are never covered up: they are what a test counts


def replacement(name: str) -> Callable[[Callable[[Scene], Answer]], Callable[[Scene], Answer]]:
    """An act that answers instead; the request counts against the budgets all the same."""

    def register(make: Callable[[Scene], Answer]) -> Callable[[Scene], Answer]:
        def play(scene: Scene) -> Answer:
            if scene.route != "token":  # a token is not granted behind a failure, or a refresh token would be used up
                true = scene.true()
                if true.status in OURS:
                    return true
            return make(scene)

        act(name)(play)
        return play

    return register


def _fixed(name: str, make: Callable[[], Answer]) -> None:
    replacement(name)(lambda _: make())


def _html(status: int, title: str, **headers: str) -> Callable[[], Answer]:
    return lambda: text_answer(status, PAGE.format(title), HTML, **headers)


def _json(status: int, data: Any, **headers: str) -> Callable[[], Answer]:
    return lambda: Answer(status, data, headers={key.replace("_", "-"): value for key, value in headers.items()})


@replacement("429_text")
def _text(scene: Scene) -> Answer:
    """`retry_after` seconds (7): the ordinary form, a plain text."""
    return text_answer(429, EXCEEDED, Retry_After=str(scene.given("retry_after", 7)))


@replacement("429_http_date")
def _date(scene: Scene) -> Answer:
    """Retry-After as an HTTP date `retry_after` seconds (7) ahead of the server's clock."""
    moment = scene.standin.clock.now() + scene.standin.clock.skew + scene.given("retry_after", 7)
    return text_answer(429, EXCEEDED, Retry_After=formatdate(moment, usegmt=True))


@replacement("answer")
def _any(scene: Scene) -> Answer:
    """`status`, `headers`, and `body` (text) or `data` (JSON): whatever else a test needs."""
    status, headers = scene.given("status", 500), dict(scene.given("headers", {}))
    body = scene.given("body", None)
    if body is None:
        return Answer(status, scene.given("data", {}), headers=headers)
    return Answer(status, raw=body.encode(), content_type=scene.given("content_type", HTML), headers=headers)


@replacement("redirect")
def _redirect(scene: Scene) -> Answer:
    """`status` (302) to the same path on another host (`to`)."""
    to = scene.given("to", scene.standin.elsewhere.base_url) + scene.request.target
    return text_answer(scene.given("status", 302), "", HTML, Location=to)


@act("400_cursor")
def _cursor(scene: Scene) -> Answer:
    """A cursor is refused (its text is not known); requests without one pass."""
    if "cursor" not in scene.request.query:
        return scene.true()
    return Answer(400, {"error": "InvalidCursor", "description": "cursor is not valid"})


@act("400_too_recent")
def _too_recent(scene: Scene) -> Answer:
    """A start_time is refused; requests without one pass."""
    if "start_time" not in scene.request.query:
        return scene.true()
    return Answer(400, {"error": "StartTimeTooRecent", "description": "start_time must be at least 60 s ago"})


_fixed("429_json", _json(429, {"error": "TooManyRequests", "description": EXCEEDED}, Retry_After="7"))
_fixed("429_edge", _json(429, EDGE, Retry_After="5"))
_fixed("429_no_header", lambda: text_answer(429, EXCEEDED))
_fixed("429_zero", lambda: text_answer(429, EXCEEDED, Retry_After="0"))
_fixed("429_long", lambda: text_answer(429, EXCEEDED, Retry_After="93"))
_fixed("429_odd_header", lambda: text_answer(429, EXCEEDED, Retry_After="soon"))
_fixed("429_offset", lambda: text_answer(429, "Pagination limit reached for offset model"))
_fixed("500", _html(500, "Internal Server Error"))
_fixed("502", _html(502, "Bad Gateway"))
_fixed("503", _html(503, "Service Unavailable", Retry_After="2"))
_fixed("503_no_header", _html(503, "Service Unavailable"))
_fixed("504", lambda: text_answer(504, "upstream request timeout"))
_fixed("520", _html(520, "Web server returned an unknown error"))
_fixed("524", _html(524, "A timeout occurred"))
_fixed("409", _json(409, {"error": "Conflict", "description": "The resource was changed elsewhere"}))
_fixed("401_expired", _json(401, INVALID))
_fixed("401_refused", _json(401, REFUSED))
_fixed("403_scope", _json(403, {"description": "Missing the following required scopes: read"}))
_fixed("403_restricted", _json(403, {"error": {"title": "Forbidden", "message": "This page is restricted"}}))
_fixed("403_product", _json(403, {"error": "SupportProductInactive"}))
_fixed("404_record", _json(404, {"error": "RecordNotFound", "description": "Not found"}))
_fixed("200_html", _html(200, "Sign in"))
_fixed("200_empty", lambda: Answer(200, raw=b""))
_fixed("200_list", _json(200, []))
_fixed("200_null", _json(200, None))
_fixed("200_error", _json(200, {"error": "Something went wrong", "description": "Please try again"}))
