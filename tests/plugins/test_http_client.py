"""The HTTP client of channels takes no answer for that of another request, and no closed connection for an open one."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from muster_sdk.aiohttp_client import open_client


@asynccontextmanager
async def server(behind: Callable[[StreamWriter, bytes], object]) -> AsyncGenerator[str]:
    """Yield the URL of a server that numbers its answers, and does something with the connection behind each."""
    number = 0

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal number
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                number += 1
                content = b"%d" % number
                written = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
                writer.write(written)
                await asyncio.sleep(0.01)
                behind(writer, written)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"


async def numbers(url: str, pause: float) -> list[int]:
    async with open_client() as http:
        answers: list[int] = []
        for _ in range(4):
            answers.append(int((await http.request("POST", url)).body))
            await asyncio.sleep(pause)
        return answers


async def test_a_second_answer_is_that_of_no_other_request() -> None:
    async with server(lambda writer, written: writer.write(written)) as url:
        assert await numbers(url, 0.05) == [1, 2, 3, 4]


async def test_a_connection_that_was_closed_is_not_used_again() -> None:
    async with server(lambda writer, _: writer.close()) as url:
        assert await numbers(url, 0.05) == [1, 2, 3, 4]
