"""How far an address is from a point, without functions that a database may not have."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, degrees, radians, sin
from typing import Any

from sqlalchemy import ColumnElement, Double, and_, bindparam, or_

from domain.segments.conditions.scope import Scope
from domain.segments.filters import Operator, Value

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


def read_around(text: str) -> Around | None:
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    latitude, longitude, radius = map(float, found.groups())
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

    def holds(self, operator: Operator, values: Sequence[Value], _: Scope) -> ColumnElement[bool]:
        if operator is Operator.IS_SET:
            return and_(self.latitude.is_not(None), self.longitude.is_not(None))
        circles = [circle for value in values if (circle := read_around(str(value))) is not None]
        return or_(*(self._within(around) for circle in circles for around in _round_the_world(circle)))

    def _within(self, around: Around) -> ColumnElement[bool]:
        """The box around the circle first, which an index or a quick look answers."""
        tall = around.radius / _KILOMETRES
        wide = tall / cos(radians(abs(around.latitude) + tall))
        north, east = self.latitude - _real(around.latitude), self.longitude - _real(around.longitude)
        box = (
            self.latitude.between(*_ends(around.latitude, tall)),
            self.longitude.between(*_ends(around.longitude, wide)),
        )
        across = east * self._narrowing(around, north)
        return and_(*box, north * north + across * across <= _real(tall * tall))

    @staticmethod
    def _narrowing(around: Around, north: ColumnElement[Any]) -> ColumnElement[Any]:
        """The cosine of the latitude half way, by the first terms of its series around the circle's own."""
        at, half = radians(around.latitude), north * _real(radians(0.5))
        return _real(cos(at)) - half * _real(sin(at)) - half * half * _real(cos(at) / 2)


def _round_the_world(circle: Around) -> Iterator[Around]:
    """The circle; and again from the other side, when it reaches over the 180th meridian."""
    wide = circle.radius / _KILOMETRES / cos(radians(abs(circle.latitude))) + degrees(0.1)
    yield circle
    if abs(circle.longitude) + wide > 180:
        turned = circle.longitude - 360 if circle.longitude > 0 else circle.longitude + 360
        yield Around(circle.latitude, turned, circle.radius)


def _real(value: float) -> ColumnElement[Any]:
    return bindparam(None, value, type_=Double())


def _ends(middle: float, reach: float) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return _real(middle - reach), _real(middle + reach)
