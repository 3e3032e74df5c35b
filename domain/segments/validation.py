"""From what a caller says of a segment to the segment, or to everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from domain.extensions import NO_EXTENSIONS, Extensions
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCollector
from domain.kit.values import UNSET
from domain.segments import language
from domain.segments.catalogue import Catalogue
from domain.segments.filters import BLACKLISTED, Definition, Filter
from domain.segments.language.filter_parser import FilterParser, ReadId, plain_id
from domain.segments.model import (
    PolicyInput,
    Segment,
    SegmentInput,
    SegmentKind,
    UpdateMode,
    check_description,
    check_name,
    check_policy,
)
from domain.segments.sql.scope import FilterScope
from domain.stores.model import Store

T = TypeVar("T")
_BY_HAND = PolicyInput(UpdateMode.MANUAL)


@dataclass(frozen=True, slots=True)
class FilterContext:
    """Where filters are read: the store, its catalogue with what plugins add to it, and how IDs are written there."""

    shop: Store
    catalogue: Catalogue
    now: datetime
    read_id: ReadId = plain_id
    extensions: Extensions = NO_EXTENSIONS

    def scope(self, tx: Transaction) -> FilterScope:
        return FilterScope(self.shop.id, self.shop.timezone, self.now, tx.dialect)


@dataclass(slots=True)
class SegmentDraft:
    """A segment as it would become; `errors` is empty when it may."""

    desk: FilterContext
    segment: Segment
    errors: ErrorCollector = field(default_factory=ErrorCollector)

    def apply(self, given: SegmentInput) -> None:
        if given.kind is not UNSET and given.kind not in {None, self.segment.kind}:
            self.errors.add(DomainError("A segment stays dynamic or static", field=("kind",)))
        if given.name is not UNSET:
            self._set("name", lambda: check_name(given.name))
        if given.description is not UNSET:
            said = given.description
            self._set("description", lambda: check_description(said))
        if given.update is not UNSET:
            wanted = given.update or _BY_HAND
            self._change_policy(wanted)
        if self.segment.kind is SegmentKind.DYNAMIC:
            self._set("definition", lambda: define(self.desk, given, self.segment.definition))

    def _set(self, what: str, check: Callable[[], object]) -> None:
        with self.errors.under():
            # The field's type is the check's: each name stands beside it above.
            self.segment = replace(self.segment, **{what: check()})  # type: ignore[arg-type]

    def _change_policy(self, wanted: PolicyInput) -> None:
        """A cycle that stays as it was goes on, with what is due of it; a changed one begins today (SL-07)."""
        had, now, timezone = self.segment.policy, self.desk.now, self.desk.shop.timezone
        self._set("policy", lambda: check_policy(wanted, now, timezone))
        policy = self.segment.policy
        if (had.mode, had.every_days) == (policy.mode, policy.every_days):
            self.segment = replace(self.segment, policy=had)
        else:
            self.segment = replace(self.segment, next_refresh_at=self.segment.due_after(now, timezone))


def define(desk: FilterContext, given: SegmentInput, had: Definition | None = None) -> Definition:
    """The definition that the caller gives, by filters or by a query; what is left out stays."""
    include, exclude = (None if raw is UNSET else raw for raw in (given.include, given.exclude))
    if given.query is not UNSET and given.query is not None:
        if include is not None or exclude is not None:
            raise DomainError("Give either a query, or include and exclude", field=("query",))
        return read_query(desk, given.query)
    reader = FilterParser(desk.catalogue, desk.shop.timezone, desk.shop.limits.property_conditions, desk.read_id)
    kept = had or Definition()
    found = Definition(
        kept.include if given.include is UNSET else _read(reader, include, "include", None),
        kept.exclude if given.exclude is UNSET else _read(reader, exclude, "exclude", BLACKLISTED),
    )
    if reader.faults:
        raise DomainErrors(reader.faults)
    return found


def read_query(desk: FilterContext, query: str) -> Definition:
    limit = desk.shop.limits.property_conditions
    return language.read(query, desk.catalogue, desk.shop.timezone, property_conditions=limit, read_id=desk.read_id)


def _read(reader: FilterParser, raw: object, name: str, unsaid: Filter | None) -> Filter | None:
    return unsaid if raw is None else reader.read(raw, (name,))
