"""Counts the favourites of many buyers behind all of their orders, of whom a text keeps the ids meanwhile.

Favourites change with each part of a file in which a customer buys: an import counts its orders part by part, and
favourites once. Those of an import that ends before are the work of a job.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable

from domain import changes, jobs
from domain.changes import ChangeKind
from domain.customers import writes
from domain.jobs import Job, JobKind, Queue
from domain.kit.db import Transaction
from domain.orders import favourites
from domain.services import Services

_AT_ONCE = 10_000
# Customers who are no further apart than that are marked as changed together with those between them.
NEAR = 32
_BITS = [1 << bit for bit in range(8)]


def with_buyers(kept: str, customer_ids: Iterable[int]) -> str:
    """Return what is kept of those before and these."""
    bits = _unpacked(kept)
    for customer_id in customer_ids:
        byte = customer_id >> 3
        if byte >= len(bits):
            bits.extend(bytes(byte + 1 - len(bits)))
        bits[byte] |= _BITS[customer_id & 7]
    return _packed(bits)


async def count_next(tx: Transaction, store_id: int, kept: str) -> str:
    """Count the favourites of the next buyers, and return what is kept of the others."""
    await writes.take_numbers(tx, store_id, 0)
    bits = _unpacked(kept)
    customer_ids: list[int] = []
    for byte, stored in enumerate(bits):
        if stored:
            customer_ids += [byte * 8 + bit for bit in range(8) if stored & _BITS[bit]]
            bits[byte] = 0
            if len(customer_ids) >= _AT_ONCE:
                break
    await favourites.count_added(tx, store_id, customer_ids)
    await changes.record_change(tx, store_id, ChangeKind.ORDERS, customer_ids, near=NEAR)
    return _packed(bits)


async def run(services: Services, job: Job) -> None:
    """Count the favourites of the job's buyers. Raise LeaseLost when another worker has taken it over."""
    kept = str(job.payload["buyers"])
    while kept:
        async with services.database.write() as tx:
            await jobs.renew(tx, job, progressed=True)
            kept = await count_next(tx, job.store_id, kept)
            await jobs.replace_payload(tx, job.store_id, job.id, {"buyers": kept})
    async with services.database.write() as tx:
        await jobs.finish(tx, job)


async def give_up(_tx: Transaction, _services: Services, _job: Job) -> None:
    """Leave the favourites as they are: they are counted with the next order of each customer."""


FAVOURITES = JobKind("orders.favourites", Queue.IMPORTS, run, give_up, time_limit=6 * 3600)


async def leave(tx: Transaction, store_id: int, kept: str) -> None:
    """Have a job count the favourites of an import that ends without having done so."""
    if kept:
        await jobs.add(tx, store_id, FAVOURITES.name, {"buyers": kept}, queue=FAVOURITES.queue)


def _packed(bits: bytearray) -> str:
    return b64encode(zlib.compress(bits, 1)).decode() if any(bits) else ""


def _unpacked(kept: str) -> bytearray:
    return bytearray(zlib.decompress(b64decode(kept)) if kept else b"")
