"""Every table and every column is declared: what it holds of a person, and how that is erased (S13)."""

from domain.migrations.tables import metadata
from domain.privacy.inventory import IMPERSONAL, OTHERWISE, PERSONAL, Erasure


def declared() -> dict[str, set[str] | None]:
    """Return the declared columns of each table, besides the store's; None where all rows are deleted."""
    columns: dict[str, set[str] | None] = {name: set(text.split()) for name, text in IMPERSONAL.items()}
    columns |= {name: None if text == "*" else set(text.split()) for name, (_, text) in OTHERWISE.items()}
    for entry in PERSONAL:
        keys = {column.name for column in entry.table.primary_key} - {"store_id"}
        is_deleted = entry.erasure in {Erasure.DELETED, Erasure.BY_EVENTS}
        columns[entry.table.name] = None if is_deleted else keys | set(entry.cleared or ()) | set(entry.kept.split())
    return columns


def test_every_table_is_declared() -> None:
    assert declared().keys() == metadata.tables.keys()
    assert not IMPERSONAL.keys() & OTHERWISE.keys()


def test_every_column_is_declared() -> None:
    stored = {name: set(table.columns.keys()) - {"store_id"} for name, table in metadata.tables.items()}
    assert {name: columns for name, columns in declared().items() if columns is not None} == {
        name: stored[name] for name, columns in declared().items() if columns is not None
    }


def test_whatever_bears_the_number_of_a_customer_is_of_a_person() -> None:
    numbered = {name for name, table in metadata.tables.items() if "customer_id" in table.columns}
    assert numbered - {entry.table.name for entry in PERSONAL} - OTHERWISE.keys() == set()


def test_a_persons_rows_are_found_by_a_key_or_an_index() -> None:
    """With the store, the customer is at the front of a key, or right behind a column whose values are known."""
    for entry in PERSONAL:
        table = entry.table
        keys = [list(table.primary_key.columns.keys()), *(list(index.columns.keys()) for index in table.indexes)]
        front = ["store_id", entry.owner, entry.customer] if entry.owner else ["store_id", entry.customer]
        assert any(key[: len(front)] == front for key in keys), table.name


def test_what_is_erased_is_exported() -> None:
    """The export follows from the same declarations, each in a place of its own."""
    assert len({entry.name for entry in PERSONAL}) == len(PERSONAL)
