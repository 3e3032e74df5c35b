"""E-mail addresses, restricted to what every mail server reads as exactly one mailbox."""

import re
from unicodedata import normalize

MAX_LENGTH = 254
_MAX_LOCAL_LENGTH = 64
# Quoted local parts and address literals are left out on purpose: hardly a mailbox has them, many an attack does.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\u2027\u202a-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U0003ffff-]+"
_LABEL = r"[A-Za-z0-9\u00a1-\u2027\u202a-\ud7ff\U00010000-\U0003ffff](?:[\w-]{0,61}\w)?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_ASCII = re.compile(r"[A-Za-z0-9_]+(?:[.+_-][A-Za-z0-9_]+)*@[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)+")


def problem(address: str) -> str | None:
    """Return why this is not the address of one mailbox, or None if it is."""
    if len(address) > MAX_LENGTH:
        return f"An e-mail address has at most {MAX_LENGTH} characters"
    local, _, domain = address.rpartition("@")
    # IDNA sends a domain in NFKC, in which U+2474 is "(1)" and U+00AF begins with a space.
    spellings = (address, f"{local}@{normalize('NFKC', domain)}")
    # Some servers decode an encoded-word (RFC 2047) even here, to another address.
    if (
        not all(map(_ADDRESS.fullmatch, spellings))
        or "=?" in address
        or any(not character.isprintable() or character.isspace() for character in address)
    ):
        return "An e-mail address is one name@domain, without spaces, commas, brackets or quotes"
    if len(local.encode()) > _MAX_LOCAL_LENGTH:
        return f"The part of an e-mail address before the @ has at most {_MAX_LOCAL_LENGTH} bytes"
    return None


def is_plain(address: str) -> bool:
    """Return whether the address is everyday ASCII: a quick yes for nearly every address."""
    return len(address) <= _MAX_LOCAL_LENGTH and _ASCII.fullmatch(address) is not None


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def with_ascii_domain(address: str) -> str:
    """Return the address with its domain in IDNA; a local part outside ASCII stays, for servers with SMTPUTF8."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address
