"""Reports as workers write them: page by page, anew after a death, and nothing left of those that came to nothing."""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Table as Table_
from sqlalchemy import delete, insert, update

from domain import jobs
from domain.customers.tables import customer_addresses, customers
from domain.extensions import NO_EXTENSIONS
from domain.imports.values.text import joined_tags
from domain.jobs import Job, LeaseLost
from domain.jobs.tables import jobs as job_rows
from domain.kit.db import Database
from domain.kit.errors import DomainError
from domain.lists.export import job as export_job
from domain.lists.export.columns import Table
from domain.lists.export.files import ExportFormat
from domain.lists.export.job import ExportRequest
from domain.lists.tables import lists
from domain.operations import actions, queries
from domain.operations.files import FileDirectory
from domain.operations.model import Operation, OperationStatus
from domain.orders.tables import customer_favourites
from domain.segments.evaluation.resolve import catalogue
from domain.stores.model import Limits, Store
from domain.stores.tables import stores
from domain.wallets import tables as wallets
from tests.domain.segments.stored_people import LIST, NOW, TIMEZONE, Person, make_people, store_people
from tests.fakes import make_services

EVERYONE = make_people(90)
ON_IT = [person for person in EVERYONE if person.listed and person.row["deleted_at"] is None]
FIELDS = ("external_id", "name", "tag", "consent.email", "order_count", "total_spent", "property.number", "age")


@dataclass
class Exports:
    database: Database
    files: FileDirectory
    store_id: int

    async def start(self, format_: ExportFormat = ExportFormat.CSV, fields: tuple[str, ...] = FIELDS) -> UUID:
        store = Store(self.store_id, "Shop", TIMEZONE, "TWD", Limits(1, 5))
        async with self.database.write() as tx:
            known = await catalogue(tx, self.store_id, {"email": "E-mail"}, NO_EXTENSIONS)
            return (await export_job.start(tx, store, known, ExportRequest(LIST, fields, format_), NOW)).id

    async def claim(self) -> Job:
        async with self.database.write() as tx:
            [notice] = await jobs.due(tx, 1)
            job = await jobs.claim(tx, notice.store_id, notice.job_id, "worker", 60)
        assert job is not None
        return job

    async def steal(self) -> Job:
        """As when a worker was too slow, or is dead."""
        async with self.database.write() as tx:
            await tx.execute(update(job_rows).values(lease_until=NOW.replace(year=2020)))
        return await self.claim()

    async def write(self, job: Job) -> None:
        await export_job.export(make_services(self.database, clock=lambda: NOW, files=self.files), job)

    async def operation(self, operation_id: UUID) -> Operation:
        async with self.database.read() as tx:
            operation = await queries.by_id(tx, self.store_id, operation_id)
        assert operation is not None
        return operation

    async def rows(self, operation_id: UUID) -> list[list[str]]:
        file = (await self.operation(operation_id)).file
        assert file is not None
        with self.files.path(file.stored_name).open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))


@pytest.fixture
async def exports(database: Database, store_id: int, tmp_path: Path) -> Exports:
    async with database.write() as tx:
        await store_people(tx, store_id, EVERYONE)
        await tx.execute(update(stores).values(timezone=TIMEZONE))
    return Exports(database, FileDirectory(tmp_path / "files"), store_id)


