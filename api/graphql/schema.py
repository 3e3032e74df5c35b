"""The whole schema, put together from its topics."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from api.graphql import campaigns, customers, deliveries, lists, operations, relay, segments
from api.graphql.activity import ActivityMutation
from api.graphql.campaigns import CampaignMutation, CampaignQuery, CampaignSubscription
from api.graphql.catalogue import CatalogueMutation, CatalogueQuery
from api.graphql.channels import ChannelMutation, ChannelQuery
from api.graphql.context import Context, Info, allow
from api.graphql.customers import CustomerMutation, CustomerQuery
from api.graphql.exports import ExportMutation, ExportQuery
from api.graphql.imports import ImportMutation
from api.graphql.lifecycle import LifecycleMutation, LifecycleQuery
from api.graphql.list_life import ListMutation
from api.graphql.lists import ListQuery
from api.graphql.operations import OperationMutation, OperationQuery, OperationSubscription
from api.graphql.plain import without_null_defaults
from api.graphql.presets import PresetQuery
from api.graphql.previews import PreviewQuery
from api.graphql.profiles import ProfileMutation, ProfileQuery
from api.graphql.relay import Node
from api.graphql.scalars import SCALARS
from api.graphql.segment_life import SegmentMutation
from api.graphql.segments import SegmentQuery
from api.graphql.static_segments import StaticSegmentMutation
from api.graphql.stores import Store, StoreMutation, StoreQuery
from domain.errors import DomainError, ErrorCode
from domain.stores.model import Scope

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
    found = relay.decode(gid, *_BY_TYPE)
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
        return await _node(allow(info, Scope.READ), id)

    @strawberry.field(description="250 at most; null for an ID of nothing that there is.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        context = allow(info, Scope.READ)
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


def build_schema() -> Schema:
    config = StrawberryConfig(scalar_map=dict(SCALARS), relay_max_results=_AT_MOST)
    return without_null_defaults(Schema(Query, Mutation, Subscription, config=config))
