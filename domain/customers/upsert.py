"""Creates the customers that clients describe, or updates those that exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from muster_sdk import AddressKind

from domain import changes as change_log
from domain.addresses import KNOWN_KINDS, AddressKinds
from domain.changes import ChangeKind
from domain.customers import identity, objections, queries, writes
from domain.customers import tags as customer_tags
from domain.customers.contacts import save_contacts
from domain.customers.fields import FIELDS
from domain.customers.identity import Identifiers, NamedKeys
from domain.customers.model import (
    MAX_BATCH,
    ContactChange,
    Customer,
    CustomerChange,
    ObjectionReason,
    PropertyDefinition,
)
from domain.customers.own_addresses import OWN_COLUMNS, drop_repeated
from domain.customers.validation import clean
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, ErrorCode, ErrorCollector
from domain.kit.values import UNSET, Unset, Value


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The id of the customer of each input, in the inputs' order, and the ids of those that are new."""

    ids: list[int]
    created: frozenset[int]

    @property
    def updated(self) -> int:
        return len(set(self.ids) - self.created)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The store's properties by key, and the kinds of address of channels."""

    definitions: Mapping[str, PropertyDefinition]
    kinds: AddressKinds


@dataclass(frozen=True, slots=True)
class _CustomerUpdate:
    """An input with the customer as it was, None for a new one, and the row that it becomes."""

    change: CustomerChange
    before: Customer | None
    row: writes.Row

    @property
    def id(self) -> int:
        customer_id = self.row["id"]
        assert isinstance(customer_id, int)
        return customer_id

    @property
    def is_restored(self) -> bool:
        return self.before is not None and self.before.deleted_at is not None

    def contacts(self, kinds: AddressKinds) -> list[ContactChange]:
        """Return the contacts, without addresses that are the customer's own."""
        contacts: list[ContactChange] = []
        for contact in self.change.contacts:
            own_column = OWN_COLUMNS.get(kinds.get(contact.channel, AddressKind.HANDLE))
            is_own = own_column is not None and contact.address == self.row[own_column]
            contacts.append(replace(contact, address=None) if is_own else contact)
        return contacts

    @property
    def has_moved(self) -> bool:
        """Return whether the customer has another e-mail address or phone number than before."""
        before = self.before
        return before is not None and (before.email != self.row["email"] or before.phone != self.row["phone"])


async def upsert(
    tx: Transaction,
    store_id: int,
    change: CustomerChange,
    now: datetime,
    *,
    source: str = "api",
    kinds: AddressKinds = KNOWN_KINDS,
) -> tuple[Customer, bool]:
    """Return the customer as it is now, and whether it is new. Raise DomainErrors when the input is wrong."""
    definitions = await _lock_definitions(tx, store_id)
    try:
        cleaned = clean(change, definitions, kinds)
    except DomainError as error:
        raise error.under("input") from None
    result = await _save(tx, store_id, [cleaned], _Rules(definitions, kinds), now, source)
    customer = (await queries.by_ids(tx, store_id, result.ids))[0]
    return customer, bool(result.created)


async def upsert_many(
    tx: Transaction,
    store_id: int,
    changes: Sequence[CustomerChange],
    now: datetime,
    *,
    source: str = "api",
    kinds: AddressKinds = KNOWN_KINDS,
) -> UpsertResult:
    """Save all of the changes. Raise DomainErrors with every error of each, and save none, when one is wrong."""
    if len(changes) > MAX_BATCH:
        message = f"{len(changes):,} customers are too many: {MAX_BATCH:,} at most"
        raise DomainError(message, field=("input",), code=ErrorCode.LIMIT_EXCEEDED)
    definitions = await _lock_definitions(tx, store_id)
    cleaned: list[CustomerChange] = []
    errors = ErrorCollector()
    for index, change in enumerate(changes):
        with errors.under("input", index):
            cleaned.append(clean(change, definitions, kinds))
    errors.raise_any()
    return await _save(tx, store_id, cleaned, _Rules(definitions, kinds), now, source)


async def _lock_definitions(tx: Transaction, store_id: int) -> dict[str, PropertyDefinition]:
    """Return the store's definitions by key, which stay as they are until the transaction ends."""
    await writes.take_numbers(tx, store_id, 0)
    return {definition.key: definition for definition in await queries.definitions(tx, store_id)}


