"""What an export writes of customers, an import reads into another store, and nothing is changed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain.customers import actions, queries
from domain.customers.fields import FIELDS
from domain.customers.model import Consent, ContactChange, CustomerChange, PropertyChange
from domain.customers.tables import customers
from domain.customers.upsert import upsert
from domain.imports.model import ImportKind
from domain.kit.db import Database
from domain.kit.values import ValueType
from domain.lists.export.columns import Table, check_fields
from domain.lists.export.files import ExportFormat, open_sheet
from domain.segments.catalogue.build import catalogue
from domain.segments.sql.scope import FilterScope
from tests.domain.imports.files import bring_in, problems_of
from tests.factories import NOW, add_store

ZONE = "Asia/Taipei"
PROPERTIES = {
    "word": ValueType.STRING,
    "size": ValueType.NUMBER,
    "fit": ValueType.BOOLEAN,
    "since": ValueType.DATE,
    "seen": ValueType.DATETIME,
}
CHANNELS = ("line", "email")
COLUMNS = (
    *(field.name for field in FIELDS if field.imported),
    "tag",
    *(f"property.{key}" for key in PROPERTIES),
    *(f"{kind}.{channel}" for kind in ("consent", "contact") for channel in CHANNELS),
)

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])
TEXT = st.text(LETTERS | st.sampled_from("'=+-@,;\"' \u0301|01"), max_size=12)
INSTANT = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1500 < moment.year < 2900)
DAY = st.dates(date(1, 1, 1), date(9999, 12, 31))
NOTE = st.lists(TEXT, max_size=3).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\t"]).map(lambda end: end.join(lines))
)


@st.composite
def customer(draw: st.DrawFn, number: int) -> CustomerChange:
    def maybe(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | values)

    values: Mapping[ValueType, st.SearchStrategy[object]] = {
        ValueType.STRING: TEXT.filter(lambda text: bool(text.strip())),
        ValueType.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15),
        ValueType.BOOLEAN: st.booleans(),
        ValueType.DATE: DAY.map(date.isoformat),
        ValueType.DATETIME: INSTANT.map(datetime.isoformat),
    }
    # Each value is of its field's own type.
    fields: dict[str, Any] = {
        "external_id": f"c{number}",
        "email": maybe(st.sampled_from([f"n{number}@mail.example", f"'x{number}@mail.example"])),
        "phone": maybe(st.sampled_from(["+886912345678", "+390612345678", "+12125550123"])),
        "country": maybe(st.sampled_from(["TW", "XK", "GB"])),
        "locale": maybe(st.sampled_from(["zh-Hant-TW", "en"])),
        "preferred_channel": maybe(st.sampled_from(CHANNELS)),
        "birthday": maybe(DAY),
        "tier_expires_on": maybe(DAY),
        "registered_at": maybe(INSTANT),
        "last_login_at": maybe(INSTANT),
        "note": maybe(NOTE),
        # Whoever has none came by the import.
        "source": draw(st.sampled_from(["pos", "'=pos", "-"])),
    }
    for field in FIELDS:
        if field.name in fields or not field.imported:
            continue
        if field.choices is not None:
            fields[field.name] = maybe(st.sampled_from(list(field.choices)))
        elif field.value_type is ValueType.BOOLEAN:
            fields[field.name] = draw(st.booleans())
        else:
            fields[field.name] = maybe(TEXT)
    return CustomerChange(
        **fields,
        tags=draw(st.lists(TEXT, max_size=4)),
        properties=[PropertyChange(key, maybe(values[kind])) for key, kind in PROPERTIES.items()],
        contacts=[
            ContactChange(channel, address=maybe(TEXT), consent=draw(st.sampled_from(list(Consent))))
            for channel in ("line",)
        ],
    )


async def shown(database: Database, store_id: int) -> dict[str | None, object]:
    """Return all that is known of the store's customers, but for when and how it came to be known."""
    async with database.read() as tx:
        ids = list((await tx.execute(select(customers.c.id).where(customers.c.store_id == store_id))).scalars())
        rows = await queries.by_ids(tx, store_id, ids)
        tags = await queries.tags_of(tx, store_id, ids)
        properties = await queries.properties_of(tx, store_id, ids)
        contacts = await queries.contacts_of(tx, store_id, ids)
    return {
        row.external_id: (
            {field.name: getattr(row, field.name) for field in FIELDS if field.imported},
            sorted(tags[row.id]),
            {value.key: value.value for value in properties[row.id]},
            {
                contact.channel: (contact.address, contact.consent)
                for contact in contacts[row.id]
                if contact.address is not None or contact.consent is not Consent.NOT_SUBSCRIBED
            },
        )
        for row in rows
    }


async def exported(database: Database, store_id: int, path: Path) -> bytes:
    async with database.read() as tx:
        definitions = await queries.definitions(tx, store_id)
        scope = FilterScope(store_id, ZONE, NOW, tx.dialect)
        fields = check_fields(catalogue(definitions, dict.fromkeys(CHANNELS, "x")), scope, COLUMNS)
        ids = await tx.execute(select(customers.c.id).where(customers.c.store_id == store_id))
        rows = await Table(scope, COLUMNS, fields).rows(tx, list(ids.scalars()))
    sheet = open_sheet(path, ExportFormat.CSV, COLUMNS, ZoneInfo(ZONE))
    sheet.write(rows)
    sheet.close()
    return path.read_bytes()  # noqa: ASYNC240 - a small file of this test


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
async def test_an_export_is_read_into_another_store_as_it_was(database: Database, data: st.DataObject) -> None:
    async with database.write() as tx:
        store_ids = [await add_store(tx, timezone=ZONE) for _ in range(2)]
        for store_id in store_ids:
            for key, kind in PROPERTIES.items():
                await actions.add_definition(tx, store_id, key, key, kind, NOW)
        for number in range(data.draw(st.integers(1, 3))):
            await upsert(tx, store_ids[0], data.draw(customer(number)), NOW)
    before = await shown(database, store_ids[0])
    with TemporaryDirectory() as folder:
        content = await exported(database, store_ids[0], Path(folder) / "list.csv")
    done = await bring_in(database, store_ids[1], ImportKind.CUSTOMERS, content)
    assert await problems_of(database, done) == []
    assert await shown(database, store_ids[1]) == before
