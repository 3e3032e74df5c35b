"""The kinds of a customer's data that can change, some of which a filter reads, and the marks of what has changed."""

from dataclasses import dataclass
from enum import IntFlag


class ChangeKind(IntFlag):
    """The kind of data that was changed; a segment is evaluated again only for the kinds that its filter reads."""

    EXISTENCE = 1  # a customer was added, deleted or restored: concerns every segment
    PROFILE = 2  # the customer's row, addresses, origin, tags, properties
    CONTACTS = 4
    ORDERS = 8
    EVENTS = 16
    WALLETS = 32
    GROUPS = 64  # lists, and members of static segments
    SEGMENTS = 128  # the filters of segments


ALL_KINDS = ChangeKind(255)
# A mark from 0 to here means every customer.
MAX_CUSTOMER_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ChangeMark:
    """Customers from one id to another, and the kinds of what changed of them."""

    id: str
    kinds: int
    first: int
    last: int

    @property
    def width(self) -> int:
        """Return how many customers it names: none, when it only says that segments changed."""
        return 0 if self.kinds == ChangeKind.SEGMENTS else self.last - self.first + 1
