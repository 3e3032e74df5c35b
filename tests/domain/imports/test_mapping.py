"""Columns of other people's files, and the fields that they are."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.demo.data_files import files_in
from domain.customers.values import key_of_label, property_key
from domain.imports.alignment import align
from domain.imports.csv_reader import Records
from domain.imports.mapping import ColumnFields, map_columns
from domain.imports.model import ColumnMapping, ImportKind, ImportOptions, Progress, UnmappedColumns
from domain.imports.presets import PRESETS, muster
from domain.imports.presets.model import ExportPreset, same_name
from domain.imports.presets.names import FIELDS_BY_NAME
from domain.imports.runner import FORMATS
from domain.kit.errors import DomainError
from domain.segments.catalogue import catalogue

CUSTOMERS, ORDERS = FORMATS[ImportKind.CUSTOMERS], FORMATS[ImportKind.ORDERS]
_CHANNELS: dict[str, str] = dict.fromkeys(("email", "sms", "line", "facebook", "whatsapp"), "Channel")
PROPERTIES = ImportOptions(unmapped=UnmappedColumns.PROPERTIES)


def mapped(header: str, *mapping: ColumnMapping, kind: ImportKind = ImportKind.CUSTOMERS) -> ColumnFields:
    return map_columns(header.split(","), FORMATS[kind], ImportOptions(mapping))


def refusal(header: str, *mapping: ColumnMapping, kind: ImportKind = ImportKind.CUSTOMERS) -> DomainError:
    with pytest.raises(DomainError) as refused:
        mapped(header, *mapping, kind=kind)
    return refused.value


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("External ID,Name,E-mail", ["external_id", "name", "email"]),
        ("E-mail address,First Name,Last_Name,Phone number", ["email", "first_name", "last_name", "phone"]),
        ("EXTERNAL-ID,電話,生日", ["external_id", "phone", "birthday"]),
        ("Vorname,Nachname,E-Mail-Adresse", ["first_name", "last_name", "email"]),
        ("external_id,Loyalty Rank,Consent.email", ["external_id", "loyalty_rank"]),
        ("external_id,address.city,address.2.city", ["external_id", "address.1.city", "address.2.city"]),
    ],
)
def test_plain_names_are_known_however_they_are_written(header: str, names: Sequence[str]) -> None:
    """h13h."""
    assert mapped(header).names == names


def test_a_given_mapping_wins_over_what_is_known() -> None:
    columns = mapped("Mail,email,Name", ColumnMapping("mail", "email"), ColumnMapping("Name", None))
    assert (columns.names, columns.cells, columns.left_out) == (["email"], [0], [1, 2])
    # What the caller leaves out is not told; what lost its field is.
    assert [notice.column for notice in columns.notices] == ["email"]


def test_what_is_mapped_to_nothing_is_told_or_taken_as_a_property() -> None:
    """h20: a property's name is its label."""
    heads = ["external_id", "Shoe size", "興趣", "property.Größe", "property.size"]
    columns = map_columns(heads, CUSTOMERS, PROPERTIES)
    interest, size = key_of_label("興趣"), key_of_label("Größe")
    assert columns.names == [
        "external_id",
        "property.shoe_size",
        f"property.{interest}",
        f"property.{size}",
        "property.size",
    ]
    assert columns.labels == {"shoe_size": "Shoe size", interest: "興趣", size: "Größe"}
    assert [notice.column for notice in columns.notices] == ["Shoe size", "興趣"]
    left_out = map_columns(heads, CUSTOMERS, ImportOptions())
    assert left_out.names == ["external_id", f"property.{size}", "property.size"]
    assert [(notice.column, notice.outcome) for notice in left_out.notices] == [
        ("Shoe size", "NOTICE"),
        ("興趣", "NOTICE"),
    ]


