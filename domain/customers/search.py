"""Finds customers by what people type: an id, an address or a number as a whole, or else a part of one or of a name."""

import re
from unicodedata import normalize

import phonenumbers
from sqlalchemy import ColumnElement, func, or_, select, union_all

from domain.customers.tables import customers
from domain.kit.db import Transaction
from domain.kit.db.portable import values_of
from domain.kit.folded_text import folded

# More customers than this with one address are found by walking through the store's.
_MOST_IDS = 1_000
# Fewer digits are a part of nearly every number.
_FEWEST_DIGITS = 3
_NUMBER = re.compile(r"[+(]?[0-9](?:[0-9 ().,/\u2010-\u2015\u2212-]*[0-9])?")


async def found_by(tx: Transaction, store_id: int, text: str) -> ColumnElement[bool] | None:
    """Return the condition of the customers that the text finds, None when there is no text.

    Whoever has it as e-mail address, phone number, however it is written, or external id with a digit is found by
    indexes, and nobody else then. Otherwise who has it as external id, or in the name, address or number, is found by
    looking through the store's customers.
    """
    text = text.strip()
    if not text:
        return None
    compatible = normalize("NFKC", text)
    number = compatible if _NUMBER.fullmatch(compatible) else None
    of_store = (customers.c.store_id == store_id, customers.c.deleted_at.is_(None))
    wholes = [customers.c.external_id == text, customers.c.email == compatible.lower()]
    if number is not None:
        # A count each: for a list of a hundred numbers PostgreSQL would read a store whose size it does not know yet.
        phone = values_of(sorted(phone_numbers(number)), tx.dialect)
        same = select(func.count()).select_from(customers).where(*of_store, customers.c.phone == phone)
        known = (
            await tx.execute(select(phone).where(same.correlate_except(customers).scalar_subquery() > 0))
        ).scalars()
        wholes.append(customers.c.phone.in_(known.all()))
    # A select each: without statistics PostgreSQL would not take the three indexes for alternatives.
    ids = union_all(*(select(customers.c.id).where(*of_store, whole) for whole in wholes))
    whole_ids = set((await tx.execute(ids.limit(_MOST_IDS))).scalars())
    # Without a digit or an @, an external id may be a name too.
    if whole_ids and re.search("[0-9@]", compatible):
        return or_(*wholes) if len(whole_ids) == _MOST_IDS else customers.c.id.in_(sorted(whole_ids))
    parts = [wholes[0], customers.c.email.contains(compatible.lower(), autoescape=True)]
    if folded_text := folded(text):
        parts.append(customers.c.folded_name.contains(folded_text, autoescape=True))
    if number is not None:
        # A number is stored with its country and without the 0 that is dialled within it.
        digits = phonenumbers.normalize_digits_only(number).lstrip("0")
        if len(digits) >= _FEWEST_DIGITS:
            parts.append(customers.c.phone.contains(digits, autoescape=True))
    return or_(*parts)


def phone_numbers(text: str) -> set[str]:
    """Return the numbers, as they are stored, that a text may mean: one of each country when it names none."""
    digits = phonenumbers.normalize_digits_only(text)
    international = text if text.startswith("+") else f"+{digits.removeprefix('00')}"
    readings: list[tuple[str, str | None]] = [(international, None)]
    if not text.startswith("+"):
        readings += ((text, region) for region in phonenumbers.SUPPORTED_REGIONS)
    numbers: set[str] = set()
    for written, region in readings:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            numbers.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return numbers
