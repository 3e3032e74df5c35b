"""Checks of the installation: its secret key, and that its database has not gone back."""

from collections.abc import Sequence

from api.doctor.check import CheckScope, DataCheck, Examination
from api.doctor.findings import MAX_NAMED, Finding
from domain.campaigns import queries as campaigns
from domain.campaigns.tables import campaigns as campaign_rows
from domain.installation import queries
from domain.installation.model import WrongSecretKey
from domain.installation.tables import installation
from domain.kit.db import Transaction
from domain.kit.secret_keys import sealed_prefix, sealing_key
from domain.stores import sealed_settings
from domain.stores.tables import channel_installations


async def find_key_problems(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return that the secret key is not the database's, or what is left to do of a rotation."""
    keys = scope.runtime.services.keys
    pair = keys.secret_keys.pair
    sealed = await queries.sealed_keys(tx)
    if sealed is None:
        # Nobody has needed them yet.
        return []
    try:
        await keys.of(tx)
    except WrongSecretKey as error:
        return [Finding(str(error))]
    if pair.previous is None:
        return []
    others = await sealed_settings.count(tx, unlike=sealed_prefix(pair.current))
    if others or sealing_key(sealed) != pair.current.id:
        problem = (
            f"the lasting keys or the settings of {others} channels are sealed with the previous key: run `muster key "
            "reseal` once every process has both keys"
        )
        return [Finding(problem, warning=True)]
    problem = "nothing is sealed with the previous key any more: unset MUSTER_PREVIOUS_SECRET_KEY, or delete "
    return [Finding(f"{problem}muster.key.previous", warning=True)]


async def find_lost_commits(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return that the database went back, and the campaigns that may have gone out since."""
    problem = await scope.runtime.services.continuity.held_everywhere(tx)
    if problem is None:
        return []
    under_way = [*await campaigns.under_way(tx), *await campaigns.due(tx, scope.now)]
    named = tuple(f"store {campaign.store_id}: campaign {campaign.campaign_id}" for campaign in under_way)
    if not named:
        return [Finding(f"{problem} (no campaign was under way or due)")]
    return [Finding(problem), Finding("campaigns were under way or due", None, named[:MAX_NAMED], len(named))]


DATA_CHECKS = (
    DataCheck(
        "keys",
        "the secret key is that of the database",
        "see the page on operating Muster: rotate the secret key",
        [Examination(find_key_problems, [installation, channel_installations])],
    ),
    DataCheck(
        "continuity",
        "the database has what it had committed",
        "see the page on backups: muster resume --from-backup",
        [Examination(find_lost_commits, [installation, campaign_rows])],
    ),
)