@pytest.mark.parametrize(
    ("header", "mapping", "field", "message"),
    [
        ("email,E-mail", [], ("file",), "The columns 'email' and 'E-mail' are both email: map one of them to nothing"),
        ("email,email", [], ("file",), "The column 'email' comes twice"),
        ("a,b", [("c", "email")], ("mapping", 0, "column"), "The file has no column 'c': it has a, b"),
        ("a,b", [("a", "email"), ("A", "name")], ("mapping", 1, "column"), "The column 'A' is mapped twice"),
        ("a,b", [("a", "shoe")], ("mapping", 0, "field"), "There is no field 'shoe': there are external_id, name,"),
        ("a,b", [("a", "property.!")], ("mapping", 0, "field"), "is no property's name"),
        ("a,b", [("a", "address.0.city")], ("mapping", 0, "field"), "'0' is no address's number: 1 to 20"),
        ("a,b", [("a", "email"), ("b", "email")], ("file",), "The columns 'a' and 'b' are both email"),
        ("email,Shoe size,shoe-size", None, ("file",), "are both property.shoe_size"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    header: str, mapping: list[tuple[str, str]] | None, field: tuple[str | int, ...], message: str
) -> None:
    options = ImportOptions([ColumnMapping(*pair) for pair in mapping or ()])
    with pytest.raises(DomainError) as refused:
        map_columns(header.split(","), CUSTOMERS, PROPERTIES if mapping is None else options)
    assert refused.value.field == field
    assert message in refused.value.message


def test_only_customers_have_properties() -> None:
    with pytest.raises(DomainError, match="only customers have properties"):
        map_columns(["order_id", "colour"], ORDERS, PROPERTIES)


def test_graphql_names_are_fields_too() -> None:
    assert mapped("a,b", ColumnMapping("a", "externalId"), ColumnMapping("b", "registeredAt")).names == [
        "external_id",
        "registered_at",
    ]


@pytest.mark.parametrize("kind", list(ImportKind))
def test_names_and_presets_lead_to_fields_that_there_are(kind: ImportKind) -> None:
    fields = FORMATS[kind]
    known = {*FIELDS_BY_NAME[kind].values(), *(name for preset in PRESETS[kind] for name in preset.fields)}
    assert {name for name in known if fields.field(name) != name} == set()


@pytest.mark.parametrize("preset", [preset for presets in PRESETS.values() for preset in presets], ids=lambda p: p.name)
def test_a_preset_says_of_each_column_once_what_it_is(preset: ExportPreset) -> None:
    left_out = [same_name(column) for column in preset.left_out]
    assert len(left_out) == len(set(left_out))


def test_what_a_list_exports_and_cannot_be_taken_back_is_known() -> None:
    """The report of a list may have any dimension that has a value."""
    dimensions = catalogue(channels=_CHANNELS).dimensions
    computed = {same_name(column) for column in muster.LIST_EXPORT.left_out}
    untaken = {
        key
        for key in dimensions
        if CUSTOMERS.field(key) is None and same_name(key) not in computed and key not in {"tag", "near"}
    }
    assert untaken == set()


@given(st.text(max_size=100))
def test_a_label_has_one_key(label: str) -> None:
    try:
        key = key_of_label(label)
    except DomainError:
        return
    assert property_key(key) == key == key_of_label(label)


SAMPLES = Path(__file__).parents[3] / "docs" / "howto" / "samples"


@pytest.mark.parametrize(
    ("name", "kind", "preset"),
    [
        ("shopify_customers", ImportKind.CUSTOMERS, "Shopify customers"),
        ("shopify_orders", ImportKind.ORDERS, "Shopify orders"),
        ("woocommerce_customers", ImportKind.CUSTOMERS, "WooCommerce customers"),
        ("woocommerce_orders", ImportKind.ORDERS, "WooCommerce advanced order export"),
        ("mailchimp_subscribed", ImportKind.CUSTOMERS, "Mailchimp audience"),
        ("mailchimp_unsubscribed", ImportKind.CUSTOMERS, "Mailchimp audience"),
        ("klaviyo_profiles", ImportKind.CUSTOMERS, "Klaviyo profiles"),
        ("shopline_customers", ImportKind.CUSTOMERS, "SHOPLINE customers"),
        ("shopline_orders", ImportKind.ORDERS, "SHOPLINE orders"),
    ],
)
def test_the_samples_are_the_exports_that_they_are_called(name: str, kind: ImportKind, preset: str) -> None:
    with (SAMPLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        heads = next(csv.reader(file))
    columns = map_columns(heads, FORMATS[kind], ImportOptions())
    assert columns.preset == preset
    if kind is ImportKind.CUSTOMERS:
        # Each column is a field, or named among those of which nothing is taken.
        assert [notice.column for notice in columns.notices] == [None]


def test_a_column_may_mean_something_by_not_being_empty() -> None:
    """Rule 3.9: whoever has unsubscribed at Mailchimp is unsubscribed, whatever was confirmed before."""
    heads = ["Email Address", "UNSUB_TIME", "CONFIRM_TIME", "OPTIN_TIME", "First Name"]
    columns = map_columns(heads, CUSTOMERS, ImportOptions())
    progress = Progress(columns=columns.names, cells=columns.cells, composed=columns.composed, width=5, header_row=0)
    rows = [["a", "2022-01-01", "2020-01-01", "", "A"], ["b", " ", "2020-01-01", "", "B"], ["c", "", "", "x", "C"]]
    consents = [
        dict(zip(columns.names, row, strict=True))["consent.email"] for _, row in align(Records(rows, 0), progress).rows
    ]
    assert consents == ["UNSUBSCRIBED", "SUBSCRIBED", ""]


def test_a_folder_of_exports_is_recognised_by_the_columns() -> None:
    files = {file.path.stem: file.kind for file in files_in(SAMPLES)}
    assert list(files.values()) == sorted(files.values(), key=list(ImportKind).index)
    assert files["mailchimp_subscribed"] is ImportKind.CUSTOMERS
    assert files["events"] is ImportKind.EVENTS
