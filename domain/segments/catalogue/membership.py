"""Membership of customers: tier, rank and blacklist."""

from domain.customers.tables import customers
from domain.segments.catalogue.builders import Group, day_of, flag_of, text_of
from domain.segments.sql.dimensions.customer import BlacklistSource

_c = customers.c
_membership = Group("membership")

MEMBERSHIP = (
    _membership.flag("member", "Member", flag_of(_c.member), 40),
    _membership.text("tier", "Membership tier", text_of(_c.tier), 41),
    _membership.day("tier_expires_on", "Membership expiry", day_of(_c.tier_expires_on), 42),
    _membership.text("loyalty_rank", "Loyalty rank", text_of(_c.loyalty_rank), 47),
    _membership.flag("blacklisted", "Blacklisted", BlacklistSource(), 53),
)
