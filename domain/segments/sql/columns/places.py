"""Distances of addresses from a point, without functions that a database may not have."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import cos, radians, sin
from typing import Any

from sqlalchemy import ColumnElement, Double, and_, bindparam, or_

from domain.segments.filters import Operator, Value
from domain.segments.sql.scope import FilterScope

_FORM = re.compile(
    r"\s*(-?\d{1,2}(?:\.\d{1,12})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*,\s*(\d{1,3}(?:\.\d{1,3})?)\s*km\s*"
)
_KILOMETRES = 111.195  # a degree of a great circle
# Within these, the distance is right to a thousandth.
_FARTHEST, _NORTHERNMOST = 500, 80


@dataclass(frozen=True, slots=True)
class Around:
    """A circle: degrees, WGS 84, and kilometres."""

    latitude: float
    longitude: float
    radius: float

    @property
    def reach(self) -> tuple[float, float]:
        """Return how many degrees it reaches north and south, and at most east and west."""
        tall = self.radius / _KILOMETRES
        return tall, tall / cos(radians(abs(self.latitude) + tall))

    def on_both_sides(self) -> Iterator["Around"]:
        """Yield the circle, and again from the other side when it reaches over the 180th meridian."""
        yield self
        if abs(self.longitude) + self.reach[1] > 180:
            turned = self.longitude - 360 if self.longitude > 0 else self.longitude + 360
            yield Around(self.latitude, turned, self.radius)


def read_around(text: str) -> Around | None:
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    latitude, longitude, radius = map(float, match.groups())
    possible = abs(latitude) <= _NORTHERNMOST and abs(longitude) <= 180 and 0 < radius <= _FARTHEST
    return Around(latitude, longitude, radius) if possible else None


def wrong_place(value: Value) -> str | None:
    if read_around(str(value)) is not None:
        return None
    return (
        f'is no circle: write latitude, longitude and radius such as "25.0330,121.5654,10km", up to {_NORTHERNMOST} '
        f"degrees north and south, and {_FARTHEST}km"
    )


@dataclass(frozen=True, slots=True)
class PlaceColumn:
    latitude: ColumnElement[Any]
    longitude: ColumnElement[Any]

    def matches(self, operator: Operator, values: Sequence[Value], _: FilterScope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return and_(self.latitude.is_not(None), self.longitude.is_not(None))
        circles = [circle for value in values if (circle := read_around(str(value))) is not None]
        clauses: list[ColumnElement[bool]] = []
        for around in chain.from_iterable(circle.on_both_sides() for circle in circles):
            tall, wide = around.reach
            box = (
                self.latitude.between(*_ends(around.latitude, tall)),
                self.longitude.between(*_ends(around.longitude, wide)),
            )
            # By the haversine formula, first terms of its series.
            north = (self.latitude - _real(around.latitude)) * _real(radians(1))
            east = (self.longitude - _real(around.longitude)) * _real(radians(1))
            latitude, square = radians(around.latitude), north * north
            along = _real(1) - square * (_real(1 / 2) - square * _real(1 / 24))
            across = _real(1) - square * _real(1 / 6)
            # The cosine of the latitude so far north of the circle's own.
            cosine = _real(cos(latitude)) * along - _real(sin(latitude)) * north * across
            apart = _haversine(north) + _real(cos(latitude)) * cosine * _haversine(east)
            clauses.append(and_(*box, apart <= _real(sin(radians(tall) / 2) ** 2)))
        return or_(*clauses)

    def value(self, _: FilterScope) -> None:
        """A customer has places, and none of them is a circle."""


def _haversine(angle: ColumnElement[Any]) -> ColumnElement[Any]:
    square = angle * angle
    return square * (_real(1 / 4) - square * _real(1 / 48))


def _real(value: float) -> ColumnElement[Any]:
    return bindparam(None, value, type_=Double())


def _ends(middle: float, reach: float) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return _real(middle - reach), _real(middle + reach)
