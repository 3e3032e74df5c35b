"""Workbooks as spreadsheets write them, and as nobody does."""

# xlsxwriter ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def workbook(rows: Sequence[Sequence[object]], **options: object) -> bytes:
    """Return a workbook of one sheet, whose texts are texts, whatever they look like."""
    file = BytesIO()
    texts = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, {**texts, **options, "in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            sheet.write_row(row, 0, cells)
    return file.getvalue()


def parts(sheet: str | bytes, strings: str | bytes | None = None, styles: str | None = None) -> dict[str, str | bytes]:
    """Return the parts of a workbook of one sheet: as text what is within its elements, as bytes the whole part."""
    if isinstance(sheet, str):
        sheet = f"{_HEAD}<worksheet {_MAIN}><sheetData>{sheet}</sheetData></worksheet>"
    if isinstance(strings, str):
        strings = f"{_HEAD}<sst {_MAIN}>{strings}</sst>"
    relations = f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
    if strings is not None:
        relations += f'<Relationship Id="rId2" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/>'
    if styles is not None:
        relations += f'<Relationship Id="rId3" Type="{_REL}/styles" Target="/xl/styles.xml"/>'
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    made: dict[str, str | bytes | None] = {
        "xl/workbook.xml": f'{_HEAD}<workbook {_MAIN} xmlns:r="{_REL}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": f"{_HEAD}<Relationships>{relations}</Relationships>",
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": strings,
        "xl/styles.xml": styles,
    }
    return {name: content for name, content in made.items() if content is not None}


def packed(contents: Mapping[str, str | bytes], *, level: int = 6) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()
