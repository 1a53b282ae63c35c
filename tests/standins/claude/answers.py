"""Deterministic answers by keyword that conform to the schema received; quotes are real sentences of the ticket.

They say nothing about quality. What a field means is guessed from its name; a name that is not known gets the first
value its schema allows.
"""

from __future__ import annotations

import json
import re
from typing import Any

RULES = (
    ("crash|error|fail|broken|not work|bug", "bug"),
    ("slow|hang|timeout|freez", "performance"),
    ("please add|would be nice|feature|support for|enhancement", "feature_request"),
    ("how do i|how can i|where is|cannot find", "ux_confusion"),
    ("wrong|missing|lost|duplicate", "data_issue"),
    ("setting|configur|install|permission", "configuration"),
)


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The object that answers the tickets of `body`, in the shape of its schema."""
    schema = body["output_config"]["format"]["schema"]
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
    document = json.loads(text)
    if "themes" in document:
        return {"answers": [_tell(theme) for theme in document["themes"]]}
    tickets = document["tickets"]
    lists = {name: node for name, node in schema["properties"].items() if node.get("type") == "array"}
    (name, node), *_ = lists.items()
    rows = [_conform(node["items"], _facts(ticket), schema) for ticket in tickets]
    return {name: rows, **{other: [] for other in lists if other != name}}


def _tell(theme: dict[str, Any]) -> dict[str, Any]:
    """A theme named by its first issue; each sentence and point cites the issue it repeats."""
    said = [{"text": one["text"], "issues": [one["id"]]} for one in theme["inside"]]
    first = theme["inside"][0]["text"][:50]
    name = {"object": first.split()[0], "failure": "fails", "name": f"{first} (told)"}
    return {"theme": theme["id"], **name, "sentences": said[:3], "points": said[:5]}


def _facts(ticket: dict[str, Any]) -> dict[str, Any]:
    words = [ticket.get("subject", ""), *(message["text"] for message in ticket.get("messages", []))]
    for sentence in (one for passage in words for one in re.split(r"(?<=[.!?])\s+|\n+", passage) if one.strip()):
        for pattern, kind in RULES:
            if re.search(pattern, sentence, re.I):
                issue = {
                    "quote": sentence.strip()[:300],
                    "evidence": sentence.strip()[:300],
                    "type": kind,
                    "summary": sentence.strip()[:120],
                    "problem": f"The customer reports: {sentence.strip()[:120]}",
                    "severity": "medium",
                    "severity_phrase": None,
                    "sentiment": "negative",
                    "confidence": "high",
                    "facts": [],
                }
                return {"ticket": ticket["id"], "no_issue": None, "issues": [issue]}
    return {"ticket": ticket["id"], "no_issue": "not_about_product", "issues": []}


def _conform(node: dict[str, Any], value: Any, root: dict[str, Any]) -> Any:
    """`value` bent into the shape of `node`."""
    if "$ref" in node:
        return _conform(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], value, root)
    if "anyOf" in node:
        fitting = [one for one in node["anyOf"] if (one.get("type") == "null") == (value is None)]
        return _conform((fitting or node["anyOf"])[0], value, root)
    if "enum" in node:
        return value if value in node["enum"] else node["enum"][-1]
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "object":
        given = value if isinstance(value, dict) else {}
        return {name: _conform(one, given.get(name), root) for name, one in node["properties"].items()}
    if kind == "array":
        return [_conform(node["items"], one, root) for one in value or []]
    if kind == "null":
        return None
    if kind == "boolean":
        return bool(value)
    if kind in ("integer", "number"):
        return value if isinstance(value, (int, float)) else 0
    return value if isinstance(value, str) else ""
