"""Deliveries keep since when they may have gone out, and campaigns how many of their batches are open.

Columns alone are added; of campaigns under way, the jobs that send them are counted.
"""

from collections import Counter
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from domain.kit.db.types import Id, Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JOBS = sa.table("jobs", sa.column("kind", sa.String), sa.column("status", sa.String), sa.column("payload", Json))
_CAMPAIGNS = sa.table("campaigns", sa.column("id", Id), sa.column("open_batches", sa.Integer))


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("in_doubt_since", Instant(), nullable=True))
    op.add_column("campaigns", sa.Column("open_batches", sa.Integer(), nullable=False, server_default="0"))
    sending = sa.select(_JOBS.c.payload).where(_JOBS.c.kind == "campaign.deliver", _JOBS.c.status != "failed")
    batches = Counter(str(payload["campaign"]) for (payload,) in op.get_bind().execute(sending))
    for campaign_id, number in batches.items():
        is_campaign = _CAMPAIGNS.c.id == UUID(campaign_id)
        op.execute(sa.update(_CAMPAIGNS).where(is_campaign).values(open_batches=number))


def downgrade() -> None:
    op.drop_column("campaigns", "open_batches")
    op.drop_column("deliveries", "in_doubt_since")
