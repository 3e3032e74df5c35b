"""The one value that jobs and actions work with, whoever runs them; the wiring makes it."""

from dataclasses import dataclass

from muster_sdk import Templates

from domain.consents.links import UnsubscribeLinks
from domain.consents.suppressions import suppression_key
from domain.extensions import Extensions
from domain.installation.keys import InstallationKeys
from domain.kit.clock import Clock
from domain.kit.db import Database, Transaction
from domain.operations.files import FileDirectory
from domain.sessions.continuity import Continuity
from domain.sessions.journal import JournalDirectory
from domain.sessions.session import Sessions
from domain.sessions.webhook_addresses import WebhookAddresses
from domain.stores.channels import Channels


@dataclass(frozen=True, slots=True)
class Services:
    database: Database
    clock: Clock
    templates: Templates
    # Where the server is reached: links begin with it.
    public_url: str
    keys: InstallationKeys
    channels: Channels
    sessions: Sessions
    journals: JournalDirectory
    continuity: Continuity
    files: FileDirectory
    extensions: Extensions

    async def links(self) -> UnsubscribeLinks:
        """Return the maker of unsubscribe links. Raise WrongSecretKey.

        No transaction of the caller's may be writing.
        """
        return UnsubscribeLinks(self.public_url, (await self.keys.load(self.database)).signing)

    async def webhook_addresses(self) -> WebhookAddresses:
        """Return the maker of addresses of webhooks. Raise WrongSecretKey.

        No transaction of the caller's may be writing.
        """
        return WebhookAddresses(self.public_url, (await self.keys.load(self.database)).signing)

    async def suppression_key(self, tx: Transaction | None = None) -> bytes:
        """Return the key of the hashes by which a no outlives an erasure. Raise WrongSecretKey.

        `tx` is the caller's transaction when it writes.
        """
        return suppression_key(await (self.keys.load(self.database) if tx is None else self.keys.of(tx)))
