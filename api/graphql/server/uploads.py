"""Files of a multipart request (https://github.com/jaydenseric/graphql-multipart-request-spec)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from api.graphql.kit.json_types import is_array, is_object
from api.graphql.kit.upload import Upload
from api.graphql.server.negotiation import Outcome, Refused

MAX_FILES = 10
MAX_PLACES = 20

# A browser sends these, or a token, across origins only after a preflight: a form on a strange page cannot.
_PREFLIGHTED = ("authorization", "x-requested-with", "apollo-require-preflight", "graphql-require-preflight")


@asynccontextmanager
async def multipart_body(request: Request, *, max_json: int, max_bytes: int) -> AsyncGenerator[object]:
    """Yield the request's `operations` with its files in place, which are deleted when the block ends."""
    if not any(header in request.headers for header in _PREFLIGHTED):
        raise Refused(Outcome.MALFORMED, "A multipart request needs the header X-Requested-With")
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise Refused(Outcome.TOO_LARGE, f"The upload is larger than {max_bytes:,} bytes")
        return message

    counted = Request(request.scope, receive)
    form = counted.form(max_files=MAX_FILES, max_fields=2, max_part_size=max_json)
    try:
        async with form as parts:
            yield _assemble(parts)
    except HTTPException as error:
        raise Refused(Outcome.MALFORMED, f"The multipart body is broken: {error.detail}") from error


def _assemble(parts: FormData) -> object:
    operations, places = _json_part(parts, "operations"), _json_part(parts, "map")
    if not is_object(operations) or not is_object(places):
        raise Refused(Outcome.MALFORMED, "A multipart request has the objects `operations` and `map`")
    if sum(len(paths) for paths in places.values() if is_array(paths)) > MAX_PLACES:
        raise Refused(Outcome.MALFORMED, f"`map` names more than {MAX_PLACES} places")
    for part, paths in places.items():
        file = parts.get(part)
        if not isinstance(file, UploadFile):
            raise Refused(Outcome.MALFORMED, f"`map` names the part {part!r}, which is no file")
        if not is_array(paths):
            raise Refused(Outcome.MALFORMED, "`map` gives each part a list of places")
        upload = Upload(file)
        for path in paths:
            steps = path.split(".") if isinstance(path, str) else []
            if len(steps) < 2 or steps[0] != "variables" or not _put(operations, steps, upload):
                raise Refused(Outcome.MALFORMED, f"`map` names {path!r}, where `operations` has no null")
    return operations


def _json_part(parts: FormData, name: str) -> object:
    text = parts.get(name)
    if not isinstance(text, str):
        raise Refused(Outcome.MALFORMED, f"The multipart request has no field `{name}`")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(Outcome.MALFORMED, f"`{name}` is no JSON: {error}") from error


def _put(holder: object, steps: list[str], upload: Upload) -> bool:
    """Set the null at the end of the path; the holder is whatever JSON the caller sent."""
    for step in steps[:-1]:
        if is_object(holder):
            holder = holder.get(step)
        elif is_array(holder) and step.isdecimal() and len(step) < 5 and int(step) < len(holder):
            holder = holder[int(step)]
        else:
            return False
    last = steps[-1]
    if is_object(holder) and last in holder and holder[last] is None:
        holder[last] = upload
        return True
    if is_array(holder) and last.isdecimal() and len(last) < 5 and int(last) < len(holder):
        if holder[int(last)] is not None:
            return False
        holder[int(last)] = upload
        return True
    return False
