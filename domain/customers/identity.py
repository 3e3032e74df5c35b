"""Finds the customers that imports, API and events name, all by one rule.

A description names an external id, an e-mail address, a phone number, or several of them. These are its customer's
keys, the strongest first. The customer is found by the strongest key that finds any; a weaker key does not find a
customer whose stronger key is another one than the description names, for that is another person.

| the description names                       | the customer                                                          |
|---------------------------------------------|-----------------------------------------------------------------------|
| an external id that is known                | the one who has it, whatever else the description names                |
| one that is unknown, and a known e-mail     | one of that address without an external id, who gets it                |
| ... all of that address have other ids      | by the phone number, else a new one                                    |
| an e-mail alone that is known               | one of that address, with or without an external id                    |
| an unknown e-mail, and a known phone number | one of that number without an e-mail address (and without an external |
|                                             | id, where the description names one)                                   |
| a phone number alone that is known          | one of that number                                                     |
| nothing that is known                       | a new one                                                              |

Of several who could be meant, those who are not deleted come first, then the oldest. A deleted customer is found when
there is no other, and restored by whoever writes; one who was erased has no keys, and is never found.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ARRAY, ColumnElement, Integer, Text, and_, case, column, func, literal, select

from domain.customers.tables import customers
from domain.kit.db import Transaction


class Identifiers(NamedTuple):
    """The keys that a description names its customer by, as they are stored; None for what it does not name."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None


def customer_id_of(
    store_id: int, external_id: ColumnElement[str], email: ColumnElement[str], phone: ColumnElement[str]
) -> ColumnElement[int]:
    """Return the id of the store's customer whom the columns of a row name, null when there is none.

    Each key costs a row one look-up. Their indexes begin with the key, and the store is compared in a way that
    PostgreSQL uses no index for: without statistics it would take any index of the store, and read all of it.
    """
    known = customers.alias("known")
    ids = select(known.c.id).where(known.c.store_id.is_not_distinct_from(store_id))

    def first(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        live_first = (known.c.deleted_at.is_not(None), known.c.id)
        return ids.where(*conditions).order_by(*live_first).limit(1).scalar_subquery()

    # A select for each combination of keys, rather than one with an OR: each has an index of those who may be meant.
    may_get_id, may_get_email = known.c.external_id.is_(None), known.c.email.is_(None)
    has_email, has_phone = known.c.email == email, known.c.phone == phone
    by_email = case((external_id.is_(None), first(has_email)), else_=first(has_email, may_get_id))
    by_phone = case(
        (and_(external_id.is_(None), email.is_(None)), first(has_phone)),
        (external_id.is_(None), first(has_phone, may_get_email)),
        (email.is_(None), first(has_phone, may_get_id)),
        else_=first(has_phone, may_get_email, may_get_id),
    )
    return func.coalesce(ids.where(known.c.external_id == external_id).scalar_subquery(), by_email, by_phone)


class NamedKeys:
    """The keys that the descriptions of a batch name, and which others may be of one of their customers.

    Descriptions of which none may be of another's customer can be looked for together, and saved in one statement.
    """

    def __init__(self) -> None:
        self._external_ids: set[str] = set()
        # By key, which stronger keys stood beside it: a bit for each combination that has been named.
        self._emails: dict[str, int] = {}
        self._phones: dict[str, int] = {}

    def add(self, named: Identifiers) -> None:
        external_id, email, phone = named.external_id, named.email, named.phone
        if external_id is not None:
            self._external_ids.add(external_id)
        if email is not None:
            self._emails[email] = self._emails.get(email, 0) | 1 << (external_id is not None)
        if phone is not None:
            stronger = (external_id is not None) + 2 * (email is not None)
            self._phones[phone] = self._phones.get(phone, 0) | 1 << stronger

    def may_share(self, named: Identifiers, *, folded: bool = False) -> bool:
        """Return whether this may be of the customer of a description before it: it names a key of theirs.

        It is not of theirs where both name a stronger key, which is another one. `folded`: descriptions whose strongest
        key is this one's are left out of account.
        """
        external_id, email, phone = named.external_id, named.email, named.phone
        if not folded and external_id in self._external_ids:
            return True
        stronger = int(external_id is not None)
        if email is not None:
            others = _UNLIKE_EMAIL[stronger] & ~int(folded and not stronger)
            if self._emails.get(email, 0) & others:
                return True
            stronger += 2
        if phone is None:
            return False
        others = _UNLIKE_PHONE[stronger] & ~int(folded and not stronger)
        return bool(self._phones.get(phone, 0) & others)


# Of the combinations of stronger keys, those that have none in common with the one at this place.
_UNLIKE_EMAIL = (0b11, 0b01)
_UNLIKE_PHONE = (0b1111, 0b0101, 0b0011, 0b0001)


async def find(tx: Transaction, store_id: int, descriptions: Sequence[Identifiers]) -> list[int | None]:
    """Return the id of the customer of each description, None for one that the store does not have."""
    if not descriptions:
        return []
    position, *keys = _rows_of(descriptions, tx.dialect)
    ids: list[int | None] = [None] * len(descriptions)
    found = select(position.label("position"), customer_id_of(store_id, *keys).label("customer_id")).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    for at, customer_id in await tx.execute(select(*found.c).where(found.c.customer_id.is_not(None))):
        ids[at] = customer_id
    return ids


def _rows_of(descriptions: Sequence[Identifiers], dialect: str) -> Sequence[ColumnElement[Any]]:
    """Return the columns of a table of the descriptions: the position of each, and its keys."""
    if dialect == "postgresql":
        positions = literal(list(range(len(descriptions))), ARRAY(Integer))
        texts = [literal(list(values), ARRAY(Text)) for values in zip(*descriptions, strict=True)]
        columns = (column(name, Text) for name in Identifiers._fields)
        rows = func.unnest(positions, *texts).table_valued(column("position", Integer), *columns, name="named")
        return list(rows.render_derived().c)
    values = (
        func.json_each(orjson.dumps([tuple(named) for named in descriptions]).decode())
        .table_valued("key", "value", name="named")
        .c
    )
    return [
        values.key,
        *(func.json_extract(values.value, f"$[{at}]", type_=Text()) for at in range(len(Identifiers._fields))),
    ]
