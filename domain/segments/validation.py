"""Validate a caller's input of a segment: the segment comes out, or everything that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.extensions import Extensions
from domain.kit.db import Transaction
from domain.kit.errors import DomainError, DomainErrors, ErrorCollector
from domain.kit.values import UNSET
from domain.segments import language
from domain.segments.catalogue import Catalogue
from domain.segments.filters import BLACKLISTED, Definition
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

_BY_HAND = PolicyInput(UpdateMode.MANUAL)


@dataclass(frozen=True, slots=True)
class FilterContext:
    """The context that filters are read in: the store, its catalogue with that of plugins, and the form of its IDs."""

    store: Store
    catalogue: Catalogue
    now: datetime
    read_id: ReadId = plain_id
    extensions: Extensions = field(kw_only=True)

    def scope(self, tx: Transaction) -> FilterScope:
        return FilterScope(self.store.id, self.store.timezone, self.now, tx.dialect)


@dataclass(slots=True)
class SegmentDraft:
    """A segment as it would become; `errors` is empty when it may."""

    context: FilterContext
    segment: Segment
    errors: ErrorCollector = field(default_factory=ErrorCollector)

    def apply(self, input_: SegmentInput) -> None:
        """Change the draft by the input; what is wrong with it goes to `errors`."""
        now, timezone = self.context.now, self.context.store.timezone
        if input_.kind is not UNSET and input_.kind not in {None, self.segment.kind}:
            self.errors.add(DomainError("A segment stays dynamic or static", field=("kind",)))
        if input_.name is not UNSET:
            self._set("name", lambda: check_name(input_.name))
        if input_.description is not UNSET:
            description = input_.description
            self._set("description", lambda: check_description(description))
        if input_.update is not UNSET:
            policy, policy_input = self.segment.policy, input_.update or _BY_HAND
            self._set("policy", lambda: check_policy(policy_input, now, timezone))
            changed = self.segment.policy
            # A cycle that stays as it was goes on, with what is due of it; a changed one begins today (SL-07).
            if (policy.mode, policy.every_days) == (changed.mode, changed.every_days):
                self.segment = replace(self.segment, policy=policy)
            else:
                self.segment = replace(self.segment, next_refresh_at=self.segment.due_after(now, timezone))
        if self.segment.kind is SegmentKind.DYNAMIC:
            self._set("definition", lambda: define(self.context, input_, self.segment.definition))

    def _set(self, name: str, check: Callable[[], object]) -> None:
        with self.errors.under():
            # The field's type is the check's: each name stands beside it above.
            self.segment = replace(self.segment, **{name: check()})  # type: ignore[arg-type]


def define(context: FilterContext, input_: SegmentInput, current: Definition | None = None) -> Definition:
    """Return the definition of an input's filters or query; what is left out stays. Raise DomainErrors."""
    include, exclude = (None if raw is UNSET else raw for raw in (input_.include, input_.exclude))
    if input_.query is not UNSET and input_.query is not None:
        if include is not None or exclude is not None:
            raise DomainError("Give either a query, or include and exclude", field=("query",))
        return read_query(context, input_.query)
    limit = context.store.limits.property_conditions
    parser = FilterParser(context.catalogue, context.store.timezone, limit, context.read_id)
    definition = current or Definition()
    if input_.include is not UNSET:
        definition = replace(definition, include=None if include is None else parser.read(include, ("include",)))
    if input_.exclude is not UNSET:
        tree = BLACKLISTED if exclude is None else parser.read(exclude, ("exclude",))
        definition = replace(definition, exclude=tree)
    if parser.faults:
        raise DomainErrors(parser.faults)
    return definition


def read_query(context: FilterContext, query: str) -> Definition:
    """Return the definition that a query writes. Raise DomainErrors with lines and columns."""
    return language.read(
        query,
        context.catalogue,
        context.store.timezone,
        property_conditions=context.store.limits.property_conditions,
        read_id=context.read_id,
    )
