"""Addresses, each in the one form in which it is stored, compared, hashed and sent to."""

from collections.abc import Mapping
from contextlib import suppress

import muster_sdk
from muster_sdk import AddressInvalid, AddressKind

from domain.kit.errors import DomainError

AddressKinds = Mapping[str, AddressKind]
"""The kind of address that each channel takes, by the channel's key."""

# Of channels of which a store may have contacts before a plugin brings them; what no plugin says is a handle.
KNOWN_KINDS: AddressKinds = {"email": AddressKind.EMAIL, "sms": AddressKind.PHONE}


def canonical_email(text: str) -> str:
    """Return the one form of an e-mail address. Raise DomainError when it is none.

    Lower case, NFC, the domain in Unicode by IDNA 2008: what people read, search for and export is what is stored, and
    `xn--` is written for mail servers alone.
    """
    try:
        return muster_sdk.canonical_email(text.strip())
    except AddressInvalid as error:
        raise DomainError(f"{_shown(text)} is no e-mail address: {error}") from error


def canonical_address(text: str) -> str:
    """Return an address of any kind in the form in which addresses are compared; what is no e-mail is in lower case."""
    try:
        return muster_sdk.canonical_email(text.strip())
    except AddressInvalid:
        return text.strip().lower()


def canonical_domain(text: str) -> str:
    """Return the domain of e-mail addresses as they have it; what is none is in lower case."""
    return canonical_address(f"a@{text.strip()}").removeprefix("a@")


def former_spellings(text: str) -> set[str]:
    """Return an address as it is compared now, and as earlier releases stored it: with its domain as it was written."""
    canonical = canonical_address(text)
    local, at, domain = canonical.rpartition("@")
    spellings = {text.strip().lower(), canonical}
    if at and not domain.isascii():
        with suppress(AddressInvalid):
            spellings.add(f"{local}@{muster_sdk.smtp_mailbox(canonical).rpartition('@')[2]}")
    return spellings


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
