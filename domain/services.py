"""The one value that jobs and actions work with, whoever runs them; the wiring makes it."""

from dataclasses import dataclass

from muster_sdk import Templates

from domain.consents.links import UnsubscribeLinks
from domain.extensions import Extensions
from domain.kit.clock import Clock
from domain.kit.db import Database
from domain.operations.files import FileDirectory
from domain.sessions.continuity import Continuity
from domain.sessions.journal import JournalDirectory
from domain.sessions.session import Sessions
from domain.stores.channels import Channels


@dataclass(frozen=True, slots=True)
class Services:
    database: Database
    clock: Clock
    templates: Templates
    links: UnsubscribeLinks
    channels: Channels
    sessions: Sessions
    journals: JournalDirectory
    continuity: Continuity
    files: FileDirectory
    extensions: Extensions
