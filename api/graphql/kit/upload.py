"""Files in variables."""

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile


class Upload:
    """A file that is completely received, on disk when it is large."""

    def __init__(self, file: UploadFile) -> None:
        self._file = file
        self.filename = file.filename or ""
        self.content_type = file.content_type or "application/octet-stream"
        self.size = file.size or 0

    async def chunks(self, size: int = 1 << 18) -> AsyncIterator[bytes]:
        """Yield the content from its beginning."""
        await self._file.seek(0)
        while chunk := await self._file.read(size):
            yield chunk
