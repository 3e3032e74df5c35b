"""GraphQL requests, read from HTTP requests and from messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from api.graphql.kit.json_types import is_array, is_object
from api.graphql.server.negotiation import Media, Outcome, Refused

MAX_DOCUMENT = 200_000
MAX_BODY = 4_000_000
MAX_DEPTH = 100
MAX_VALUES = 200_000

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    variables: Variables = field(default_factory=dict[str, Any])
    operation_name: str | None = None
    # Whether a text among the variables holds U+0000, which no database stores.
    nul: bool = False
    # Whether it came with files.
    files: bool = False


def from_query(request: Request) -> GraphQLRequest:
    """A request by GET."""
    parameters = request.query_params
    named: dict[str, object] = {
        "query": parameters.get("query"),
        "operationName": parameters.get("operationName") or None,
    }
    for name in ("variables", "extensions"):
        named[name] = parse_json(parameters[name].encode(), f"`{name}`") if parameters.get(name) else None
    return from_json(named)


def from_json(body: object) -> GraphQLRequest:
    """A request by POST, or one of a WebSocket's messages."""
    if is_array(body):
        raise Refused(Outcome.MALFORMED, "Send one request at a time: batches are not taken")
    if not is_object(body):
        raise Refused(Outcome.MALFORMED, "A request is a JSON object with a `query`")
    query, name = body.get("query"), body.get("operationName")
    if not isinstance(query, str) or not query:
        raise Refused(Outcome.MALFORMED, "`query` is missing: it is the document, a string")
    if len(query) > MAX_DOCUMENT:
        raise Refused(Outcome.TOO_LARGE, f"`query` is longer than {MAX_DOCUMENT:,} characters")
    if name is not None and not isinstance(name, str):
        raise Refused(Outcome.MALFORMED, "`operationName` must be a string")
    variables = _mapping(body, "variables")
    _mapping(body, "extensions")
    return GraphQLRequest(query, variables, name, check_values(variables))


async def read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(Outcome.TOO_LARGE, f"The body is larger than {MAX_BODY:,} bytes; files go as multipart")
    return bytes(body)


def parse_json(text: bytes, name: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(Outcome.MALFORMED, f"{name} is no JSON: {error}") from error


def content_type(request: Request) -> str:
    """The request's content type, without parameters, when it is one that is read here."""
    kind, *parameters = (p.strip().lower() for p in request.headers.get("content-type", "").split(";"))
    charset = next((p.split("=", 1)[1].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    if kind not in (Media.JSON, "multipart/form-data") or charset not in ("utf-8", "utf8"):
        raise Refused(Outcome.UNSUPPORTED, "Send application/json in UTF-8, or multipart/form-data for files")
    return kind


def _mapping(body: Mapping[str, object], name: str) -> Variables:
    value = body.get(name)
    if value is None:
        return {}
    if not is_object(value):
        raise Refused(Outcome.MALFORMED, f"`{name}` must be an object")
    return value


def check_values(variables: Variables) -> bool:
    """Return whether a variable holds a NUL. Raise Refused for what is too deep or too much for any field."""
    level: list[object] = [variables]
    count, nul = 0, False
    for _ in range(MAX_DEPTH):
        if not level:
            return nul
        count += len(level)
        if count > MAX_VALUES:
            raise Refused(Outcome.TOO_LARGE, f"`variables` hold more than {MAX_VALUES:,} values")
        nul = nul or any(isinstance(value, str) and "\0" in value for value in level)
        inner: list[object] = []
        for value in level:
            if is_object(value):
                inner.extend(value.values())
                inner.extend(key for key in value if "\0" in key)
            elif is_array(value):
                inner.extend(value)
        level = inner
    if level:
        raise Refused(Outcome.MALFORMED, f"`variables` are nested more than {MAX_DEPTH} deep")
    return nul
