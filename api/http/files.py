"""Report downloads by signed links: whoever has the link gets the file until the link expires."""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.audit_trail import AuditTrail
from api.client_address import address_of
from domain.audit.model import AuditSubject
from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.operations import queries
from domain.operations.files import FileDirectory, FileLinks

log = structlog.get_logger(__name__)

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES = {".csv": "text/csv; charset=utf-8", ".xlsx": _XLSX}


def routes(
    database: Database,
    files: FileDirectory,
    links: Callable[[], Awaitable[FileLinks]],
    clock: Clock,
    audit: AuditTrail,
) -> list[Route]:
    async def download(request: Request) -> Response:
        link = (await links()).read(request.path_params["token"])
        if link is None:
            return PlainTextResponse("There is no such file.", 404)
        async with database.of_store(link.store_id).read() as tx:
            operation = await queries.by_id(tx, link.store_id, link.operation_id)
        file = None if operation is None else operation.file
        expired = PlainTextResponse("The file has expired: create it again.", 410)
        if file is None or link.expires_at <= clock():
            return expired
        path = files.path(file.stored_name)
        if not await asyncio.to_thread(path.is_file):
            log.error("file_missing", operation=str(link.operation_id), hint="do all machines share MUSTER_FILES_DIR?")
            return expired
        await audit.download(link.store_id, AuditSubject("Operation", str(link.operation_id)), address_of(request))
        media_type = _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(file.download_name)[0]
        headers = {"cache-control": "private, no-store"}
        return FileResponse(path, filename=file.download_name, media_type=media_type, headers=headers)

    return [Route(f"{FileLinks.PATH}/{{token}}", download, methods=["GET"])]
