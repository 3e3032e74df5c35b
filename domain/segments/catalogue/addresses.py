"""Addresses of customers: one that fulfils a condition is enough."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func

from domain.customers.tables import customer_addresses
from domain.segments.catalogue.builders import Group, only
from domain.segments.catalogue.entries import CHOICE, PRESENCE
from domain.segments.sql.columns.places import PlaceColumn, wrong_place
from domain.segments.sql.columns.values import TextColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue

_a = customer_addresses.c
_address = Group("address")
_KEPT = ChildRows(_a.customer_id)


def _of(column: ColumnElement[Any]) -> ChildValue:
    return ChildValue(_KEPT, TextColumn(column))


_AREA = func.coalesce(_a.country, "") + "-" + func.coalesce(_a.region, "") + "-" + func.coalesce(_a.city, "")

ADDRESSES = (
    _address.text("address.country", "Address: country", ChildValue(_KEPT, TextColumn(_a.country, str.upper)), 18, 19),
    _address.text("address.region", "Address: region", _of(_a.region), 18, 19),
    _address.text("address.city", "Address: city", _of(_a.city), 18, 20),
    _address.text("address.area", "Address: country-region-city", _of(_AREA), 18, 20),
    _address.text("address.postcode", "Address: postcode", _of(_a.postcode), 21),
    _address.text("address.street", "Address: street", _of(_a.street), 18),
    _address.text("address.company", "Address: company", _of(_a.company), 21),
    replace(
        only(
            _address.text("near", "Near a point", ChildValue(_KEPT, PlaceColumn(_a.latitude, _a.longitude)), 22),
            (*CHOICE, *PRESENCE),
        ),
        check=wrong_place,
        max_values=20,
    ),
)
