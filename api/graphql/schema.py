"""The whole schema, put together from its topics."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import strawberry
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from api.graphql.campaigns import deliveries
from api.graphql.campaigns import types as campaigns
from api.graphql.campaigns.mutations import CampaignMutation, CampaignSubscription
from api.graphql.campaigns.types import CampaignQuery
from api.graphql.customers import types as customers
from api.graphql.customers.events import ActivityMutation
from api.graphql.customers.lifecycle import LifecycleMutation, LifecycleQuery
from api.graphql.customers.mutations import ProfileMutation, ProfileQuery
from api.graphql.customers.types import CustomerMutation, CustomerQuery
from api.graphql.kit import global_ids
from api.graphql.kit.context import Context, Info, allow
from api.graphql.kit.fields import without_null_defaults
from api.graphql.kit.global_ids import Node
from api.graphql.kit.scalars import SCALARS
from api.graphql.lists import types as lists
from api.graphql.lists.exports import ExportMutation, ExportQuery
from api.graphql.lists.mutations import ListMutation
from api.graphql.lists.types import ListQuery
from api.graphql.operations import types as operations
from api.graphql.operations.imports import ImportMutation
from api.graphql.operations.types import OperationMutation, OperationQuery, OperationSubscription
from api.graphql.segments import types as segments
from api.graphql.segments.catalogue import CatalogueMutation, CatalogueQuery
from api.graphql.segments.members import StaticSegmentMutation
from api.graphql.segments.mutations import SegmentMutation
from api.graphql.segments.presets import PresetQuery
from api.graphql.segments.preview import PreviewQuery
from api.graphql.segments.types import SegmentQuery
from api.graphql.stores.channels import ChannelMutation, ChannelQuery
from api.graphql.stores.types import Store, StoreMutation, StoreQuery
from domain.kit.errors import DomainError, ErrorCode
from domain.stores.model import TokenScope

_AT_MOST = 250


async def _store(context: Context, key: Any) -> Store | None:
    return Store(of=context.principal.store) if key == context.store_id else None


_BY_TYPE: dict[str, Callable[[Context, Any], Awaitable[Node | None]]] = {
    "Campaign": campaigns.by_id,
    "Customer": customers.by_id,
    "CustomerList": lists.by_id,
    "Delivery": deliveries.by_id,
    "Operation": operations.by_id,
    "Segment": segments.by_id,
    "Store": _store,
}


async def _node(context: Context, gid: strawberry.ID) -> Node | None:
    found = global_ids.decode(gid, *_BY_TYPE)
    return None if found is None else await _BY_TYPE[found.type](context, found.key)


@strawberry.type
class Query(
    StoreQuery,
    CustomerQuery,
    ProfileQuery,
    SegmentQuery,
    CatalogueQuery,
    PreviewQuery,
    ListQuery,
    CampaignQuery,
    ChannelQuery,
    OperationQuery,
    ExportQuery,
    LifecycleQuery,
    PresetQuery,
):
    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        return await _node(allow(info, TokenScope.READ), id)

    @strawberry.field(description="250 at most; null for an ID of nothing that there is.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        context = allow(info, TokenScope.READ)
        if len(ids) > _AT_MOST:
            raise DomainError(f"{len(ids)} IDs: {_AT_MOST} at most", field=("ids",), code=ErrorCode.LIMIT_EXCEEDED)
        return list(await asyncio.gather(*(_node(context, gid) for gid in ids)))


@strawberry.type
class Mutation(
    StoreMutation,
    CustomerMutation,
    ProfileMutation,
    ActivityMutation,
    ImportMutation,
    SegmentMutation,
    StaticSegmentMutation,
    ListMutation,
    CatalogueMutation,
    CampaignMutation,
    ChannelMutation,
    ExportMutation,
    LifecycleMutation,
    OperationMutation,
):
    pass


@strawberry.type
class Subscription(OperationSubscription, CampaignSubscription):
    pass


@cache
def build_schema() -> Schema:
    config = StrawberryConfig(scalar_map=dict(SCALARS), relay_max_results=_AT_MOST)
    return without_null_defaults(Schema(Query, Mutation, Subscription, config=config))
