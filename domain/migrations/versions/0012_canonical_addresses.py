"""Addresses that are stored take their canonical form, and contacts lose those that are the customer's own.

One e-mail address has one spelling from this release on: a domain that was written as xn-- is stored in Unicode. Of
contacts that is done on the channels `email` and `sms`; those of plugins follow as they are written. What is no address
by today's rule stays as it is, and a channel refuses to send to it.

Customers and contacts are read once. Rows are written again only where the address differs, 2,000 a statement, and by
one statement where a contact repeats the customer's own address: every contact, in a store whose shop always sent both.
Customers are marked as changed once, in stores with such rows and in those whose tracked segments ask for `channel`,
which now finds who can be reached there without a contact.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import phonenumbers
import sqlalchemy as sa
from alembic import op
from muster_sdk import AddressInvalid, canonical_email

from domain.kit.db.types import Id, Instant, Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_Rows = sa.Select[Any, Any, Any, Any]
_Page = Sequence[sa.Row[Any, Any, Any, Any]]

_AT_ONCE = 2_000
_PROFILE_AND_CONTACTS = 2 | 4
_EVERY_CUSTOMER = 2**63 - 1

_customers = sa.table(
    "customers",
    sa.column("store_id", sa.Integer),
    sa.column("id", sa.BigInteger),
    sa.column("email", sa.String),
    sa.column("phone", sa.String),
    sa.column("country", sa.String),
)
_contacts = sa.table(
    "contacts",
    sa.column("store_id", sa.Integer),
    sa.column("customer_id", sa.BigInteger),
    sa.column("channel", sa.String),
    sa.column("address", sa.String),
)
_changes = sa.table(
    "customer_changes",
    sa.column("store_id", sa.Integer),
    sa.column("id", sa.String),
    sa.column("kinds", sa.Integer),
    sa.column("first_id", sa.BigInteger),
    sa.column("last_id", sa.BigInteger),
    sa.column("due_at", Instant),
)
_segments = sa.table(
    "segments",
    sa.column("store_id", sa.Integer),
    sa.column("id", Id),
    sa.column("include", Json),
    sa.column("exclude", Json),
)
_tracked = sa.table("tracked_segments", sa.column("store_id", sa.Integer), sa.column("segment_id", Id))


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # Without statistics, each row below would be looked for among all of its channel.
        connection.exec_driver_sql("ANALYZE customers, contacts")
    stores = set[int]()
    same = (_customers.c.store_id == _contacts.c.store_id) & (_customers.c.id == _contacts.c.customer_id)
    c = _contacts.c
    emails = sa.select(_customers.c.store_id, _customers.c.id, _customers.c.email, sa.null()).where(
        _may_be_written_otherwise(_customers.c.email, connection)
    )
    contact = sa.select(c.store_id, c.customer_id, c.address, _customers.c.country).select_from(
        _contacts.outerjoin(_customers, same)
    )
    contact_emails = contact.where(
        c.channel == "email",
        sa.or_(
            _may_be_written_otherwise(c.address, connection),
            c.address != sa.func.lower(c.address),
            c.address != sa.func.trim(c.address),
            c.address.like('"%'),
        ),
    )
    contact_phones = contact.where(c.channel == "sms", c.address.is_not(None))
    of_email, of_sms = (sa.update(_contacts).where(c.channel == channel) for channel in ("email", "sms"))
    stores |= _rewrite(connection, emails, _email, sa.update(_customers), _customers.c.id)
    stores |= _rewrite(connection, contact_emails, _email, of_email, c.customer_id)
    stores |= _rewrite(connection, contact_phones, _phone, of_sms, c.customer_id)
    for channel, own in (("email", _customers.c.email), ("sms", _customers.c.phone)):
        repeated = (c.channel == channel, same, c.address == own)
        holding = connection.execute(sa.select(c.store_id).where(*repeated).distinct()).scalars().all()
        if holding:
            connection.execute(sa.update(_contacts).where(*repeated).values(address=sa.null()))
            stores.update(holding)
    _mark(connection, stores | _asking_for_channels(connection))


def downgrade() -> None:
    """Leave the addresses: the release before reads them as well."""


def _may_be_written_otherwise(address: sa.ColumnElement[str], connection: sa.Connection) -> sa.ColumnElement[bool]:
    size: sa.ColumnElement[int] = (
        sa.func.octet_length(address)
        if connection.dialect.name == "postgresql"
        else sa.func.length(sa.cast(address, sa.LargeBinary))
    )
    return sa.or_(address.like("%xn--%"), sa.func.length(address) != size)


def _email(address: str, _: str | None) -> str:
    try:
        return canonical_email(address.strip())
    except AddressInvalid:
        return address


def _phone(address: str, country: str | None) -> str:
    try:
        number = phonenumbers.parse(address, country)
    except phonenumbers.NumberParseException:
        return address
    if not phonenumbers.is_possible_number(number):
        return address
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _rewrite(
    connection: sa.Connection,
    rows: _Rows,
    canonical: Callable[[str, str | None], str],
    update: sa.Update,
    customer: sa.ColumnClause[Any],
) -> set[int]:
    """Store the canonical form of the addresses that a select gives, and return their stores."""
    stores: set[int] = set()
    table, column = (_customers, "email") if customer is _customers.c.id else (_contacts, "address")
    store = table.c.store_id
    keyed = update.where(store == sa.bindparam("of_store"), customer == sa.bindparam("of_customer"))
    for page in _pages(connection, rows, store, customer):
        changed = [
            {"of_store": store_id, "of_customer": customer_id, "canonical": form}
            for store_id, customer_id, address, country in page
            if (form := canonical(address, country)) != address
        ]
        if changed:
            connection.execute(keyed.values({column: sa.bindparam("canonical")}), changed)
            stores |= {int(row["of_store"]) for row in changed}
    return stores


def _pages(
    connection: sa.Connection, rows: _Rows, store: sa.ColumnElement[int], customer: sa.ColumnElement[int]
) -> Iterator[_Page]:
    page: _Page = []
    ordered = rows.order_by(store, customer).limit(_AT_ONCE)
    while True:
        after = sa.tuple_(store, customer) > sa.tuple_(*map(sa.literal, page[-1][:2])) if page else sa.true()
        page = connection.execute(ordered.where(after)).all()
        if not page:
            return
        yield page


def _asking_for_channels(connection: sa.Connection) -> set[int]:
    of_segment = (_segments.c.store_id == _tracked.c.store_id) & (_segments.c.id == _tracked.c.segment_id)
    asks = sa.or_(*(sa.cast(part, sa.Text).like('%"channel"%') for part in (_segments.c.include, _segments.c.exclude)))
    asking = sa.select(_tracked.c.store_id).select_from(_tracked.join(_segments, of_segment)).where(asks)
    return set(connection.execute(asking.distinct()).scalars())


def _mark(connection: sa.Connection, stores: set[int]) -> None:
    """Have segments be asked again for every customer of the stores."""
    mark = {"kinds": _PROFILE_AND_CONTACTS, "first_id": 0, "last_id": _EVERY_CUSTOMER}
    due = datetime(1970, 1, 1, tzinfo=UTC)
    rows = [{**mark, "store_id": store_id, "id": str(uuid4()), "due_at": due} for store_id in sorted(stores)]
    if rows:
        connection.execute(sa.insert(_changes), rows)
