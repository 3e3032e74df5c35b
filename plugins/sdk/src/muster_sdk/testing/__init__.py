"""The contract kit: tests of channels against doubles of providers, with the extra `muster-sdk[testing]`."""

from muster_sdk.testing.acts import Act, Attempt, SentMessage
from muster_sdk.testing.contract import ChannelContract
from muster_sdk.testing.double import ProviderDouble
from muster_sdk.testing.host import KitHost, KitHttp, KitState
from muster_sdk.testing.http_double import HttpDouble, HttpReply, HttpRequest
from muster_sdk.testing.report import KitReport
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.templates import KitTemplates

__all__ = [
    "Act",
    "Attempt",
    "ChannelContract",
    "ContractSubject",
    "HttpDouble",
    "HttpReply",
    "HttpRequest",
    "KitHost",
    "KitHttp",
    "KitReport",
    "KitState",
    "KitTemplates",
    "ProviderDouble",
    "SentMessage",
]
