"""The scope that each field below the roots takes, declared a second time: one that is missing here fails a test."""

from collections.abc import Mapping

from domain.stores.model import TokenScope
from tests.api.graphql.test_access import FIELDS

# For every token: IDs of objects, what a payload leads to, how work ends, what is wrong with the caller's own input.
OPEN: Mapping[str, str] = {
    "ApiToken": "id name scopes createdAt expiresAt lastUsedAt",
    "ApiTokenPayload": "apiToken token userErrors",
    "ApiTokenRevokePayload": "revokedId userErrors",
    "Campaign": "id",
    "CampaignPayload": "campaign userErrors",
    "ChannelConnectPayload": "userErrors",
    "ChannelPayload": "channel userErrors",
    "ChannelSyncPayload": "sync userErrors",
    "ChannelTestPayload": "userErrors",
    "Customer": "id",
    "CustomerDeletePayload": "deletedId operation userErrors",
    "CustomerList": "id",
    "CustomerUpsertPayload": "customer created userErrors",
    "CustomersUpsertPayload": "created updated userErrors",
    "Delivery": "id",
    "EventsTrackPayload": "accepted duplicates userErrors",
    "LifecyclePayload": "lifecycle userErrors",
    "ListDeletePayload": "deletedId userErrors",
    "ListPayload": "list operation userErrors",
    "Node": "id",
    "Operation": "id kind status createdAt finishedAt",
    "OperationPayload": "operation userErrors",
    "OrderStatusesPayload": "orderStatuses operation userErrors",
    "PropertyDefinition": "id",
    "PropertyDefinitionPayload": "propertyDefinition userErrors",
    "Segment": "id",
    "SegmentDeletePayload": "deletedId userErrors",
    "SegmentMembersPayload": "segment userErrors",
    "SegmentPayload": "segment list operation userErrors",
    "Store": "id",
    "StoreUpdatePayload": "store userErrors",
    "UserError": "field message code",
    "ValueRanksPayload": "dimension userErrors",
    "Viewer": "scopes store token",
}

# For who may read the store.
READ: Mapping[str, str] = {
    "Address": "country region city postcode street company latitude longitude",
    "AmountTrend": "current previous change",
    "AttributeCondition": "dimension operator values",
    "AuditEntryConnection": "edges nodes pageInfo totalCount",
    "AuditEntryEdge": "node cursor",
    "Behavior": "key label group attributes open",
    "BehaviorCondition": "behavior where aggregate of operator values window",
    "Bucket": "label value count",
    "Campaign": (
        "name channel status targetName acceptMarketing content utm createdAt scheduledAt startedAt "
        "finishedAt list reach stats deliveries preview problem"
    ),
    "CampaignConnection": "edges nodes pageInfo totalCount",
    "CampaignEdge": "node cursor",
    "CampaignStats": (
        "recipients pending sent failed unknown skipped delivered opened clicked bounced complained unsubscribed"
    ),
    "Channel": (
        "key label version package grade installed configured installedAt settingsSchema settings contentSchema "
        "capabilities webhookUrl problem sync"
    ),
    "ChannelCapabilities": (
        "maxBatch deliveryReceipts openTracking clickTracking audienceSync connectionCheck oauth idempotentSend"
    ),
    "ChannelConnectPayload": "authorizationUrl",
    "ChannelSync": "status done total problem lastSyncedAt lists",
    "ChannelTestPayload": "account problems",
    "ChannelReach": "channel reachable accepting",
    "Contact": "channel address consent consentAt invalid",
    "CountTrend": "current previous change",
    "Customer": (
        "externalId name firstName lastName company email emailVerified phone phoneVerified gender birthday "
        "locale country city source registeredFrom registrationForm accountStatus passwordSet lastLoginAt "
        "preferredChannel note member tier tierExpiresOn loyaltyRank blacklisted createdAt registeredAt "
        "deletedAt orderCount totalSpent lastOrderAt tags properties addresses contacts creditBalance "
        "pointBalance segments timeline"
    ),
    "CustomerConnection": "edges nodes pageInfo totalCount",
    "CustomerEdge": "node cursor",
    "CustomerList": (
        "name number status latest createdAt expiresAt deletable count problem expired actions segment "
        "members reach analysis difference campaigns"
    ),
    "CustomerListConnection": "edges nodes pageInfo totalCount",
    "CustomerListEdge": "node cursor",
    "CustomerProperty": "key value",
    "Delivery": "address status attempts providerMessageId error sentAt updatedAt customer message",
    "DeliveryConnection": "edges nodes pageInfo totalCount",
    "DeliveryEdge": "node cursor",
    "Dimension": "key label group type operators options closed maxValues ranked",
    "DimensionOption": "value label",
    "Event": "id type occurredAt attributes",
    "EventConnection": "edges nodes pageInfo totalCount",
    "EventEdge": "node cursor",
    "Exclusion": "reason count",
    "Filter": "all any not attribute behavior membership",
    "Lifecycle": "computedOn measured chosen used",
    "LifecycleThresholds": "activeDays lostDays introduceDays loyalOrders highSpend repurchaseDays",
    "ListAction": "kind channel label",
    "ListAnalysis": ("members byGender byTier byAge byCountry bySource orders totalSpent averageOrderValue trend"),
    "ListDifference": "joinedCount leftCount stayedCount joined left stayed",
    "ListTrend": "since until shoppers orders sales conversion",
    "MembershipCondition": "segmentId listId member",
    "ImportCounts": "rows taken refused cellsLeftOut",
    "ImportReport": "encoding separator preset columns counts rows",
    "ImportedColumn": "column fields",
    "ImportedRow": "row fields",
    "Operation": "done total url problems importReport",
    "OperationProblem": "row column value outcome message",
    "OrderStatus": "status meaning orderCount",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PropertyDefinition": "key label type",
    "Reach": "audience recipients excluded deleted",
    "MessageEstimate": "parts cost currency",
    "MessageWarning": "code message path",
    "RenderedMessage": "subject html text payload warnings estimate",
    "Segment": (
        "name description kind active include exclude query update createdAt updatedAt lastRefreshedAt "
        "nextRefreshAt summary refreshable refreshBlockedBy listCount latestList lists campaigns members "
        "memberCount problem"
    ),
    "SegmentConnection": "edges nodes pageInfo totalCount",
    "SegmentEdge": "node cursor",
    "SegmentMembersPayload": "changed",
    "SegmentPreset": "key group name description query include exclude",
    "SegmentPreview": "count exact query reach summary sample",
    "ShareTrend": "current previous change",
    "Store": "name timezone currency auditDays limits",
    "StoreLimits": "staticSegmentMembers propertyConditions",
    "SyncedList": "list count contacts syncedAt",
    "TimeWindow": "lastDays lastHours from to",
    "UpdatePolicy": "mode everyDays startedOn",
    "Utm": "source medium campaign",
}

ADMIN: Mapping[str, str] = {
    "AuditEntry": "id at action outcome codes actor actorName tokenId address requestId subjectType subjectId asked "
    "before after",
}


def declared() -> dict[str, TokenScope | None]:
    """The scope of each field of the schema, by its type and name; None for every token."""
    scopes = {coordinate: scope for coordinate, (_, scope) in FIELDS.items()}
    for scope, fields in ((None, OPEN), (TokenScope.READ, READ), (TokenScope.ADMIN, ADMIN)):
        scopes |= {f"{type_}.{name}": scope for type_, names in fields.items() for name in names.split()}
    return scopes
