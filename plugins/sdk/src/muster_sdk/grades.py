"""Grades: how much of the contract a channel has been seen to fulfil, written beside its module by the contract kit."""

import json
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from muster_sdk.channel import Channel

__all__ = ["GRADE_FILE", "Grade", "GradeRecord", "grade_file", "grade_of", "read_grades", "write_grade"]

GRADE_FILE = "muster-contract.json"
"""The name of the file with the grades of a package's channels, by their keys."""


class Grade(StrEnum):
    """The part of the contract that a channel fulfils, by its author's own test run.

    BRONZE: all tests pass that go with what the channel declares. SILVER: also, a repeat is harmless or the account's
    limits are known, a refused account is told apart and waits as long as the provider asked, and there is a connection
    check. GOLD: also, receipts whose origin is verified, a review or an estimate of messages, and a message that the
    provider's own sandbox has taken.

        Grade.SILVER
    """

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"

    @property
    def rank(self) -> int:
        """1 for BRONZE to 3 for GOLD."""
        return list(Grade).index(self) + 1


@dataclass(frozen=True, slots=True)
class GradeRecord:
    """A grade as it was reached: by this `version` of the channel, with this `sdk`, on this `date` (ISO 8601, UTC).

    Example:

        GradeRecord(Grade.SILVER, version="1.0", sdk="0.1.0", date="2026-11-27")
    """

    grade: Grade
    version: str
    sdk: str
    date: str


def grade_of(channel: Channel) -> Grade | None:
    """Return the grade that is written beside the channel's module; None if there is none, or another version's.

    Whatever the file holds, this raises nothing.

        grade_of(Pigeons())  # Grade.SILVER
    """
    path = grade_file(channel)
    record = None if path is None else read_grades(path).get(channel.key)
    return record.grade if record is not None and record.version == channel.version else None


def grade_file(channel: Channel) -> Path | None:
    """Return where the channel's grade is written: beside the module that has its class; None if that is no file.

    grade_file(Pigeons())  # Path(".../pigeon_post/muster-contract.json")
    """
    file: object = getattr(sys.modules.get(type(channel).__module__), "__file__", None)
    return Path(file).parent / GRADE_FILE if isinstance(file, str) else None


def read_grades(path: Path) -> dict[str, GradeRecord]:
    """Return the grades in a file, by the channels' keys; what is no record is left out.

    read_grades(path)["pigeon"].grade
    """
    try:
        values = cast("object", json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = cast("dict[str, object]", values).items() if isinstance(values, dict) else ()
    records = {key: _record(value) for key, value in entries}
    return {key: record for key, record in records.items() if record is not None}


def write_grade(path: Path, key: str, record: GradeRecord | None) -> None:
    """Write a channel's grade into the file, beside those of other channels; None takes it out. Raise OSError.

    write_grade(path, "pigeon", GradeRecord(Grade.BRONZE, "1.0", "0.1.0", "2026-11-27"))
    """
    records = {other: value for other, value in read_grades(path).items() if other != key}
    if record is not None:
        records[key] = record
    if records:
        values = {name: asdict(records[name]) for name in sorted(records)}
        path.write_text(json.dumps(values, indent=2) + "\n")
    else:
        path.unlink(missing_ok=True)


def _record(value: object) -> GradeRecord | None:
    if not isinstance(value, dict):
        return None
    entry = cast("dict[str, Any]", value)
    texts = [entry.get(name) for name in ("version", "sdk", "date")]
    if entry.get("grade") not in list(Grade) or not all(isinstance(text, str) for text in texts):
        return None
    return GradeRecord(Grade(entry["grade"]), entry["version"], entry["sdk"], entry["date"])
