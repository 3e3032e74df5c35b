"""Turns an order into the rows that store it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.orders.model import Order, SaleRules

Row = dict[str, object]


def customer_row(store_id: int, order: Order, customer_id: int) -> Row:
    return {"store_id": store_id, "order_id": order.id, "customer_id": customer_id}


def is_counted(order: Order, rules: SaleRules) -> bool:
    return rules.is_counted(order.status, order.payment_status, order.total, order.quantity)


def order_row(store_id: int, order: Order, customer_id: int, rules: SaleRules, now: datetime) -> Row:
    local = order.placed_at.astimezone(ZoneInfo(rules.timezone))
    amounts = rules.amounts(order.total, order.currency)
    return {
        "store_id": store_id,
        "id": order.id,
        "customer_id": customer_id,
        "placed_at": order.placed_at,
        "status": order.status,
        "payment_status": order.payment_status,
        "delivery_status": order.delivery_status,
        "counted": is_counted(order, rules),
        "total": amounts.total,
        "currency": order.currency,
        "foreign_total": amounts.foreign_total,
        "lines": len(order.items),
        "quantity": order.quantity,
        "source": order.source,
        "coupon": order.coupon,
        "campaign": order.campaign,
        "weekday": local.isoweekday(),
        "month_day": local.day,
        "hour": local.hour,
        "updated_at": now,
    }


def item_rows(store_id: int, order: Order, customer_id: int, rules: SaleRules) -> list[Row]:
    counted = is_counted(order, rules)
    return [
        {
            "store_id": store_id,
            "order_id": order.id,
            "position": position,
            "customer_id": customer_id,
            "placed_at": order.placed_at,
            # What an order takes back is not bought in it.
            "counted": counted and item.quantity >= 0,
            "product": item.product,
            "name": item.name,
            "variant": item.variant,
            "category": item.category,
            "department": item.department,
            "brand": item.brand,
            "quantity": item.quantity,
            "price": item.price,
        }
        for position, item in enumerate(order.items, 1)
    ]


def facet_rows(store_id: int, order: Order, customer_id: int) -> list[Row]:
    return [
        {
            "store_id": store_id,
            "customer_id": customer_id,
            "order_id": order.id,
            "position": position,
            "facet": facet,
            "value": value,
        }
        for position, item in enumerate(order.items, 1)
        for facet, value in sorted(item.facets)
    ]
