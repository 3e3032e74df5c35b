"""The kinds of data that can change of a customer, each with the tables that hold it."""

from enum import IntFlag


class ChangeKind(IntFlag):
    """What a change was of; a segment is looked at again only for the kinds that it asks for."""

    EXISTENCE = 1  # a customer came, went, or came back: concerns every segment
    PROFILE = 2  # own columns, addresses, origin, tags, properties
    CONTACTS = 4
    ORDERS = 8
    EVENTS = 16
    WALLETS = 32
    GROUPS = 64  # lists, and members of static segments
    SEGMENTS = 128  # what segments ask


EVERYTHING = ChangeKind(255)
# A mark that goes so far means every customer.
LAST = 2**63 - 1
