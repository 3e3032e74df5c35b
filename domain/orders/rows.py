"""Turns an order into the rows that store it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from domain.orders.model import Order

Row = dict[str, object]


def customer_row(store_id: int, order: Order, customer_id: int) -> Row:
    return {"store_id": store_id, "order_id": order.id, "customer_id": customer_id}


def order_row(store_id: int, order: Order, customer_id: int, timezone: str, now: datetime) -> Row:
    local = order.placed_at.astimezone(ZoneInfo(timezone))
    return {
        "store_id": store_id,
        "id": order.id,
        "customer_id": customer_id,
        "placed_at": order.placed_at,
        "status": order.status,
        "payment_status": order.payment_status,
        "delivery_status": order.delivery_status,
        "counted": order.counted,
        "total": order.total,
        "lines": len(order.items),
        "quantity": sum(item.quantity for item in order.items),
        "source": order.source,
        "coupon": order.coupon,
        "campaign": order.campaign,
        "weekday": local.isoweekday(),
        "month_day": local.day,
        "hour": local.hour,
        "updated_at": now,
    }


def item_rows(store_id: int, order: Order, customer_id: int) -> list[Row]:
    return [
        {
            "store_id": store_id,
            "order_id": order.id,
            "position": position,
            "customer_id": customer_id,
            "placed_at": order.placed_at,
            "counted": order.counted,
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
