"""The reading of each column of a customers' file."""

from functools import partial

import orjson

from domain.customers import values
from domain.customers.fields import Field
from domain.customers.model import Consent, Gender
from domain.imports.cells import Parse, cached, either, for_driver, from_text, typed
from domain.imports.style import FileStyle
from domain.imports.values import countries, words
from domain.imports.values.text import identifier, tags
from domain.kit.values import ValueType

consent: Parse = either(partial(values.choice, choices=Consent), words.consent)
# An address on a channel, of numbers perhaps: an id of an account.
address: Parse = partial(identifier, longest=500)


def field_parse(field: Field, style: FileStyle, dialect: str) -> Parse:
    """Return the reading of a field's column, whose values are as the database's driver takes them."""
    parse: Parse
    if field.name == "external_id":
        parse = identifier
    elif field.name == "country":
        parse = either(values.country, countries.country)
    elif field.choices is Gender:
        parse = either(field.parse, words.gender)
    elif field.choices is not None:
        parse = either(field.parse, partial(words.choice, choices=field.choices))
    elif field.value_type is ValueType.STRING:
        parse = from_text(field.parse)
    else:
        parse = for_driver(field.value_type, typed(field.value_type, style.dates(field.name)), dialect)
    return parse if field.distinct else cached(parse)


def tag_objects(cell: str) -> str | None:
    """Return the tags of a cell as they are staged: a JSON list of objects."""
    items = [orjson.dumps({"tag": tag}).decode() for tag in tags(cell)]
    return f"[{','.join(items)}]" if items else None
