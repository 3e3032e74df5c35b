"""The filters written by hand: as well as it can be done on the product's tables, and for DuckDB on the raw ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.segments.sql.scope import FilterScope
from tests.benchmarks.segments.numbers import NOW, TIMEZONE

_SCOPE = FilterScope(1, TIMEZONE, NOW, "")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Words:
    """How a database writes an instant, and leaves out customers who are deleted or blacklisted."""

    dialect: str

    def instant(self, at: datetime) -> str:
        plain = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        if self.dialect == "sqlite":
            return str(int((at - _EPOCH).total_seconds()) * 1_000_000)
        return f"timestamp '{plain}'" if self.dialect == "duckdb" else f"timestamptz '{plain}+00'"

    def since(self, days: int) -> str:
        return self.instant(_SCOPE.start(-days))

    def live(self, customer: str) -> str:
        if self.dialect == "duckdb":
            return f"{customer} NOT IN (SELECT id FROM customers WHERE deleted_at IS NOT NULL OR blacklisted)"
        if self.dialect == "sqlite":
            few = f"{customer} NOT IN (SELECT id FROM customers WHERE store_id = 1 AND"
            return f"{few} deleted_at IS NOT NULL) AND {few} blacklisted)"
        few = f"NOT EXISTS (SELECT FROM customers AS g WHERE g.store_id = 1 AND g.id = {customer} AND g."
        return f"{few}deleted_at IS NOT NULL) AND {few}blacklisted)"

    def unlike(self, customer: str, inner: str, column: str = "customer_id") -> str:
        if self.dialect == "postgresql":
            return f"NOT EXISTS (SELECT FROM ({inner}) AS o WHERE o.{column} = {customer})"
        return f"{customer} NOT IN ({inner})"


Written = Callable[[Words], str]


def _tagged(tag: str) -> str:
    return f"SELECT customer_id FROM customer_tags WHERE store_id = 1 AND tag = '{tag}'"


def _has(number: int, condition: str) -> str:
    rows = f"customer_properties WHERE store_id = 1 AND property_id = {number}"
    return f"SELECT customer_id FROM {rows} AND number {condition}"


def _happened(kind: str, w: Words, days: int) -> str:
    ends = f"occurred_at >= {w.since(days)} AND occurred_at <= {w.instant(NOW)}"
    return f"SELECT customer_id FROM events WHERE store_id = 1 AND type = '{kind}' AND {ends}"


def _about(kind: str, subject: str) -> str:
    return f"SELECT customer_id FROM events WHERE store_id = 1 AND type = '{kind}' AND subject = '{subject}'"


def _bought(what: str, times: int, w: Words, days: int | None = None) -> str:
    window = f" AND placed_at >= {w.since(days)} AND placed_at <= {w.instant(NOW)}" if days else ""
    rows = f"FROM order_items WHERE store_id = 1 AND counted AND {what}{window}"
    if times == 1:
        return f"SELECT customer_id {rows}"
    if w.dialect == "sqlite":
        return f"SELECT customer_id {rows} GROUP BY customer_id HAVING count(DISTINCT order_id) >= {times}"
    once = f"SELECT DISTINCT customer_id, order_id {rows}"
    return f"SELECT customer_id FROM ({once}) AS b GROUP BY customer_id HAVING count(*) >= {times}"


def _ordered(w: Words, days: int, having: str) -> str:
    window = f"placed_at >= {w.since(days)} AND placed_at <= {w.instant(NOW)}"
    rows = f"orders WHERE store_id = 1 AND counted AND {window}"
    return f"SELECT customer_id FROM {rows} GROUP BY customer_id HAVING {having}"


def _of(inner: str, w: Words, *, distinct: bool = False) -> str:
    each = inner.replace("SELECT", "SELECT DISTINCT", 1) if distinct else inner
    return f"SELECT count(*) FROM ({each}) AS t WHERE {w.live('t.customer_id')}"


_SUBSCRIBED = "SELECT customer_id FROM contacts WHERE store_id = 1 AND channel = 'email' AND consent = 'SUBSCRIBED'"
_PROFILE = "c.country = 'TW' AND c.gender = 'FEMALE' AND c.birthday > '1986-06-30' AND c.birthday <= '2001-06-30'"


def _six(w: Words, facts: str) -> str:
    return (
        f"SELECT count(*) FROM customers AS c {facts} WHERE c.store_id = 1 AND c.member AND c.country = 'TW' "
        f"AND c.id IN ({_tagged('newsletter')}) AND {w.unlike('c.id', _tagged('vip'))} "
        f"AND c.id IN ({_happened('email.opened', w, 90)}) AND {w.live('c.id')}"
    )


def _ten(w: Words, facts: str, spent: str, twice: str) -> str:
    fence = " OFFSET 0" if w.dialect == "postgresql" else ""
    base = (
        f"SELECT c.id, {spent} AS spent, {twice} AS twice FROM customers AS c {facts} "
        "WHERE c.store_id = 1 AND c.country IN ('TW', 'JP') "
        "AND c.birthday > '1980-06-30' AND c.birthday <= '2006-06-30' "
        f"AND c.id IN ({_has(1, '>= 400')}) "
        f"AND c.id IN ({_happened('email.opened', w, 30)} UNION {_happened('email.clicked', w, 90)}) "
        f"AND {w.unlike('c.id', _about('wishlist', 'p3'))} "
        f"AND {w.unlike('c.id', _bought(_C7, 1, w, 180))} AND {w.live('c.id')}{fence}"
    )
    return f"SELECT count(*) FROM ({base}) AS b WHERE spent OR twice OR id IN ({_tagged('vip')})"


_FACTS = "JOIN customer_facts AS f ON f.store_id = c.store_id AND f.customer_id = c.id"
_P5, _C7 = "product = 'p5'", "category = 'c7'"


def _facts(condition: str, w: Words) -> str:
    return (
        f"SELECT count(*) FROM customer_facts AS f WHERE f.store_id = 1 AND {condition} AND {w.live('f.customer_id')}"
    )


_SHARED: dict[str, Written] = {
    "S1": lambda w: (
        f"SELECT count(*) FROM customers AS c WHERE c.store_id = 1 AND {_PROFILE} AND c.id IN ({_SUBSCRIBED}) "
        f"AND {w.live('c.id')}"
    ),
    "S2": lambda w: _of(_tagged("newsletter"), w) + f" AND {w.unlike('t.customer_id', _tagged('vip'))}",
    "S5": lambda w: _of(_bought(_P5, 2, w), w),
    "S6": lambda w: _of(_bought(_C7, 3, w, 180), w),
    "S7": lambda w: _of(_happened("email.opened", w, 30), w, distinct=True),
    "S8": lambda w: (
        _of(_about("email.sent", "campaign-5"), w, distinct=True)
        + f" AND {w.unlike('t.customer_id', _about('email.clicked', 'campaign-5'))}"
    ),
    "S9": lambda w: _of(_has(1, ">= 400"), w) + f" AND t.customer_id IN ({_has(7, '< 150')})",
    "S10": lambda w: _of(
        "SELECT customer_id FROM wallet_lots WHERE store_id = 1 AND kind = 'points' AND remaining > 0 "
        + ("" if w.dialect == "duckdb" else "AND remaining <> 0 ")
        + "AND expires_on >= '2026-06-30' AND expires_on < '2026-07-31'",
        w,
        distinct=True,
    ),
    "W1": lambda w: _of(_ordered(w, 90, "count(*) >= 6"), w),
    "W2": lambda w: _of(_ordered(w, 90, "sum(total) >= 80000000"), w),
    "W3": lambda w: _of(_ordered(w, 30, "count(*) >= 1"), w),
}
BY_HAND: Mapping[str, Written] = {
    **_SHARED,
    "S3": lambda w: _facts(f"f.order_3_at >= {w.since(90)}", w),
    "S4": lambda w: _facts("f.total_spent >= 155000000", w),
    "S11": lambda w: _six(w, _FACTS) + " AND f.total_spent >= 50000000",
    "S12": lambda w: _ten(w, _FACTS, "f.total_spent >= 100000000", f"f.order_2_at >= {w.since(90)}"),
    "S13": lambda w: _facts(
        f"f.order_count >= 2 AND f.last_order_at < {w.since(120)} AND f.total_spent >= 30000000", w
    ),
}


def _raw(having: str) -> str:
    return f"SELECT customer_id FROM orders WHERE counted GROUP BY customer_id HAVING {having}"


_RAW_FACTS = (
    "LEFT JOIN (SELECT customer_id, sum(total) AS total_spent, count(*) FILTER (placed_at >= {since}) AS recent "
    "FROM orders WHERE counted GROUP BY customer_id) AS f ON f.customer_id = c.id"
)
ON_RAW_TABLES: Mapping[str, Written] = {
    **_SHARED,
    "S3": lambda w: _of(_ordered(w, 90, "count(*) >= 3"), w),
    "S4": lambda w: _of(_raw("sum(total) >= 155000000"), w),
    "S11": lambda w: _six(w, "") + f" AND c.id IN ({_raw('sum(total) >= 50000000')})",
    "S12": lambda w: _ten(w, _RAW_FACTS.format(since=w.since(90)), "f.total_spent >= 100000000", "f.recent >= 2"),
    "S13": lambda w: _of(_raw(f"count(*) >= 2 AND max(placed_at) < {w.since(120)} AND sum(total) >= 30000000"), w),
}
