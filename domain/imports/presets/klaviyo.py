"""Klaviyo's export of a list or segment."""

from domain.imports.presets.model import ExportPreset, Filled, First, Joined

PROFILES = ExportPreset(
    "Klaviyo profiles",
    marks=[
        ("Email", "Klaviyo ID"),
        ("Email", "Email Marketing Consent", "Email Marketing Consent Timestamp"),
        ("Email", "Email Marketing Consent", "Profile Created On"),
    ],
    fields={
        "email": "Email",
        "first_name": "First Name",
        "last_name": "Last Name",
        "company": "Organization",
        "phone": "Phone Number",
        "country": "Country",
        "city": "City",
        "source": "Source",
        "registered_at": "Profile Created On",
        # Whoever is suppressed gets no mail, whatever was agreed to before.
        "consent.email": First(Filled("Email Suppressions", "UNSUBSCRIBED", blank="[]"), "Email Marketing Consent"),
        "consent.sms": "SMS Marketing Consent",
        "address.1.street": Joined("Address", "Address 2"),
        "address.1.city": "City",
        "address.1.region": "State / Region",
        "address.1.postcode": "Zip Code",
        "address.1.country": "Country",
        "address.1.latitude": "Latitude",
        "address.1.longitude": "Longitude",
    },
    left_out=(
        *("Klaviyo ID", "Title", "IP Address", "Timezone", "Email Marketing Consent Timestamp"),
        *("SMS Marketing Consent Timestamp", "First Active", "Last Active", "Date Added", "Last Open", "Last Click"),
        *("Historic Customer Lifetime Value", "Predicted Customer Lifetime Value", "Total Customer Lifetime Value"),
        *("Average Order Value", "Historic Number Of Orders", "Predicted Number Of Orders"),
        *("Average Days Between Orders", "Expected Date Of Next Order", "Churn Risk Prediction"),
    ),
)
