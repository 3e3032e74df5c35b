"""Mailchimp's export of an audience: a file each of the subscribed, unsubscribed and cleaned contacts."""

from domain.imports.presets.model import ExportPreset, Filled, First

_UNSUBSCRIBED, _SUBSCRIBED = "UNSUBSCRIBED", "SUBSCRIBED"

AUDIENCE = ExportPreset(
    "Mailchimp audience",
    marks=[("Email Address", "MEMBER_RATING", "LEID", "EUID"), ("Email Address", "OPTIN_TIME", "CONFIRM_TIME")],
    fields={
        "email": "Email Address",
        "first_name": "First Name",
        "last_name": "Last Name",
        "phone": First("Phone Number", "SMS Phone Number"),
        # Who was cleaned has an address that refuses mail for good.
        "consent.email": First(
            Filled("UNSUB_TIME", _UNSUBSCRIBED),
            Filled("CLEAN_TIME", _UNSUBSCRIBED),
            Filled("CONFIRM_TIME", _SUBSCRIBED),
        ),
        "note": "NOTES",
        "tags": "TAGS",
    },
    left_out=(
        *("Address", "Birthday", "MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_IP", "LATITUDE", "LONGITUDE"),
        *("GMTOFF", "DSTOFF", "TIMEZONE", "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "UNSUB_CAMPAIGN_TITLE"),
        *("UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"),
    ),
)
