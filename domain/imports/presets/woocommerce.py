"""WooCommerce's exports: of its reports, of its own export extension, and of the most used plugin for orders."""

from domain.imports.presets.model import ExportPreset, First, Joined

CUSTOMERS = ExportPreset(
    "WooCommerce customers",
    marks=[("Username", "Last Active", "Sign Up", "Email", "Total Spend", "AOV")],
    fields={
        "name": "Name",
        "email": "Email",
        "registered_at": "Sign Up",
        "last_login_at": "Last Active",
        "country": "Country / Region",
        "city": "City",
        "address.1.country": "Country / Region",
        "address.1.city": "City",
        "address.1.region": "Region",
        "address.1.postcode": "Postal Code",
    },
    left_out=("Username", "Orders", "Total Spend", "AOV"),
)

CUSTOMER_EXPORT = ExportPreset(
    "WooCommerce customer export",
    marks=[("customer_id", "date_registered", "billing_first_name", "billing_email")],
    fields={
        "external_id": "customer_id",
        "email": First("email", "billing_email"),
        "first_name": First("first_name", "billing_first_name"),
        "last_name": First("last_name", "billing_last_name"),
        "phone": "billing_phone",
        "company": "billing_company",
        "country": "billing_country",
        "city": "billing_city",
        "registered_at": "date_registered",
        "address.1.street": Joined("billing_address_1", "billing_address_2"),
        "address.1.city": "billing_city",
        "address.1.region": "billing_state",
        "address.1.postcode": "billing_postcode",
        "address.1.country": "billing_country",
        "address.1.company": "billing_company",
    },
    left_out=(
        *("user_login", "user_pass", "user_nicename", "user_email", "user_url", "display_name", "role"),
        *("total_spent", "order_count"),
        *(
            f"shipping_{column}"
            for column in ("first_name", "last_name", "company", "address_1", "address_2", "city", "state")
        ),
        *("shipping_postcode", "shipping_country"),
    ),
)

ORDER_EXPORT = ExportPreset(
    "WooCommerce order export",
    marks=[("order_id", "order_date", "billing_email", "order_total", "item_name")],
    fields={
        "order_id": First("order_number", "order_id"),
        "customer_external_id": "customer_id",
        "customer_email": "billing_email",
        "customer_phone": "billing_phone",
        "customer_name": Joined("billing_first_name", "billing_last_name", separator=" "),
        "placed_at": "order_date",
        "status": "status",
        "total": "order_total",
        "currency": "order_currency",
        "coupon": "coupon_code",
        "product": First("item_sku", "item_name"),
        "name": "item_name",
        "quantity": "item_quantity",
        "price": "item_price",
    },
    left_out=(
        *("order_number_formatted", "date_paid", "date_completed", "shipping_total", "shipping_tax_total", "fee_total"),
        *("fee_tax_total", "tax_total", "cart_discount", "order_discount", "discount_total", "refunded_total"),
        *("payment_method", "shipping_method", "customer_note", "item_id", "item_product_id", "item_subtotal"),
        *("item_subtotal_tax", "item_total", "item_total_tax", "item_refunded", "item_refunded_qty", "item_meta"),
        *(
            f"{of}_{column}"
            for of in ("billing", "shipping")
            for column in ("company", "address_1", "address_2", "city", "state", "postcode", "country")
        ),
        *("shipping_first_name", "shipping_last_name"),
    ),
)

ADVANCED_ORDER_EXPORT = ExportPreset(
    "WooCommerce advanced order export",
    marks=[("Order Number", "Order Status", "Order Date", "Email (Billing)")],
    fields={
        "order_id": "Order Number",
        "customer_external_id": "Customer User ID",
        "customer_email": "Email (Billing)",
        "customer_phone": "Phone (Billing)",
        "customer_name": Joined("First Name (Billing)", "Last Name (Billing)", "Full Name (Billing)", separator=" "),
        "placed_at": "Order Date",
        "status": "Order Status",
        "total": "Order Total Amount",
        "currency": First("Order Currency", "Currency"),
        "coupon": "Coupon Code",
        "product": First("SKU", "Item Name"),
        "name": First("Item Name", "Product Name (main)", "Product Name"),
        "category": "Category",
        "variant": "Product Variation",
        "quantity": First("Quantity", "Quantity (- Refund)"),
        "price": "Item Cost",
    },
    left_out=(
        *("Completed Date", "Paid Date", "Customer Note", "Payment Method Title", "Shipping Method Title"),
        *("Cart Discount Amount", "Order Subtotal Amount", "Order Shipping Amount", "Order Refund Amount"),
        *("Order Total Tax Amount", "Discount Amount", "Discount Amount Tax", "Item #", "Item Tax Amount"),
        *(
            f"{column} ({of})"
            for of in ("Billing", "Shipping")
            for column in ("Company", "Address 1&2", "City", "State Code", "Postcode", "Country Code")
        ),
        *("First Name (Shipping)", "Last Name (Shipping)"),
    ),
)
