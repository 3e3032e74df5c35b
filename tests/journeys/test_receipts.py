"""What was answered is there, though the server is killed right behind its answer (P28)."""

import asyncio
import json
import os
import signal
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
from muster_sdk import ReceiptKind
from sqlalchemy import select

from domain.installation.keys import InstallationKeys
from domain.kit.clock import system_clock
from domain.kit.db import Database
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.receipts.tables import receipts
from domain.sessions.webhook_addresses import WebhookAddresses
from tests.api.http.courier_stage import event, install_courier, signed
from tests.cluster.campaign import KEY
from tests.factories import add_store
from tests.journeys.processes import Served, served

pytestmark = [pytest.mark.journey]
KILLS, SENDERS = 3, 8


def install_plugin(folder: Path) -> None:
    """Have Python find the courier where the server starts, as if a package had brought it."""
    package = folder / "muster_courier-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: muster-courier\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[muster]\ncourier = tests.plugins.isolation.courier\n")


async def make_address(url: str) -> str:
    """Return the path of a store's webhooks, whose channel is the courier's."""
    database = Database(url)
    keys = InstallationKeys(SecretKeys(KeyPair(SecretKey(KEY.encode()))))
    async with database.write() as tx:
        store_id = await add_store(tx)
    lasting = await keys.load(database)
    async with database.write() as tx:
        sealing_key = await keys.sealing_key(tx)
    await install_courier(database, store_id, sealing_key, "http://127.0.0.1:9")
    await database.close()
    return WebhookAddresses("", lasting.signing).url(store_id, "courier")


async def stored(url: str) -> set[str]:
    database = Database(url)
    async with database.read() as tx:
        references = (await tx.execute(select(receipts.c.reference))).scalars().all()
    await database.close()
    return {str(reference) for reference in references}


@contextmanager
def serving(url: str, folder: Path) -> Generator[Served]:
    settings = {"MUSTER_DATABASE_URL": url, "MUSTER_SECRET_KEY": KEY}
    with served(settings, folder) as server:
        yield server


def test_nothing_that_was_answered_is_lost(database_url: str, tmp_path: Path) -> None:
    install_plugin(tmp_path)
    path = asyncio.run(make_address(database_url))
    numbers, answered = count(1), set[str]()
    for _ in range(KILLS):
        before = len(answered)
        with serving(database_url, tmp_path) as server, ThreadPoolExecutor(SENDERS) as senders:

            def send(url: str = server.url, process: int = server.process, enough: int = before + 40) -> None:
                with httpx.Client(base_url=url, timeout=30) as client:
                    while len(answered) < enough:
                        name = f"m{next(numbers)}"
                        now = system_clock()
                        told = {"events": [event(ReceiptKind.DELIVERED, now, provider_id=name)]}
                        body = json.dumps(told).encode()
                        try:
                            answer = client.post(path, content=body, headers=signed(body, now))
                        except httpx.HTTPError:
                            return
                        if answer.status_code == 200:
                            answered.add(f"p{name}")
                os.killpg(process, signal.SIGKILL)

            for sending in [senders.submit(send) for _ in range(SENDERS)]:
                sending.exception()
        assert len(answered) >= before + 40
        assert answered <= asyncio.run(stored(database_url))
