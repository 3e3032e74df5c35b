"""Pages of campaigns, the newest first."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select

from api.graphql.kit import child_pages, pages
from api.graphql.kit.child_pages import ChildSelect
from api.graphql.kit.connection import Connection, Page
from api.graphql.kit.context import Context
from api.graphql.kit.keyset import newest
from api.graphql.kit.nodes import Node, node
from domain.campaigns import queries
from domain.campaigns.tables import campaigns
from domain.kit.db import AnyRow

_NEWEST = newest("campaigns", campaigns.c.id)


async def connect_campaigns(context: Context, rows: Select[Any], page: Page) -> Connection[Node]:
    return await pages.connect(context, rows, _NEWEST, page, _campaign)


async def campaigns_of_list(context: Context, list_id: UUID, page: Page) -> Connection[Node]:
    children = ChildSelect(
        "list.campaigns",
        lambda is_parent: queries.of_lists(context.store_id, is_parent),
        lambda _: _NEWEST,
        _campaign,
    )
    return await child_pages.connect(context, list_id, children, page)


async def campaigns_of_segment(context: Context, segment_id: UUID, page: Page) -> Connection[Node]:
    children = ChildSelect(
        "segment.campaigns",
        lambda is_parent: queries.of_segments(context.store_id, is_parent),
        lambda _: _NEWEST,
        _campaign,
    )
    return await child_pages.connect(context, segment_id, children, page)


def _campaign(row: AnyRow) -> Node:
    return node("Campaign", queries.campaign(row))
