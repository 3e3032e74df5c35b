"""Profile and account of customers."""

from calendar import month_name
from dataclasses import replace

from sqlalchemy import extract

from domain.addresses import canonical_address, canonical_domain
from domain.customers.model import AccountStatus, Gender
from domain.customers.tables import customers
from domain.segments.catalogue.builders import (
    NUMBERS_OR_NONE,
    Group,
    choice,
    day_of,
    flag_of,
    is_set,
    moment_of,
    only,
    spoken,
    suggested,
    text_of,
)
from domain.segments.catalogue.entries import CHOICE, NUMBERS, PRESENCE
from domain.segments.sql.columns.phones import CALLING_CODES, CallingCodeColumn
from domain.segments.sql.columns.times import AgeColumn
from domain.segments.sql.columns.values import TextColumn, WholeColumn
from domain.segments.sql.dimensions.customer import CustomerColumn, email_domain

NAMES = 25
EMAIL_DOMAINS = 50
_c = customers.c
_profile = Group("profile")
_MONTHS = {number: month_name[number] for number in range(1, 13)}
_SOURCES = {
    "online": "Storefront website",
    "admin": "Admin panel",
    "pos": "Retail store",
    "import": "Import",
    "api": "API",
}

PROFILE = (
    replace(_profile.text("name", "Name", text_of(_c.name), 1), max_values=NAMES),
    _profile.text("first_name", "First name", text_of(_c.first_name), 2),
    _profile.text("last_name", "Last name", text_of(_c.last_name), 3),
    _profile.text("company", "Company", text_of(_c.company), 21),
    _profile.text("email", "E-mail address", CustomerColumn(TextColumn(_c.email, canonical_address)), 11),
    _profile.flag("has_email", "Has an e-mail address", is_set(_c.email), 10),
    _profile.flag("email_verified", "E-mail address verified", flag_of(_c.email_verified), 13),
    replace(
        _profile.text(
            "email_domain",
            "E-mail domain",
            CustomerColumn(TextColumn(email_domain(_c.email), canonical_domain)),
            11,
            12,
        ),
        max_values=EMAIL_DOMAINS,
    ),
    _profile.text("phone", "Phone number", text_of(_c.phone), 16),
    _profile.flag("has_phone", "Has a phone number", is_set(_c.phone), 14),
    _profile.flag("phone_verified", "Phone number verified", flag_of(_c.phone_verified), 17),
    choice(
        _profile.text("phone_country_code", "Phone country code", CustomerColumn(CallingCodeColumn(_c.phone)), 15),
        {code: f"{code} ({countries})" for code, countries in CALLING_CODES.items()},
    ),
    choice(_profile.text("gender", "Gender", text_of(_c.gender), 4), spoken(Gender), *PRESENCE),
    _profile.day("birthday", "Birthday", day_of(_c.birthday), 5, 6),
    only(
        _profile.number("birthday_year", "Year of birth", CustomerColumn(WholeColumn(extract("year", _c.birthday))), 5),
        (*CHOICE, *NUMBERS[2:], *PRESENCE),
    ),
    choice(
        _profile.number(
            "birthday_month", "Month of birth", CustomerColumn(WholeColumn(extract("month", _c.birthday))), 5, 6
        ),
        _MONTHS,
        *PRESENCE,
    ),
    _profile.flag("has_birthday", "Has a birthday", is_set(_c.birthday), 7),
    only(_profile.number("age", "Age", CustomerColumn(AgeColumn(_c.birthday)), 8), NUMBERS_OR_NONE),
    _profile.text("locale", "Language", text_of(_c.locale), 23),
    _profile.text("country", "Country", CustomerColumn(TextColumn(_c.country, str.upper)), 19),
    _profile.text("city", "City", text_of(_c.city), 20),
    suggested(_profile.text("source", "Source", text_of(_c.source), 136, 141), _SOURCES),
    _profile.text("external_id", "Customer ID", text_of(_c.external_id), 31),
    _profile.moment("created_at", "Created", moment_of(_c.created_at), 24),
    _profile.text("note", "Note", text_of(_c.note), 30),
)

_account = Group("account")
ACCOUNT = (
    _account.moment("registered_at", "Registered", moment_of(_c.registered_at), 25),
    _account.text("registered_from", "Registered from", text_of(_c.registered_from), 137),
    _account.text("registration_form", "Registration form", text_of(_c.registration_form), 142),
    choice(
        _account.text("account_status", "Account status", text_of(_c.account_status), 27),
        spoken(AccountStatus),
        *PRESENCE,
    ),
    _account.flag("password_set", "Password is set", flag_of(_c.password_set), 26),
    _account.moment("last_login_at", "Last login", moment_of(_c.last_login_at), 28),
    _account.text("preferred_channel", "Preferred channel", text_of(_c.preferred_channel), 29),
)
