"""Customers of a history's store."""

from collections.abc import Sequence
from uuid import UUID

from domain.customers.tables import contacts, customer_facts, customer_numbers, customer_tags, customers
from domain.kit import ids
from domain.lists.tables import list_members, lists
from domain.segments.codec import to_stored
from domain.segments.filters import AttributeCondition, Operator
from domain.segments.tables import segments
from domain.stores.tables import stores
from tests.simulation.storage import START, Storage

_STORE: dict[str, object] = {
    "name": "Shop",
    "timezone": "UTC",
    "currency": "USD",
    "static_segment_members": 10_000,
    "property_conditions": 5,
    "created_at": START,
}
_SEGMENT: dict[str, object] = {
    "list_name": "L",
    "kind": "DYNAMIC",
    "active": True,
    "update_mode": "MANUAL",
    "started_on": START.date(),
    "include": to_stored(AttributeCondition("tag", Operator.EQ, ("VIP",))),
    "created_at": START,
    "updated_at": START,
}

_CUSTOMER: dict[str, object] = {
    "email_verified": False,
    "phone_verified": False,
    "member": False,
    "blacklisted": False,
    "created_at": START,
    "updated_at": START,
}
_CONTACT: dict[str, object] = {"channel": "recording", "consent": "SUBSCRIBED", "invalid": False}


def add_shop(storage: Storage) -> int:
    """Add a store, and return its id."""
    store_id: int = storage.value("SELECT coalesce(max(id), 0) + 1 FROM stores")
    storage.add(stores, [_STORE | {"id": store_id}])
    return store_id


def add_people(storage: Storage, store_id: int, count: int, twins: int = 0) -> list[int]:
    """Add so many customers who accept messages, and return their ids; `twins` behind them have addresses of others."""
    people = list(range(1, count + twins + 1))
    storage.add(customer_numbers, [{"store_id": store_id, "last": count + twins}])
    mailboxes = {person: person if person <= count else person - count for person in people}
    rows = [
        {"store_id": store_id, "id": person, "external_id": f"p{person}", "email": f"p{mailboxes[person]}@shop.example"}
        for person in people
    ]
    storage.add(customers, [_CUSTOMER | row for row in rows])
    facts = [{"store_id": store_id, "customer_id": person, "order_count": 0, "total_spent": 0} for person in people]
    storage.add(customer_facts, facts)
    storage.add(contacts, [_CONTACT | {"store_id": store_id, "customer_id": person} for person in people])
    return people


def add_tags(storage: Storage, store_id: int, people: Sequence[int]) -> None:
    """Make these customers VIPs."""
    tag = {"tag": "VIP", "source": "manual", "added_at": START}
    if people:
        storage.add(customer_tags, [{"store_id": store_id, "customer_id": person} | tag for person in people])


def add_segment(storage: Storage, store_id: int, segment_id: UUID, **values: object) -> None:
    """Add a segment of VIPs."""
    storage.add(segments, [_SEGMENT | {"store_id": store_id, "id": segment_id, "name": str(segment_id)} | values])


def add_list(storage: Storage, store_id: int, people: Sequence[int]) -> UUID:
    """Add a list of these customers, and return its id."""
    segment_id, list_id = ids.new(), ids.new()
    add_segment(storage, store_id, segment_id, active=False)
    row = {"store_id": store_id, "id": list_id, "segment_id": segment_id, "name": "L", "number": 1}
    row |= {"status": "READY", "count": len(people), "created_at": START, "expires_at": START}
    storage.add(lists, [row])
    members = [{"store_id": store_id, "list_id": list_id, "customer_id": person} for person in people]
    storage.add(list_members, members)
    return list_id
