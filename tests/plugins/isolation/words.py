"""A plugin of filters for templates, and an observer that writes down what it is told."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from muster_sdk import DeliveryNotice, Observer, TemplateFilter, hookimpl


def shout(text: str) -> str:
    return f"{text.upper()}!"


class Diary:
    """`MUSTER_TEST_DIARY` names the file; a file beside it with the ending `.closed` makes it raise."""

    key = "diary"

    async def observe(self, notices: Sequence[DeliveryNotice]) -> None:
        path = Path(os.environ["MUSTER_TEST_DIARY"])
        told = "".join(
            f"{notice.store_id} {notice.campaign_id} {notice.customer_id} {notice.channel} {notice.event} "
            f"{notice.reason}\n"
            for notice in notices
        )
        await asyncio.to_thread(_append, path, told)


def _append(path: Path, text: str) -> None:
    if path.with_suffix(".closed").exists():
        raise OSError("the diary is closed")
    with path.open("a") as diary:
        diary.write(text)


@hookimpl
def register_template_filters() -> list[TemplateFilter]:
    return [TemplateFilter("shout", shout, "In capitals")]


@hookimpl
def register_observers() -> list[Observer]:
    return [Diary()]