async def test_every_member_is_in_it_once_however_small_the_pages(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in (1, 7, len(EVERYONE), 2_000):
        monkeypatch.setattr(export_job, "PAGE", page)
        operation = await exports.start()
        await exports.write(await exports.claim())
        done = await exports.operation(operation)
        assert (done.status, done.done, done.total) == (OperationStatus.DONE, *[sum(p.listed for p in EVERYONE)] * 2)
        rows = await exports.rows(operation)
        assert rows[0] == list(FIELDS)
        assert rows[1:] == [expected(person) for person in ON_IT]


def expected(person: Person) -> list[str]:
    counted = [order for order in person.orders if order.counted]
    total = sum((order.total for order in counted), start=type(counted[0].total)(0)) if counted else 0
    number = person.properties.get("number")
    return [
        str(person.row["external_id"] or ""),
        str(person.row["name"] or ""),
        joined_tags(sorted(person.tags, key=lambda tag: tag.encode())),
        person.consents.get("email", "NOT_SUBSCRIBED"),
        str(len(counted)),
        f"{total:f}".rstrip("0").rstrip(".") if "." in f"{total:f}" else f"{total:f}",
        "" if number is None else str(number),
        "" if person.row["birthday"] is None else years(person.row["birthday"]),
    ]


def years(born: object) -> str:
    """On the 1st of March 2026, as it is in Taipei."""
    year, month = getattr(born, "year", 0), getattr(born, "month", 0)
    day = getattr(born, "day", 0)
    age = 2026 - year - ((month, day) > (3, 1))
    return str(age) if age >= 0 else ""


async def test_what_is_kept_beside_a_customer_is_joined_counted_and_added_up(exports: Exports) -> None:
    """Addresses, wallets, coupons, favourites, channels: several values of one field stand in one cell."""
    of_member = {"store_id": exports.store_id, "customer_id": ON_IT[0].id}
    place = {"region": None, "city": None, "postcode": None, "street": None}
    rows: dict[Table_, list[dict[str, object]]] = {
        customer_addresses: [
            {**place, "position": at, "country": "TW", "city": city}
            for at, city in enumerate(["Tainan", "Taipei", "Tainan"])
        ],
        wallets.lots: [
            {"kind": "points", "id": str(at), "remaining": Decimal(amount), "expires_on": day}
            for at, (amount, day) in enumerate([("12.5", date(2026, 4, 1)), ("2", None), ("100", date(2026, 2, 28))])
        ],
        wallets.coupons: [{"code": code, "coupon": "SPRING", "received_at": NOW} for code in ("a", "b")],
        customer_favourites: [{"kind": "brand", "value": "=Acme"}],
    }
    fields = {
        "address.city": "Tainan;Taipei",
        "address.country": "TW",
        "points": "14.5",
        "points.expire_on": "2026-04-01",
        "coupon": "SPRING",
        "coupon_count": "2",
        "coupon.received_at": "2026-03-01T04:30:00+08:00",
        "favourite.brand": "'=Acme",
        "tag_count": str(len(ON_IT[0].tags)),
        "shopper": ("NONE", "ONE_TIME", "REPEAT")[min(2, sum(order.counted for order in ON_IT[0].orders))],
        # The customer's own address is in the column email.
        "contact.email": ON_IT[0].contacts["email"].address or "",
        "tier": str(ON_IT[0].row["tier"] or ""),
        "phone_country_code": "+886" if ON_IT[0].row["phone"] else "",
    }
    async with exports.database.write() as tx:
        for table, values in rows.items():
            await tx.execute(delete(table))
            await tx.execute(insert(table), [{**of_member, **row} for row in values])
    operation = await exports.start(fields=tuple(fields))
    await exports.write(await exports.claim())
    written = await exports.rows(operation)
    assert dict(zip(fields, written[1], strict=True)) == fields
    nobody = dict(zip(fields, written[2], strict=True))
    assert [nobody[name] for name in ("address.city", "points", "coupon", "coupon_count")] == ["", "0", "", "0"]


async def test_a_dead_workers_report_is_written_anew(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_job, "PAGE", 5)
    operation = await exports.start()
    slow = await exports.claim()
    quick = await exports.steal()
    with pytest.raises(LeaseLost):
        await exports.write(slow)
    assert exports.files.owners() == {}
    await exports.write(quick)
    assert len(await exports.rows(operation)) == len(ON_IT) + 1
    assert len(exports.files.owners()) == 1
    with pytest.raises(LeaseLost):
        await exports.write(slow)
    assert len(await exports.rows(operation)) == len(ON_IT) + 1


async def test_a_report_that_is_called_off_on_the_way_leaves_nothing(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_job, "PAGE", 5)
    for format_ in ExportFormat:
        operation = await exports.start(format_)
        job = await exports.claim()
        pages = await stop_after(exports, monkeypatch, operation, pages=2)
        await exports.write(job)
        monkeypatch.undo()
        assert (await exports.operation(operation)).status is OperationStatus.CANCELLED
        assert pages == [2]
        assert exports.files.owners() == {}
        async with exports.database.read() as tx:
            assert await jobs.due(tx, 9) == []


async def stop_after(exports: Exports, monkeypatch: pytest.MonkeyPatch, operation: UUID, pages: int) -> list[int]:
    """Cancel the operation after so many pages; return how many there were then."""
    rows, stopped_at, count = Table.rows, list[int](), 0

    async def rows_then_stop(self: object, tx: object, ids: object) -> object:
        nonlocal count
        count += 1
        page = await rows(self, tx, ids)  # type: ignore[arg-type]
        if count == pages:
            stopped_at.append(count)
            async with exports.database.write() as other:
                await actions.cancel(other, exports.store_id, operation, {export_job.EXPORT.name}, NOW)
        return page

    monkeypatch.setattr(export_job, "PAGE", 5)
    monkeypatch.setattr(Table, "rows", rows_then_stop)
    return stopped_at


async def test_a_report_that_cannot_be_written_says_why(exports: Exports, tmp_path: Path) -> None:
    exports.files = FileDirectory(tmp_path / "no directory")
    (tmp_path / "no directory").write_text("a file is in the way")
    operation = await exports.start()
    await exports.write(await exports.claim())
    await failed(exports, operation, "The file could not be written: File exists")


async def test_a_field_or_list_that_is_gone_meanwhile_ends_the_report(exports: Exports) -> None:
    operation = await exports.start(fields=("property.string",))
    async with exports.database.write() as tx:
        await tx.execute(delete(customers.metadata.tables["property_definitions"]))
    await exports.write(await exports.claim())
    await failed(exports, operation, "There is no field 'property.string'")
    operation = await exports.start(fields=("name",))
    async with exports.database.write() as tx:
        await tx.execute(delete(lists))
    await exports.write(await exports.claim())
    await failed(exports, operation, "The list was deleted meanwhile")


async def test_a_report_whose_workers_die_is_given_up(exports: Exports) -> None:
    operation = await exports.start()
    job = await exports.claim()
    with exports.files.create(exports.store_id, operation, job.fence, "x.csv") as making:
        making.path.write_text("half")
        async with exports.database.write() as tx:
            await export_job.give_up(tx, make_services(exports.database), job)
        await actions.delete_expired_files(exports.database, exports.files, {export_job.EXPORT.name}, NOW)
        assert len(exports.files.owners()) == 1
        async with exports.database.write() as tx:
            await tx.execute(delete(job_rows))
        await actions.delete_expired_files(exports.database, exports.files, {export_job.EXPORT.name}, NOW)
        assert exports.files.owners() == {}
    await failed(exports, operation, "The report was given up: workers died")


async def failed(exports: Exports, operation: UUID, problem: str) -> None:
    done = await exports.operation(operation)
    assert (done.status, done.file) == (OperationStatus.FAILED, None)
    assert exports.files.owners() == {}
    async with exports.database.read() as tx:
        problems = (await queries.problems_of(tx, exports.store_id, [operation]))[operation]
    assert [reported.message[: len(problem)] for reported in problems] == [problem]


async def test_an_operation_of_another_store_is_not_called_off(exports: Exports) -> None:
    operation = await exports.start()
    async with exports.database.write() as tx:
        with pytest.raises(DomainError):
            await actions.cancel(tx, exports.store_id + 1, operation, {export_job.EXPORT.name}, NOW)
