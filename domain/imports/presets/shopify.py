"""Shopify's exports of customers and orders."""

from domain.imports.presets.model import ExportPreset, Filled, First, Joined

CUSTOMERS = ExportPreset(
    "Shopify customers",
    marks=[
        ("Accepts Email Marketing", "Total Spent", "Tax Exempt"),
        ("Accepts Marketing", "Total Spent", "Tax Exempt"),
    ],
    fields={
        "external_id": "Customer ID",
        "first_name": "First Name",
        "last_name": "Last Name",
        "email": "Email",
        "phone": First("Phone", "Default Address Phone"),
        "company": First("Default Address Company", "Company"),
        "city": First("Default Address City", "City"),
        "country": First("Default Address Country Code", "Country Code", "Country"),
        "consent.email": First("Accepts Email Marketing", "Accepts Marketing"),
        "consent.sms": "Accepts SMS Marketing",
        "note": "Note",
        "tags": "Tags",
        "address.1.street": Joined("Default Address Address1", "Default Address Address2", "Address1", "Address2"),
        "address.1.city": First("Default Address City", "City"),
        "address.1.region": First("Default Address Province Code", "Province Code", "Province"),
        "address.1.country": First("Default Address Country Code", "Country Code", "Country"),
        "address.1.postcode": First("Default Address Zip", "Zip"),
        "address.1.company": First("Default Address Company", "Company"),
    },
    # Counted from the orders.
    left_out=("Total Spent", "Total Orders", "Tax Exempt"),
    apostrophes=True,
)

# An order's own columns stand on its first line alone. Its Id does so too: lines go by its name.
ORDERS = ExportPreset(
    "Shopify orders",
    marks=[("Name", "Financial Status", "Created at", "Lineitem name")],
    fields={
        "order_id": "Name",
        "customer_external_id": "Customer ID",
        "customer_email": "Email",
        "customer_phone": First("Phone", "Billing Phone", "Shipping Phone"),
        "customer_name": First("Billing Name", "Shipping Name"),
        "placed_at": "Created at",
        "status": First(Filled("Cancelled at", "cancelled"), "Financial Status"),
        "payment_status": "Financial Status",
        "delivery_status": "Fulfillment Status",
        "total": "Total",
        "currency": "Currency",
        "coupon": "Discount Code",
        "source": "Source",
        "product": First("Lineitem sku", "Lineitem name"),
        "name": "Lineitem name",
        "brand": "Vendor",
        "quantity": "Lineitem quantity",
        "price": "Lineitem price",
    },
    left_out=(
        *("Paid at", "Fulfilled at", "Accepts Marketing", "Subtotal", "Shipping", "Taxes", "Discount Amount"),
        *("Shipping Method", "Lineitem compare at price", "Lineitem requires shipping", "Lineitem taxable"),
        *("Lineitem fulfillment status", "Lineitem discount", "Refunded Amount", "Outstanding Balance", "Employee"),
        *(
            f"{of} {column}"
            for of in ("Billing", "Shipping")
            for column in ("Street", "Address1", "Address2", "Company", "City", "Zip", "Province", "Country")
        ),
        *("Billing Province Name", "Shipping Province Name", "Notes", "Note Attributes", "Payment Method"),
        *("Payment Reference", "Payment References", "Payment ID", "Payment Terms Name", "Next Payment Due At"),
        *("Location", "Device ID", "Id", "Tags", "Risk Level", "Receipt Number", "Duties"),
        *(f"Tax {number} {column}" for number in range(1, 6) for column in ("Name", "Value")),
    ),
    apostrophes=True,
)
