"""Reports behind signed links: who has the link has the file, until the link is past its time."""

import asyncio
import mimetypes

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.operations import queries
from domain.operations.files import FileDirectory, FileLinks

log = structlog.get_logger(__name__)

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TYPES = {".csv": "text/csv; charset=utf-8", ".xlsx": _XLSX}


def routes(database: Database, files: FileDirectory, links: FileLinks, clock: Clock) -> list[Route]:
    async def fetch(request: Request) -> Response:
        link = links.read(request.path_params["token"])
        if link is None:
            return PlainTextResponse("There is no such file.", 404)
        async with database.read() as tx:
            operation = await queries.by_id(tx, link.store_id, link.operation_id)
        made = None if operation is None else operation.file
        if made is None or link.expires_at <= clock():
            return PlainTextResponse("The file is no longer here: have it made again.", 410)
        path = files.path(made.stored_name)
        if not await asyncio.to_thread(path.is_file):
            log.error("file_missing", operation=str(link.operation_id), hint="do all machines share MUSTER_FILES_DIR?")
            return PlainTextResponse("The file is no longer here: have it made again.", 410)
        type_ = _TYPES.get(path.suffix) or mimetypes.guess_type(made.download_name)[0]
        headers = {"cache-control": "private, no-store"}
        return FileResponse(path, filename=made.download_name, media_type=type_, headers=headers)

    return [Route(f"{links.PATH}/{{token}}", fetch, methods=["GET"])]
