"""The GraphQL documents that the demo sends, and those that it suggests."""

from domain.imports.model import ImportKind

INSTALL = """
mutation Install($settings: JSON) {
  channelInstall(key: "email", settings: $settings) { channel { configured } userErrors { field message } }
}
"""
IMPORTS = {
    ImportKind.CUSTOMERS: """
mutation ImportCustomers($file: Upload!) {
  customersImport(file: $file) { operation { id } userErrors { field message } }
}
""",
    ImportKind.ORDERS: """
mutation ImportOrders($file: Upload!) {
  ordersImport(file: $file, createCustomers: true) { operation { id } userErrors { field message } }
}
""",
    ImportKind.EVENTS: """
mutation ImportEvents($file: Upload!) {
  eventsImport(file: $file) { operation { id } userErrors { field message } }
}
""",
}
OPERATION = """
query Operation($id: ID!) {
  operation(id: $id) {
    status done total problems { row message } importReport { preset counts { rows taken refused cellsLeftOut } }
  }
}
"""
SEGMENT = """
mutation Segment($input: SegmentInput!) {
  segmentCreate(input: $input) { segment { id } list { id } operation { id } userErrors { field message } }
}
"""
LIST = """
query List($id: ID!) { list(id: $id) { id name status count } }
"""
CAMPAIGN = """
mutation Campaign($input: CampaignInput!) {
  campaignCreate(input: $input) {
    campaign { id reach { audience recipients excluded { reason count } } }
    userErrors { field message }
  }
}
"""
SEND = """
mutation Send($id: ID!) {
  campaignSend(id: $id, idempotencyKey: "demo") { campaign { id } userErrors { field message } }
}
"""
PROGRESS = """
query Progress($id: ID!) {
  campaign(id: $id) { status problem stats { recipients pending sent failed unknown skipped } }
}
"""
EXAMPLES = (
    """{
  segments(first: 5) { nodes { name summary memberCount latestList { name count reach { channel accepting } } } }
}""",
    """{
  segmentPreview(include: {behavior: {behavior: "order", operator: GTE, values: [3], window: {lastDays: 365}}}) {
    count
    sample { name email orderCount totalSpent }
  }
}""",
    """{
  campaigns(first: 1) {
    nodes { name status stats { sent unknown } deliveries(first: 3) { nodes { address status customer { name } } } }
  }
}""",
)
