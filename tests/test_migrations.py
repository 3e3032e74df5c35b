"""Migrations make the tables that the code declares, lose no row on the way, and can be undone, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.resources import files
from json import dumps
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, delete, insert, inspect, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import Boolean, Date, DateTime, Double, LargeBinary, String, TypeEngine, Uuid

from domain.customers.model import NAMELESS
from domain.kit import ids
from domain.kit.db import Database
from domain.memberships import tracking
from domain.migrations import configuration, is_current, migrate
from domain.migrations.tables import metadata
from tests.factories import NOW

# Databases that exist were made by these very statements. What a revision that has landed did is not changed, but by
# a further revision: or new databases would differ from old ones, and no test on a new one could notice.
LANDED = {
    "0001_first_tables.py": "bb880f5381c0bf6a91a924ee125ea60628ef6e75cf6fb26d4aa8ac9466ffcaa4",
    "0002_words.py": "a00180e60778dcd72bbe4c0e535b0e68bb40b4dbc87e7fac43f3fec2b6922ca5",
    "0003_import_columns.py": "698ce68dadcad8ee8844c88475132c3aadf980392f306457a4998103de17ba6b",
    "0004_customer_keys.py": "fd0fa12b29c6c5b15bc51584b7f0904debb1c82c5884804e8314885208f459ef",
    "0005_in_doubt.py": "7d42950ede4854ac0127a1cc2bdc09082d82b58aaa1ca7841cbe1035242a362a",
    "0006_installation.py": "c63d360bf1775fa0c256c77053a7489d1abebefc023f54260b2805b3b0f38b38",
    "0007_erasure.py": "fd2267010019ae543444f15f5feb1f48ad3eac067307d6bddee3ae53196cc2a4",
    "0008_audit.py": "322438d8a9e76e970f3aefa8844970a8506b105458bd24e2bdebe416fddbefb7",
    "0009_row_security.py": "78ebad9965615fb8665b618255c1ea3eaf59f26207b0d245fa73f76cdac95941",
    "0010_problem_cells.py": "301360889da0845195b40a1fdb0536fa3e2d88523faa0906ebfd0dfa0681f2cc",
    "0011_folded_names.py": "5bee0ef0d76213f89375ae4ac8caeff2be0e527bd0f320aae1ef102b5393adbd",
    "0012_canonical_addresses.py": "39555b26604ee4f4aaf275b93a27c69459af5c2d013d732af3dd27cb2d8e37f9",
    "0013_import_problems.py": "a2e6fc65c249f4a4b2dc3a05e1ccd2bc92a26f39879b5e4d06d3e13437d9ba12",
    "0014_objections.py": "27e044fc0508f2a9a7bb323df4af571e28ee8640569a0ac97a8d208e170dec0a",
    "0015_sales.py": "a3599e1dc59ac612a854bf40071c6847d0314f97a6b715fd74c11e41f3248ce8",
    "0016_customer_keys_first.py": "91698d5564183b708cff982c2f16d865135d02751d6b21f292fcd550383a455e",
    "0017_import_reports.py": "203a77f10a4772c835e09e4f12f2d533db67730b9d11f8e0b2a99b060a4c9bbb",
    "0018_channel_states.py": "44641b91fad19b375fe44ba7e2e2b36f68f4a7de39f5181d7aebd818849a1f03",
    "0019_channel_accounts.py": "b9b9570d283e890bd96b58873e5362470e873a4567e5599ce7ce42e3ddb74f60",
    "0020_packages_of_channels.py": "9e562829e339d19759d148a42fb81fba507303e8f520a7f2efdeab45e399ba65",
    "0021_receipts.py": "17416131f3573ac7d9d20a61c1ddf8a1d79c3e7b1d91bdb2e7ceed17a82fe013",
}
RENAMED_TABLES = {"event_tallies": "event_counters", "followed_segments": "tracked_segments"}
# What they held is in objections.
DROPPED_TABLES = {"suppressed_customers"}
# The rows of a file that is being imported: what an import has staged goes when it ends, so that columns may change.
STAGING = {"import_customers", "import_matches", "import_problems"}
# A file of orders that is under way is read again from its start, so that what was staged of it is dropped.
READ_AGAIN = {"import_orders"}
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLES: dict[type[TypeEngine[Any]], object] = {
    Boolean: True,
    Date: date(2026, 1, 1),
    DateTime: MOMENT,
    Double: 1.5,
    JSONB: {"sample": 1},
    LargeBinary: bytes(16),
    # Valid as JSON too, which SQLite stores as text.
    String: "1",
    Uuid: UUID(int=1),
}
Rows = dict[str, list[dict[str, object]]]


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    opened = Database(empty_url)
    yield opened
    await opened.close()


def check(connection: Connection) -> None:
    command.check(configuration(connection))


def downgrade(connection: Connection) -> None:
    command.downgrade(configuration(connection), "base")


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def reflected_tables(connection: Connection) -> dict[str, Table]:
    """Return the tables as the database has them, those first that others refer to."""
    reflected = MetaData()
    reflected.reflect(connection)
    return {table.name: table for table in reflected.sorted_tables if table.name != "alembic_version"}


def sample(kind: TypeEngine[Any]) -> object:
    return next((value for sampled, value in SAMPLES.items() if isinstance(kind, sampled)), 1)


def fill(connection: Connection) -> Rows:
    """Store a row in every table, and the job that migration 0002 deletes. Return the rows but for that job."""
    reflected = reflected_tables(connection)
    for table in reflected.values():
        connection.execute(insert(table), {column.name: sample(column.type) for column in table.columns})
    rows = stored_rows(connection)
    jobs = reflected["jobs"]
    old_id = ids.singleton(1, "segments.follow")
    job = rows["jobs"][0] | {"kind": "segments.follow", "status": "queued"}
    job["id"] = old_id if connection.dialect.name == "postgresql" else old_id.bytes
    connection.execute(insert(jobs), job)
    return rows


def stored_rows(connection: Connection) -> Rows:
    return {
        name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for name, table in reflected_tables(connection).items()
    }


@pytest.mark.slow
async def test_from_nothing_to_what_the_code_declares_and_back(empty: Database) -> None:
    assert not await is_current(empty)
    await migrate(empty)
    assert await is_current(empty)
    async with empty.engine.begin() as connection:
        assert await connection.run_sync(tables) == set(metadata.tables)
        # Raises when a migration would have something left to do.
        await connection.run_sync(check)
        await connection.run_sync(downgrade)
        assert await connection.run_sync(tables) == set()
    await migrate(empty)
    await migrate(empty)
    assert await is_current(empty)


@pytest.mark.slow
async def test_no_row_is_lost_on_the_way_from_the_first_revision(empty: Database) -> None:
    await migrate(empty, "0001")
    async with empty.engine.begin() as connection:
        before = await connection.run_sync(fill)
    await migrate(empty)
    async with empty.engine.begin() as connection:
        after = await connection.run_sync(stored_rows)
    # The orders are counted again.
    after["jobs"] = [job for job in after["jobs"] if job["kind"] != "orders.recount"]
    assert all(before.values())
    for old_name, old_rows in before.items():
        if old_name in DROPPED_TABLES:
            continue
        name = RENAMED_TABLES.get(old_name, old_name)
        if name in READ_AGAIN:
            continue
        (old_row,), (new_row,) = old_rows, after[name]
        if name in STAGING:
            # `part` had a second meaning, by its parity.
            old_row = {column: value for column, value in old_row.items() if column in new_row and column != "part"}
        assert {column: new_row[column] for column in old_row} == old_row, name


async def test_keys_and_indexes_are_those_that_the_code_declares(empty: Database) -> None:
    """Which `alembic check` does not compare: a changed key, the columns that an index includes."""
    await migrate(empty)
    async with empty.engine.begin() as connection:
        stored = await connection.run_sync(reflected_tables)
    for name, declared in metadata.tables.items():
        assert stored[name].primary_key.columns.keys() == declared.primary_key.columns.keys(), name
        assert indexes(stored[name]) == indexes(declared), name


def indexes(table: Table) -> set[tuple[str | None, bool, tuple[str, ...]]]:
    return {(index.name, bool(index.unique), tuple(index.columns.keys())) for index in table.indexes}


@pytest.mark.slow
async def test_the_customers_of_orders_and_events_become_their_keys(empty: Database) -> None:
    await migrate(empty, "0003")
    async with empty.engine.begin() as connection:
        await connection.run_sync(fill)
        shop = await connection.run_sync(reflected_tables)
        for number in (2, 3):
            order = {column.name: sample(column.type) for column in shop["orders"].columns}
            await connection.execute(insert(shop["orders"]), {**order, "id": f"o{number}", "customer_id": number})
            event = {column.name: sample(column.type) for column in shop["events"].columns}
            await connection.execute(insert(shop["events"]), {**event, "id": f"e{number}", "customer_id": number})
            facet = {column.name: sample(column.type) for column in shop["order_item_facets"].columns}
            for position in (1, 2):
                placed = {"order_id": f"o{number}", "position": position}
                await connection.execute(insert(shop["order_item_facets"]), {**facet, **placed})
    await migrate(empty)
    async with empty.engine.begin() as connection:
        after = await connection.run_sync(stored_rows)
    numbered = {("1", 1), ("o2", 2), ("o3", 3)}
    assert {(row["order_id"], row["customer_id"]) for row in after["order_customers"]} == numbered
    assert {(row["id"], row["customer_id"]) for row in after["orders"]} == numbered
    assert {(row["event_id"], row["customer_id"]) for row in after["event_customers"]} == {
        ("1", 1), ("e2", 2), ("e3", 3)
    }  # fmt: skip
    facets = sorted((row["customer_id"], row["order_id"], row["position"]) for row in after["order_item_facets"])
    assert facets == [(1, "1", 1), (2, "o2", 1), (2, "o2", 2), (3, "o3", 1), (3, "o3", 2)]


@pytest.mark.slow
async def test_the_job_that_tracks_memberships_is_made_again(empty: Database) -> None:
    await migrate(empty, "0001")
    async with empty.engine.begin() as connection:
        await connection.run_sync(fill)
    await migrate(empty)
    for _ in range(2):
        await tracking.schedule_due(empty, NOW)
    async with empty.engine.begin() as connection:
        rows = (await connection.run_sync(stored_rows))["jobs"]
    assert sorted(str(row["kind"]) for row in rows) == ["1", "memberships.track", "orders.recount"]


async def test_stored_addresses_take_their_canonical_form(empty: Database) -> None:
    await migrate(empty, "0010")
    own, other = "info@straße.example", "b@other.example"
    customers = [(1, "info@xn--strae-oqa.example", "+886912345678"), (2, own, None), (3, "a@shop.example", None)]
    contacts = [
        (1, "email", "INFO@straße.example", True),
        (1, "sms", "0912 345 678", False),
        (1, "line", "info@xn--strae-oqa.example", False),
        (2, "email", " B@Other.example ", True),
        (2, "sms", "no number", False),
        (3, "email", "no address", False),
    ]
    async with empty.engine.begin() as connection:
        await connection.run_sync(fill)
        shop = await connection.run_sync(reflected_tables)
        for name in ("customers", "contacts", "customer_changes"):
            await connection.execute(delete(shop[name]))
        customer = {column.name: sample(column.type) for column in shop["customers"].columns}
        for number, email, phone in customers:
            values = {"id": number, "external_id": str(number), "email": email, "phone": phone, "country": "TW"}
            await connection.execute(insert(shop["customers"]), customer | values)
        contact = {column.name: sample(column.type) for column in shop["contacts"].columns}
        for number, channel, address, invalid in contacts:
            values = {"customer_id": number, "channel": channel, "address": address, "invalid": invalid}
            await connection.execute(insert(shop["contacts"]), contact | values)
    await migrate(empty)
    async with empty.engine.begin() as connection:
        after = await connection.run_sync(stored_rows)
    assert {(row["id"], row["email"]) for row in after["customers"]} == {(1, own), (2, own), (3, "a@shop.example")}
    assert {(row["customer_id"], row["channel"], row["address"], row["invalid"]) for row in after["contacts"]} == {
        (1, "email", None, True),
        (1, "sms", None, False),
        (1, "line", "info@xn--strae-oqa.example", False),
        (2, "email", other, True),
        (2, "sms", "no number", False),
        (3, "email", "no address", False),
    }
    assert [(row["kinds"], row["first_id"], row["last_id"]) for row in after["customer_changes"]] == [(6, 0, 2**63 - 1)]


async def test_segments_that_ask_for_a_channel_are_asked_again(empty: Database) -> None:
    await migrate(empty, "0010")
    async with empty.engine.begin() as connection:
        await connection.run_sync(fill)
        shop = await connection.run_sync(reflected_tables)
        await connection.execute(delete(shop["customer_changes"]))
        condition = {"attribute": {"dimension": "channel", "operator": "IN", "values": ["email"]}}
        stored = condition if connection.dialect.name == "postgresql" else dumps(condition)
        await connection.execute(update(shop["segments"]).values(include=stored))
    await migrate(empty)
    async with empty.engine.begin() as connection:
        marks = (await connection.run_sync(stored_rows))["customer_changes"]
    assert [(row["store_id"], row["first_id"], row["last_id"]) for row in marks] == [(1, 0, 2**63 - 1)]


@pytest.mark.parametrize(("name", "digest"), LANDED.items())
def test_a_revision_that_has_landed_never_changes(name: str, digest: str) -> None:
    revision = files("domain.migrations").joinpath("versions", name)
    assert sha256(revision.read_bytes()).hexdigest() == digest


def test_every_revision_has_landed() -> None:
    versions = files("domain.migrations").joinpath("versions")
    assert {revision.name for revision in versions.iterdir() if revision.name[:4].isdigit()} == set(LANDED)


def test_the_way_has_no_branches() -> None:
    assert len(ScriptDirectory.from_config(configuration()).get_heads()) == 1


def test_every_table_is_a_stores_and_begins_with_it() -> None:
    keys = {name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()}
    assert {name: key for name, key in keys.items() if key[:1] != ["store_id"]} == {
        "stores": ["id"],
        "installation": ["id"],
    }


async def test_names_that_were_there_before_are_folded(empty: Database) -> None:
    """In several pages of rows."""
    named = ("segments", "lists", "campaigns", "import_customers")
    names = {number: f"ÅNN  {number}" for number in range(2, 10_020)} | {10_020: None}
    await migrate(empty, "0010")
    async with empty.engine.begin() as connection:
        before = await connection.run_sync(fill)
        customers = (await connection.run_sync(reflected_tables))["customers"]
        [row] = before["customers"]
        rows = [row | {"id": number, "external_id": str(number), "name": name} for number, name in names.items()]
        await connection.execute(insert(customers), rows)
        for table in ("customers", *named):
            await connection.exec_driver_sql(f"UPDATE {table} SET name = 'Straße' WHERE name = '1'")
    await migrate(empty)
    async with empty.engine.begin() as connection:
        after = await connection.run_sync(stored_rows)
    folded = {row["id"]: row["folded_name"] for row in after["customers"]}
    assert folded == {1: "strasse", 10_020: NAMELESS} | {number: f"ann {number}" for number in range(2, 10_020)}
    assert {name: [row["folded_name"] for row in after[name]] for name in named} == {
        name: ["strasse"] for name in named
    }


async def test_what_customers_objected_to_their_addresses_object_to(empty: Database) -> None:
    await migrate(empty, "0010")
    async with empty.engine.begin() as connection:
        await connection.run_sync(fill)
        shop = await connection.run_sync(reflected_tables)
        customer = {column.name: sample(column.type) for column in shop["customers"].columns}
        contact = {column.name: sample(column.type) for column in shop["contacts"].columns}
        people: dict[int, dict[str, object]] = {2: {"blacklisted": False}, 3: {"blacklisted": True, "phone": None}}
        for number, values in people.items():
            own = {"id": number, "external_id": str(number), "email": f"{number}@mail.example", "phone": "+1"}
            await connection.execute(insert(shop["customers"]), {**customer, **own, **values})
        consents: dict[str, dict[str, object]] = {
            "email": {"consent": "UNSUBSCRIBED", "address": None, "invalid": False},
            "line": {"consent": "UNSUBSCRIBED", "address": "U1", "invalid": True},
            "sms": {"consent": "SUBSCRIBED", "address": None, "invalid": True},
        }
        for channel, values in consents.items():
            row = {**contact, "customer_id": 2, "channel": channel, **values}
            await connection.execute(insert(shop["contacts"]), row)
    await migrate(empty)
    async with empty.engine.begin() as connection:
        after = await connection.run_sync(stored_rows)
    objections = after["objections"]
    assert {(row["address"], row["channel"], row["reason"]) for row in objections if row["customer_id"] != 1} == {
        ("2@mail.example", "email", "UNSUBSCRIBED"),
        ("+1", "email", "UNSUBSCRIBED"),
        ("U1", "line", "UNSUBSCRIBED"),
        ("U1", "line", "BOUNCED"),
        ("2@mail.example", "sms", "BOUNCED"),
        ("+1", "sms", "BOUNCED"),
        ("3@mail.example", "*", "BLACKLISTED"),
    }
    # Customer 1 was blacklisted, and had come back after an erasure.
    assert {(row["address"], row["channel"], row["reason"]) for row in objections if row["customer_id"] == 1} == {
        ("1", "*", "BLACKLISTED"), ("1", "*", "ERASED"), ("1", "1", "BOUNCED"),
    }  # fmt: skip
    assert all(row["lifted_at"] is None for row in objections)
    assert [row["channel"] for row in after["suppressions"]] == ["*"]
