"""Distances by arithmetic alone, beside the haversine formula (condition 22)."""

from math import asin, atan2, cos, degrees, radians, sin

import pytest

from domain.kit.db import Database
from domain.segments.compiler.select import customer_ids
from domain.segments.filters import AttributeCondition, Definition, Operator
from domain.segments.sql.columns.places import read_around
from domain.segments.sql.scope import FilterScope
from tests.domain.segments.filter_strategies import CATALOGUE
from tests.domain.segments.persons import NOW, TIMEZONE, Address, make_people
from tests.domain.segments.stored_people import store_people

EARTH = 6371.01
CIRCLES = [
    "25.0330,121.5654,10km",
    "64.1466,-21.9426,500km",
    "80,0,500km",
    "-79.5,0,300km",
    "-33.8688,151.2093,0.25km",
    "-17.8,179.9,80km",
    "52,-179.99,400km",
    "0,0,499km",
]


def destination(latitude: float, longitude: float, kilometres: float, bearing: float) -> tuple[float, float]:
    """Return the point so far away on a sphere."""
    arc, start, course = kilometres / EARTH, radians(latitude), radians(bearing)
    north = asin(sin(start) * cos(arc) + cos(start) * sin(arc) * cos(course))
    east = atan2(sin(course) * sin(arc) * cos(start), cos(arc) - sin(start) * sin(north))
    return degrees(north), (longitude + degrees(east) + 540) % 360 - 180


@pytest.mark.parametrize("text", CIRCLES)
async def test_who_lives_within_a_circle_is_found(database: Database, store_id: int, text: str) -> None:
    circle = read_around(text)
    assert circle is not None
    everyone = make_people(32)
    inside: set[int] = set()
    for at, person in enumerate(everyone):
        person.row |= {"blacklisted": False, "deleted_at": None}
        share = 0.9995 if at % 2 else 1.0005
        latitude, longitude = destination(circle.latitude, circle.longitude, circle.radius * share, at // 2 * 22.5)
        person.addresses = [Address(None, None, None, None, None, None, latitude, longitude)]
        inside |= {person.id} if at % 2 else set()
    async with database.write() as tx:
        await store_people(tx, store_id, everyone)
        definition = Definition(AttributeCondition("near", Operator.IN, (text,)))
        ids = customer_ids(definition, CATALOGUE, FilterScope(store_id, TIMEZONE, NOW, tx.dialect), {})
        assert set((await tx.execute(ids)).scalars()) == inside


@pytest.mark.parametrize(
    "text", ["", "25,121", "25,121,10", "81,0,1km", "25,181,1km", "25,121,0km", "25,121,501km", "1e9,0,1km"]
)
def test_what_is_no_circle(text: str) -> None:
    assert read_around(text) is None
