"""E-mail addresses: the one form in which the host keeps them, and the form in which mail servers take them."""

import re
from typing import Final
from unicodedata import normalize

import idna

from muster_sdk.errors import AddressInvalid

__all__ = ["canonical_email", "smtp_mailbox"]

_MAX_LENGTH: Final = 254  # bytes as mail servers take it (RFC 5321 4.5.3.1.3)
_MAX_LOCAL: Final = 64  # bytes as mail servers take it (RFC 5321 4.5.3.1.1)

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"[A-Za-z0-9_+%'-]+(?:\.[A-Za-z0-9_+%'-]+)*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")
_ASCII_LABEL = re.compile(_LABEL)
_TOP_LEVEL = re.compile(r"[a-z]{2,63}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
# Carriers in Japan have given out names with dots at either end, and with several in a row.
_ATOMS_AND_DOTS = re.compile(rf"\.*{_ATOM}(?:\.+{_ATOM})*\.*")
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# RFC 5895: letters of full width, and the full stops of Chinese and Japanese.
_WIDTHS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: "."}


def canonical_email(address: str) -> str:
    """Return the one form of an e-mail address: whatever is written otherwise and is the same mailbox has the same.

    It is in lower case and NFC, its domain is in Unicode by IDNA 2008, and its name is without quotes. Raise
    AddressInvalid when no mail server, or not every one, reads it as one mailbox.

        canonical_email("Ann@XN--STRAE-OQA.example") == "ann@straße.example"
    """
    if _PLAIN.fullmatch(address) and len(address) <= _MAX_LENGTH and address.index("@") <= _MAX_LOCAL:
        lower = address.lower()
        if "xn--" not in lower:
            return lower
    local, at, domain = address.rpartition("@")
    if not at:
        raise AddressInvalid("it has no @")
    canonical = f"{_canonical_local(local)}@{_canonical_domain(domain)}"
    if len(_mailbox(canonical).encode()) > _MAX_LENGTH:
        raise AddressInvalid(f"it has more than {_MAX_LENGTH} bytes as mail servers take it")
    return canonical


def smtp_mailbox(address: str) -> str:
    """Return an e-mail address as the commands and headers of mail take it. Raise AddressInvalid when it is none.

    Its domain is in ASCII. Its name is in quotes where its dots ask for them, and may hold letters outside ASCII: such
    an address needs a server with SMTPUTF8.

        smtp_mailbox("a..b@straße.example") == '"a..b"@xn--strae-oqa.example'
    """
    return _mailbox(canonical_email(address))


def _canonical_local(text: str) -> str:
    quoted = len(text) > 2 and text[0] == text[-1] == '"'
    local = normalize("NFC", (text[1:-1] if quoted else text).lower())
    # Other quoted names are left out on purpose: hardly a mailbox has one, many an attack does. Some servers compare
    # by NFKC, in which U+FF20 is an @, and some decode an encoded-word (RFC 2047) even here.
    if "=?" in local or not all(
        _ATOMS_AND_DOTS.fullmatch(spelling) and spelling.isprintable() and not re.search(r"\s", spelling)
        for spelling in (local, normalize("NFKC", local))
    ):
        raise AddressInvalid("before the @ it has letters, digits and signs such as . _ + -, without spaces")
    if len(_smtp_local(local).encode()) > _MAX_LOCAL:
        raise AddressInvalid(f"it has more than {_MAX_LOCAL} bytes before the @")
    return local


def _canonical_domain(text: str) -> str:
    # By itself, an upper-case sigma becomes the one of a word's end or the other by what follows it.
    domain = normalize("NFC", normalize("NFC", text.translate(_WIDTHS)).replace("\u03a3", "\u03c3").lower())
    labels = [_canonical_label(label) for label in domain.split(".")]
    if len(labels) < 2 or (labels[-1].isascii() and not _TOP_LEVEL.fullmatch(labels[-1])):
        raise AddressInvalid("its domain has no ending such as .com")
    return ".".join(labels)


def _canonical_label(label: str) -> str:
    """Return a part of a domain in Unicode. Raise AddressInvalid when IDNA 2008 has none such.

    What IDNA 2003 and UTS 46 would turn into other characters is refused: another domain, or none, would get the mail.
    """
    if label.isascii() and not label.startswith("xn--"):
        if not _ASCII_LABEL.fullmatch(label):
            raise AddressInvalid("its domain has letters, digits and hyphens between single dots")
        return label
    try:
        unicode_label = idna.ulabel(label)
        ascii_label = idna.alabel(unicode_label).decode()
    except idna.IDNAError as error:
        raise AddressInvalid(f"its domain is none of IDNA 2008 ({error})") from error
    if label.isascii() and ascii_label != label:
        raise AddressInvalid("its domain is none of IDNA 2008 (it has another spelling)")
    return unicode_label


def _mailbox(canonical: str) -> str:
    local, _, domain = canonical.rpartition("@")
    if not domain.isascii():
        domain = ".".join(label if label.isascii() else idna.alabel(label).decode() for label in domain.split("."))
    return f"{_smtp_local(local)}@{domain}"


def _smtp_local(local: str) -> str:
    return local if _DOT_ATOM.fullmatch(local) else f'"{local}"'
