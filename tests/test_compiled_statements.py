"""What one test's engine has compiled is used by the next test's."""

from typing import Any

from sqlalchemy import event, literal, select
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.ext.asyncio import create_async_engine


async def test_an_engine_takes_what_another_has_compiled() -> None:
    assert await _select("a") == ("a", CacheStats.CACHE_MISS)
    assert await _select("b") == ("b", CacheStats.CACHE_HIT)


async def _select(value: str) -> tuple[str, CacheStats]:
    """Select the value on an engine of its own; return what came, and whether the statement was known."""
    engine, known = create_async_engine("sqlite+aiosqlite://"), list[CacheStats]()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, _sql: str, _parameters: object, context: Any, _many: object) -> None:
        known.append(context.cache_hit)

    async with engine.connect() as connection:
        selected: str = (await connection.execute(select(literal(value).label("a_label_of_this_test")))).scalar_one()
    await engine.dispose()
    [hit] = known
    return selected, hit
