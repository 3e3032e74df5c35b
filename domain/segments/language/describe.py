"""Describe filters in plain English."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from domain.kit.values import ValueType
from domain.segments.catalogue import Catalogue
from domain.segments.catalogue.entries import CatalogueEntry
from domain.segments.filters import (
    BLACKLISTED,
    Aggregate,
    AllOf,
    AnyOf,
    AttributeCondition,
    BehaviorCondition,
    Definition,
    Filter,
    MembershipCondition,
    Not,
    Operator,
    Value,
)

_PHRASES = {
    Operator.EQ: "is {0}",
    Operator.NEQ: "is not {0}",
    Operator.IN: "is {any}",
    Operator.NOT_IN: "is not {any}",
    Operator.CONTAINS: "contains {any}",
    Operator.NOT_CONTAINS: "does not contain {any}",
    Operator.STARTS_WITH: "starts with {any}",
    Operator.ENDS_WITH: "ends with {any}",
    Operator.LT: "is less than {0}",
    Operator.LTE: "is at most {0}",
    Operator.GT: "is more than {0}",
    Operator.GTE: "is at least {0}",
    Operator.BETWEEN: "is from {0} to {1}",
    Operator.BEFORE: "is before {0}",
    Operator.AFTER: "is after {0}",
    Operator.WITHIN_LAST_DAYS: "is in the last {0} days",
    Operator.MORE_THAN_DAYS_AGO: "is more than {0} days ago",
    Operator.WITHIN_NEXT_DAYS: "is in the next {0} days",
    Operator.IN_DAYS: "is in exactly {0} days",
    Operator.MONTH_IN: "is in {months}",
    Operator.ANNIVERSARY_IN_DAYS: "has its day in {any} days",
    Operator.IS_SET: "is known",
    Operator.IS_NOT_SET: "is not known",
}
_TIMED = {
    Operator.LT: "is before {0}",
    Operator.LTE: "is on or before {0}",
    Operator.GT: "is after {0}",
    Operator.GTE: "is on or after {0}",
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_AGGREGATES = {
    Aggregate.SUM: "the sum of {of} of {behavior}",
    Aggregate.AVERAGE: "the average {of} of {behavior}",
    Aggregate.MIN: "the least {of} of {behavior}",
    Aggregate.MAX: "the greatest {of} of {behavior}",
    Aggregate.FIRST: "the first {behavior}",
    Aggregate.LAST: "the last {behavior}",
    Aggregate.DISTINCT: "the number of different {of} of {behavior}",
}
_TIMES = {
    Operator.EQ: "exactly {0}",
    Operator.NEQ: "other than {0}",
    Operator.LT: "fewer than {0}",
    Operator.LTE: "at most {0}",
    Operator.GT: "more than {0}",
    Operator.GTE: "at least {0}",
    Operator.BETWEEN: "from {0} to {1}",
}


def summary(definition: Definition, catalogue: Catalogue, names: Mapping[UUID, str]) -> str:
    """Return the definition as a sentence; `names`: of the segments and lists that it refers to."""
    describer = _Describer(catalogue, names)
    include = "All customers"
    if definition.include is not None:
        include = f"Customers with: {describer.describe(definition.include)}"
    match definition.exclude:
        case None:
            return f"{include}, blacklisted ones among them"
        case exclude if exclude == BLACKLISTED:
            return f"{include}; without blacklisted ones"
        case exclude:
            return f"{include}; without those with: {describer.describe(exclude)}"


class _Describer:
    def __init__(self, catalogue: Catalogue, names: Mapping[UUID, str]) -> None:
        self._catalogue = catalogue
        self._names = names

    def describe(self, tree: Filter) -> str:
        match tree:
            case AllOf(parts):
                return " and ".join(self._part(part) for part in parts)
            case AnyOf(parts):
                return " or ".join(self._part(part) for part in parts)
            case Not(part):
                return f"not ({self.describe(part)})"
            case AttributeCondition():
                return self._attribute(tree, self._catalogue.dimensions.get(tree.dimension))
            case BehaviorCondition():
                return self._behavior(tree)
            case MembershipCondition(segment_id, list_id, member):
                kind, referenced_id = ("segment", segment_id) if segment_id else ("list", list_id)
                name = None if referenced_id is None else self._names.get(referenced_id)
                reference = f"the {kind} {name!r}" if name is not None else f"a {kind} that is gone"
                return f"{'in' if member else 'not in'} {reference}"

    def _part(self, part: Filter) -> str:
        text = self.describe(part)
        return f"({text})" if isinstance(part, AllOf | AnyOf) and len(part.parts) > 1 else text

    def _attribute(self, condition: AttributeCondition, entry: CatalogueEntry | None) -> str:
        label = condition.dimension if entry is None else entry.label
        if entry is not None and entry.type is ValueType.BOOLEAN and condition.values:
            is_true = (True in condition.values) is (condition.operator is Operator.EQ)
            return label if is_true else f"not: {label}"
        return f"{label} {_compared(condition.operator, condition.values, entry)}"

    def _behavior(self, condition: BehaviorCondition) -> str:
        behavior = self._catalogue.behavior(condition.behavior)
        label = condition.behavior if behavior is None else behavior.label
        entries = {entry.key: entry for entry in behavior.attributes} if behavior is not None else {}
        where = [self._attribute(attribute, entries.get(attribute.dimension)) for attribute in condition.where]
        narrowed = f" where {' and '.join(where)}" if where else ""
        window = condition.window
        if window.last_days is not None:
            span = f" in the last {window.last_days} days"
        elif window.last_hours is not None:
            span = f" in the last {window.last_hours} hours"
        else:
            since = "" if window.since is None else f" from {_value(window.since)}"
            span = since if window.until is None else f"{since} until {_value(window.until)}"
        if condition.aggregate is Aggregate.COUNT:
            times = _TIMES[condition.operator].format(*map(_value, condition.values))
            return f"{label}{narrowed} {times} times{span}"
        compared = _compared(condition.operator, condition.values, None)
        if condition.aggregate is Aggregate.SHARE:
            return f"the share of {label.lower()}{narrowed} among all of them{span} {compared} percent"
        of = entries[condition.of].label.lower() if condition.of in entries else condition.of
        subject = _AGGREGATES[condition.aggregate].format(of=of, behavior=label.lower())
        return f"{subject}{narrowed}{span} {compared}"


def _compared(operator: Operator, values: Sequence[Value], entry: CatalogueEntry | None) -> str:
    options: dict[object, str] = (
        {option.value: option.label for option in (entry.options or ())} if entry is not None else {}
    )
    texts = [options.get(value, _value(value)) if type(value) in {str, int} else _value(value) for value in values]
    is_timed = any(isinstance(value, date) for value in values)
    phrase = _TIMED.get(operator, _PHRASES[operator]) if is_timed else _PHRASES[operator]
    months = " or ".join(_MONTHS[value - 1] for value in values if isinstance(value, int)) if "months" in phrase else ""
    return phrase.format(*texts, any=" or ".join(texts), months=months)


def _value(value: Value) -> str:
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case date():
            return value.isoformat()
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case _:
            return f"{value:,}"
