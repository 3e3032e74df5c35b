"""The schema, assembled from its topics."""

import asyncio
from functools import cache

import strawberry
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from api.graphql.audit.types import AuditQuery
from api.graphql.campaigns.mutations import CampaignMutation, CampaignSubscription
from api.graphql.campaigns.types import CampaignQuery
from api.graphql.customers.events import EventMutation
from api.graphql.customers.lifecycle import LifecycleMutation, LifecycleQuery
from api.graphql.customers.mutations import CustomerMutation
from api.graphql.customers.privacy import PrivacyMutation
from api.graphql.customers.properties import PropertyMutation, PropertyQuery
from api.graphql.customers.types import CustomerQuery
from api.graphql.kit.context import Info
from api.graphql.kit.fields import without_null_defaults
from api.graphql.kit.nodes import Node, find_node
from api.graphql.kit.scalars import SCALARS
from api.graphql.lists.exports import ExportMutation, ExportQuery
from api.graphql.lists.mutations import ListMutation
from api.graphql.lists.types import ListQuery
from api.graphql.operations.imports import ImportMutation
from api.graphql.operations.types import OperationMutation, OperationQuery, OperationSubscription
from api.graphql.orders.statuses import OrderMutation, OrderQuery
from api.graphql.segments.catalogue import CatalogueMutation, CatalogueQuery
from api.graphql.segments.members import StaticSegmentMutation
from api.graphql.segments.mutations import SegmentMutation
from api.graphql.segments.presets import PresetQuery
from api.graphql.segments.preview import PreviewQuery
from api.graphql.segments.types import SegmentQuery
from api.graphql.stores.channels import ChannelMutation, ChannelQuery
from api.graphql.stores.connections import ConnectionMutation
from api.graphql.stores.tokens import TokenMutation, TokenQuery
from api.graphql.stores.types import StoreMutation, StoreQuery
from domain.kit.errors import DomainError, ErrorCode

_MAX_NODES = 250


@strawberry.type
class Query(
    StoreQuery,
    TokenQuery,
    AuditQuery,
    CustomerQuery,
    PropertyQuery,
    SegmentQuery,
    CatalogueQuery,
    PreviewQuery,
    ListQuery,
    CampaignQuery,
    ChannelQuery,
    OperationQuery,
    OrderQuery,
    ExportQuery,
    LifecycleQuery,
    PresetQuery,
):
    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        return await find_node(info.context, id)

    @strawberry.field(description="250 at most; null for an ID that names no object.")
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> list[Node | None]:
        context = info.context
        if len(ids) > _MAX_NODES:
            raise DomainError(f"{len(ids)} IDs: {_MAX_NODES} at most", field=("ids",), code=ErrorCode.LIMIT_EXCEEDED)
        return list(await asyncio.gather(*(find_node(context, gid) for gid in ids)))


@strawberry.type
class Mutation(
    StoreMutation,
    TokenMutation,
    CustomerMutation,
    PrivacyMutation,
    PropertyMutation,
    EventMutation,
    ImportMutation,
    OrderMutation,
    SegmentMutation,
    StaticSegmentMutation,
    ListMutation,
    CatalogueMutation,
    CampaignMutation,
    ChannelMutation,
    ConnectionMutation,
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
    config = StrawberryConfig(scalar_map=dict(SCALARS), relay_max_results=_MAX_NODES)
    return without_null_defaults(Schema(Query, Mutation, Subscription, config=config))
