"""Tells files by their first bytes: workbooks, and those that are neither these nor text."""

from domain.imports.csv_reader import Unreadable

_ZIP = b"PK\x03\x04"
_OTHERS = {
    b"PK\x05\x06": "The file is an empty zip archive: send an .xlsx or a CSV file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "The file is an .xls workbook, or one that a password protects: save it as .xlsx without a password, or as CSV"
    ),
    b"%PDF-": "The file is a PDF: send the table that it was made of, as .xlsx or CSV",
    b"\x1f\x8b": "The file is packed by gzip: unpack it, and send the .xlsx or CSV file inside",
    b"7z\xbc\xaf\x27\x1c": "The file is a 7z archive: unpack it, and send the .xlsx or CSV file inside",
    b"Rar!\x1a\x07": "The file is a RAR archive: unpack it, and send the .xlsx or CSV file inside",
    b"{\\rtf": "The file is a text document (RTF): send the table as .xlsx or CSV",
}


def is_archive(start: bytes) -> bool:
    """Return whether the file is a zip archive, as each .xlsx file is."""
    return start.startswith(_ZIP)


def check_type(start: bytes) -> None:
    """Raise Unreadable when the file is of a type that is known, and that no import reads."""
    for signature, message in _OTHERS.items():
        if start.startswith(signature):
            raise Unreadable(message)