async def _save(
    tx: Transaction,
    store_id: int,
    changes: Sequence[CustomerChange],
    rules: _Rules,
    now: datetime,
    source: str,
) -> UpsertResult:
    """Save in rounds, so that a customer who comes twice is changed twice, in order."""
    first_number = await writes.take_numbers(tx, store_id, len(changes))
    ids: list[int] = [0] * len(changes)
    created: set[int] = set()
    moved: set[int] = set()
    addressed: set[int] = set()
    pending = list(range(len(changes)))
    while pending:
        descriptions = [_identifiers(changes[index]) for index in pending]
        known_ids = await identity.find(tx, store_id, descriptions)
        known = {id_ for id_ in known_ids if id_ is not None}
        customers = {customer.id: customer for customer in await queries.by_ids(tx, store_id, sorted(known))}
        updates: list[_CustomerUpdate] = []
        keys_of_round, ids_of_round = NamedKeys(), set[int]()
        postponed: list[int] = []
        for index, named, known_id in zip(pending, descriptions, known_ids, strict=True):
            change, before = changes[index], None if known_id is None else customers[known_id]
            if known_id in ids_of_round or keys_of_round.may_share(named):
                postponed.append(index)
            else:
                row = writes.new_row(store_id, first_number + index, now)
                if before is not None:
                    row = {name: getattr(before, name) for name in row}
                updates.append(_CustomerUpdate(change, before, _changed_row(row, change, now)))
                ids[index] = updates[-1].id
            keys_of_round.add(named)
            if before is not None:
                ids_of_round.add(before.id)
                if before.deleted_at is not None:
                    # Restored, it comes before others that its stored keys find now.
                    keys_of_round.add(Identifiers(before.external_id, before.email, before.phone))
        created |= {update.id for update in updates if update.before is None}
        await _save_round(tx, store_id, updates, rules, now, source)
        pending = postponed
        moved |= {update.id for update in updates if update.has_moved}
        addressed |= {update.id for update in updates if update.change.contacts}
    await _move_objections(tx, store_id, sorted(moved), sorted(moved | addressed), now)
    return UpsertResult(ids, frozenset(created))


async def _move_objections(
    tx: Transaction, store_id: int, corrected: Sequence[int], moved: Sequence[int], now: datetime
) -> None:
    """Have new addresses object as their customers do, and be trusted that were corrected, whatever failed before."""
    known = await objections.addresses_of(tx, store_id, corrected)
    own = {address for addresses in known.values() for address in (addresses.email, addresses.phone) if address}
    await objections.lift(tx, store_id, own, now, ObjectionReason.BOUNCED)
    for start in range(0, len(moved), objections.RECORDS_AT_ONCE):
        await objections.add_of_records(tx, store_id, moved[start : start + objections.RECORDS_AT_ONCE], now)


def _identifiers(change: CustomerChange) -> Identifiers:
    keys = (change.external_id, change.email, change.phone)
    return Identifiers(*(key if isinstance(key, str) else None for key in keys))


def _changed_row(row: writes.Row, change: CustomerChange, now: datetime) -> writes.Row:
    """Return the row with the change in it; another address is unverified unless the change says otherwise."""
    changed: writes.Row = {}
    for field in FIELDS:
        value = getattr(change, field.name)
        if value is not UNSET:
            changed[field.name] = bool(value) if field.required else value
    for address in ("email", "phone"):
        if address in changed and changed[address] != row[address]:
            changed.setdefault(f"{address}_verified", False)
    return row | changed | {"updated_at": now, "deleted_at": None}


async def _save_round(
    tx: Transaction,
    store_id: int,
    updates: Sequence[_CustomerUpdate],
    rules: _Rules,
    now: datetime,
    source: str,
) -> None:
    """Write customers of whom none comes twice, with their tags, addresses, properties and contacts."""
    moved_ids = [update.id for update in updates if update.has_moved]
    await drop_repeated(tx, store_id, moved_ids, rules.kinds)
    await writes.add(tx, [update.row for update in updates if update.before is None])
    await writes.replace(tx, [update.row for update in updates if update.before is not None])
    ids = [update.id for update in updates]
    await change_log.record_change(tx, store_id, ChangeKind.PROFILE | ChangeKind.CONTACTS, ids)
    restored_ids = [update.id for update in updates if update.is_restored]
    await change_log.record_change(tx, store_id, ChangeKind.EXISTENCE, restored_ids)
    await writes.clear_invalid(tx, store_id, moved_ids)
    tags = {update.id: update.change.tags or () for update in updates if not isinstance(update.change.tags, Unset)}
    await customer_tags.replace_tags(tx, store_id, tags, now, source)
    addresses = {
        update.id: update.change.addresses or () for update in updates if not isinstance(update.change.addresses, Unset)
    }
    await writes.replace_addresses(tx, store_id, addresses)
    properties = {
        (update.id, rules.definitions[item.key].id): (rules.definitions[item.key], cast("Value | None", item.value))
        for update in updates
        for item in update.change.properties
    }
    await writes.put_properties(tx, store_id, properties)
    contacts = {update.id: update.contacts(rules.kinds) for update in updates if update.change.contacts}
    await save_contacts(tx, store_id, contacts, now, source)
    await drop_repeated(tx, store_id, moved_ids, rules.kinds)
