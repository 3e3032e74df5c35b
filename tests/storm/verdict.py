"""The verdict on a storm: what Muster says of each recipient, beside the mail server's log."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from domain.campaigns.model import CampaignStatus
from domain.campaigns.tables import campaigns
from domain.deliveries import queries as delivery_queries
from domain.deliveries.model import Stats
from domain.deliveries.tables import deliveries
from domain.kit.db import Database
from tests.storm.scene import Scene


@dataclass(frozen=True)
class Verdict:
    """What is wrong, and the figures."""

    wrong: tuple[str, ...]
    sent: int
    unknown: int


async def judge(scene: Scene, recipients: int, may_be_unknown: int) -> Verdict:
    """Compare the database with the mail server's log."""
    database = Database(scene.url)
    try:
        async with database.read() as tx:
            key = campaigns.c.store_id == scene.store_id, campaigns.c.id == scene.campaign_id
            campaign = (await tx.execute(select(campaigns.c.status, campaigns.c.problem).where(*key))).one()
            rows = await tx.execute(
                select(deliveries.c.address, deliveries.c.status).where(deliveries.c.store_id == scene.store_id)
            )
            states: dict[str, str] = dict(rows.all())
            stats = (await delivery_queries.stats_of(tx, scene.store_id, [scene.campaign_id])).get(scene.campaign_id)
    finally:
        await database.close()
    # Read behind the states: what they call sent has arrived before.
    arrived = Counter(line.split()[0] for line in scene.log.read_text().splitlines())
    counts = Counter(states.values())
    falsely_sent = [address for address, status in states.items() if status == "SENT" and address not in arrived]
    falsely_failed = [address for address, status in states.items() if status == "FAILED" and address in arrived]
    unclear = counts["PENDING"] + counts["SENDING"]
    counted = Stats(
        recipients=len(states),
        pending=unclear,
        sent=counts["SENT"],
        failed=counts["FAILED"],
        unknown=counts["UNKNOWN"],
        skipped=counts["SKIPPED"],
    )
    problem = campaign.problem if counts["SENT"] == recipients else None
    faults = {
        "sent twice": _shown([address for address, times in arrived.items() if times > 1]),
        "SENT and never received": _shown(falsely_sent),
        "FAILED and received": _shown(falsely_failed),
        "FAILED or SKIPPED, though nobody refused it": counts["FAILED"] + counts["SKIPPED"],
        "recipients without a delivery": recipients - len(states),
        "received by nobody's delivery": _shown(set(arrived) - set(states)),
        "neither sent nor given up": unclear,
        f"UNKNOWN, though at most {may_be_unknown} may be": max(counts["UNKNOWN"] - may_be_unknown, 0),
        "the campaign's state": campaign.status != CampaignStatus.SENT.value and campaign.status,
        "the campaign's counts": stats != counted and f"{stats} for {counted}",
        "a problem that is over": problem,
    }
    wrong = tuple(f"{name}: {value}" for name, value in faults.items() if value)
    return Verdict(wrong, counts["SENT"], counts["UNKNOWN"])


def _shown(addresses: Collection[str]) -> str:
    return f"{len(addresses)}, such as {sorted(addresses)[:3]}" if addresses else ""
