"""The files that shops and newsletters export, recognised by their columns."""

from collections.abc import Collection, Mapping, Sequence

from domain.imports.model import ImportKind
from domain.imports.presets import klaviyo, mailchimp, muster, shopify, shopline, woocommerce
from domain.imports.presets.model import ExportPreset, same_name

PRESETS: Mapping[ImportKind, Sequence[ExportPreset]] = {
    ImportKind.CUSTOMERS: (
        shopify.CUSTOMERS,
        woocommerce.CUSTOMERS,
        woocommerce.CUSTOMER_EXPORT,
        mailchimp.AUDIENCE,
        klaviyo.PROFILES,
        shopline.CUSTOMERS,
        muster.LIST_EXPORT,
    ),
    ImportKind.ORDERS: (
        shopify.ORDERS,
        woocommerce.ORDER_EXPORT,
        woocommerce.ADVANCED_ORDER_EXPORT,
        shopline.ORDERS,
    ),
    ImportKind.EVENTS: (),
}


def recognise(kind: ImportKind, heads: Collection[str]) -> ExportPreset | None:
    """Return the export that a file with these columns is, None for any other file."""
    names = {same_name(head) for head in heads}
    return next((preset for preset in PRESETS[kind] if preset.is_of(names)), None)
