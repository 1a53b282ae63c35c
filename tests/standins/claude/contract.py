"""What the API refuses, checked as strictly: a request that passes here is one the documents allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.standins.claude.http import Request
from tests.standins.claude.models import EXTRA_TURNS_OFF, MODELS

LARGEST_BODY, LARGEST_BATCH, MOST_REQUESTS = 32_000_000, 256_000_000, 100_000
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SUPPORTED = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "allOf",
             "$ref", "$defs", "description", "title", "format", "minItems"}  # fmt: skip
MOST_OPTIONAL, MOST_UNIONS, MOST_MARKS = 24, 16, 4


class Refused(Exception):
    """The request is refused with this status, error type and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status, self.kind = status, kind
        super().__init__(message)


def invalid(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)


def check_headers(request: Request, key: str) -> None:
    """Raises Refused as the API would."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key", "")
    if given != key:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    if "anthropic-version" not in request.headers:
        raise invalid("anthropic-version: header is required")
    if len(request.raw) > (LARGEST_BATCH if request.path.endswith("/batches") else LARGEST_BODY):
        raise Refused(413, "request_too_large", "Request exceeds the maximum size")


def check_message(body: dict[str, Any]) -> None:
    """Raises Refused for a body that POST /v1/messages would refuse."""
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise invalid(f"{name}: Field required")
    for name in EXTRA_TURNS_OFF:
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    model = MODELS.get(body["model"])
    if model is None or model.lifecycle == "retired":
        raise Refused(404, "not_found_error", f"model: {body['model']}")
    if not isinstance(body["max_tokens"], int) or not 1 <= body["max_tokens"] <= model.most_output:
        raise invalid(f"max_tokens: must be from 1 to {model.most_output}")
    if not body["messages"] or body["messages"][-1].get("role") != "user":
        raise invalid("messages: the last turn must be the user's; prefilling is not supported")
    thinking = body.get("thinking")
    if thinking is not None and thinking.get("type") not in model.thinking:
        raise invalid(f"thinking: {thinking.get('type')} is not supported on this model")
    config = body.get("output_config") or {}
    if "effort" in config and not model.effort:
        raise invalid("output_config.effort: not supported on this model")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool") and "5-5" in body["model"]:
        raise invalid("tool_choice: forced tool use is not supported on this model")
    if count_marks(body) > MOST_MARKS:
        raise invalid("cache_control: at most 4 blocks may be marked")
    if config.get("format"):
        check_schema(config["format"].get("schema"))


def check_batch(body: dict[str, Any]) -> None:
    """Raises Refused for what creating a batch would refuse at once; the requests' own parameters come later."""
    requests = body.get("requests")
    if set(body) != {"requests"} or not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS:
        raise invalid(f"requests: a list of 1 to {MOST_REQUESTS} is needed, and nothing else")
    ids = [request.get("custom_id") for request in requests]
    for place, (key, request) in enumerate(zip(ids, requests, strict=True)):
        if not isinstance(key, str) or not CUSTOM_ID.fullmatch(key):
            raise invalid(f"requests.{place}.custom_id: must match {CUSTOM_ID.pattern}")
        if set(request) != {"custom_id", "params"} or not isinstance(request["params"], dict):
            raise invalid(f"requests.{place}: custom_id and params are needed, and nothing else")
        if "stream" in request["params"]:
            raise invalid(f"requests.{place}.params.stream: not supported in a batch")
    if len(set(ids)) < len(ids):
        raise invalid("requests: custom_id must be unique in the batch")


def count_marks(value: Any) -> int:
    """How many blocks carry cache_control."""
    if isinstance(value, dict):
        return ("cache_control" in value) + sum(count_marks(one) for one in value.values())
    return sum(count_marks(one) for one in value) if isinstance(value, list) else 0


def check_schema(schema: Any) -> None:
    """Raises Refused unless `schema` stays within the subset that is compiled to a grammar."""
    if not isinstance(schema, dict):
        raise invalid("output_config.format.schema: must be an object")
    optional = unions = 0
    for path, node in nodes(schema):
        if extra := set(node) - SUPPORTED:
            raise invalid(f"output_config.format.schema{path}: {sorted(extra)[0]} is not supported")
        if isinstance(node.get("type"), list):
            raise invalid(f"output_config.format.schema{path}: type must be one name")
        if node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                raise invalid(f"output_config.format.schema{path}: additionalProperties must be false")
            optional += len(set(node.get("properties", {})) - set(node.get("required", [])))
        unions += "anyOf" in node
    if optional > MOST_OPTIONAL or unions > MOST_UNIONS:
        raise invalid("output_config.format.schema: schema is too complex")


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in `schema`, itself first, with its path."""
    yield path, schema
    for group in ("properties", "$defs"):
        for name, one in schema.get(group, {}).items():
            yield from nodes(one, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], f"{path}[]")
    for group in ("anyOf", "allOf"):
        for one in schema.get(group, []):
            yield from nodes(one, path)
